"""A declared division of the units: experts, branches, modalities, frequencies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hypotest.errors import SubjectError
from hypotest.records.evidence.partition import Partition


def partition_of(given: Any, n_units: int, name: str) -> Partition:
    """The part of each unit.

    Args:
        given: A label for each unit; or a mapping from the name of each part to its units, each in one.
        n_units: Of the tested module.
        name: Of the network.

    Returns:
        The part of each unit.

    Raises:
        SubjectError: If it names other units, or leaves some out.
    """
    if isinstance(given, Mapping):
        labels = np.full(n_units, -1, dtype=np.int64)
        for number, (part, members) in enumerate(given.items()):
            own = np.asarray(members)
            if own.dtype.kind not in "iu" or own.ndim != 1:
                raise SubjectError(
                    f"{name}: partition: each part must be a list of numbers of units; found {part!r}: "
                    f"{members!r:.60}"
                )
            wrong = own[(own < 0) | (own >= n_units)]
            if wrong.size:
                raise SubjectError(
                    f"{name}: partition: the units are 0 to {n_units - 1}; part {part!r} names {wrong[0]}"
                )
            twice = own[labels[own] >= 0]
            if twice.size or np.unique(own).size < own.size:
                which = twice[0] if twice.size else next(i for i in own.tolist() if (own == i).sum() > 1)
                raise SubjectError(
                    f"{name}: partition: each unit must be in one part; unit {which} is in two"
                )
            labels[own] = number
        missing = np.flatnonzero(labels < 0)
        if missing.size:
            raise SubjectError(
                f"{name}: partition: each of the {n_units} units must be in a part; {missing.size} are in "
                f"none, such as unit {missing[0]}"
            )
        return _divided(Partition(tuple(map(str, given)), labels), name)
    column = np.asarray(given.tolist() if hasattr(given, "tolist") else given)
    if column.shape != (n_units,):
        raise SubjectError(
            f"{name}: partition must have one label for each of the {n_units} units, or map parts to units; "
            f"found shape {column.shape}"
        )
    if any(item is None or item != item for item in column.tolist()):
        raise SubjectError(f"{name}: partition must have a label for each unit; found some missing")
    return _divided(Partition.of(column), name)


def _divided(partition: Partition, name: str) -> Partition:
    if len(partition.names) < 2:
        raise SubjectError(
            f"{name}: partition must have at least two parts; found {partition.names[0]!r} alone"
        )
    return partition
