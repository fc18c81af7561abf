"""How the statistics of a protocol hang together: supports are not independent evidence.

Over the same shuffled labels every group measure has its own value, and those of one group move together. A
hypothesis that three measures support, which correlate over relabellings, has not three witnesses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

import numpy as np

from hypotest.measures.measure import GroupMeasure
from hypotest.measures.registry import measure_of
from hypotest.nulls.form import Form
from hypotest.nulls.registry import declared
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.results import Dependence
from hypotest.testing.contrast import MeasuredContrast

_MENTIONED = 0.3
"""Correlation, either way, from which a pair is mentioned."""


def find_dependence(
    comparisons: Mapping[str, MeasuredContrast], protocol: Protocol
) -> tuple[Dependence, ...]:
    """Correlation of every two predictions' statistics over the same relabellings.

    Args:
        comparisons: By id, with their draws.
        protocol: Its predictions; those of a measure that is no property of the group have no such draws.

    Returns:
        A row for each pair, in the protocol's order; empty without a null of shuffled labels.
    """
    draws = {}
    for item in declared(protocol, Form.LABELS):
        key = f"{item.name} ({item.null.variants(item.options)[0]})"
        for prediction in protocol.predictions:
            if isinstance(measure_of(prediction), GroupMeasure) and key in comparisons[prediction.id].draws:
                draws[prediction.id] = comparisons[prediction.id].draws[key]
        break  # of several such nulls, the first: only the same relabellings compare
    rows = []
    for one, other in combinations(draws, 2):
        both = np.stack([draws[one], draws[other]])
        defined = np.isfinite(both).all(axis=0)
        known = both[:, defined]
        if known.shape[1] > 2 and (np.ptp(known, axis=1) > 0).all():
            correlation = np.asarray(np.corrcoef(known))[0, 1]
            rows.append(Dependence(one, other, float(correlation), int(defined.sum())))
    return tuple(rows)


def dependence_sentence(rows: Sequence[Dependence]) -> Iterator[str]:
    """What to keep in mind when supports are counted; nothing where no two hang together."""
    strong = sorted(
        (row for row in rows if abs(row.correlation) >= _MENTIONED), key=lambda row: -abs(row.correlation)
    )
    if strong:
        pairs = ", ".join(f"{row.one} and {row.other} {row.correlation:+.2f}" for row in strong)
        yield (
            f"Outcomes are not independent evidence, and a count of supports is no sum: over the same "
            f"relabellings these statistics correlate: {pairs}."
        )
