"""What a network does at given positions, and what each neuron of its last MLP does to the loss there.

Nothing is read but token ids: activations, attention and the residual stream come from whole forward passes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from tests.reference.by_hooks.evidence import Array, Rows
from tests.reference.by_hooks.network import LayerNorm, Network, edited

Place = tuple[torch.Tensor, torch.Tensor]


@dataclass
class Positions:
    """Where targets are predicted. With a foil, the outcome is the difference of two logits."""

    block: Array
    index: Array
    document: Array
    target: Array
    rare: Array
    foil: Array | None = None

    def __len__(self) -> int:
        return len(self.block)

    def part(self, rows: Array) -> Positions:
        """Some of the positions."""
        return Positions(**{k: v if v is None else v[rows] for k, v in vars(self).items()})


def batches(
    tokens: Array, at: Positions | Rows, blocks: Array | None = None, together: int = 1024
) -> Iterator[tuple[torch.Tensor, Array, Place]]:
    """Token ids of some blocks, the rows that lie in them, and where: its block's place, and its own.

    Blocks end with the last row that any of them has; what comes behind a row does not reach it.
    """
    names, ends = np.unique(at.block), np.zeros(int(at.block.max()) + 1, int)
    np.maximum.at(ends, at.block, at.index + 1)
    names = names if blocks is None else np.asarray(blocks)
    names = names[np.argsort(ends[names], kind="stable")]
    size = max(1, together // int(ends[names].max()))
    for start in range(0, len(names), size):
        part = names[start : start + size]
        rows = np.flatnonzero(np.isin(at.block, part))
        order = np.argsort(part)
        which = order[np.searchsorted(part[order], at.block[rows])]
        ids = torch.from_numpy(tokens[part, : int(ends[part].max())].astype(np.int64))
        yield ids, rows, (torch.from_numpy(which), torch.from_numpy(at.index[rows].astype(np.int64)))


class Passed(Rows):
    """Activations of the last MLP and the stream behind the last block, at positions."""

    def __init__(
        self, net: Network, tokens: Array, at: Positions, heads_of: Sequence[int] = (), length: int = 128
    ) -> None:
        self.block, self.index, self.document = at.block, at.index, at.document
        self.target, self.rare, self.foil = at.target, at.rare, at.foil
        last = net.tested
        width, size = last.down.weight.shape[1], last.down.weight.shape[0]
        self.activations = np.empty((len(at), width), np.float32)
        self.residual = np.empty((len(at), size), np.float32)
        heads = sum(net.blocks[i].attention.heads for i in heads_of)
        self.attention = np.zeros((len(at), heads, length if heads else 0), np.float32)
        for ids, rows, place in batches(tokens, at):
            seen: dict[str, torch.Tensor] = {}

            def keep(x: torch.Tensor, seen: dict[str, torch.Tensor] = seen) -> None:
                seen["activations"] = x

            def cut(
                x: torch.Tensor, seen: dict[str, torch.Tensor] = seen, place: Place = place
            ) -> torch.Tensor:
                seen["residual"] = x[place]
                return x[:1, :1]

            with edited(last.down, keep), edited(net.norm, cut):
                net(ids)
            self.activations[rows] = seen["activations"][place].numpy()
            self.residual[rows] = seen["residual"].numpy()
            if heads:
                sides = torch.cat([net.blocks[i].attention.seen for i in heads_of], 1)
                self.attention[rows, :, : sides.shape[-1]] = sides[place[0], :, place[1]].numpy()
        self.loss = outcome(net, self)


def outcome(net: Network, at: Rows) -> Array:
    """Cross-entropy of the target, or by how much its logit falls short of the foil's."""
    parts = []
    for rows in np.array_split(np.arange(len(at.target)), max(1, len(at.target) // 128)):
        logits = net.unembedding(net.norm(torch.from_numpy(at.residual[rows]).to(net.embedding.dtype)))
        parts.append(read(logits, at, rows))
    return np.concatenate(parts)


def read(logits: torch.Tensor, at: Rows, rows: Array) -> Array:
    """The outcome of rows from their logits, of shape (..., n_rows, n_tokens)."""

    def of(tokens: Array) -> torch.Tensor:
        places = torch.from_numpy(tokens[rows].astype(np.int64)).expand(logits.shape[:-1])
        return logits.gather(-1, places[..., None])[..., 0]

    other = logits.logsumexp(-1) if at.foil is None else of(at.foil)
    return np.asarray((other - of(at.target)).numpy())


@torch.no_grad()
def every_neuron(net: Network, at: Rows, mean: Array, together: int = 2**19) -> Array:
    """Change of the outcome with each neuron at its mean, all tokens' logits written out, in float32.

    The last MLP adds to the stream, so a neuron that is `away` from its activation adds away * w_i to x;
    the final norm divides by the length of that sum, and the unembedding is linear:
    logits = (U x + away * U w_i) / |x + away * w_i| + U bias, for centred and gained x and w.
    """
    double = torch.float64
    stream = torch.from_numpy(at.residual).to(double)
    write = net.tested.down.weight.T.to(double)
    centred = isinstance(net.norm, LayerNorm)
    if centred:
        stream, write = (x - x.mean(-1, keepdim=True) for x in (stream, write))
    unembed = net.unembedding.weight.to(double)
    gain = net.norm.gain.to(double)
    offset = (unembed @ net.norm.bias.to(double) if centred else unembed.new_zeros(len(unembed))).float()
    away = torch.from_numpy(mean - at.activations.astype(np.float64))
    size = stream.shape[1]
    squares = stream.square().sum(-1, keepdim=True) + 2 * away * (stream @ write.T)
    over = ((squares + away.square() * write.square().sum(-1)) / size + net.norm.eps).rsqrt()
    own = (stream.square().mean(-1) + net.norm.eps).rsqrt()
    changes = np.empty(tuple(away.shape), np.float32)
    targets = torch.from_numpy(at.target.astype(np.int64))
    if at.foil is not None:
        foils = torch.from_numpy(at.foil.astype(np.int64))
        apart = (unembed[foils] - unembed[targets]) * gain  # (n_rows, size)
        now = (stream * apart).sum(-1, keepdim=True)
        shift = (offset[foils] - offset[targets])[:, None]
        with_lesion = over * (now + away * (apart @ write.T)) + shift
        return np.asarray((with_lesion - (own[:, None] * now + shift)).float().numpy())
    base = (stream * gain @ unembed.T).float()
    reached = (write * gain @ unembed.T).float()
    before = (own[:, None].float() * base + offset).logsumexp(-1)
    hit = before - (own.float() * base.gather(1, targets[:, None])[:, 0] + offset[targets])
    over, away = over.float(), away.float()
    for neurons in torch.arange(len(write)).split(max(1, together // len(unembed))):
        part = reached[neurons]
        for row in range(len(stream)):
            scale = over[row, neurons]
            logits = torch.addcmul(base[row], part, away[row, neurons][:, None]).mul_(scale[:, None])
            logits.add_(offset - before[row])
            target = logits[:, targets[row]].clone()
            changes[row, neurons] = (logits.exp_().sum(-1).log() - target - hit[row]).numpy()
    return changes
