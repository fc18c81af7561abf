"""Small networks of several kinds, in float64, and single ablations of them by plain hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

N_ROWS = 36
STEPS = 5


class Functional(nn.Module):
    """Activation functions that are no modules."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.out = nn.Linear(5, 16), nn.Linear(16, 8), nn.Linear(8, 3)

    def forward(self, x):
        return self.out(torch.relu(self.two(torch.relu(self.one(x)))))


class Residual(nn.Module):
    """A norm behind a sum: units reach the outcome through one map, and all else does not."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.down, self.norm, self.out = (
            nn.Linear(5, 16),
            nn.Linear(16, 5),
            nn.LayerNorm(5),
            nn.Linear(5, 3),
        )

    def forward(self, x):
        return self.out(self.norm(x + self.down(torch.tanh(self.up(x)))))


class Normed(nn.Module):
    """A norm over the units themselves: no map reads them one by one."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.norm, self.out = nn.Linear(5, 16), nn.LayerNorm(16), nn.Linear(16, 3)

    def forward(self, x):
        return self.out(self.norm(self.up(x)))


class Leaking(nn.Module):
    """A map reads the units one by one, and they reach the outcome beside it, too."""

    def __init__(self) -> None:
        super().__init__()
        self.up, self.out = nn.Linear(5, 6), nn.Linear(6, 3)

    def forward(self, x):
        h = torch.relu(self.up(x))
        return self.out(h) + h[:, :3] * h[:, 3:]


class TwoBranches(nn.Module):
    """Two inputs, one by name; units are read by two maps; the output is a mapping."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.fusion = nn.Linear(5, 6), nn.Linear(4, 7), nn.Linear(13, 10)
        self.out, self.side = nn.Linear(10, 3), nn.Linear(10, 3)

    def forward(self, x, *, y):
        h = torch.relu(self.fusion(torch.cat([torch.relu(self.a(x)), self.b(y)], dim=1)))
        return {"logits": self.out(h) + torch.tanh(self.side(h)), "hidden": h}


class Recurrent(nn.Module):
    """A fused recurrent module, whose last step is read."""

    def __init__(self, kind=nn.GRU, *, batch_first: bool = True, layers: int = 1) -> None:
        super().__init__()
        self.embed, self.out = nn.Linear(3, 4), nn.Linear(7, 3)
        self.recurrent, self.batch_first = kind(4, 7, layers, batch_first=batch_first), batch_first

    def forward(self, x):
        x = self.embed(x)
        states, _ = self.recurrent(x if self.batch_first else x.transpose(0, 1))
        return self.out(states[:, -1] if self.batch_first else states[-1])


class Cells(nn.Module):
    """The same as `Recurrent` with one layer, as a cell that is called at every step."""

    def __init__(self, of: Recurrent) -> None:
        super().__init__()
        kind = type(of.recurrent).__name__
        self.embed, self.out = of.embed, of.out
        self.cell = getattr(nn, f"{kind}Cell")(4, 7).double()
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh"):
            getattr(self.cell, name).data = getattr(of.recurrent, f"{name}_l0").data

    def forward(self, x):
        x = self.embed(x)
        hidden = x.new_zeros(len(x), 7)
        cell = torch.zeros_like(hidden)
        for step in range(x.shape[1]):
            if isinstance(self.cell, nn.LSTMCell):
                hidden, cell = self.cell(x[:, step], (hidden, cell))
            else:
                hidden = self.cell(x[:, step], hidden)
        return self.out(hidden)


class Convolutional(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.act = nn.Conv2d(1, 6, 3), nn.ReLU(inplace=True)
        self.second, self.out = nn.Conv2d(6, 4, 3), nn.Linear(4, 3)

    def forward(self, x):
        return self.out(torch.relu(self.second(self.act(self.first(x)))).mean(dim=(2, 3)))


class ModularAddition(nn.Module):
    def __init__(self, p: int = 7) -> None:
        super().__init__()
        self.embed, self.hidden, self.act, self.out = (
            nn.Embedding(p, 6),
            nn.Linear(12, 20),
            nn.ReLU(),
            nn.Linear(20, p),
        )

    def forward(self, ab):
        return self.out(self.act(self.hidden(self.embed(ab).flatten(1))))


def seeded(make: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    """In float64, in evaluation mode."""
    torch.manual_seed(seed)
    return make().double().eval()


def inputs(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.randn(N_ROWS, *shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def rows(n_classes: int = 3) -> dict[str, Any]:
    """Three rows in a cluster, two kinds, a target."""
    numbers = np.random.default_rng(2).integers(n_classes, size=N_ROWS)
    return {
        "kind": ["a", "b"] * (N_ROWS // 2),
        "cluster": [row // 3 for row in range(N_ROWS)],
        "target": numbers.tolist(),
    }


def ablated_by_hooks(
    network: Any,
    unit: int | list[int],
    value: Any,
    *,
    axis: int,
    step: int | None = None,
    every_call: bool = True,
) -> NDArray[np.float64]:
    """Change of the outcome at every row, by torch's own hooks: the whole module, one ablation, no batches.

    Args:
        network: A `hypotest.Network`.
        unit: Which, or several.
        value: What it is set to.
        axis: Of the units in the output.
        step: Of a sequence, on axis 1; or the number of the call.
        every_call: Whether `step` is a place in a sequence.
    """
    calls = iter(range(10**6))

    def hook(_module: Any, _inputs: Any, output: Any) -> Any:
        number = next(calls)
        tensor = (output[0] if isinstance(output, tuple) else output).clone()
        view = tensor.movedim(axis, -1)
        if step is None or (not every_call and number == step):
            view[..., unit] = torch.as_tensor(value, dtype=tensor.dtype)
        elif every_call:
            view[:, step, unit] = torch.as_tensor(value, dtype=tensor.dtype)
        return (tensor, *output[1:]) if isinstance(output, tuple) else tensor

    every = np.arange(network.n_rows)
    args, kwargs = network.inputs.of(every)
    with torch.no_grad():
        base = network.module(*args, **kwargs)
        handle = network.module.get_submodule(network.units.module).register_forward_hook(hook)
        try:
            changed = network.module(*args, **kwargs)
        finally:
            handle.remove()
    one, other = (network.outcome(item, every)[0] for item in (base, changed))
    return (other - one).numpy()
