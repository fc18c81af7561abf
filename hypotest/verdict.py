"""From the outcomes of predictions to a verdict on each hypothesis, by a rule fixed in advance.

*Supported* is an intersection: every prediction on which the hypothesis speaks came out as
expected, each at the unadjusted level. *Refuted* is a union: at least one deciding prediction
contradicts it, with an adjusted p-value within the level. Everything else is undecided, unless a
premise failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from hypotest.records.protocol.prediction import Outcome, Role, Status
from hypotest.records.results.prediction_result import PredictionResult, Stance
from hypotest.records.results.results import HypothesisVerdict

Rule = Literal["every_prediction"]


def stance(outcome: Outcome, expects: Sequence[str], role: Role) -> Stance:
    """What one prediction says of one hypothesis.

    Args:
        outcome: Of the prediction.
        expects: Outcomes that the hypothesis expects; empty for `any`.
        role: Of the prediction; a descriptive one is silent.

    Returns:
        ``silent``, ``open`` (inconclusive or undefined), ``supports``, or ``contradicts`` (another
        determinate outcome).

    Examples:
        >>> stance("greater", ("less", "equivalent"), "deciding")
        'contradicts'
    """
    if role == "descriptive" or not expects:
        return "silent"
    if outcome in ("inconclusive", "undefined"):
        return "open"
    return "supports" if outcome in expects else "contradicts"


def decide(
    predictions: Sequence[PredictionResult],
    hypotheses: Sequence[str],
    level: float,
    rule: Rule = "every_prediction",
) -> tuple[HypothesisVerdict, ...]:
    """Apply the decision rule.

    1. Premises are gates for all hypotheses together: one that contradicts an expectation makes
       every hypothesis `not applicable`; else one that is inconclusive or undefined leaves every
       hypothesis `undecided`.
    2. `supported`: every prediction on which the hypothesis speaks, premises included, has an
       expected outcome, and at least one of them decides (a premise alone supports nothing).
    3. `refuted`: at least one deciding prediction contradicts the hypothesis and its adjusted
       p-value is within the level: that of the difference for `less` and `greater`, that of
       equivalence for `equivalent`. Where the hypothesis expects `equivalent`, a difference
       contradicts it only beyond the margin, so the adjusted p-value of lying beyond it must be
       within the level too: with enough documents, every effect inside the margin differs from
       zero. Measures without an interval have neither `equivalent` nor such a p-value.
    4. Else `undecided`.

    Supported needs no contradiction and refuted needs one, so no hypothesis is both.

    Args:
        predictions: Tested predictions, with adjusted p-values.
        hypotheses: Names, in the order of the verdicts; a prediction that does not name one is
            silent.
        level: Such as 0.05.
        rule: The only one there is.

    Returns:
        One verdict per hypothesis.

    Raises:
        ValueError: If the rule is unknown, or two predictions have one id.
    """
    if rule != "every_prediction":
        raise ValueError(f"the rule must be 'every_prediction', found {rule!r}")
    if len({item.id for item in predictions}) < len(predictions):
        raise ValueError("predictions must have different ids")
    gate = _gate(predictions, hypotheses)
    return tuple(_verdict(predictions, name, level, gate) for name in hypotheses)


def _gate(predictions: Sequence[PredictionResult], hypotheses: Sequence[str]) -> tuple[Status, str] | None:
    """What the premises say for all hypotheses; None if they let them pass."""
    premises = [item for item in predictions if item.role == "premise"]
    stances = {
        item.id: {stance(item.outcome, item.expects.get(name, ()), item.role) for name in hypotheses}
        for item in premises
    }
    failed = [item for item in premises if "contradicts" in stances[item.id]]
    if failed:
        outcomes = _join([f"{item.id} came out {item.outcome}" for item in failed])
        return "not applicable", f"Premise failed: {outcomes}."
    unclear = [item for item in premises if "open" in stances[item.id]]
    if unclear:
        return "undecided", f"Premise {'; premise '.join(_by_outcome(unclear))}."
    return None


def _verdict(
    predictions: Sequence[PredictionResult],
    hypothesis: str,
    level: float,
    gate: tuple[Status, str] | None,
) -> HypothesisVerdict:
    by_stance: dict[Stance, list[PredictionResult]] = {
        "supports": [],
        "contradicts": [],
        "open": [],
        "silent": [],
    }
    for item in predictions:
        by_stance[stance(item.outcome, item.expects.get(hypothesis, ()), item.role)].append(item)
    refuting = [item for item in by_stance["contradicts"] if _refutes(item, hypothesis, level)]
    status, reason = gate or _judge(by_stance, refuting, hypothesis)
    return HypothesisVerdict(
        hypothesis=hypothesis,
        status=status,
        supported_by=_ids(by_stance["supports"]),
        contradicted_by=_ids(by_stance["contradicts"]),
        refuted_by=_ids(refuting),
        open=_ids(by_stance["open"]),
        silent=_ids(by_stance["silent"]),
        reason=reason,
    )


def _judge(
    by_stance: dict[Stance, list[PredictionResult]],
    refuting: list[PredictionResult],
    hypothesis: str,
) -> tuple[Status, str]:
    """Status and reason of one hypothesis whose premises hold."""
    if refuting:
        return "refuted", f"{_join([_against(item, hypothesis) for item in refuting])}."
    contradicting, unclear = by_stance["contradicts"], by_stance["open"]
    doubts = []
    if contradicting:
        outcomes = _join([_against(item, hypothesis) for item in contradicting])
        doubts.append(f"{outcomes}, not enough to refute it after the correction")
    if unclear:
        doubts += _by_outcome(unclear)
    if doubts:
        return "undecided", f"{'; '.join(doubts)}."
    supporting = _ids(by_stance["supports"])
    if not any(item.role == "deciding" for item in by_stance["supports"]):
        return "undecided", "No deciding prediction says anything of it."
    return "supported", f"As expected: {_join(supporting)}."


def _refutes(item: PredictionResult, hypothesis: str, level: float) -> bool:
    """Whether a contradiction survives the correction."""
    adjusted = _adjusted(item, hypothesis)
    return item.role == "deciding" and adjusted is not None and adjusted <= level


def _adjusted(item: PredictionResult, hypothesis: str) -> float | None:
    """Adjusted p-value with which the outcome contradicts what the hypothesis expects."""
    if item.outcome == "equivalent":
        return item.p_equivalence_adjusted
    if "equivalent" not in item.expects.get(hypothesis, ()):
        return item.p_adjusted
    if item.p_adjusted is None or item.p_beyond_adjusted is None:
        return None
    return max(item.p_adjusted, item.p_beyond_adjusted)


def _against(item: PredictionResult, hypothesis: str) -> str:
    expected = " or ".join(item.expects[hypothesis])
    adjusted = _adjusted(item, hypothesis)
    p = "no p-value" if adjusted is None else f"adjusted p = {adjusted:.2g}"
    return f"{item.id} came out {item.outcome}, expected {expected} ({p})"


def _by_outcome(unclear: Sequence[PredictionResult]) -> list[str]:
    """``inconclusive: a and b``, ``undefined: c``: which predictions leave it open, and how."""
    outcomes: tuple[Outcome, ...] = ("inconclusive", "undefined")
    by_outcome = {name: [item for item in unclear if item.outcome == name] for name in outcomes}
    return [f"{name}: {_join(_ids(items))}" for name, items in by_outcome.items() if items]


def _ids(items: Sequence[PredictionResult]) -> tuple[str, ...]:
    return tuple(item.id for item in items)


def _join(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``; with semicolons where a part has commas of its own."""
    if len(parts) == 1:
        return parts[0]
    comma = "; " if any("," in part for part in parts) else ", "
    return f"{comma.join(parts[:-1])} and {parts[-1]}"
