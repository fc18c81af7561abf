"""The tests of a protocol on evidence from anywhere, with what a run says beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from hypotest.engine.session import Session
from hypotest.pipeline.analysis.analysis import Analysis
from hypotest.pipeline.analysis.analysis import analyse as tested
from hypotest.pipeline.analysis.hidden_bias import with_hidden_bias
from hypotest.pipeline.analysis.placebos import run_placebos
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.protocol import Protocol

if TYPE_CHECKING:
    from hypotest.subjects.recorded.evidence import RecordedEvidence


def analyse(
    protocol: Protocol,
    evidence: Evidence | RecordedEvidence,
    *,
    networks: Sequence[Mapping[str, float]] = (),
    session: Session | None = None,
) -> Analysis:
    """Test a protocol's predictions on evidence, and apply its decision rule.

    As `hypotest.run` does, with placebos, as many as the protocol asks for, and with how strong a hidden
    cause of membership would have to be to overturn a significant p (`PredictionResult.hidden_bias`).

    Args:
        protocol: A valid protocol; what it says of subject and corpus is not used.
        evidence: Both splits; or `hypotest.Evidence` from elsewhere, whose rows are sampled and split here as
            the protocol says.
        networks: What `hypotest.pipeline.analysis.analysis.group_values` finds in each other network, for
            nulls that need some.
        session: What it computes with; by default alone, in silence, with the protocol's seed.

    Raises:
        EvidenceError: If no group can be selected on the selection split.
    """
    session = session or Session.start(protocol.seed)
    analysis = tested(protocol, evidence, networks=networks, session=session)
    predictions = with_hidden_bias(analysis)
    step = session.stage("placebos", 1)
    placebos = run_placebos(protocol, analysis.task.evidence, session)
    step()
    return replace(analysis, predictions=predictions, placebos=placebos)
