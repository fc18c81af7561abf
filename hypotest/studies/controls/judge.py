"""Whether a verdict is right, of networks whose organisation is known."""

from __future__ import annotations

from collections.abc import Sequence

from hypotest.inference.binomial import rate_within
from hypotest.records.protocol.prediction import Status
from hypotest.records.rate import Rate
from hypotest.studies.controls.record import Examined, Right
from hypotest.subjects.controls.control import Organisation
from hypotest.subjects.controls.lesions import APART, TOGETHER

CONFIDENCE = 0.95
EXPECTED: dict[Organisation, str] = {
    "modular": "modular supported",
    "distributed": "distributed supported",
    "lesions": (
        f"as far as single lesions put both tasks apart: from {APART:g} modular supported, up to "
        f"{TOGETHER:g} distributed supported, between them undecided, or the nearer one"
    ),
    "open": "nothing is known: shown, not judged",
}
UNTRAINED = "not applicable: nothing was learned"
_ABSENT: Status = "not applicable"


def expected_words(organisation: Organisation, trained: bool) -> str:
    """What counts as right."""
    return EXPECTED[organisation] if trained else UNTRAINED


def judge(organisation: Organisation, examined: Examined) -> Right:
    """Whether what became of the hypotheses is right.

    An untrained network has nothing that could be organised: every hypothesis must be not applicable. Where
    lesions of single units are the truth, their distance d says what is right: modular from `APART` on,
    distributed up to `TOGETHER`; in between undecided is right, and so is the hypothesis on whose side of one
    half d lies.

    Args:
        organisation: What is known.
        examined: Of one network.
    """
    absent = [status == _ABSENT for status in examined.verdict.statuses.values()]
    if not examined.trained:
        return "right" if all(absent) else "wrong"
    if organisation == "open":
        return "open"
    if any(absent):
        return "wrong"
    if organisation != "lesions":
        return "right" if examined.verdict.supported == organisation else "wrong"
    if examined.truth.distance is None:
        return "wrong"
    nearer = "modular" if examined.truth.distance > (APART + TOGETHER) / 2 else "distributed"
    may_be_open = TOGETHER < examined.truth.distance < APART
    allowed = (nearer, None) if may_be_open else (nearer,)
    return "right" if examined.verdict.supported in allowed else "wrong"


def rate_of(right: Sequence[Right]) -> Rate | None:
    """Share of right verdicts among those that are judged.

    Examples:
        All of 20: the lower limit l solves l^20 = 0.025.

        >>> rate = rate_of(["right"] * 20)
        >>> rate.count, round(rate.low, 4), round(0.025 ** (1 / 20), 4), rate.high
        (20, 0.8316, 0.8316, 1.0)
    """
    judged = [item for item in right if item != "open"]
    if not judged:
        return None
    return rate_within(judged.count("right"), len(judged), CONFIDENCE)
