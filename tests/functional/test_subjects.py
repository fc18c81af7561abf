"""Subjects from memory, in double precision, and spread over devices."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from nnsight import NNsight

import hypotest
from hypotest.errors import SelfCheckError, SubjectError
from hypotest.pipeline.subject import at_layer, load_subject, subject_in_memory
from hypotest.registration import load_protocol
from hypotest.subjects.loading.loading import load_language_model
from hypotest.subjects.wrapping import wrap_language_model

pytestmark = pytest.mark.usefixtures("no_figures")


@pytest.fixture(scope="module")
def plan(small_protocol):
    return load_protocol(small_protocol)


@pytest.fixture(scope="module")
def loaded(small_model_folder):
    model = transformers.AutoModelForCausalLM.from_pretrained(small_model_folder, dtype=torch.float32)
    return model, transformers.AutoTokenizer.from_pretrained(small_model_folder)


def test_a_model_in_memory_gives_the_numbers_of_its_folder(small_protocol, loaded, tmp_path, monkeypatch):
    """Wrapped by nnsight or not; only what the reports call it differs."""
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))
    model, tokenizer = loaded
    folder = hypotest.run(small_protocol, out=tmp_path / "folder")
    memory = hypotest.run(small_protocol, model=model, tokenizer=tokenizer, out=tmp_path / "memory")
    wrapped = hypotest.run(small_protocol, model=NNsight(model), tokenizer=tokenizer, out=tmp_path / "nn")
    assert memory.results.predictions == folder.results.predictions == wrapped.results.predictions
    assert memory.results.verdicts == folder.results.verdicts
    assert memory.manifest["hashes"]["weights"] == folder.manifest["hashes"]["weights"]
    assert memory.results.subject["name"].endswith("(in memory)")


def test_a_changed_model_in_memory_is_another_network(small_protocol, loaded, plan):
    model, tokenizer = loaded
    import copy

    other = copy.deepcopy(model)
    with torch.no_grad():
        next(other.parameters())[0, 0] += 1
    one, two = (subject_in_memory(plan, item, tokenizer, Path()) for item in (model, other))
    assert one.fingerprint != two.fingerprint


def test_a_hooked_model_is_not_the_one_behind_cached_evidence(small_protocol, loaded, tmp_path, monkeypatch):
    """An adapter made of hooks leaves the weights as they are; its loss tells."""
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))
    model, tokenizer = loaded
    tried = hypotest.run(small_protocol, model=model, tokenizer=tokenizer, out=tmp_path, limit=40)
    assert tried.subject.endswith("(in memory)")
    block = model.gpt_neox.layers[0].mlp
    hook = block.register_forward_hook(lambda _module, _given, output: output * 1.02)
    try:
        with pytest.raises(SelfCheckError, match="not the model that the evidence was collected from"):
            hypotest.run(small_protocol, model=model, tokenizer=tokenizer, out=tmp_path, limit=40)
    finally:
        hook.remove()


def test_text_needs_a_tokenizer(plan, loaded):
    with pytest.raises(SubjectError, match="pass tokenizer="):
        subject_in_memory(plan, loaded[0], None, Path())


def test_weights_that_are_not_there_are_refused(small_model_folder):
    config = transformers.AutoConfig.from_pretrained(small_model_folder)
    with torch.device("meta"):
        empty = transformers.AutoModelForCausalLM.from_config(config)
    with pytest.raises(SubjectError, match="not in memory"):
        wrap_language_model(empty)


def test_an_offloaded_model_is_refused_with_why_and_what_else_there_is(small_model_folder, tmp_path):
    accelerate = pytest.importorskip("accelerate")
    offloaded = transformers.AutoModelForCausalLM.from_pretrained(small_model_folder)
    accelerate.disk_offload(offloaded, offload_dir=tmp_path, execution_device=torch.device("cpu"))
    with pytest.raises(SubjectError) as refused:
        wrap_language_model(offloaded)
    for words in (
        "offloaded to processor or disk (device_map)",
        "The certified ablation reads weights",
        "device=balanced",
        "hypotest.record",
    ):
        assert words in str(refused.value)


def test_half_precision_is_refused(loaded):
    import copy

    with pytest.raises(SubjectError, match="must be float32"):
        wrap_language_model(copy.deepcopy(loaded[0]).half())


def test_ablating_through_nnsight_is_ablating_the_model(loaded):
    tokens = np.arange(48).reshape(3, 16)
    plain = hypotest.ablate_neurons(loaded[0], tokens)
    wrapped = hypotest.ablate_neurons(NNsight(loaded[0]), tokens)
    assert np.array_equal(plain.delta_loss, wrapped.delta_loss)


def test_float64_is_computed_in_float64(plan, small_protocol):
    double = plan.model_copy(update={"subject": plan.subject.model_copy(update={"dtype": "float64"})})
    subject = load_subject(double, small_protocol.parent, "cpu")
    assert next(subject.model.parameters()).dtype == torch.float64
    single = load_subject(plan, small_protocol.parent, "cpu")
    tokens = torch.arange(20)[None]
    exact, rounded = (item.model(tokens).logits.double() for item in (subject, single))
    assert 0 < (exact - rounded).abs().max() < 1e-3


def test_another_layer_of_the_same_network(plan, small_protocol):
    subject = load_subject(plan, small_protocol.parent, "cpu")
    moved = at_layer(subject, plan.member(layer=1), Path())
    assert moved.layer == 1 and moved.model is subject.model and moved.name == subject.name
    assert replace(moved, layer=subject.layer).fingerprint == subject.fingerprint


def test_no_attention_reaches_the_first_mlp_of_a_parallel_residual(plan, small_protocol):
    with pytest.raises(SubjectError, match=r"no attention of .* reaches the MLP of layer 0"):
        load_subject(plan.member(layer=0), small_protocol.parent, "cpu")


@pytest.mark.skipif(importlib.util.find_spec("accelerate") is None, reason="accelerate is not installed")
def test_balanced_gives_the_same_network(small_model_folder):
    """On a machine without GPUs all of it lands on the CPU; the path through device_map is the same."""
    spread = load_language_model(str(small_model_folder), device="balanced")
    plain = load_language_model(str(small_model_folder), device="cpu")
    assert spread.fingerprint == plain.fingerprint
    tokens = np.arange(48).reshape(3, 16)
    assert np.array_equal(
        hypotest.ablate_neurons(spread, tokens).delta_loss, hypotest.ablate_neurons(plain, tokens).delta_loss
    )


def test_balanced_says_what_is_missing(small_model_folder, monkeypatch):
    import hypotest.subjects.loading.devices as devices

    monkeypatch.setattr(devices, "find_spec", lambda name: None)
    with pytest.raises(SubjectError, match="pip install accelerate"):
        load_language_model(str(small_model_folder), device="balanced")
