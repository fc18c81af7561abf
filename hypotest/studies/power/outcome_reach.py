"""Can a plan find what its hypotheses say? The one rule by which `hypotest power` accepts, warns and refuses.

Every outcome that a hypothesis names, for a prediction that is not merely descriptive, must be within reach where
it is true, with the planned documents and draws, at the unadjusted level (at which outcomes are classified):

| outcome | where it is true | good | doubtful: warned | out of reach: refused |
|---|---|---|---|---|
| `equivalent` | an ordinary group (a draw of the null); without a null no effect | `GOOD` or more | `EVEN` or more | less, or a ceiling under 0.90 |
| `less`, `greater` | an effect of `SIZE` null SDs or standard errors | `GOOD` or more | less | no effect can be significant |

Where a hypothesis names several outcomes, any of which supports it, one that is out of reach is only warned of, as
long as another is not.

`GOOD` is the power that studies are customarily planned for. Below `EVEN` an outcome is missed more often than found
although it is true: a plan that rests on it is refused, with exit code 1. For `less` and `greater` the true size is
nobody's to know, hence the milder rule.

A margin is **too wide** where it exceeds the smallest effect that is significant against the null after correction
(by `WIDE`): then even a decisive difference counts as equivalent. That is warned of, since it can be meant. Without a
null there is no such width: a standard error vanishes with enough documents, and then every margin exceeds what is
significant, as it should.
"""  # noqa: E501  # the rows of the table

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from scipy import stats

from hypotest.inference.margins import MINIMUM_CEILING
from hypotest.inference.power import effect_seen
from hypotest.pipeline.analysis.sensitivity import kind_of
from hypotest.records.protocol.prediction import ExpectedOutcome, Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration.checks.margins import WIDE
from hypotest.studies.power.basis import PowerBasis
from hypotest.studies.power.grid import planned_draws
from hypotest.studies.power.reach import MarginReach, OutcomeReach, Reachable
from hypotest.studies.power.record import SEEN

GOOD = SEEN
"""Chance of an outcome, where it is true, that is called good."""
EVEN = 0.5
"""With a smaller chance an outcome is missed more often than found."""
SIZE = 3.0
"""Of the effect for which `less` and `greater` are judged, in null SDs or standard errors."""
_MORE = (2, 4, 8, 16)
"""Multiples of the planned documents that are tried for a remedy."""


def reach_of_outcomes(base: PowerBasis, plan: Protocol, planned: int) -> tuple[OutcomeReach, ...]:
    """The rule, applied to every outcome that a hypothesis names for a prediction.

    Args:
        base: What the prediction's power rests on.
        plan: The protocol.
        planned: Documents of the evaluation split.
    """
    if base.prediction.role == "descriptive":
        return ()
    named: dict[ExpectedOutcome, list[str]] = {}
    for hypothesis, outcomes in base.prediction.expects.items():
        for outcome in outcomes:
            named.setdefault(outcome, []).append(hypothesis)
    judged = tuple(
        OutcomeReach(
            outcome,
            tuple(hypotheses),
            *(
                _equivalence(base, plan, planned)
                if outcome == "equivalent"
                else _difference(base, plan, planned)
            ),
        )
        for outcome, hypotheses in named.items()
    )
    return tuple(_beside_others(item, judged) for item in judged)


def _beside_others(item: OutcomeReach, judged: tuple[OutcomeReach, ...]) -> OutcomeReach:
    """Out of reach is only doubtful where everybody who names it also names an outcome that can come out."""
    if item.status != "out of reach":
        return item
    left = {
        name: [other.outcome for other in judged if name in other.hypotheses and other.status != item.status]
        for name in item.hypotheses
    }
    if not all(left.values()):
        return item
    others = " or ".join(dict.fromkeys(f"`{outcome}`" for outcomes in left.values() for outcome in outcomes))
    return replace(item, status="doubtful", reason=f"{item.reason}. What can come out is {others}")


def reach_of_margin(base: PowerBasis, plan: Protocol, planned: int) -> MarginReach | None:
    """Between which margins equivalence and differences can be told apart; None without a margin."""
    width = base.half_width(planned)
    if base.prediction.margin is None or not width:
        return None
    kind, declared = kind_of(base.prediction.margin)
    unit = width / declared
    needed = _needed_margin(base, plan, planned)
    draws, level = planned_draws(plan, base.prediction), plan.decision.level
    corrected = level / max(1, len(plan.deciding))
    widest = None if base.draws is None else base.smallest(planned, draws, corrected)
    return MarginReach(
        kind=kind,
        declared=declared,
        unit=unit,
        needed=None if needed is None else needed / unit,
        widest=None if widest is None else widest / unit,
        too_wide=widest is not None and width > WIDE * widest,
    )


def refusals(prediction: Prediction, reach: tuple[OutcomeReach, ...]) -> Iterator[str]:
    """Why a plan is refused for this prediction."""
    for item in reach:
        if item.status == "out of reach":
            yield f"predictions.{prediction.id}: refused: {_who(item)}, but {item.reason}"


def warnings(
    prediction: Prediction, reach: tuple[OutcomeReach, ...], margin: MarginReach | None
) -> Iterator[str]:
    """What a plan is warned of for this prediction."""
    for item in reach:
        if item.status == "doubtful":
            yield f"{prediction.id}: {_who(item)}, but {item.reason}"
    if margin is not None and margin.too_wide and margin.widest is not None and reach:
        yield (
            f"{prediction.id}: the margin is too wide: {margin.declared:g} {margin.kind}, where an effect of "
            f"{margin.widest:.2g} is significant after the correction, so that even a decisive difference "
            "counts as equivalent; narrow it"
        )


def _equivalence(base: PowerBasis, plan: Protocol, planned: int) -> tuple[float | None, Reachable, str]:
    level = plan.decision.level
    chance = base.equivalent(planned, level)
    ceiling = base.ceiling(planned)
    if ceiling is not None and ceiling < MINIMUM_CEILING:
        return (
            chance,
            "out of reach",
            f"only {ceiling:.0%} of the draws of {base.compared_with} lie inside its margin "
            f"({MINIMUM_CEILING:.0%} are needed); {_remedy(base, plan, planned)}",
        )
    if chance is None:
        return None, "unknown", "there are too few documents here to foresee it"
    if chance >= GOOD:
        return chance, "good", ""
    error, margin = base.error(planned), base.half_width(planned)
    why = (
        "it has no interval, without which equivalence is never concluded"
        if error is None
        else f"a standard error of {error:.2g} over documents is large for a margin of {margin:.2g}"
    )
    status: Reachable = "doubtful" if chance >= EVEN else "out of reach"
    wanted = f"{GOOD:.0%} are good" if chance >= EVEN else f"{EVEN:.0%} are needed"
    reason = f"it has a chance of {chance:.0%} even where it is true ({wanted}): {why}"
    return chance, status, f"{reason}; {_remedy(base, plan, planned)}"


def _difference(base: PowerBasis, plan: Protocol, planned: int) -> tuple[float | None, Reachable, str]:
    unit = base.unit(planned)
    if not base.visible or not unit:
        return None, "unknown", "there are too few documents here to foresee it"
    draws, level = planned_draws(plan, base.prediction), plan.decision.level
    smallest = base.smallest(planned, draws, level)
    if smallest is None:
        return 0.0, "out of reach", f"with {draws:,} draws no effect is significant; raise them"
    chance = base.power(SIZE * unit, planned, draws, level)
    chance = max(0.0, chance - _significant_and_equivalent(base, planned, level, smallest))
    if chance >= GOOD:
        return chance, "good", ""
    what = "null SDs" if base.draws is not None else "standard errors"
    reason = (
        f"an effect of {SIZE:g} {what} is found with a chance of {chance:.0%} only ({GOOD:.0%} are good): "
        "the null has long tails, or the margin takes it for equivalent"
    )
    return chance, "doubtful", reason


def _significant_and_equivalent(base: PowerBasis, planned: int, level: float, smallest: float) -> float:
    """Chance that an effect of `SIZE` units is significant and counts as equivalent all the same."""
    unit, width, error = base.unit(planned), base.half_width(planned), base.error(planned)
    if not unit or width is None or error is None:
        return 0.0
    # |x| + t s <= margin, of these the ones with |x| <= smallest, which are not significant
    bare = smallest + float(stats.t.ppf(1 - level, base.measured_of(planned) - 1)) * error
    if width <= bare:
        return 0.0
    inside, not_significant = (
        base.equivalent(planned, level, margin=margin, effect=SIZE * unit) or 0.0 for margin in (width, bare)
    )
    return max(0.0, inside - not_significant)


def _needed_margin(base: PowerBasis, plan: Protocol, documents: int) -> float | None:
    """The narrowest margin with a good chance of `equivalent`, in the unit of the effect."""
    unit, level = base.unit(documents), plan.decision.level
    if not unit or base.equivalent(documents, level) is None:
        return None
    return effect_seen(lambda margin: base.equivalent(documents, level, margin=margin) or 0.0, unit, GOOD)


def _remedy(base: PowerBasis, plan: Protocol, planned: int) -> str:
    """What would give it a good chance, with its number."""
    assert base.prediction.margin is not None  # equivalence needs one
    level, ways = plan.decision.level, []
    more = (factor for factor in _MORE if (base.equivalent(factor * planned, level) or 0.0) >= GOOD)
    if (factor := next(more, None)) is not None:
        ways.append(f"take {factor} times the documents")
    needed, width = _needed_margin(base, plan, planned), base.half_width(planned)
    kind, declared = kind_of(base.prediction.margin)
    if needed is not None and width:
        ways.append(f"widen the margin to {needed / width * declared:.2g} {kind}")
    return ", ".join([*ways, "or expect another outcome"]) if ways else "expect another outcome"


def _who(item: OutcomeReach) -> str:
    verb = "expects" if len(item.hypotheses) == 1 else "expect"
    return f"{' and '.join(item.hypotheses)} {verb} `{item.outcome}`"
