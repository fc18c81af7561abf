"""The declared division of an evidence's neurons."""

from __future__ import annotations

from hypotest.errors import EvidenceError
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.evidence.partition import Partition


def partition_of(evidence: Evidence) -> Partition:
    """The partition, of the neurons that are here.

    Raises:
        EvidenceError: If none is declared.
    """
    if evidence.partition is None:
        raise EvidenceError(
            f"this evidence has no channel {Channel.PARTITION}: the subject declares no parts of its neurons"
        )
    return evidence.partition
