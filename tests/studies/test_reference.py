import json

import numpy as np
import pytest
from joblib import parallel_config
from safetensors.numpy import load_file

from hypotest.__main__ import main
from hypotest.corpora import docstrings
from hypotest.corpora.docstrings import EVALUATION_PACKAGES, TRAINING_PACKAGES, package_documents
from hypotest.studies import reference
from hypotest.studies.reference import held_out_loss, model_card, reference_plan
from hypotest.subjects.loading.loading import load_language_model
from hypotest.subjects.reference import REFERENCE, reference_token_counts
from hypotest.subjects.reference.training import TrainingPlan, checkpoint_steps, train

CARD = json.loads((REFERENCE / "card.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def subject():
    return load_language_model("reference", device="cpu")


@pytest.mark.slow
def test_held_out_perplexity_is_what_the_card_says(subject):
    documents, sources = package_documents(EVALUATION_PACKAGES)
    pinned = {item["name"]: item["sha256"] for item in CARD["evaluation_text"]["sources"]}
    assert {source.name: source.sha256 for source in sources} == pinned
    loss = held_out_loss(subject.model, subject.tokenizer, documents)
    # half precision and other machines' rounding move the loss by less than a thousandth of a nat
    assert loss == pytest.approx(CARD["held_out"]["loss_nats_per_token"], abs=1e-3)


def test_the_shipped_model_is_what_was_promised(subject):
    assert subject.vocab_size == 8192
    assert subject.n_layers >= 4
    assert subject.n_heads >= 8
    assert subject.n_neurons >= 2048
    assert CARD["tokens_seen"] >= 12_000_000
    weights = REFERENCE / "model.safetensors"
    assert weights.stat().st_size <= 25_000_000
    assert {array.dtype for array in load_file(weights).values()} == {np.dtype("float16")}


def test_training_and_evaluation_text_are_disjoint():
    names = [
        {item["name"] for item in CARD[text]["sources"]} for text in ("training_text", "evaluation_text")
    ]
    assert not names[0] & names[1]
    assert CARD["held_out"]["share_of_characters_seen_in_training"] < 0.05


def test_token_counts_are_those_of_the_training_text():
    counts = reference_token_counts()
    assert counts.shape == (8192,)
    # every document ends with one end-of-text token, which is not counted
    assert counts.sum() == CARD["tokens_in_text"] - CARD["n_documents"]


def test_the_card_is_rendered_from_its_data():
    assert (REFERENCE / "MODEL_CARD.md").read_text(encoding="utf-8") == model_card()


def test_checkpoints_are_pythias():
    assert checkpoint_steps(3000) == [0, *(2**i for i in range(10)), 1000, 2000, 3000]
    assert checkpoint_steps(1) == [0, 1]


def test_learning_rate_warms_up_and_decays_to_a_tenth():
    plan = TrainingPlan()
    rates = [plan.learning_rate_at(step) for step in range(plan.steps + 1)]
    assert max(rates) == rates[plan.warmup_steps - 1] == plan.learning_rate
    assert rates[-1] == pytest.approx(plan.learning_rate / 10)
    assert reference_plan(20).steps == 20
    assert reference_plan().n_tokens >= 12_000_000


@pytest.mark.slow
def test_training_resumes_to_the_same_weights(tmp_path, small_documents):
    from hypotest.records.corpus import CorpusDocument

    documents = [CorpusDocument(str(i), text) for i, text in enumerate(small_documents * 4)]
    plan = TrainingPlan(
        vocab_size=300, d_model=16, n_layers=1, n_heads=2, n_neurons=32, context=16,
        batch_size=4, microbatch_size=2, steps=203, warmup_steps=5,
    )  # fmt: skip

    def no_loss(model, tokenizer):
        return 0.0

    train(documents, tmp_path / "whole", plan, no_loss)

    def kill(step, loss):
        if step == 202:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(documents, tmp_path / "killed", plan, no_loss, kill)
    steps = []
    summary = train(documents, tmp_path / "killed", plan, no_loss, lambda step, loss: steps.append(step))
    assert steps == [201, 202, 203]  # the state of step 200 was kept
    assert summary["tokens_seen"] == 203 * 4 * 16
    one, other = (
        load_file(tmp_path / name / "step203" / "model.safetensors") for name in ("whole", "killed")
    )
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name])
    losses = [item["training_loss"] for item in summary["curve"] if "training_loss" in item]
    assert losses[-1] < losses[0]


@pytest.fixture
def every_eighth_file(monkeypatch):
    """Of each package of the reference texts, read in this process."""
    source_files = docstrings._source_files
    monkeypatch.setattr(docstrings, "_source_files", lambda item: sorted(source_files(item))[::8])
    monkeypatch.setattr(reference, "HELD_OUT_BLOCKS", 32)
    with parallel_config(backend="sequential"):
        yield


@pytest.mark.slow
def test_train_command_makes_a_loadable_checkpoint(tmp_path, capsys, every_eighth_file):
    with pytest.raises(SystemExit) as finished:
        main(["reference", "train", "--out", str(tmp_path), "--steps", "1"])
    assert finished.value.code == 0
    assert capsys.readouterr().out.strip().endswith("step1")
    for step in (0, 1):
        assert load_language_model(str(tmp_path / f"step{step}"), device="cpu").n_neurons == 2048
    card = json.loads((tmp_path / "card.json").read_text())
    assert card["tokens_seen"] == 4096
    for text, packages in (("training_text", TRAINING_PACKAGES), ("evaluation_text", EVALUATION_PACKAGES)):
        assert [item["name"] for item in card[text]["sources"]] == sorted(packages)
        assert all(item["n_documents"] > 0 for item in card[text]["sources"])
