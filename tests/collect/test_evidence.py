import json
import shutil

import numpy as np
import polars as pl
import pytest

from hypotest.collect.engine import plan_ablation
from hypotest.collect.evidence import collect_evidence, collect_selection
from hypotest.collect.evidence_folder import (
    EvidenceKeys,
    evidence_digest,
    evidence_digests,
    read_evidence,
    read_selection,
)
from hypotest.collect.sample import Sample, evidence_keys
from hypotest.collect.self_check import intervene
from hypotest.engine.session import Session
from hypotest.errors import EvidenceError
from hypotest.subjects.loading.loading import load_language_model
from hypotest.subjects.wrapping import wrap_language_model
from tests.collect.hooks import neurons

pytestmark = pytest.mark.slow
SESSION = Session.start(0, memory=1.0)


def how(subject, replacement="mean", tolerance=1e-4, seed=3):
    return plan_ablation(subject, replacement, tolerance, seed)


def collected_in(cache, subject, samples, keys):
    collect_evidence(subject, samples, keys, how(subject), cache, SESSION)
    return read_evidence(cache, keys)


def sample(tokens, split, first):
    rng = np.random.default_rng(first)
    rows = []
    for block in range(first, first + 12):
        for condition, index in zip(("rare", "common"), rng.choice(30, 2, replace=False), strict=True):
            rows.append((block // 3, block, int(index), int(tokens[block, index + 1]), condition, split))
    frame = (
        pl.DataFrame(
            rows, schema=["document", "block", "index", "target", "condition", "split"], orient="row"
        )
        .sort("block", "index")
        .with_columns(pl.col("condition").cast(pl.Enum(["rare", "common"])))
    )
    return Sample(tokens, frame, np.arange(first, first + 12, 2))


@pytest.fixture(scope="module")
def samples(small_tokens):
    return {
        "selection": sample(small_tokens, "selection", 0),
        "evaluation": sample(small_tokens, "evaluation", 12),
    }


@pytest.fixture(scope="module")
def collected(small_subject, samples, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    keys = evidence_keys(small_subject, samples, how(small_subject))
    return collected_in(cache, small_subject, samples, keys), keys, cache


def test_rows_belong_to_positions(small_subject, small_tokens, samples, collected):
    evidence, _, _ = collected
    for split in (evidence.selection, evidence.evaluation):
        block, index = split.positions["block"].to_numpy(), split.positions["index"].to_numpy()
        expected = neurons(small_subject, small_tokens[:24])[block, index]
        np.testing.assert_allclose(split.activations, expected, atol=1e-4)
        assert split.delta_loss.shape == split.activations.shape
        assert split.mask("rare").sum() == 12
    assert evidence.evaluation.positions.equals(samples["evaluation"].positions)


def test_mean_activation_is_that_of_the_selection_split(collected):
    evidence, _, _ = collected
    np.testing.assert_allclose(
        evidence.mean_activation, evidence.selection.activations.mean(axis=0), atol=1e-5
    )


def test_heads_are_ablated_at_the_rare_positions_of_some_blocks(samples, collected):
    split = collected[0].evaluation
    ablation, rare = split.head_ablation, split.positions.filter(split.mask("rare"))
    rare = rare.filter(rare["block"].is_in(samples["evaluation"].head_blocks.tolist()))
    assert ablation.documents.tolist() == rare["document"].to_list()
    assert ablation.targets.tolist() == rare["target"].to_list()
    assert sorted(set(ablation.documents.tolist())) == [4, 5, 6, 7]  # blocks 12, 14, ..., 22 of three each
    assert ablation.single.shape == (6, 8, 96)
    squares = split.activations[np.isin(split.blocks, samples["evaluation"].head_blocks) & split.mask("rare")]
    np.testing.assert_allclose(ablation.base, squares**2, rtol=1e-3, atol=1e-6)


def test_evidence_is_read_back_without_a_model(collected):
    evidence, keys, cache = collected
    again = read_evidence(cache, keys)
    np.testing.assert_array_equal(again.evaluation.delta_loss, evidence.evaluation.delta_loss)
    assert again.heads == evidence.heads
    assert [str(head) for head in again.heads][:5] == ["L1H0", "L1H1", "L1H2", "L1H3", "L2H0"]


def test_an_interrupted_collection_ends_with_the_same_bytes(
    small_subject, samples, collected, tmp_path, monkeypatch
):
    _, keys, cache = collected
    calls = 0

    def killed(*arguments):
        nonlocal calls
        calls += 1
        if calls == 2:
            raise KeyboardInterrupt
        return real(*arguments)

    from hypotest.collect.stages.heads import head_ablation_arrays as real

    monkeypatch.setattr("hypotest.collect.stages.heads.head_ablation_arrays", killed)
    with pytest.raises(KeyboardInterrupt):
        collected_in(tmp_path, small_subject, samples, keys)
    with pytest.raises(EvidenceError, match="no finished evidence"):
        read_evidence(tmp_path, keys)
    monkeypatch.undo()
    collected_in(tmp_path, small_subject, samples, keys)
    files = [path.relative_to(cache) for path in sorted(cache.rglob("*")) if path.is_file()]
    assert files == [path.relative_to(tmp_path) for path in sorted(tmp_path.rglob("*")) if path.is_file()]
    for file in files:
        assert (cache / file).read_bytes() == (tmp_path / file).read_bytes()


def test_keys_follow_positions_text_and_weights(small_subject, samples):
    keys = evidence_keys(small_subject, samples, how(small_subject))
    fewer = Sample(
        samples["evaluation"].tokens,
        samples["evaluation"].positions.head(10),
        samples["evaluation"].head_blocks,
    )
    changed = evidence_keys(small_subject, {**samples, "evaluation": fewer}, how(small_subject))
    assert changed.selection == keys.selection
    assert changed.evaluation != keys.evaluation
    tokens = samples["selection"].tokens.copy()
    tokens[0, 0] += 1
    other = Sample(tokens, samples["selection"].positions, samples["selection"].head_blocks)
    changed = evidence_keys(small_subject, {**samples, "selection": other}, how(small_subject))
    # what ablated neurons are set to comes from the selection split, so both change
    assert changed.selection != keys.selection
    assert changed.evaluation != keys.evaluation


def test_keys_follow_how_neurons_are_ablated(small_subject, samples):
    def keys(**changes):
        return evidence_keys(small_subject, samples, how(small_subject, **changes))

    assert keys() == keys(seed=4)  # nothing is drawn
    assert keys(replacement="resample", seed=3) != keys(replacement="resample", seed=4)
    assert len({keys(), keys(replacement="zero"), keys(tolerance=1e-3), keys(replacement="resample")}) == 4


def test_every_entry_carries_its_bound(collected):
    evidence = collected[0]
    assert evidence.ablation.engine == "identity"
    for split in (evidence.selection, evidence.evaluation):
        assert split.error_bound.shape == split.delta_loss.shape
        assert split.error_bound.min() >= 0 and split.error_bound.max() <= 1e-4
        assert split.residual.shape == (24, 32)


def test_decomposition_adds_up(collected):
    parts = collected[0].decomposition
    rare = collected[0].evaluation.mask("rare")
    assert parts.n_positions == rare.sum()
    np.testing.assert_allclose(parts.total, collected[0].evaluation.delta_loss[rare].mean(axis=0), atol=1e-6)
    # but for the interaction of two small changes
    np.testing.assert_allclose(parts.through_norm + parts.direct, parts.total, atol=0.2 * np.ptp(parts.total))
    assert np.abs(parts.entropy).max() > 0


def test_an_earlier_layer_is_collected_by_interventions(small_subject, samples, small_tokens, tmp_path):
    subject = wrap_language_model(small_subject.model, layer=2)
    few = {
        split: Sample(item.tokens, item.positions.head(6), item.head_blocks[:1])
        for split, item in samples.items()
    }
    keys = evidence_keys(subject, few, how(subject))
    evidence = collected_in(tmp_path, subject, few, keys)
    assert evidence.ablation.engine == "interventions"
    assert "layer 2 is followed by other layers" in evidence.ablation.reason
    assert np.isnan(evidence.evaluation.error_bound).all()
    assert evidence.decomposition is None
    split, neuron = evidence.evaluation, 5
    for row, (block, index) in enumerate(split.positions.select("block", "index").iter_rows()):
        value = np.array([evidence.mean_activation[neuron]])
        expected, _ = intervene(subject, small_tokens[block], np.array([index]), neuron, value)
        assert split.delta_loss[row, neuron] == pytest.approx(expected[0], abs=2e-5)


def test_unknown_keys_are_a_clear_error(tmp_path):
    with pytest.raises(EvidenceError):
        read_evidence(tmp_path, EvidenceKeys("0" * 32, "1" * 32))


def test_a_kill_just_before_the_end_does_not_lose_the_evidence(small_subject, samples, collected, tmp_path):
    _, keys, _ = collected
    collected_in(tmp_path, small_subject, samples, keys)
    (tmp_path / keys.evaluation / "shards.json").unlink()  # the last thing that is written
    again = collected_in(tmp_path, small_subject, samples, keys)
    assert again.evaluation.positions.equals(samples["evaluation"].positions)


def test_the_selection_split_alone_is_what_both_splits_begin_with(
    small_subject, samples, collected, tmp_path
):
    evidence, keys, cache = collected
    alone = collect_selection(
        small_subject, samples["selection"], keys.selection, how(small_subject), tmp_path, SESSION
    )
    assert [path.name for path in tmp_path.iterdir()] == [keys.selection]
    for file in sorted(path for path in tmp_path.rglob("*") if path.is_file()):
        assert file.read_bytes() == (cache / file.relative_to(tmp_path)).read_bytes()
    np.testing.assert_array_equal(alone.split.delta_loss, evidence.selection.delta_loss)
    np.testing.assert_array_equal(alone.mean_activation, evidence.mean_activation)
    assert (alone.heads, alone.ablation) == (evidence.heads, evidence.ablation)


def test_part_of_a_split_is_that_of_its_documents(collected):
    split = collected[0].evaluation
    part = split.of_documents(np.array([4, 6]))
    rows = np.isin(split.documents, [4, 6])
    assert part.documents.tolist() == split.documents[rows].tolist()
    for name in ("activations", "delta_loss", "loss", "error_bound", "n_exact", "residual", "attention"):
        np.testing.assert_array_equal(getattr(part, name), getattr(split, name)[rows])
    heads = split.head_ablation
    rows = np.isin(heads.documents, [4, 6])
    assert set(part.head_ablation.documents.tolist()) == {4, 6}
    for name in ("documents", "targets", "single", "base", "layer"):
        np.testing.assert_array_equal(getattr(part.head_ablation, name), getattr(heads, name)[rows])


def test_a_digest_names_the_arrays_and_what_lies_beside_them(collected, tmp_path):
    _, keys, cache = collected
    folder = tmp_path / keys.evaluation
    shutil.copytree(cache / keys.evaluation, folder)
    digest = evidence_digest(cache, keys.evaluation)
    assert evidence_digests(cache, keys) == {
        "selection": evidence_digest(cache, keys.selection),
        "evaluation": digest,
    }
    (folder / "forward" / ".00000.left-by-a-killed-run").mkdir()
    assert evidence_digest(tmp_path, keys.evaluation) == digest
    for name in ("ablation/first/00000/sha256.json", "decomposition/sha256.json", "shards.json"):
        before = (folder / name).read_text(encoding="utf-8")
        changed = {**json.loads(before), "delta_loss": "0" * 64}
        (folder / name).write_text(json.dumps(changed), encoding="utf-8")
        assert evidence_digest(tmp_path, keys.evaluation) != digest
        (folder / name).write_text(before, encoding="utf-8")


@pytest.mark.parametrize("content", ["[]", "{}", '{"forward": "many"}', '{"forward": 1', '{"forward": 99}'])
def test_a_digest_of_damaged_evidence_is_an_error(tmp_path, content):
    (tmp_path / "key").mkdir()
    (tmp_path / "key" / "shards.json").write_text(content, encoding="utf-8")
    with pytest.raises(EvidenceError):
        evidence_digest(tmp_path, "key")
    with pytest.raises(EvidenceError, match=r"damaged|no finished evidence"):
        read_selection(tmp_path, "key")


@pytest.mark.parametrize(
    "change", [{"hidden_act": "relu"}, {"layer_norm_eps": 0.1}, {"num_attention_heads": 2}]
)
def test_keys_follow_what_the_configuration_makes_of_the_weights(
    small_subject, samples, small_model_folder, tmp_path, change
):
    folder = tmp_path / "other"
    shutil.copytree(small_model_folder, folder)
    config = json.loads((folder / "config.json").read_text())
    assert config[next(iter(change))] != next(iter(change.values()))
    (folder / "config.json").write_text(json.dumps({**config, **change}))
    other = load_language_model(str(folder), device="cpu")
    assert other.fingerprint == small_subject.fingerprint
    ours, theirs = (evidence_keys(item, samples, how(item)) for item in (small_subject, other))
    assert ours.selection != theirs.selection
    assert ours.evaluation != theirs.evaluation


def test_keys_follow_the_precision_and_not_the_place(small_subject, samples, small_model_folder, tmp_path):
    shutil.copytree(small_model_folder, tmp_path / "copy")
    ours, elsewhere, precise = (
        evidence_keys(item, samples, how(item))
        for item in (
            small_subject,
            load_language_model(str(tmp_path / "copy"), device="cpu"),
            load_language_model(str(small_model_folder), device="cpu", dtype="float64"),
        )
    )
    assert ours == elsewhere
    assert ours.selection != precise.selection and ours.evaluation != precise.evaluation


def test_heads_are_ablated_at_few_positions_of_each_block_where_there_are_many(monkeypatch):
    index = np.tile(np.arange(1, 11), 3)
    frame = pl.DataFrame(
        {
            "document": np.repeat([0, 0, 1], 10),
            "block": np.repeat([2, 3, 5], 10),
            "index": index,
            "target": index,
            "condition": pl.Series(
                np.where(index == 4, "common", "rare").tolist(), dtype=pl.Enum(["rare", "common"])
            ),
            "split": "evaluation",
        }
    )
    sample = Sample(np.zeros((6, 12), dtype=np.int32), frame, np.array([2, 5]))
    every = sample.head_positions
    assert every.height == 18 and set(every["block"]) == {2, 5}
    monkeypatch.setattr("hypotest.collect.sample.HEAD_POSITIONS", 7)
    few = sample.head_positions
    assert few["block"].to_list() == [2, 2, 2, 5, 5, 5]
    assert few["index"].to_list() == [1, 6, 10] * 2  # the first, the middle one and the last of nine
