"""Small random mixtures of experts of every family, and their inside written out as the oracle."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import numpy as np
import torch
import transformers

from hypotest.subjects.wrapping import wrap_language_model
from tests.collect.families import CONTEXT, VOCAB, positions

N_EXPERTS, N_EACH, N_SHARED = 4, 10, 6
_SIZES = {
    "vocab_size": VOCAB,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
}
_LATENT = {
    "vocab_size": VOCAB,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 4,
    "max_position_embeddings": 64,
    "kv_lora_rank": 8,
    "q_lora_rank": 12,
    "qk_nope_head_dim": 6,
    "qk_rope_head_dim": 4,
    "v_head_dim": 6,
    "head_dim": 4,
    "n_routed_experts": N_EXPERTS,
    "num_experts_per_tok": 2,
    "n_shared_experts": 1,
    "moe_intermediate_size": N_EACH,
    "intermediate_size": 16,
    "n_group": 2,
    "topk_group": 1,
}
MIXTURES = {
    "mixtral": lambda: transformers.MixtralConfig(
        **_SIZES, intermediate_size=N_EACH, num_local_experts=N_EXPERTS, num_experts_per_tok=2
    ),
    "olmoe": lambda: transformers.OlmoeConfig(
        **_SIZES,
        intermediate_size=N_EACH,
        num_experts=N_EXPERTS,
        num_experts_per_tok=2,
        pad_token_id=0,
        eos_token_id=0,
    ),
    "qwen3_moe": lambda: transformers.Qwen3MoeConfig(
        **_SIZES,
        head_dim=6,
        intermediate_size=16,
        moe_intermediate_size=N_EACH,
        num_experts=N_EXPERTS,
        num_experts_per_tok=2,
        norm_topk_prob=True,
    ),
    "qwen2_moe": lambda: transformers.Qwen2MoeConfig(
        **_SIZES,
        intermediate_size=16,
        moe_intermediate_size=N_EACH,
        shared_expert_intermediate_size=N_SHARED,
        num_experts=N_EXPERTS,
        num_experts_per_tok=2,
    ),
    "gpt_oss": lambda: transformers.GptOssConfig(
        **_SIZES,
        head_dim=6,
        intermediate_size=N_EACH,
        num_local_experts=N_EXPERTS,
        num_experts_per_tok=2,
        sliding_window=8,
        layer_types=["sliding_attention", "full_attention"],
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0},
    ),
    "deepseek_v2": lambda: transformers.DeepseekV2Config(
        **_LATENT, first_k_dense_replace=0, topk_method="group_limited_greedy", routed_scaling_factor=1.5
    ),
    "deepseek_v3": lambda: transformers.DeepseekV3Config(
        **_LATENT, first_k_dense_replace=0, norm_topk_prob=True, routed_scaling_factor=2.5
    ),
}
"""Two layers each."""


def small_mixture(name, layer="last", scale=0.2, units="neurons", **changes):
    """A random model with every parameter moved."""
    torch.manual_seed(4)
    config = MIXTURES[name]()
    for key, value in changes.items():
        setattr(config, key, value)
    model = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += scale * torch.randn_like(parameter)
    return wrap_language_model(model, layer=layer, name=name, units=units)


def _gated(module, gate, up):
    if hasattr(module, "alpha"):  # gpt-oss
        gate, up = gate.clamp(max=module.limit), up.clamp(-module.limit, module.limit)
        return (up + 1) * gate * torch.sigmoid(module.alpha * gate)
    return torch.nn.functional.silu(gate) * up


class Inside:
    """A mixture's experts written out token by token, whose neurons can be seen and set."""

    def __init__(self, subject):
        self.model = copy.deepcopy(subject.model).double()
        mlp = self.model.model.layers[subject.layer].mlp
        self.values: dict[int, torch.Tensor] = {}
        self.seen: list[np.ndarray] = []
        self.weights: list[np.ndarray] = []
        mlp.experts.forward = self._experts(mlp.experts)
        self.shared = getattr(mlp, "shared_expert", getattr(mlp, "shared_experts", None))
        self.gate = getattr(mlp, "shared_expert_gate", None)
        if self.shared is not None:
            self.shared.forward = self._shared(self.shared)

    def _experts(self, experts):
        gpt_oss = hasattr(experts, "alpha")

        def forward(hidden, numbers, weights):
            out = torch.zeros_like(hidden)
            active = torch.zeros(len(hidden), N_EXPERTS * N_EACH, dtype=torch.float64)
            sent = torch.zeros(len(hidden), N_EXPERTS, dtype=torch.float64)
            for token in range(len(hidden)):
                for number, weight in zip(numbers[token].tolist(), weights[token], strict=True):
                    if gpt_oss:
                        both = (
                            hidden[token] @ experts.gate_up_proj[number] + experts.gate_up_proj_bias[number]
                        )
                        neurons = _gated(experts, both[0::2], both[1::2])
                        out[token] += weight * experts.down_proj_bias[number]
                    else:
                        both = experts.gate_up_proj[number] @ hidden[token]
                        neurons = _gated(experts, both[:N_EACH], both[N_EACH:])
                    active[token, number * N_EACH : (number + 1) * N_EACH] = weight * neurons
                    sent[token, number] = weight
            self.seen.append(active.numpy().copy())
            self.weights.append(sent.numpy())
            for neuron, after in self.values.items():
                if neuron < N_EXPERTS * N_EACH:
                    active[:, neuron] = after.reshape(-1)
            for number in range(N_EXPERTS):
                down = experts.down_proj[number] if gpt_oss else experts.down_proj[number].T
                out += active[:, number * N_EACH : (number + 1) * N_EACH] @ down
            return out

        return forward

    def _shared(self, shared):
        def forward(hidden):
            flat = hidden.reshape(-1, hidden.shape[-1])
            factor = torch.ones(len(flat), 1) if self.gate is None else torch.sigmoid(self.gate(flat))
            active = _gated(shared, shared.gate_proj(flat), shared.up_proj(flat)) * factor
            self.seen.append(active.numpy().copy())
            for neuron, after in self.values.items():
                if neuron >= N_EXPERTS * N_EACH:
                    active[:, neuron - N_EXPERTS * N_EACH] = after.reshape(-1)
            return (active @ shared.down_proj.weight.T / factor).reshape(hidden.shape)  # multiplied outside

        return forward

    def logits(self, tokens, values=None):
        """All logits, with neurons set to (n_blocks, context) values; and activations of the neurons."""
        self.values = {
            neuron: torch.from_numpy(np.asarray(after, dtype=np.float64))
            for neuron, after in (values or {}).items()
        }
        self.seen, self.weights = [], []
        with torch.no_grad():
            logits = self.model(torch.from_numpy(tokens.astype(np.int64))).logits
        parts = sorted(self.seen, key=lambda part: -part.shape[1])  # that of the routed experts is wider
        neurons = np.concatenate(parts, axis=1).reshape(*tokens.shape, -1)
        weights = self.weights[0].reshape(*tokens.shape, -1)
        return SimpleNamespace(logits=logits.numpy(), neurons=neurons, weights=weights)

    def losses(self, tokens, block, index, values=None):
        logits = torch.from_numpy(self.logits(tokens, values).logits[block, index])
        target = torch.from_numpy(tokens[block, index + 1].astype(np.int64))
        return torch.nn.functional.cross_entropy(logits, target, reduction="none").numpy()


def set_to(replacement, neuron):
    """What a neuron is set to at each place of each block, (n_blocks, context)."""
    return np.stack([np.broadcast_to(replacement.within(b, CONTEXT)[:, neuron], CONTEXT) for b in range(4)])


__all__ = ["MIXTURES", "N_EACH", "N_EXPERTS", "N_SHARED", "Inside", "positions", "set_to", "small_mixture"]
