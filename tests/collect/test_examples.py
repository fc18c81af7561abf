"""Evidence of examples against plain transformers, one prompt at a time, in float64."""

import numpy as np
import polars as pl
import pytest
import torch

from hypotest.collect import extent, forward
from hypotest.collect.engine import plan_ablation
from hypotest.collect.evidence import collect_evidence
from hypotest.collect.evidence_folder import read_evidence
from hypotest.collect.group_ablation import ablate_groups
from hypotest.collect.replacement import Replacement
from hypotest.collect.sample import Sample, evidence_keys
from hypotest.collect.scoring import Scoring
from hypotest.collect.self_check import check_ablation
from hypotest.collect.stages import forward as forward_stage
from hypotest.engine.session import Session
from hypotest.subjects.loading.loading import load_language_model
from tests.collect.hooks import double_model, edited_input, recorded_input

pytestmark = pytest.mark.slow
SESSION = Session.start(0, memory=1.0)
OUTCOMES = ("loss", "logit_difference", "sequence")
N = 24


def make_samples(small_tokens):
    """Prompts of 3 to 24 tokens with targets of 1 to 3, padded behind them."""
    rng = np.random.default_rng(8)
    tokens = np.zeros((2 * N, 32), dtype=np.int32)
    rows = []
    for row in range(2 * N):
        prompt, length = int(rng.integers(3, 25)), int(rng.integers(1, 4))
        tokens[row, : prompt + length] = small_tokens[row, : prompt + length]
        target = int(tokens[row, prompt])
        rows.append((row // 4, row, prompt - 1, target, (target + 5) % 400, length, ("one", "two")[row % 2]))
    names = ["document", "block", "index", "target", "foil", "length", "condition"]
    frame = pl.DataFrame(rows, schema=names, orient="row").with_columns(
        pl.col("condition").cast(pl.Enum(["one", "two"]))
    )
    return {
        split: Sample(
            tokens,
            frame[first : first + N].with_columns(pl.lit(split).alias("split")),
            np.arange(first, first + N, 5),
        )
        for split, first in (("selection", 0), ("evaluation", N))
    }


@pytest.fixture(scope="module")
def samples(small_tokens):
    return make_samples(small_tokens)


@pytest.fixture(scope="module", params=["last", 2])
def subject(request, small_model_folder):
    return load_language_model(str(small_model_folder), layer=request.param, device="cpu")


def collected(subject, samples, outcome, cache, replacement="mean"):
    how = plan_ablation(subject, replacement, 1e-4, 3, outcome)
    keys = evidence_keys(subject, samples, how)
    collect_evidence(subject, samples, keys, how, cache, SESSION)
    return read_evidence(cache, keys)


def alone(subject, sample, outcome, edit=None):
    """Outcome and neurons of each example, its tokens run by themselves by the model in float64."""
    model, sums, neurons = double_model(subject), [], []
    down = model.gpt_neox.layers[subject.layer].mlp.dense_4h_to_h
    for row in sample.positions.iter_rows(named=True):
        end = row["index"] + 1 + (row["length"] if outcome == "sequence" else 1)
        ids = torch.from_numpy(sample.tokens[row["block"], :end].astype(np.int64))[None]
        seen = []
        with torch.no_grad(), recorded_input(down, seen), edited_input(down, edit or (lambda x: x)):
            log_p = torch.log_softmax(model(input_ids=ids).logits[0], dim=-1)
        places = torch.arange(row["index"], end - 1)
        losses = -log_p[places, ids[0, places + 1]]
        if outcome == "logit_difference":
            losses = log_p[row["index"], row["foil"]] - log_p[row["index"], row["target"]]
        sums.append(float(losses.sum()))
        neurons.append(seen[0].reshape(-1, seen[0].shape[-1])[row["index"]].numpy())
    return np.array(sums), np.stack(neurons)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_evidence_is_that_of_one_prompt_at_a_time(subject, samples, outcome, tmp_path):
    evidence = collected(subject, samples, outcome, tmp_path)
    assert evidence.ablation.outcome == outcome
    assert evidence.ablation.engine == ("identity" if subject.layer == 3 else "interventions")
    assert (evidence.decomposition is None) == (outcome != "loss" or subject.layer != 3)
    split = evidence.evaluation
    base, neurons = alone(subject, samples["evaluation"], outcome)
    np.testing.assert_allclose(split.activations, neurons, atol=1e-4)
    np.testing.assert_allclose(split.loss, base, atol=1e-4)
    for neuron in (0, 17, int(np.abs(split.delta_loss).mean(axis=0).argmax())):

        def edit(activations, neuron=neuron):
            activations[..., neuron] = float(evidence.mean_activation[neuron])
            return activations

        ablated, _ = alone(subject, samples["evaluation"], outcome, edit)
        np.testing.assert_allclose(split.delta_loss[:, neuron], ablated - base, atol=3e-4)
    assert np.abs(split.delta_loss).max() > 0.05


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_it_does_not_matter_what_is_run_together(subject, samples, outcome, tmp_path, monkeypatch):
    whole = collected(subject, samples, outcome, tmp_path / "16")
    monkeypatch.setattr(forward, "_BLOCKS_PER_BATCH", 1)
    monkeypatch.setattr(forward_stage, "BLOCKS_PER_SHARD", 5)
    monkeypatch.setattr(extent, "_SHORTEST", 1)
    junk = {name: replace_padding(sample) for name, sample in samples.items()}
    one = collected(subject, junk, outcome, tmp_path / "1")
    for split in ("selection", "evaluation"):
        here, there = getattr(whole, split), getattr(one, split)
        for name in ("activations", "loss", "delta_loss", "attention"):
            np.testing.assert_allclose(getattr(here, name), getattr(there, name), atol=2e-5)


def replace_padding(sample):
    """The same prompts and targets with other tokens behind them."""
    tokens = sample.tokens.copy()
    for row in sample.positions.iter_rows(named=True):
        tokens[row["block"], row["index"] + 1 + row["length"] :] = 77
    return Sample(tokens, sample.positions, sample.head_blocks)


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_self_check_and_groups_agree_with_single_neurons(subject, samples, outcome, tmp_path):
    evidence = collected(subject, samples, outcome, tmp_path, "resample")
    split, how = evidence.evaluation, evidence.ablation
    replacement = Replacement.behind(how, evidence.selection)
    tokens = samples["evaluation"].tokens
    check = check_ablation(
        subject,
        tokens,
        split.blocks,
        split.indices,
        split.delta_loss,
        replacement,
        how,
        12,
        np.random.default_rng(0),
        loss=split.loss,
        scoring=Scoring.of(split.positions, outcome),
    )
    assert check.largest_difference < 3e-4
    rows, groups = np.arange(0, N, 3), np.array([[4], [50]])
    together = ablate_groups(subject, tokens, split, rows, replacement, groups, 1.0, outcome=outcome)
    np.testing.assert_allclose(together, split.delta_loss[rows][:, [4, 50]], atol=3e-4)


def test_outcomes_are_evidence_of_their_own(subject, samples):
    keys = {
        evidence_keys(subject, samples, plan_ablation(subject, "mean", 1e-4, 3, outcome)).evaluation
        for outcome in OUTCOMES
    }
    assert len(keys) == 3
