"""From counts to rates."""

from __future__ import annotations

from typing import Any, get_args

from scipy.stats import binom

from hypotest.inference.binomial import rate_within
from hypotest.nulls.registry import opponents, reference_of
from hypotest.records.protocol.prediction import Outcome, Prediction
from hypotest.records.rate import Rate
from hypotest.studies.calibration.cases import Case
from hypotest.studies.calibration.record import BY_T, Cell, Coverage, Outcomes, ScenarioRates, Verdicts
from hypotest.studies.calibration.scenarios import UNDECIDED, Scenario
from hypotest.studies.calibration.tally import LEVEL, UNIT, Tally

CONFIDENCE = 0.99
_SMALL = 0.25
"""Half-widths of a 90 % interval by which a declared number may miss the truth and still count as true."""
_STATUSES = ("supported", "refuted", "undecided", "not applicable")
_OUTCOMES = get_args(Outcome)


def binomial_rate(count: int, n: int) -> Rate:
    """A share of simulations with its 99 % interval."""
    return rate_within(count, n, CONFIDENCE)


def count_case(case: Case, counted: Tally) -> ScenarioRates:
    """Rates of rejections, covered truths, wrong decisions and verdicts.

    Args:
        case: What was simulated.
        counted: Of at least one whole simulation.
    """
    scenario, n_whole = case.scenario, counted["whole"]
    return ScenarioRates(
        name=case.name,
        protocol=case.simulated.name,
        what=scenario.what,
        why_hard=scenario.why_hard,
        planted=scenario.planted,
        n_simulations=counted["simulations"],
        n_whole=n_whole,
        cells=() if scenario.planted else _cells(case, counted),
        coverage=_coverage(case, counted),
        family_wise_error=binomial_rate(counted["wrong"], n_whole),
        outcomes=_outcomes(case, counted),
        verdicts=_verdicts(case, counted),
    )


def _of(place: Prediction, counted: Tally) -> dict[str, Any]:
    tallies: dict[str, Any] = counted["predictions"].get(place.id, {})
    return tallies


def _cells(case: Case, counted: Tally) -> tuple[Cell, ...]:
    cells = []
    for place in case.protocol.predictions:
        tests: dict[str, list[int]] = _of(place, counted).get("p", {})
        deciding = _deciding(case, place, tests)
        for null, (n, count) in sorted(tests.items()):
            cells.append(
                Cell(
                    prediction=place.id,
                    measure=place.measure,
                    null=null,
                    rejected=binomial_rate(count, n),
                    claimed=case.scenario.claims(place, null) and _is_true(place, null, counted),
                    decides=null == deciding,
                    p_exceeds=float(binom.sf(count - 1, n, LEVEL)),
                )
            )
    return tuple(cells)


def _deciding(case: Case, place: Prediction, tests: dict[str, list[int]]) -> str:
    """The comparison by which a prediction is decided: t, if it has one, or that of its contrast."""
    if BY_T in tests:
        return BY_T
    if place.contrast.null is None:
        return min(tests, default="")  # labels permuted
    name, variant = reference_of(case.protocol, place.contrast)
    return f"{name} ({variant})" if variant else " and ".join(opponents(name))


def _is_true(place: Prediction, null: str, counted: Tally) -> bool:
    """Whether a declared number is known to be what simulated layers have: to reject it is an error."""
    if null != BY_T or place.contrast.reference is None:
        return True
    n, truths, half_widths = _of(place, counted).get("truth", (0, 0, 0))
    return bool(n) and abs(truths) <= _SMALL * half_widths


def _coverage(case: Case, counted: Tally) -> tuple[Coverage, ...]:
    rows = []
    for place in case.protocol.predictions:
        known = _of(place, counted)
        if "truth" not in known:
            continue
        n = known["truth"][0]
        of_90, of_95, here_90, here_95 = (binomial_rate(count, n) for count in known["held"])
        at_margin = None
        if "at_margin" in known:
            n_large, within = known["at_margin"]
            at_margin = binomial_rate(within, n_large)
        rows.append(Coverage(place.id, place.measure, of_90, of_95, here_90, here_95, at_margin))
    return tuple(rows)


def _outcomes(case: Case, counted: Tally) -> tuple[Outcomes, ...]:
    rows = []
    for place in case.protocol.predictions:
        if place.role == "descriptive":
            continue
        known = _of(place, counted)
        counts = known.get("outcomes", {})
        n, ceilings = known.get("ceiling", (0, 0))
        rows.append(
            Outcomes(
                prediction=place.id,
                right=case.scenario.true_outcomes(place),
                counts={name: counts[name] for name in _OUTCOMES if counts.get(name)},
                ceiling=ceilings / n / UNIT if n else None,
            )
        )
    return tuple(rows)


def _verdicts(case: Case, counted: Tally) -> tuple[Verdicts, ...]:
    rows = []
    for name in case.protocol.hypotheses:
        known = counted["verdicts"][name]
        rows.append(
            Verdicts(
                hypothesis=name,
                right=_right(case.scenario, name),
                counts={status: known["status"][status] for status in _STATUSES if status in known["status"]},
                refuted_by_difference=known["by_difference"],
            )
        )
    return tuple(rows)


def _right(scenario: Scenario, hypothesis: str) -> tuple[str, ...]:
    """Verdicts that are right; of hypotheses of other names, only where nothing is planted."""
    return scenario.verdicts.get(hypothesis, () if scenario.planted else UNDECIDED)
