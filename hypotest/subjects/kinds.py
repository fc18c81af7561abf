"""What can be tested: a causal language model, any torch module with its rows, or what was recorded."""

from __future__ import annotations

from hypotest.records.protocol.units import OF_NETWORK, UnitFacts, unit_facts
from hypotest.subjects.language_model import LanguageModel
from hypotest.subjects.network.network import Network
from hypotest.subjects.recorded.evidence import RecordedEvidence

Subject = LanguageModel | Network | RecordedEvidence


def words_of(subject: Subject) -> UnitFacts:
    """What its units are called."""
    return unit_facts(subject.kind.name if isinstance(subject, LanguageModel) else OF_NETWORK)
