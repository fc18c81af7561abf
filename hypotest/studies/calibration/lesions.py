"""Lesions of whole groups in a simulated layer: what its neurons do one at a time adds up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hypotest.pipeline.analysis.lesioned import groups_to_lesion, reads_lesions
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.evidence.lesions import Lesions
from hypotest.records.protocol.protocol import Protocol


def with_lesions(protocol: Protocol, evidence: Evidence) -> Evidence:
    """The evidence with the lesions that a protocol's measures read; as it is where none does."""
    if not reads_lesions(protocol):
        return evidence
    groups, random = groups_to_lesion(protocol, evidence)
    return lesioned_alike(evidence, groups, random)


def lesioned_alike(
    evidence: Evidence, groups: Sequence[NDArray[np.int64]], random: NDArray[np.bool_]
) -> Evidence:
    """The evidence with lesions of these groups: at each row the sum of the sizes of its neurons' changes.

    Signs, which are tossed in a simulated layer, would cancel in a group and leave no damage.
    """
    split = evidence.evaluation
    sizes = np.abs(split.delta_loss)
    lesions = Lesions(
        groups=tuple(groups),
        random=random,
        change=np.stack([sizes[:, group].sum(axis=1) for group in groups], axis=1),
        neither=np.empty((0, len(groups)), dtype=np.float32),
        documents=np.empty(0, dtype=np.int64),
        targets=np.empty(0, dtype=np.int64),
    )
    return replace(evidence, evaluation=replace(split, lesions=lesions))
