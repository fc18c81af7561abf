"""Two kinds of network, written down again in float64 (or what is asked), and hooks on them.

transformers' own takes norms and softmax to float32 whatever the weights are.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

Get = Callable[[str], torch.Tensor]


class RMSNorm(nn.Module):
    def __init__(self, gain: torch.Tensor, eps: float) -> None:
        super().__init__()
        self.gain, self.eps = gain, eps

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x / (x.square().mean(-1, keepdim=True) + self.eps).sqrt() * self.gain


class LayerNorm(RMSNorm):
    def __init__(self, gain: torch.Tensor, bias: torch.Tensor, eps: float) -> None:
        super().__init__(gain, eps)
        self.bias = bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x - x.mean(-1, keepdim=True)) + self.bias


class Linear(nn.Module):
    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | float = 0.0) -> None:
        super().__init__()
        self.weight, self.bias = weight, bias

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x @ self.weight.T + self.bias


class Attention(nn.Module):
    """Causal, with the first places of every head rotated by position, in two halves."""

    def __init__(self, heads: int, kv: int, size: int, rotated: int, theta: float) -> None:
        super().__init__()
        self.heads, self.kv, self.size, self.rotated = heads, kv, size, rotated
        self.speed = theta ** (-torch.arange(0, rotated, 2, dtype=torch.float64) / rotated)
        self.seen: torch.Tensor | None = None

    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """Heads side by side, from queries, keys and values side by side."""
        batch, length, _ = q.shape
        angle = torch.arange(length, dtype=torch.float64)[:, None] * self.speed
        cos, sin = (turn.repeat(1, 2).to(q.dtype) for turn in (angle.cos(), angle.sin()))

        def turned(z: torch.Tensor) -> torch.Tensor:
            first, rest = z[..., : self.rotated], z[..., self.rotated :]
            one, two = first.chunk(2, -1)
            return torch.cat([first * cos + torch.cat([-two, one], -1) * sin, rest], -1)

        def split(z: torch.Tensor, n: int) -> torch.Tensor:
            return z.view(batch, length, n, self.size).transpose(1, 2)

        q, k, v = turned(split(q, self.heads)), turned(split(k, self.kv)), split(v, self.kv)
        k, v = (z.repeat_interleave(self.heads // self.kv, 1) for z in (k, v))
        score = q @ k.transpose(-1, -2) / self.size**0.5
        hidden = torch.ones(length, length, dtype=torch.bool).triu(1)
        self.seen = score.masked_fill(hidden, -torch.inf).softmax(-1)
        return (self.seen @ v).transpose(1, 2).reshape(batch, length, -1)


class LlamaBlock(nn.Module):
    """Grouped queries, SwiGLU."""

    def __init__(self, get: Get, heads: int, kv: int, theta: float, eps: float) -> None:
        super().__init__()
        self.norm1, self.norm2 = RMSNorm(get("attn_norm"), eps), RMSNorm(get("ffn_norm"), eps)
        # GGUF interleaves the two halves of each head's rotation: row 2 i + j was row j * size / 2 + i.
        self.q = Linear(_uninterleaved(get("attn_q"), heads))
        self.k = Linear(_uninterleaved(get("attn_k"), kv))
        self.v, self.o = Linear(get("attn_v")), Linear(get("attn_output"))
        self.gate, self.up, self.down = (Linear(get(f"ffn_{n}")) for n in ("gate", "up", "down"))
        size = self.q.weight.shape[0] // heads
        self.attention = Attention(heads, kv, size, size, theta)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.norm1(x)
        x = x + self.o(self.attention(self.q(h), self.k(h), self.v(h)))
        h = self.norm2(x)
        return x + self.down(nn.functional.silu(self.gate(h)) * self.up(h))


class NeoXBlock(nn.Module):
    """Attention and MLP side by side, GELU, part of each head rotated."""

    def __init__(self, get: Get, heads: int, share: float, theta: float, eps: float) -> None:
        super().__init__()

        def linear(name: str) -> Linear:
            return Linear(get(f"{name}.weight"), get(f"{name}.bias"))

        def norm(name: str) -> LayerNorm:
            return LayerNorm(get(f"{name}.weight"), get(f"{name}.bias"), eps)

        self.norm1, self.norm2 = norm("input_layernorm"), norm("post_attention_layernorm")
        self.qkv, self.o = linear("attention.query_key_value"), linear("attention.dense")
        self.up, self.down = linear("mlp.dense_h_to_4h"), linear("mlp.dense_4h_to_h")
        size = self.o.weight.shape[1] // heads
        self.attention = Attention(heads, heads, size, int(size * share), theta)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        heads, size = self.attention.heads, self.attention.size
        # Rows of the joint projection: each head's query, key and value in turn.
        mixed = self.qkv(self.norm1(x)).unflatten(-1, (heads, 3, size))
        q, k, v = (mixed[..., i, :].flatten(-2) for i in range(3))
        return x + self.o(self.attention(q, k, v)) + self.down(nn.functional.gelu(self.up(self.norm2(x))))


class Network(nn.Module):
    """From a GGUF file of a Llama, or the folder of a GPT-NeoX (config.json, model.safetensors)."""

    def __init__(self, path: Path, dtype: torch.dtype = torch.float64, layer: int = -1) -> None:
        super().__init__()
        self.layer = layer
        if path.is_dir():
            self._read_neox(path)
        else:
            self._read_llama(path)
        for module in self.modules():
            for name in ("gain", "bias", "weight", "embedding"):
                if isinstance(held := vars(module).get(name), torch.Tensor):
                    setattr(module, name, held.to(dtype))

    def _read_llama(self, path: Path) -> None:
        file = gguf.GGUFReader(str(path))
        raw = {each.name: each for each in file.tensors}

        def get(name: str) -> torch.Tensor:
            tensor = raw[f"{name}.weight"]
            return torch.from_numpy(gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float64))

        def field(name: str) -> Any:
            return file.fields[f"llama.{name}"].contents()

        eps = float(field("attention.layer_norm_rms_epsilon"))
        heads, kv = int(field("attention.head_count")), int(field("attention.head_count_kv"))
        theta = float(field("rope.freq_base"))
        self.embedding = get("token_embd")
        self.blocks = nn.ModuleList(
            LlamaBlock(lambda name, i=i: get(f"blk.{i}.{name}"), heads, kv, theta, eps)  # type: ignore[misc]
            for i in range(int(field("block_count")))
        )
        self.norm = RMSNorm(get("output_norm"), eps)
        self.unembedding = Linear(get("output") if "output.weight" in raw else self.embedding)

    def _read_neox(self, path: Path) -> None:
        raw = {name: each.double() for name, each in load_file(path / "model.safetensors").items()}
        config = json.loads((path / "config.json").read_text())
        rope, eps = config["rope_parameters"], config["layer_norm_eps"]
        self.embedding = raw["gpt_neox.embed_in.weight"]
        self.blocks = nn.ModuleList(
            NeoXBlock(
                lambda name, i=i: raw[f"gpt_neox.layers.{i}.{name}"],  # type: ignore[misc]
                config["num_attention_heads"],
                rope["partial_rotary_factor"],
                rope["rope_theta"],
                eps,
            )
            for i in range(config["num_hidden_layers"])
        )
        gain, bias = (raw[f"gpt_neox.final_layer_norm.{name}"] for name in ("weight", "bias"))
        self.norm = LayerNorm(gain, bias, eps)
        self.unembedding = Linear(raw["embed_out.weight"])

    @property
    def tested(self) -> nn.Module:
        """The block whose units are ablated: the last one by default."""
        return self.blocks[self.layer]

    def forward(self, ids: torch.Tensor, last: bool = False) -> torch.Tensor:
        x = self.embedding[ids]
        for block in self.blocks:
            x = block(x)
        return self.unembedding(self.norm(x[:, -1:] if last else x))


def _uninterleaved(weight: torch.Tensor, heads: int) -> torch.Tensor:
    return weight.view(heads, -1, 2, weight.shape[1]).transpose(1, 2).reshape(weight.shape)


@contextmanager
def edited(module: nn.Module, edit: Callable[[torch.Tensor], torch.Tensor | None]) -> Iterator[None]:
    """While it is open, the module's input is what `edit` makes of it."""
    hook = module.register_forward_pre_hook(
        lambda _m, inputs: None if (new := edit(inputs[0])) is None else (new,)
    )
    try:
        yield
    finally:
        hook.remove()


def losses(net: Network, residual: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of each target from the residual stream behind the last block."""
    parts = [
        -net.unembedding(net.norm(x)).log_softmax(-1).gather(1, t[:, None])[:, 0]
        for x, t in zip(residual.split(256), target.split(256), strict=True)
    ]
    return torch.cat(parts)
