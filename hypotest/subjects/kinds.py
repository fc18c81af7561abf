"""What can be tested: a causal language model, any torch module with its rows, or what was recorded."""

from __future__ import annotations

from hypotest.subjects.language_model import LanguageModel
from hypotest.subjects.network.network import Network
from hypotest.subjects.recorded.evidence import RecordedEvidence

Subject = LanguageModel | Network | RecordedEvidence
