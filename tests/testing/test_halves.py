import numpy as np
import pytest

from hypotest.engine.streams import Streams
from hypotest.errors import CorpusError
from hypotest.records.evidence.evidence import SelectionEvidence
from hypotest.testing.halves import divide
from tests.pipeline.planted import make_evidence


def selection(documents=None):
    evidence = make_evidence(0)
    split = evidence.selection if documents is None else evidence.selection.of_documents(documents)
    return SelectionEvidence(
        split, evidence.weights, evidence.heads, evidence.mean_activation, evidence.ablation
    )


def test_halves_share_no_document_and_lose_none():
    whole = selection()
    halves = divide(whole, Streams(1))
    one, other = (set(part.documents.tolist()) for part in (halves.selection, halves.evaluation))
    assert len(one) == len(other) == 20
    assert one | other == set(whole.split.documents.tolist())
    rows = np.isin(whole.split.documents, list(other))
    np.testing.assert_array_equal(halves.evaluation.delta_loss, whole.split.delta_loss[rows])
    assert set(halves.evaluation.head_ablation.documents.tolist()) == other
    again = divide(whole, Streams(1))
    np.testing.assert_array_equal(again.evaluation.documents, halves.evaluation.documents)
    assert set(divide(whole, Streams(2)).evaluation.documents.tolist()) != other


def test_a_few_documents_cannot_be_divided():
    with pytest.raises(CorpusError, match="3 are too few"):
        divide(selection(np.arange(3)), Streams(1))
