"""What is counted of simulations: whole numbers that add up, in any order and from any machine.

Sums of numbers that are not whole are kept in units of 10^-9 and rounded, so that they do not depend on the
order in which they were added.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from hypotest.studies.calibration.cases import Case
from hypotest.studies.calibration.one_simulation import Simulation, simulate_range

LEVEL = 0.05
UNIT = 10**9
"""Of sums: how many make 1."""
Tally = dict[str, Any]
"""Names -> whole numbers, lists of them, or tallies."""


def tally_range(case: Case, seed: int, start: int, stop: int) -> Tally:
    """Simulate and count, in this process; workers are given this."""
    return tally(case, simulate_range(case, seed, start, stop))


def tally(case: Case, simulations: Iterable[Simulation]) -> Tally:
    """Count what simulations say.

    Args:
        case: What was simulated.
        simulations: Any number.
    """
    return added(*(_of_one(case, item) for item in simulations))


def added(*tallies: Tally) -> Tally:
    """Their sum, name by name.

    Examples:
        >>> added({"n": 1, "p": {"t": [1, 0]}}, {"n": 2, "p": {"t": [2, 1]}, "m": 1})
        {'n': 3, 'p': {'t': [3, 1]}, 'm': 1}
    """
    whole: Tally = {}
    for one in tallies:
        for name, value in one.items():
            whole[name] = _sum(whole[name], value) if name in whole else value
    return whole


def _sum(one: Any, other: Any) -> Any:
    if isinstance(one, dict):
        return added(one, other)
    if isinstance(one, list):
        return [mine + theirs for mine, theirs in zip(one, other, strict=True)]
    return one + other


def in_units(value: float) -> int:
    """A number for a sum."""
    return round(value * UNIT)


def wrong_refutations(case: Case, simulation: Simulation) -> set[str]:
    """Predictions that refute a hypothesis by an outcome that is not true, whatever the premises say."""
    refuting = {name for verdict in simulation["verdicts"].values() for name in verdict["refuted_by"]}
    return {
        item.id
        for item in case.protocol.predictions
        if item.id in refuting
        and simulation["predictions"][item.id]["outcome"] not in case.scenario.true_outcomes(item)
    }


def _of_one(case: Case, simulation: Simulation) -> Tally:
    counted: Tally = {
        "simulations": 1,
        "predictions": {key: _of_prediction(case, item) for key, item in simulation["predictions"].items()},
    }
    if "verdicts" not in simulation:
        return counted
    return {
        **counted,
        "whole": 1,
        "wrong": int(bool(wrong_refutations(case, simulation))),
        "verdicts": {
            name: {"status": {item["status"]: 1}, "by_difference": int(_by_difference(simulation, name))}
            for name, item in simulation["verdicts"].items()
        },
    }


def _of_prediction(case: Case, item: Simulation) -> Tally:
    counted: Tally = {"p": {null: [1, int(p_value <= LEVEL)] for null, p_value in item["p"].items()}}
    if "outcome" not in item:
        return counted
    counted["outcomes"] = {item["outcome"]: 1}
    if item["ceiling"] is not None:
        counted["ceiling"] = [1, in_units(item["ceiling"])]
    if item["truth"] is not None and item["interval_90"] is not None:
        counted |= _of_interval(case, item)
    return counted


def _of_interval(case: Case, item: Simulation) -> Tally:
    at_large, here = item["truth"]
    low, high = item["interval_90"]
    centre, half_width = _widened(item["interval_90"], case)
    counted: Tally = {
        "truth": [1, in_units(at_large), in_units((high - low) / 2)],
        "held": [
            int(_holds(item[key], truth, case))
            for truth in (at_large, here)
            for key in ("interval_90", "interval_95")
        ],
    }
    if abs(at_large) > half_width:  # an interval of this length could lie inside a margin at the truth
        counted["at_margin"] = [1, int(abs(centre) + half_width < abs(at_large))]
    return counted


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
