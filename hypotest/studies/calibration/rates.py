"""From simulations to rates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import get_args

import numpy as np
from scipy.stats import binom

from hypotest.inference.binomial import rate_within
from hypotest.records.protocol.prediction import Outcome, Prediction
from hypotest.records.rate import Rate
from hypotest.studies.calibration.cases import Case
from hypotest.studies.calibration.one_simulation import Simulation
from hypotest.studies.calibration.record import BY_T, Cell, Coverage, Outcomes, ScenarioRates, Verdicts
from hypotest.studies.calibration.scenarios import UNDECIDED, Scenario

LEVEL = 0.05
CONFIDENCE = 0.99
_SMALL = 0.25
"""Half-widths of a 90 % interval by which a declared number may miss the truth and still count as true."""
_STATUSES = ("supported", "refuted", "undecided", "not applicable")
_OUTCOMES = get_args(Outcome)


def binomial_rate(count: int, n: int) -> Rate:
    """A share of simulations with its 99 % interval."""
    return rate_within(count, n, CONFIDENCE)


def count_case(case: Case, simulations: Sequence[Simulation]) -> ScenarioRates:
    """Count rejections, covered truths, wrong decisions and verdicts.

    Args:
        case: What was simulated.
        simulations: At least one.
    """
    scenario = case.scenario
    return ScenarioRates(
        name=case.name,
        protocol=case.simulated.name,
        what=scenario.what,
        why_hard=scenario.why_hard,
        planted=scenario.planted,
        n_simulations=len(simulations),
        cells=() if scenario.planted else _cells(case, simulations),
        coverage=_coverage(case, simulations),
        family_wise_error=binomial_rate(
            sum(bool(wrong_refutations(case, item)) for item in simulations), len(simulations)
        ),
        outcomes=_outcomes(case, simulations),
        verdicts=_verdicts(case, simulations),
    )


def wrong_refutations(case: Case, simulation: Simulation) -> set[str]:
    """Predictions that refute a hypothesis by an outcome that is not true, whatever the premises say."""
    refuting = {name for verdict in simulation["verdicts"].values() for name in verdict["refuted_by"]}
    return {
        item.id
        for item in case.protocol.predictions
        if item.id in refuting
        and simulation["predictions"][item.id]["outcome"] not in case.scenario.true_outcomes(item)
    }


def _cells(case: Case, simulations: Sequence[Simulation]) -> tuple[Cell, ...]:
    cells = []
    for place in case.protocol.predictions:
        p_values: dict[str, list[float]] = {}
        for item in simulations:
            for null, p_value in item["predictions"][place.id]["p"].items():
                p_values.setdefault(null, []).append(p_value)
        for number, (null, values) in enumerate(p_values.items()):
            count = sum(value <= LEVEL for value in values)
            cells.append(
                Cell(
                    prediction=place.id,
                    measure=place.measure,
                    null=null,
                    rejected=binomial_rate(count, len(values)),
                    claimed=case.scenario.claims(place, null) and _is_true(place, null, simulations),
                    decides=null == BY_T or (number == 0 and BY_T not in p_values),
                    p_exceeds=float(binom.sf(count - 1, len(values), LEVEL)),
                )
            )
    return tuple(cells)


def _is_true(place: Prediction, null: str, simulations: Sequence[Simulation]) -> bool:
    """Whether a declared number is what simulated layers have, so that to reject it is an error."""
    if null != BY_T or place.contrast.reference is None:
        return True
    known = _with_truth(place, simulations)
    if not known:
        return True
    off = abs(np.mean([item["truth"][0] for item in known]))
    half_width = np.mean([item["interval_90"][1] - item["interval_90"][0] for item in known]) / 2
    return bool(off <= _SMALL * half_width)


def _with_truth(place: Prediction, simulations: Sequence[Simulation]) -> list[Simulation]:
    of_prediction = (item["predictions"][place.id] for item in simulations)
    return [item for item in of_prediction if item["truth"] is not None and item["interval_90"] is not None]


def _coverage(case: Case, simulations: Sequence[Simulation]) -> tuple[Coverage, ...]:
    rows = []
    for place in case.protocol.predictions:
        known = _with_truth(place, simulations)
        if not known:
            continue
        of_90, of_95, here_90, here_95 = (
            binomial_rate(sum(_holds(item[key], item["truth"][which], case) for item in known), len(known))
            for which in (0, 1)
            for key in ("interval_90", "interval_95")
        )
        large = [item for item in known if _is_large(item, case)]
        at_margin = None
        if large:
            at_margin = binomial_rate(sum(_within_truth(item, case) for item in large), len(large))
        rows.append(Coverage(place.id, place.measure, of_90, of_95, here_90, here_95, at_margin))
    return tuple(rows)


def _widened(interval: Sequence[float], case: Case) -> tuple[float, float]:
    """Centre and half-width of an interval, wider by the error with which the truth is known.

    Both errors are those of documents and types and fall with their number, so that the variance of the
    difference is 1 + 1 / (number of other texts) times the interval's own.
    """
    centre, half_width = (interval[0] + interval[1]) / 2, (interval[1] - interval[0]) / 2
    return centre, half_width * float(np.sqrt(1 + 1 / case.n_texts))


def _holds(interval: Sequence[float], truth: float, case: Case) -> bool:
    centre, half_width = _widened(interval, case)
    return bool(abs(truth - centre) <= half_width)


def _is_large(item: Simulation, case: Case) -> bool:
    """Whether an interval could lie inside a margin at the true effect."""
    return bool(abs(item["truth"][0]) > _widened(item["interval_90"], case)[1])


def _within_truth(item: Simulation, case: Case) -> bool:
    """Whether the equivalence test holds with the margin at the true effect, where it must not."""
    centre, half_width = _widened(item["interval_90"], case)
    return bool(abs(centre) + half_width < abs(item["truth"][0]))


def _outcomes(case: Case, simulations: Sequence[Simulation]) -> tuple[Outcomes, ...]:
    rows = []
    for place in case.protocol.predictions:
        if place.role == "descriptive":
            continue
        of_prediction = [item["predictions"][place.id] for item in simulations]
        ceilings = [item["ceiling"] for item in of_prediction if item["ceiling"] is not None]
        counts = Counter(item["outcome"] for item in of_prediction)
        rows.append(
            Outcomes(
                prediction=place.id,
                right=case.scenario.true_outcomes(place),
                counts={name: counts[name] for name in _OUTCOMES if counts[name]},
                ceiling=float(np.mean(ceilings)) if ceilings else None,
            )
        )
    return tuple(rows)


def _verdicts(case: Case, simulations: Sequence[Simulation]) -> tuple[Verdicts, ...]:
    rows = []
    for name in case.protocol.hypotheses:
        counts = Counter(item["verdicts"][name]["status"] for item in simulations)
        rows.append(
            Verdicts(
                hypothesis=name,
                right=_right(case.scenario, name),
                counts={status: counts[status] for status in _STATUSES if counts[status]},
                refuted_by_difference=sum(_by_difference(item, name) for item in simulations),
            )
        )
    return tuple(rows)


def _right(scenario: Scenario, hypothesis: str) -> tuple[str, ...]:
    """Verdicts that are right; of hypotheses of other names, only where nothing is planted."""
    return scenario.verdicts.get(hypothesis, () if scenario.planted else UNDECIDED)


def _by_difference(simulation: Simulation, hypothesis: str) -> bool:
    """Whether only the rule that a difference must lie beyond the margin keeps a hypothesis unrefuted."""
    verdict = simulation["verdicts"][hypothesis]
    if verdict["status"] != "undecided" or verdict["gated"]:
        return False
    contradicting = [simulation["predictions"][key] for key in verdict["contradicted_by"]]
    return any(
        item["outcome"] in ("less", "greater")
        and item["p_adjusted"] is not None
        and item["p_adjusted"] <= LEVEL
        for item in contradicting
    )
