"""From simulations to rates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import get_args

import numpy as np
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from hypotest.records.prediction import Outcome
from hypotest.records.protocol import Protocol
from hypotest.studies.calibrate.one_simulation import POPULATION, Simulation
from hypotest.studies.calibrate.record import Cell, Coverage, Outcomes, Rate, ScenarioRates, Verdicts
from hypotest.studies.calibrate.scenarios import Scenario

LEVEL = 0.05
CONFIDENCE = 0.99
_STATUSES = ("supported", "refuted", "undecided", "not applicable")
_OUTCOMES = get_args(Outcome)


def binomial_rate(count: int, n: int) -> Rate:
    """A share with its 99 % Clopper-Pearson interval.

    Examples:
        Nothing in 10: the upper limit u solves (1 - u)^10 = 0.005.

        >>> rate = binomial_rate(0, 10)
        >>> rate.low, round(rate.high, 4), round(1 - 0.005 ** (1 / 10), 4)
        (0.0, 0.4113, 0.4113)
    """
    low, high = proportion_confint(count, n, alpha=1 - CONFIDENCE, method="beta")
    return Rate(n=n, count=count, low=float(low), high=float(high))


def count_scenario(
    scenario: Scenario, protocol: Protocol, simulations: Sequence[Simulation]
) -> ScenarioRates:
    """Count rejections, covered truths, wrong decisions and verdicts.

    Args:
        scenario: What is true.
        protocol: Of the simulations.
        simulations: At least one.
    """
    return ScenarioRates(
        name=scenario.name,
        what=scenario.what,
        why_hard=scenario.why_hard,
        planted=scenario.planted,
        n_simulations=len(simulations),
        cells=() if scenario.planted else _cells(scenario, protocol, simulations),
        coverage=_coverage(protocol, simulations),
        family_wise_error=binomial_rate(
            sum(bool(wrong_refutations(scenario, item)) for item in simulations), len(simulations)
        ),
        outcomes=_outcomes(scenario, protocol, simulations),
        verdicts=_verdicts(scenario, protocol, simulations),
    )


def wrong_refutations(scenario: Scenario, simulation: Simulation) -> set[str]:
    """Predictions that refute a hypothesis by an outcome that is not true, whatever the premises say."""
    refuting = {name for verdict in simulation["verdicts"].values() for name in verdict["refuted_by"]}
    return {
        name
        for name in refuting
        if simulation["predictions"][name]["outcome"] not in scenario.true_outcomes(name)
    }


def _cells(scenario: Scenario, protocol: Protocol, simulations: Sequence[Simulation]) -> tuple[Cell, ...]:
    cells = []
    for place in protocol.predictions:
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
                    claimed=scenario.claims(place.id, null),
                    decides=null == "value" or (number == 0 and "value" not in p_values),
                    p_exceeds=float(binom.sf(count - 1, len(values), LEVEL)),
                )
            )
    return tuple(cells)


def _coverage(protocol: Protocol, simulations: Sequence[Simulation]) -> tuple[Coverage, ...]:
    rows = []
    for place in protocol.predictions:
        known = [
            item["predictions"][place.id]
            for item in simulations
            if item["predictions"][place.id]["truth"] is not None
        ]
        if known:
            of_90, of_95 = (
                binomial_rate(sum(_holds(item[key], item["truth"]) for item in known), len(known))
                for key in ("interval_90", "interval_95")
            )
            rows.append(Coverage(place.id, place.measure, of_90, of_95))
    return tuple(rows)


def _holds(interval: Sequence[float], truth: float) -> bool:
    """Whether an interval holds the truth, the interval wider by the error with which the truth is known.

    Both errors are those of documents and fall with their number, so that the variance of the difference is
    1 + 1 / POPULATION times the interval's own.
    """
    centre, half_width = (interval[0] + interval[1]) / 2, (interval[1] - interval[0]) / 2
    return bool(abs(truth - centre) <= half_width * np.sqrt(1 + 1 / POPULATION))


def _outcomes(
    scenario: Scenario, protocol: Protocol, simulations: Sequence[Simulation]
) -> tuple[Outcomes, ...]:
    rows = []
    for place in protocol.predictions:
        if place.role == "descriptive":
            continue
        found = [item["predictions"][place.id] for item in simulations]
        ceilings = [item["ceiling"] for item in found if item["ceiling"] is not None]
        counts = Counter(item["outcome"] for item in found)
        rows.append(
            Outcomes(
                prediction=place.id,
                right=scenario.true_outcomes(place.id),
                counts={name: counts[name] for name in _OUTCOMES if counts[name]},
                ceiling=float(np.mean(ceilings)) if ceilings else None,
            )
        )
    return tuple(rows)


def _verdicts(
    scenario: Scenario, protocol: Protocol, simulations: Sequence[Simulation]
) -> tuple[Verdicts, ...]:
    rows = []
    for name in protocol.hypotheses:
        counts = Counter(item["verdicts"][name]["status"] for item in simulations)
        rows.append(
            Verdicts(
                hypothesis=name,
                right=scenario.verdicts[name],
                counts={status: counts[status] for status in _STATUSES if counts[status]},
                refuted_by_difference=sum(_by_difference(item, name) for item in simulations),
            )
        )
    return tuple(rows)


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
