"""Outcomes of predictions and verdicts of hypotheses, by the protocols' rule."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from scipy.stats import t as student

LEVEL = 0.05
LEAST_INSIDE = 0.9
"""Share of a null's own draws that a margin must hold for equivalence to be said."""


@dataclass
class Test:
    """An effect, its error, and the p of its difference; with a margin, whether it is equivalent."""

    effect: float
    error: float
    freedom: float
    p: float
    margin: float | None = None
    inside: float = 1.0

    @property
    def p_equivalence(self) -> float:
        """The larger one of two one-sided tests against the margin."""
        if self.margin is None:
            return 1.0
        return float(student.sf((self.margin - abs(self.effect)) / self.error, self.freedom))

    @property
    def outcome(self) -> str:
        if self.p_equivalence <= LEVEL and self.inside >= LEAST_INSIDE:
            return "equivalent"
        if self.p > LEVEL:
            return "inconclusive"
        return "less" if self.effect < 0 else "greater"

    @property
    def decisive(self) -> float:
        return self.p_equivalence if self.outcome == "equivalent" else self.p


def verdict(claims: Any, tests: dict[str, Test], hypothesis: str) -> str:
    """Every prediction must come out as expected; one that contradicts after correction refutes."""
    deciding = [p for p in claims["predictions"] if p["role"] == "deciding"]
    stands = {}
    for p in claims["predictions"]:
        expected, test = p["expects"][hypothesis], tests[p["id"]]
        if not expected:
            continue
        if test.outcome in expected:
            stands[p["id"]] = "supports"
        else:
            stands[p["id"]] = "open" if test.outcome == "inconclusive" else "contradicts"
    for p in claims["predictions"]:
        if p["role"] == "premise" and stands[p["id"]] != "supports":
            return "undecided" if stands[p["id"]] == "open" else "not applicable"
    for p in deciding:
        if stands.get(p["id"]) == "contradicts" and len(deciding) * tests[p["id"]].decisive <= LEVEL:
            return "refuted"
    return "supported" if set(stands.values()) == {"supports"} else "undecided"
