"""Margins that are too wide or out of reach, as far as that can be told without data.

A margin in SDs of random groups, for a contrast with random groups, can be held against the normal
distribution: with M deciding predictions a difference is significant after correction beyond
z(1 - level / 2 M) SDs, and 90 % of the groups lie within 1.64. Everything else depends on
data: `hypotest power` says it, with numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from statistics import NormalDist

from hypotest.nulls.registry import SD_NULL
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration.findings import Finding, KeyPath

WIDE = 1.05
"""A margin is too wide where it exceeds the smallest significant effect by more than a twentieth: less is
within what the normal distribution, or a quantile of draws, can tell."""
_CEILING = 0.90
"""Share of the null's draws that must lie inside; `hypotest.inference.equivalence.MINIMUM_CEILING`."""


def margin_findings(protocol: Protocol, place: int) -> Iterator[Finding]:
    """Warn of a margin in null SDs that is too wide, or too narrow for the equivalence that somebody expects.

    Args:
        protocol: A protocol whose keys and types are right.
        place: Of the prediction, counted from 0.
    """
    item = protocol.predictions[place]
    margin = None if item.margin is None else item.margin.null_sd
    if margin is None or item.role == "descriptive" or item.contrast.null != SD_NULL:
        return
    path: KeyPath = ("predictions", place, "margin", "null_sd")
    depends = (("decision",), ("predictions",))
    n_tests = max(1, len(protocol.deciding))
    critical = NormalDist().inv_cdf(1 - protocol.decision.level / (2 * n_tests))
    needed = NormalDist().inv_cdf((1 + _CEILING) / 2)
    if margin > WIDE * critical:
        over = f" / {n_tests} deciding predictions" if n_tests > 1 else ""
        message = (
            f"is too wide: a difference of {critical:.2f} null SDs is significant at "
            f"{protocol.decision.level:g}{over}, so that even a decisive one counts as equivalent; "
            f"found {margin:g}: narrow it"
        )
        yield Finding(path, message, "warning", depends)
    elif margin < needed and _expects_equivalence(item):
        inside = 2 * NormalDist().cdf(margin) - 1
        message = (
            f"is out of reach: about {inside:.0%} of random groups lie within {margin:g} null SDs, and "
            f"`equivalent` needs {_CEILING:.0%} ({needed:.2f} SDs); widen it, or expect another outcome"
        )
        yield Finding(path, message, "warning", depends)


def left_to_power(protocol: Protocol) -> tuple[str, ...]:
    """Ids of the predictions whose margin only `hypotest power` can judge."""
    return tuple(
        item.id
        for item in protocol.predictions
        if item.margin is not None
        and item.role != "descriptive"
        and not (item.margin.null_sd is not None and item.contrast.null == SD_NULL)
    )


def _expects_equivalence(item: Prediction) -> bool:
    return any("equivalent" in outcomes for outcomes in item.expects.values())
