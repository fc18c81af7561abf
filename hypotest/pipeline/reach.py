"""Can this plan reach its corrected level on this text and layer? Asked before anything is collected.

The number of draws is checked with the protocol (`hypotest.registration`). What depends on the text and the
layer is the number of *distinct* draws: with R of them, no two-sided p-value falls below 2/R however often
they are drawn. Heads are no unit of any randomization here: with one top head among H, p could not fall
below 1/H.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
from scipy.special import gammaln

from hypotest.errors import Problem, ProtocolError
from hypotest.groups.select import declared_size
from hypotest.inference.relabelling import relabel
from hypotest.records.protocol import Protocol


def check_reach(protocol: Protocol, positions: pl.DataFrame, n_neurons: int, path: Path) -> None:
    """Refuse a plan that has too few distinct relabellings or groups for its level.

    Args:
        protocol: A valid protocol.
        positions: The sampled positions of both splits: document, target, condition.
        n_neurons: Neurons in the layer.
        path: The protocol's file, for the message.

    Raises:
        ProtocolError: With one problem per null.
    """
    problems = tuple(
        Problem(str(path), f"nulls.{null}", message)
        for null, message in _findings(protocol, positions, n_neurons)
    )
    if problems:
        raise ProtocolError(problems)


def _findings(protocol: Protocol, positions: pl.DataFrame, n_neurons: int) -> Iterator[tuple[str, str]]:
    for null, log10_distinct, what in _distinct(protocol, positions, n_neurons):
        n_tests = protocol.n_tests_of(null)
        needed = 2 * n_tests / protocol.decision.level
        if needed > 0 and log10_distinct < math.log10(needed):
            yield (
                null,
                f"needs at least {math.ceil(needed)} distinct {what} for a two-sided p-value to reach "
                f"{protocol.decision.level:g} / {n_tests}; this text and layer have "
                f"{10**log10_distinct:.0f}: take more positions, or another null",
            )


def _distinct(
    protocol: Protocol, positions: pl.DataFrame, n_neurons: int
) -> Iterator[tuple[str, float, str]]:
    labels = protocol.nulls.label_shuffled
    if labels is not None:
        shuffled = relabel(
            positions["condition"].to_numpy() == "rare",
            positions["document"].to_numpy(),
            positions["target"].to_numpy(),
            labels.unit,
            1,
            np.random.default_rng(0),
        )
        yield "label_shuffled", shuffled.log10_distinct, f"relabellings (unit: {labels.unit})"
    if protocol.nulls.size_matched is not None:
        size = declared_size(protocol.group, n_neurons)
        logarithm = gammaln(n_neurons + 1) - gammaln(size + 1) - gammaln(n_neurons - size + 1)
        yield "size_matched", float(logarithm) / math.log(10), f"groups of {size} of {n_neurons} neurons"
