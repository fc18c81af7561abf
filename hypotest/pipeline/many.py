"""Evidence for studies of many networks: collected, checked and lesioned, without registration and report."""

from __future__ import annotations

from pathlib import Path

from hypotest.collect.evidence_folder import read_evidence
from hypotest.engine.session import Session
from hypotest.pipeline.checks.channels import check_channels
from hypotest.pipeline.collection import collect_both, self_check
from hypotest.pipeline.lesions import lesioned
from hypotest.pipeline.prepare import prepare
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.protocol import Protocol
from hypotest.subjects.kinds import Subject


def evidence_of(plan: Protocol, path: Path, subject: Subject, session: Session) -> Evidence:
    """Both splits of a network, from the cache where it has them, with the lesions that the plan reads.

    Args:
        plan: What is looked at.
        path: The protocol's file.
        subject: The network.
        session: What it computes with.

    Raises:
        ProtocolError: If a measure reads what the network has not.
        EvidenceError: If no group can be selected, or something is not finite or damaged.
        SelfCheckError: If an ablation differs from one in the whole network.
    """
    prepared = prepare(plan, path.parent, session, subject, kept_out=())
    check_channels(plan, prepared.subject.channels, prepared.subject.name, path)
    collect_both(plan, prepared, session)
    evidence = read_evidence(session.evidence, prepared.keys)
    self_check(prepared, evidence, session)
    return lesioned([plan], prepared, evidence, evidence.selection, prepared.keys.selection, session)[0]
