import dataclasses

import numpy as np
import pytest

from hypotest.engine.session import Session
from hypotest.pipeline.analysis.analysis import analyse
from hypotest.pipeline.analysis.splits import other_splits, redivide, split_verdicts, with_splits
from tests.pipeline.planted import make_evidence, make_protocol

pytestmark = pytest.mark.slow

DIMENSION = {
    "measure": "effective_dimension",
    "contrast": {"null": "size_matched"},
    "margin": {"null_sd": 2},
    "expects": {"modular": "any", "distributed": "less"},
}


def halves(evidence):
    """40 documents in each split: those of the evaluation split get numbers of their own."""
    moved = evidence.evaluation.positions.with_columns(
        document=evidence.evaluation.positions["document"] + 40
    )
    evaluation = evidence.evaluation
    heads = evaluation.head_ablation

    return dataclasses.replace(
        evidence,
        evaluation=dataclasses.replace(
            evaluation,
            positions=moved,
            heads=dataclasses.replace(heads, documents=heads.documents + 40),
        ),
    )


def test_every_row_stays_with_its_document():
    evidence = halves(make_evidence(0))
    divided = redivide(evidence, 0.25, np.random.default_rng(1))
    assert np.unique(divided.selection.documents).size == 20
    assert np.unique(divided.evaluation.documents).size == 60
    assert not set(divided.selection.documents) & set(divided.evaluation.documents)
    key = {
        (int(document), float(loss)): row
        for split in (evidence.selection, evidence.evaluation)
        for document, loss, row in zip(split.documents, split.loss, split.delta_loss, strict=True)
    }
    seen = 0
    for split in (divided.selection, divided.evaluation):
        for document, loss, row in zip(split.documents, split.loss, split.delta_loss, strict=True):
            assert (row == key[int(document), float(loss)]).all()
            seen += 1
        assert set(split.head_ablation.documents) == set(split.documents)
        assert split.positions["split"].n_unique() == 1
    assert seen == len(key) == 1600


def test_splits_spread_and_the_declared_one_comes_first():
    protocol = make_protocol(DIMENSION, draws=99).model_copy(update={"splits": 3})
    evidence = halves(make_evidence(1, effect=1.0, shared=1.5))
    declared, others = (
        analyse(protocol, evidence),
        other_splits(protocol, evidence, Session.start(protocol.seed)),
    )
    assert len(others) == 2
    (item,) = with_splits(declared.predictions, others)
    assert [split.outcome for split in item.splits] == ["less"] * 3
    assert item.splits[0].effect == item.effect
    assert len({split.effect for split in item.splits}) == 3
    verdicts = split_verdicts(declared, others)
    assert set(verdicts) == {"modular", "distributed"}
    assert verdicts["distributed"] == ("supported",) * 3


def test_one_split_says_nothing_of_others():
    protocol = make_protocol(DIMENSION, draws=99)
    evidence = halves(make_evidence(1))
    assert other_splits(protocol, evidence, Session.start(protocol.seed)) == ()
    declared = analyse(protocol, evidence)
    assert with_splits(declared.predictions, ()) == declared.predictions
    assert split_verdicts(declared, ()) == {}


def test_shares_leave_a_document_on_each_side():
    evidence = halves(make_evidence(0))
    for share in (0.001, 0.999):
        divided = redivide(evidence, share, np.random.default_rng(0))
        assert 1 in (
            np.unique(divided.selection.documents).size,
            np.unique(divided.evaluation.documents).size,
        )


@pytest.mark.parametrize("seed", [1, 2])
def test_the_division_follows_its_seed(seed):
    evidence = halves(make_evidence(0))
    first, again = (redivide(evidence, 0.5, np.random.default_rng(seed)) for _ in range(2))
    assert (first.selection.documents == again.selection.documents).all()
