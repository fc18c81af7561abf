"""Everything that is fixed before a network runs: rows, splits, names of evidence, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from hypotest.collect.sample import evidence_keys
from hypotest.engine.session import Session
from hypotest.errors import CorpusError, EvidenceError, ProtocolError, SubjectError
from hypotest.pipeline.prepare import Prepared, prepare
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration import load_protocol
from tests.pipeline.made import N_ROWS, PROTOCOL, network, protocol_in, recorded

SPLITS = ("selection", "evaluation")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def plan(tmp_path) -> Protocol:
    return load_protocol(protocol_in(tmp_path), network="small")


def changed(plan: Protocol, **changes: object) -> Protocol:
    data = plan.model_dump(exclude_none=True)
    for path, value in changes.items():
        *sections, key = path.split("__")
        section = data
        for name in sections:
            section = section.setdefault(name, {})
        section[key] = value
    return Protocol.model_validate(data)


def prepared(plan: Protocol, subject=None, **keys) -> Prepared:
    keys = {"kept_out": (), **keys}
    return prepare(plan, Path(), Session.start(plan.seed), subject or recorded(), **keys)


@pytest.mark.parametrize("subject", [network, recorded])
def test_rows_of_both_conditions_are_drawn_into_two_splits(plan, subject):
    drawn = prepared(plan, subject())
    assert tuple(drawn.samples) == SPLITS
    for name, sample in drawn.samples.items():
        assert sample.split == name
        assert set(sample.positions["split"]) == {name}
        assert sample.mask("one").sum() == sample.mask("two").sum() == 20
    rows = pl.concat([sample.positions for sample in drawn.samples.values()])
    assert rows.height == 80 and rows["block"].n_unique() == 80  # a row is taken once
    clusters = [set(drawn.samples[name].positions["document"]) for name in SPLITS]
    assert not clusters[0] & clusters[1]
    # every other row is of the first condition
    assert (rows["block"].to_numpy() % 2 == (rows["condition"] == "two").to_numpy()).all()
    assert len(drawn.documents) == N_ROWS // 6


def test_what_only_texts_have_is_not_there(plan):
    drawn = prepared(plan)
    assert (drawn.bos, drawn.counts, drawn.curve, drawn.text_differs) == (None, None, None, ())
    assert drawn.ablation.replacement == "zero"


def test_the_same_plan_is_prepared_the_same(plan):
    one, again = prepared(plan), prepared(plan)
    assert one.keys == again.keys and one.documents == again.documents
    assert all(one.samples[name].positions.equals(again.samples[name].positions) for name in SPLITS)


@pytest.mark.parametrize("subject", [network, recorded])
@pytest.mark.parametrize("change", [{"seed": 4}, {"sample__positions": 30}])
def test_other_rows_are_evidence_of_other_names(plan, subject, change):
    one, other = prepared(plan, subject()), prepared(changed(plan, **change), subject())
    assert one.keys.selection != other.keys.selection
    assert one.keys.evaluation != other.keys.evaluation


def test_what_is_measured_does_not_change_the_names(plan):
    prediction = {"id": "other", "measure": "effective_dimension", "contrast": {"null": "size_matched"}}
    for change in ({"predictions": [prediction]}, {"group__select": {"top": 5}}, {"title": "Another"}):
        assert prepared(changed(plan, **change)).keys == prepared(plan).keys


def test_another_ablation_is_other_evidence_of_the_same_rows(plan):
    zero = prepared(plan, network())
    mean = prepared(changed(plan, ablation__replacement="mean"), network())
    assert zero.keys != mean.keys
    for name in SPLITS:
        assert zero.samples[name].positions.equals(mean.samples[name].positions)
    assert mean.ablation.replacement == "mean"


def test_evidence_of_the_evaluation_split_is_named_after_the_selection_split_too(plan):
    """Ablated neurons are set to their mean there."""
    drawn = prepared(plan)
    fewer = drawn.samples["selection"].where(np.arange(40) < 30)
    keys = evidence_keys(recorded(), {**drawn.samples, "selection": fewer}, drawn.ablation)
    assert keys.selection != drawn.keys.selection and keys.evaluation != drawn.keys.evaluation
    assert evidence_keys(recorded(), drawn.samples, drawn.ablation) == drawn.keys


def test_another_subject_is_other_evidence(plan):
    assert prepared(plan, network()).keys != prepared(plan, recorded()).keys
    assert prepared(plan, network()).keys == prepared(plan, network()).keys


def test_documents_that_are_kept_out_are_never_evaluated(plan):
    free = prepared(plan)
    seen = [free.documents[number] for number in free.samples["evaluation"].positions["document"].unique()]
    assert seen
    kept = prepared(plan, kept_out=[*seen, "of another text"])
    assert kept.kept_out == tuple(sorted(seen))  # what is not in the text is not named
    used = {kept.documents[number] for number in kept.samples["evaluation"].positions["document"]}
    assert used and not used & set(seen)
    assert free.kept_out == () and free.keys != kept.keys


def test_every_document_kept_out_leaves_nothing_to_evaluate(plan):
    with pytest.raises(CorpusError, match=r"40 of its 40 clusters are kept out of the evaluation split"):
        prepared(plan, kept_out=prepared(plan).documents)


def test_three_steps_are_told(plan):
    told: list[object] = []

    def start_stage(name, n_steps):
        told.append((name, n_steps))
        return lambda: told.append("step")

    prepare(plan, Path(), Session.start(1, start_stage), recorded(), kept_out=())
    assert told == [("rows and conditions", 3), "step", "step", "step"]


def test_neurons_that_the_layer_has_not(plan):
    named = changed(plan, group__select={"ids": [3, 16, 99]})
    with pytest.raises(ProtocolError, match=r"group\.select\.ids") as caught:
        prepared(named)
    assert "16" in str(caught.value) and "99" in str(caught.value)
    prepared(changed(plan, group__select={"ids": [3, 15]}))


def test_rows_that_no_condition_takes(plan):
    none = changed(plan, conditions={"one": {"field": {"kind": "three"}}, "two": {"field": {"kind": "two"}}})
    for subject in (network, recorded):
        with pytest.raises(CorpusError, match=r"conditions\.one\.field: no row has three in the column"):
            prepared(none, subject())


def test_more_rows_than_there_are(plan):
    with pytest.raises(CorpusError, match=r"sample.positions asks for 242 rows .* at most 120"):
        prepared(changed(plan, sample__positions=242, sample__max_per_document=6))


def test_labels_that_cannot_be_shuffled_as_declared(plan):
    """A cluster holds rows of both conditions, so that it has no label of its own to give away."""
    nulls = {"size_matched": {"draws": 39}, "label_shuffled": {"draws": 39, "unit": "document"}}
    with pytest.raises(EvidenceError, match=r"nulls\.label_shuffled: .* 40 units have both"):
        prepared(changed(plan, nulls=nulls))


def test_a_model_that_is_not_there(tmp_path):
    text = PROTOCOL.replace("subject: {network: small}", "subject: {model: ./none}")
    text = text.replace("field: {kind: one}", "target: {matches: a}")
    text = text.replace("field: {kind: two}", "target: {matches: b}")
    plan = load_protocol(protocol_in(tmp_path, text), subject=False)
    with pytest.raises(SubjectError, match="none"):
        prepare(plan, tmp_path, Session.start(1), kept_out=())
    assert not (tmp_path / "cache").exists()
