"""Published claims beside a run: agreed, contradicted, open, shown, or not measured."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePath

from hypotest.measures.registry import filled_options
from hypotest.records.protocol.claims import QUANTITIES, Claim, Claims
from hypotest.records.protocol.prediction import Contrast, Outcome, Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.prediction_result import PredictionResult, SecondaryNumber
from hypotest.records.results.results import Results
from hypotest.studies.compare.record import Agreement, ClaimCheck

_FINAL = (None, "main", "master")
"""Revisions that are the model itself, not a checkpoint of its training."""


def check_claims(claims: Claims, results: Results, plan: Protocol, label: str) -> Iterator[ClaimCheck]:
    """Hold every claim of a paper against one run.

    A claim that names a range *agrees* where the run's 95 % interval of that quantity lies inside the range,
    *disagrees* where it lies wholly outside, and is *open* else: what a margin is to an equivalence test, the
    claimed range is here. An interval that merely meets the range does not confirm it, or the least
    precise run would agree with everything. A quantity without an interval leaves the claim open, whatever
    its value. A published number without a spread is *shown* beside the measured one and not judged: nobody
    said how far from it a run may lie.

    A claim that names an outcome agrees where the run has that outcome, disagrees where it has another
    determinate one, and is open where the run is inconclusive.

    A run can be held against a claim if one of its predictions has the claim's measure, options and
    contrast. The claim may be about another model or layer: that is marked, not hidden.

    Args:
        claims: Of one paper.
        results: Of one run.
        plan: Its protocol.
        label: Of the run, in the comparison.

    Yields:
        One check per claim, in their order.
    """
    for claim in claims.claims:
        same = _is_same_layer(claims, results) and _is_same_model(claims.models_of(claim), plan)
        published = _published_of(claims, claim, plan) if same else None
        yield _check(claim, results, plan, label, same, published)


def judge_range(
    claimed: tuple[float, float], measured: float, interval: tuple[float, float] | None
) -> tuple[Agreement, str]:
    """Whether a measured quantity lies where a paper says, and why that is open.

    Args:
        claimed: Range of the claim, infinite where it is open.
        measured: The quantity.
        interval: Its 95 % interval; None if it has none.

    Examples:
        >>> judge_range((0.8, 1.0), 0.9, (0.85, 0.95))
        ('agrees', '')
        >>> judge_range((0.8, 1.0), 0.9, (0.1, 1.7))
        ('open', 'the interval lies partly inside the claimed range')
    """
    low, high = claimed
    if interval is None:
        place = "inside" if low <= measured <= high else "outside"
        return "open", f"{place} the claimed range, but this number has no interval of its own"
    if interval[0] > high or interval[1] < low:
        return "disagrees", ""
    if low <= interval[0] and interval[1] <= high:
        return "agrees", ""
    return "open", "the interval lies partly inside the claimed range"


def _published_of(claims: Claims, claim: Claim, plan: Protocol) -> float | None:
    """The value that a table has for the run's model."""
    values = claim.values or {}
    by_model = {**values, **{twin: values[of] for twin, of in claims.twins.items() if of in values}}
    return next((value for name, value in by_model.items() if _is_same_model((name,), plan)), None)


def _check(
    claim: Claim, results: Results, plan: Protocol, label: str, same_model: bool, published: float | None
) -> ClaimCheck:
    prediction, reason = _comparable(claim, plan)
    check = ClaimCheck(
        claim=claim.id,
        where=claim.where,
        read_in=claim.read_in,
        note=claim.note,
        says=claim.says,
        run=label,
        claimed=claimed_text(claim, published),
        quantity="outcome" if claim.outcome else claim.quantity + (f" per {claim.per}" if claim.per else ""),
        prediction=None,
        measured=None,
        measured_outcome=None,
        interval=None,
        agreement="not measured",
        same_model=same_model,
        reason=reason,
    )
    if prediction is None:
        return check
    result = next(item for item in results.predictions if item.id == prediction.id)
    check = replace(check, prediction=result.id, measured_outcome=result.outcome)
    if claim.outcome is not None:
        agreement, why = judge_outcome(claim.outcome, result.outcome)
        bounds = _bounds(result)
        return replace(check, measured=result.effect, interval=bounds, agreement=agreement, reason=why)
    measured, interval = quantity_of(result, claim.quantity)
    if claim.per is not None and measured is not None:
        size = len(results.group.neurons)
        measured = measured / size
        interval = None if interval is None else (interval[0] / size, interval[1] / size)
    if measured is None:
        known = ", ".join([*QUANTITIES, *result.secondary])
        return replace(check, reason=f"{result.id} has no {claim.quantity} in this run; it has {known}")
    if claim.range is None:
        return replace(check, measured=measured, interval=interval, agreement="shown", reason="")
    agreement, why = judge_range(claim.range, measured, interval)
    return replace(check, measured=measured, interval=interval, agreement=agreement, reason=why)


def judge_outcome(claimed: tuple[str, ...], outcome: Outcome) -> tuple[Agreement, str]:
    """Whether an outcome is one that a paper claims, and why that is open."""
    if outcome in ("inconclusive", "undefined"):
        return "open", f"the run is {outcome}"
    return ("agrees" if outcome in claimed else "disagrees"), ""


def quantity_of(result: PredictionResult, quantity: str) -> tuple[float | None, tuple[float, float] | None]:
    """A number of a prediction, with its 95 % interval where it has one of its own.

    The interval of a run is that of the effect. Against a number fixed in advance it is, shifted, that of
    the observed value; against a null's mean or another condition it is not, since both sides vary. Some
    predictions have intervals of their other numbers.

    Args:
        result: Of one prediction.
        quantity: ``observed``, ``reference``, ``effect``, or the name of a secondary number.

    Returns:
        The number in the measure's unit, None if there is no such number or it is undefined, and its
        interval or None.
    """
    bounds, own = _bounds(result), result.own_intervals
    if quantity == "effect":
        return result.effect, bounds
    if quantity == "reference":
        return result.reference_value, own.reference
    if quantity == "observed":
        shift = result.reference_value
        if result.reference != "value" or bounds is None or shift is None:
            return result.observed, own.observed
        return result.observed, (bounds[0] + shift, bounds[1] + shift)
    return _secondary(result, quantity)


def _secondary(result: PredictionResult, name: str) -> tuple[float | None, tuple[float, float] | None]:
    number = result.secondary.get(name, SecondaryNumber(None))
    return number.value, number.interval_95


def claimed_text(claim: Claim, published: float | None = None) -> str:
    """What is claimed, in a few characters.

    Args:
        claim: Of a paper.
        published: Of a row of a table, the value of the run's model; without it, the range of the row.

    Examples:
        >>> claimed_text(Claim(id="a", where="b", says="c", measure="modularity", value=0.34, sd=0.05))
        '0.34 ± 0.05'
    """
    if claim.outcome is not None:
        return " or ".join(claim.outcome)
    if published is not None:
        return f"{published:g}"
    if claim.values is not None:
        low, high = min(claim.values.values()), max(claim.values.values())
        return f"{low:g}" if low == high else f"{low:g} to {high:g}"
    if claim.value is not None:
        return f"{claim.value:g}" + ("" if claim.sd is None else f" ± {claim.sd:g}")
    low, high = claim.range or (-math.inf, math.inf)
    if math.isinf(low):
        return f"at most {high:g}"
    return f"at least {low:g}" if math.isinf(high) else f"{low:g} to {high:g}"


def _comparable(claim: Claim, plan: Protocol) -> tuple[Prediction | None, str]:
    """The prediction that a claim can be held against; else what to add to the protocol."""
    same_measure = [item for item in plan.predictions if item.measure == claim.measure]
    if not same_measure:
        return None, f"no prediction measures it; add one with {_wanted(claim)}"
    same_options = [item for item in same_measure if _has_options(item, claim)]
    if not same_options:
        return None, f"{same_measure[0].id} has other options; add a prediction with {_wanted(claim)}"
    for item in same_options:
        if claim.contrast is None or item.contrast == claim.contrast:
            return item, ""
    against = _contrast_text(same_options[0].contrast)
    return None, f"{same_options[0].id} is compared by {against}; add a prediction with {_wanted(claim)}"


def _has_options(prediction: Prediction, claim: Claim) -> bool:
    filled = filled_options(prediction)
    return all(filled.get(name) == value for name, value in claim.options.items())


def _wanted(claim: Claim) -> str:
    words = [f"measure: {claim.measure}"]
    if claim.options:
        options = ", ".join(f"{name}: {value}" for name, value in claim.options.items())
        words.append(f"options: {{{options}}}")
    if claim.contrast is not None:
        words.append(f"contrast: {_contrast_text(claim.contrast)}")
    return ", ".join(words)


def _contrast_text(contrast: Contrast) -> str:
    given = contrast.model_dump(exclude_none=True)
    shown = {
        name: f"[{', '.join(value)}]" if name == "conditions" else value for name, value in given.items()
    }
    return f"{{{', '.join(f'{name}: {value}' for name, value in shown.items())}}}"


def _is_same_layer(claims: Claims, results: Results) -> bool:
    layer, n_layers = (results.subject.get(name) for name in ("layer", "n_layers"))
    return claims.layer is None or (isinstance(n_layers, int) and layer == n_layers - 1)


def _is_same_model(models: tuple[str, ...], plan: Protocol) -> bool:
    """Whether the run's model is one of them: the Hub id, or a folder of that name."""
    if plan.subject.revision not in _FINAL:
        return False
    name = PurePath(plan.subject.name).name.lower()
    return any(name == PurePath(model).name.lower() for model in models)


def _bounds(result: PredictionResult) -> tuple[float, float] | None:
    interval = result.interval_95
    return None if interval is None else (interval.low, interval.high)
