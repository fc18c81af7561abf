"""Which numbers of a module's output are units, and how they lie in it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hypotest.errors import SubjectError

_CHANNELS_FIRST = (
    "Conv", "BatchNorm", "InstanceNorm", "GroupNorm", "Pool", "Upsample", "Dropout1d", "Dropout2d",
    "Dropout3d",
)  # fmt: skip
"""Modules whose outputs have their channels before their places."""


@dataclass(frozen=True, slots=True)
class Units:
    """The units that are tested: one axis of the output of a module.

    The activation of a unit at a row is its mean over places: the steps of a sequence, the pixels of an
    image, the calls of a module that is called again and again. An ablated unit is set to one number at all
    of these places, and everything behind the module runs again; a unit of a recurrent module (``nn.RNN``,
    ``nn.GRU``, ``nn.LSTM`` and their cells) is held there at every step, and the recurrence goes on from it.
    """

    module: str
    """Path as in ``module.named_modules()``."""
    axis: int | None = None
    """Axis of the units in the output; None: the channels of a convolution and of what follows it, the last
    axis elsewhere."""
    step: int | None = None
    """One step alone, from the end if negative: of a sequence, or of a module that is called again and again;
    None: all."""
    part: int = 0
    """Which tensor, where the module gives several: 0 is the output of a GRU or the h of an LSTM cell."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How units lie in the output of one call."""

    row_axis: int
    unit_axis: int
    n_units: int
    n_places: int
    """In one call, without units and rows."""
    n_calls: int
    """How often the module is called in one pass."""
    step: int | None
    """Counted from 0; over calls where there are several, else over places."""

    @property
    def call(self) -> int | None:
        """The only call that is looked at; None for all."""
        return self.step if self.n_calls > 1 else None

    @property
    def place(self) -> int | None:
        """The only place of a call that is looked at; None for all."""
        return None if self.n_calls > 1 else self.step

    def canonical(self, output: Tensor) -> Tensor:
        """The output of a call as (n_rows, n_places, n_units); a view where that is possible."""
        axes = (self.row_axis, self.unit_axis)
        first = output.movedim(axes, (0, output.ndim - 1))
        return first.reshape(first.shape[0], -1, self.n_units)

    def activations(self, outputs: list[Tensor]) -> Tensor:
        """Activation of every unit at every row, from the output of each call, shape (n_rows, n_units)."""
        if self.call is not None:
            outputs = [outputs[self.call]]
        stacked = torch.cat([self.canonical(item) for item in outputs], dim=1)
        return stacked.mean(dim=1) if self.place is None else stacked[:, self.place]

    def ablated(self, output: Tensor, members: Tensor, after: Tensor, n_rows: int) -> Tensor:
        """The output of a call with some units set to other numbers, a copy.

        Args:
            output: Of n_variants x n_rows rows, one copy of all behind the other.
            members: Units of each variant, shape (n_variants, n_members).
            after: What they are set to, shape (n_variants, n_rows, n_members).
            n_rows: Rows of a variant.
        """
        changed = output.clone()
        first = changed.movedim((self.row_axis, self.unit_axis), (0, changed.ndim - 1))
        n_variants = len(members)
        view = first.view(n_variants, n_rows, *first.shape[1:])
        after = after.to(changed.dtype)
        for variant, units in enumerate(members):
            own = view[variant]  # (n_rows, places..., n_units)
            if self.place is not None:
                own = own[:, self.place]
            shape = (n_rows, *[1] * (own.ndim - 2), len(units))
            own[..., units] = after[variant].reshape(shape).expand(*own.shape[:-1], -1)
        return changed


def default_axis(module: nn.Module, source: nn.Module, output: Tensor, row: int) -> int:
    """The axis of units where none is named.

    Args:
        module: Whose output it is.
        source: The module that gave what it was applied to, if it only changes numbers one by one.
        output: Of a call.
        row: Its axis of rows.
    """
    channels = any(word in type(item).__name__ for item in (module, source) for word in _CHANNELS_FIRST)
    axis = 1 if channels and output.ndim > 2 else output.ndim - 1
    return axis if axis != row else output.ndim - 1


def layout_of(
    units: Units, module: nn.Module, source: nn.Module, outputs: list[Tensor], row: int | None, name: str
) -> Layout:
    """Find how units lie in the outputs of a module.

    Args:
        units: As asked for.
        module: The one that they belong to.
        source: As for `default_axis`.
        outputs: Of each call.
        row: Axis of rows; None where there is none.
        name: Of the network.

    Raises:
        SubjectError: If it holds no rows, or no such axis or step.
    """
    first, path = outputs[0], units.module
    shape = tuple(first.shape)
    if row is None:
        raise SubjectError(
            f"{name}: units {path!r}: the output of this module must hold the rows along one axis, its other "
            f"axes the same whatever their number; found shape {shape}"
        )
    if first.ndim < 2:
        raise SubjectError(
            f"{name}: units {path!r}: the output of this module must hold rows and units; found shape {shape}"
        )
    if not first.is_floating_point():
        raise SubjectError(
            f"{name}: units {path!r}: units must be floating-point numbers; found {first.dtype}"
        )
    for key, value in (("axis", units.axis), ("step", units.step)):
        if value is not None and not isinstance(value, int):
            raise SubjectError(f"{name}: units {path!r}: {key} must be a whole number; found {value!r:.60}")
    axis = default_axis(module, source, first, row) if units.axis is None else units.axis
    if not -first.ndim <= axis < first.ndim or axis % first.ndim == row:
        raise SubjectError(
            f"{name}: units {path!r}: axis must be one of the output's, of shape {shape}, other than that of "
            f"the rows, {row}; found {axis}"
        )
    axis %= first.ndim
    if any(item.shape != first.shape for item in outputs):
        raise SubjectError(f"{name}: units {path!r}: the module gives another shape at each of its calls")
    n_units, n_rows = first.shape[axis], first.shape[row]
    n_places = first.numel() // (n_units * n_rows)
    steps = len(outputs) if len(outputs) > 1 else n_places
    if units.step is not None:
        if len(outputs) == 1 and first.ndim != 3:
            raise SubjectError(
                f"{name}: units {path!r}: step needs a sequence: an output of rows, steps and units, or a "
                f"module that is called several times; found one call and shape {shape}"
            )
        if not -steps <= units.step < steps:
            raise SubjectError(
                f"{name}: units {path!r}: there are the steps 0 to {steps - 1}, from the end -1 to -{steps}; "
                f"found {units.step}"
            )
    step = None if units.step is None else units.step % steps
    return Layout(row, axis, n_units, n_places, len(outputs), step)
