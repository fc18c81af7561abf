"""Mixtures of experts as subjects: units and their names, blocks without experts, unknown layouts."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import transformers

from hypotest.errors import SubjectError
from hypotest.records.evidence.channels import Channel
from hypotest.subjects.anatomy.families import DENSE_BLOCKS, FAMILIES
from hypotest.subjects.anatomy.recognition import anatomy_of, n_neurons
from hypotest.subjects.untrained import untrained_model
from hypotest.subjects.wrapping import wrap_language_model
from tests.collect.mixtures import MIXTURES, N_EACH, N_EXPERTS, N_SHARED, small_mixture

pytestmark = pytest.mark.slow
ROUTED = N_EXPERTS * N_EACH


@pytest.mark.parametrize("name", MIXTURES)
def test_units_are_neurons_of_experts(name):
    subject = small_mixture(name)
    partition = subject.tested.partition
    assert subject.anatomy == FAMILIES[name]
    assert subject.own_anatomy is None
    assert {Channel.PARTITION, Channel.ROUTER, Channel.WEIGHTS, Channel.HEADS} <= subject.channels
    assert partition.called([0, 17, ROUTED - 1]) == (
        "expert 0, neuron 0",
        "expert 1, neuron 7",
        "expert 3, neuron 9",
    )
    shared = {"qwen2_moe": N_SHARED, "deepseek_v2": N_EACH, "deepseek_v3": N_EACH}.get(name, 0)
    assert subject.n_neurons == ROUTED + shared == n_neurons(MIXTURES[name](), "last", "it")
    if shared:
        assert partition.called([ROUTED + 2]) == ("shared expert, neuron 2",)
        assert partition.names[-1] == "shared expert"
    assert subject.describe()["n_parts"] == len(partition.names) == N_EXPERTS + bool(shared)
    assert np.bincount(partition.parts).tolist() == [N_EACH] * N_EXPERTS + [shared] * bool(shared)


@pytest.mark.parametrize("name", MIXTURES)
def test_weights_of_a_unit_are_those_of_its_expert(name):
    subject = small_mixture(name)
    experts = subject.module("experts")
    unit = 2 * N_EACH + 3
    if name == "gpt_oss":  # transposed, gate and up in turns
        read, written = experts.gate_up_proj[2, :, 7], experts.down_proj[2, 3]
    else:
        read, written = experts.gate_up_proj[2, N_EACH + 3], experts.down_proj[2, :, 3]
    assert torch.equal(subject.kind.input_vectors(subject)[unit], read)
    assert torch.equal(subject.output_vectors[unit], written)


def test_blocks_of_a_mixture_that_have_an_mlp_like_any_other():
    model = small_mixture("deepseek_v3").model
    config = transformers.DeepseekV3Config(**{**model.config.to_dict(), "first_k_dense_replace": 1})
    model = transformers.AutoModelForCausalLM.from_config(config)
    dense, mixed = wrap_language_model(model, layer=0), wrap_language_model(model, layer=1)
    assert dense.anatomy == DENSE_BLOCKS["deepseek_v3"]
    assert dense.own_anatomy is None
    assert dense.n_neurons == 16 == n_neurons(config, 0, "it")
    assert mixed.n_neurons == ROUTED + N_EACH == n_neurons(config, 1, "it")
    assert not {Channel.PARTITION, Channel.ROUTER} & dense.channels


def test_experts_run_in_the_implementation_that_all_layouts_have():
    config = MIXTURES["mixtral"]()
    model = transformers.AutoModelForCausalLM.from_config(config, experts_implementation="grouped_mm")
    wrap_language_model(model)
    assert model.config._experts_implementation == "eager"


@pytest.mark.parametrize("weights", ["fresh", "permuted"])
def test_untrained_mixtures(weights):
    subject = small_mixture("mixtral")
    other = untrained_model(subject, 0, weights, 1)
    assert other.n_neurons == subject.n_neurons
    assert not torch.equal(other.output_vectors, subject.output_vectors)
    anatomy_of(other.model, 1, "x")  # proves it
    assert other.model.config._experts_implementation == "eager"


def test_a_family_without_a_row_is_recognised_by_its_experts():
    model = small_mixture("qwen2_moe").model
    model.config.model_type = "newcomer"
    anatomy = anatomy_of(model, 1, "x")
    assert (anatomy.family, anatomy.experts, anatomy.routing) == (
        "newcomer",
        "model.layers.{layer}.mlp.experts",
        "softmax",
    )
    assert anatomy.shared_gate


def test_a_router_that_weighs_in_its_own_way_gives_no_probabilities():
    model = small_mixture("mixtral").model
    model.config.model_type = "newcomer"
    for layer in model.model.layers:
        gate = layer.mlp.gate
        gate.register_forward_hook(lambda _module, _given, output: (output[0], output[1] ** 2, output[2]))
    subject = wrap_language_model(model)
    assert subject.anatomy.routing == ""
    assert Channel.ROUTER not in subject.channels
    assert Channel.PARTITION in subject.channels


def _wrapped(change, name="mixtral"):
    model = small_mixture(name).model
    for layer in model.model.layers:
        change(layer.mlp)
    return wrap_language_model(model)


def test_experts_that_are_modules_of_their_own_are_refused_with_what_is_required():
    def change(mlp):
        kept = mlp.experts
        mlp.experts = torch.nn.ModuleList([torch.nn.Linear(24, 24) for _ in range(N_EXPERTS)])
        mlp.experts.forward = kept.forward

    with pytest.raises(SubjectError) as caught:
        _wrapped(change)
    message = str(caught.value)
    assert (
        "must hold its experts in parameters gate_up_proj (or up_proj) and down_proj of three axes" in message
    )
    assert "found a ModuleList with Linear" in message


def test_tensors_of_other_shapes_are_refused_with_those_that_are_there():
    def change(mlp):
        experts = mlp.experts
        experts.gate_up_proj = torch.nn.Parameter(torch.randn(N_EXPERTS, 24, 3 * N_EACH))
        experts.forward = lambda hidden, *_: hidden

    with pytest.raises(SubjectError, match=r"fuses them; found a MixtralExperts with .*\(4, 24, 30\)"):
        _wrapped(change)


@pytest.mark.parametrize(("flag", "value"), [("is_concatenated", False), ("has_post_expert_norm", True)])
def test_another_layout_than_the_one_that_is_declared_is_refused(flag, value):
    with pytest.raises(SubjectError, match=r"subject\.anatomy\.experts: .*must"):
        _wrapped(lambda mlp: setattr(mlp.experts, flag, value))


def test_a_shared_expert_that_no_row_knows_is_found_out():
    def change(mlp):
        mlp.register_forward_hook(lambda module, given, output: output + 0.1 * given[0])

    with pytest.raises(SubjectError, match=r"the mixture's output is something else"):
        _wrapped(change)


def test_a_router_of_another_kind_is_refused():
    def change(mlp):
        mlp.gate = torch.nn.Linear(24, N_EXPERTS)
        gate, experts = mlp.gate, mlp.experts
        mlp.forward = lambda hidden: experts(
            hidden[0], *(item for item in torch.topk(gate(hidden[0]).softmax(-1), 2)[::-1])
        )[None]

    with pytest.raises(
        SubjectError, match=r"must give logits \(n_tokens, n_experts\), and weights and numbers"
    ):
        _wrapped(change)
