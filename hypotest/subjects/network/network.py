"""Any torch module as the network under test, with its rows."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Iterator
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from nnsight import NNsight
from torch import Tensor, nn

from hypotest.errors import SubjectError
from hypotest.records.evidence.channels import Channel
from hypotest.subjects.fingerprints import weights_fingerprint
from hypotest.subjects.network import admission
from hypotest.subjects.network.anatomy import ObservedPass, PassStructure, few_rows, source_of, watch
from hypotest.subjects.network.contents import settings_of
from hypotest.subjects.network.inputs import Inputs
from hypotest.subjects.network.outcome import Outcome
from hypotest.subjects.network.partition import partition_of
from hypotest.subjects.network.row_subject import RowSubject
from hypotest.subjects.network.rows import NetworkRows
from hypotest.subjects.network.trees import leaves, row_axis
from hypotest.subjects.network.units import Layout, Units, layout_of
from hypotest.subjects.precision import full_precision

Recurrence = Literal["", "stepped"]
"""Whether ablated units are held at every step of a recurrent module, which is run step by step for that."""
_TWICE = 64
"""Rows that are run twice, to see whether anything is drawn at random."""


class Network(RowSubject):
    """A torch module, which of its units are tested, and the rows at which it is looked at.

    Nothing of the module is changed: it runs as it is, on the device and with the precision of its
    parameters, wrapped by nnsight. It must be deterministic (call ``module.eval()`` first) and give every row
    an output of its own.

    Args:
        module: Any ``torch.nn.Module``.
        units: Path of the submodule whose outputs are the units, as in ``module.named_modules()``; `Units`
            says more: an axis, one step of a sequence, one of several outputs. A channel of a convolution is
            a unit, its activation the mean over places.
        rows: A polars or pandas data frame, or a mapping of columns: a row for each input, whose columns
            conditions read (``field:``).
        inputs: What the module is given: a tensor or array with the rows along its first axis, a tuple of
            them for several arguments, a mapping for named ones.
        outcome: A number for each row, larger where the network does worse: a function of the module's output
            and the rows (those of the pass, in the form in which they were given), or ``cross_entropy`` or
            ``mse`` of the column ``target``, or ``{"cross_entropy": column}``.
        clusters: Column of the rows, or a label for each, of what is independent of each other; every row of
            its own, if not given.
        partition: A declared division of the units: a label for each, or a mapping from part to units.
        name: In reports; by default the class of the module.

    Raises:
        SubjectError: If something of this does not hold; says what was required. A few rows are run to find
            out, some of them twice.

    Examples:
        >>> module = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 2)).eval()
        >>> rows = {"kind": ["a", "b"] * 5, "target": [0, 1] * 5}
        >>> network = Network(module, units="1", rows=rows, inputs=torch.ones(10, 3), outcome="cross_entropy")
        >>> network.n_neurons
        8
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        units: str | Units,
        rows: Any,
        inputs: Any,
        outcome: Any,
        clusters: Any = None,
        partition: Any = None,
        name: str | None = None,
    ) -> None:
        self.name = admission.require_name(type(module).__name__ if name is None else name)
        module = _plain(module, self.name)
        self.module = module
        self.units = Units(units) if isinstance(units, str) else units
        if not isinstance(self.units, Units):
            raise SubjectError(
                f"{self.name}: units must be the path of a submodule, or hypotest.Units; found "
                f"{type(units).__name__}"
            )
        self.tested = admission.require_module(module, self.units.module, self.name)
        self.rows = NetworkRows(rows, clusters, self.name)
        if self.rows.n < 2:
            raise SubjectError(f"{self.name}: rows must be at least two; found one")
        self.device = next((item.device for item in module.parameters()), torch.device("cpu"))
        self.inputs = Inputs(inputs, self.rows.n, self.device, self.name)
        self.outcome = Outcome(outcome, self.rows, self.name)
        admission.require_evaluating(module, self.name)
        admission.require_precision(module, self.name)
        self._settings = settings_of(module)
        with full_precision():
            self.anatomy, self.layout, self.recurrence = self._examined()
        self._leave_out_states()
        self.partition = None if partition is None else partition_of(partition, self.n_neurons, self.name)
        self.derived: dict[str, Any] = {}
        """What collection has found out about it, once."""

    def _examined(self) -> tuple[PassStructure, Layout, Recurrence]:
        """Run a few rows, and refuse what cannot be tested."""
        path, name = self.units.module, self.name
        n_one, n_other = few_rows(self.rows.n)
        first, again = (self._watched(min(_TWICE, self.rows.n)) for _ in range(2))
        admission.require_same(first.output, again.output, self.module, name)
        self._leave_out_states()
        one, other = self._watched(n_one), self._watched(n_other)
        anatomy = PassStructure.of(one, other, n_one, n_other)
        admission.require_rows(anatomy.output_axes, one.output, name)
        admission.require_independent(other.output, first.output, anatomy.output_axes, name)
        rows = np.arange(min(_TWICE, self.rows.n))
        loss, same = (self.outcome(item.output, rows, 1, anatomy.output_axes)[0] for item in (first, again))
        fewer = self.outcome(other.output, rows[:n_other], 1, anatomy.output_axes)[0]
        admission.require_outcome(loss, same, fewer, name)
        if path not in one.outputs:
            raise SubjectError(f"{name}: units {path!r}: this module is not called when the network runs")
        if len(one.outputs[path]) != len(other.outputs[path]):
            raise SubjectError(f"{name}: units {path!r}: the module is called more often for some rows")
        calls = [self.part(item) for item in one.outputs[path]]
        axis = row_axis(calls[0], self.part(other.outputs[path][0]), n_one, n_other)
        source = source_of(one, self.module, path)
        layout = layout_of(self.units, self.tested, source, calls, axis, name)
        stepped = (
            isinstance(self.tested, nn.RNNBase)
            and not self.tested.bidirectional
            and self.units.part == 0
            and layout.n_calls == 1
            and layout.n_places > 1
        )
        return anatomy, layout, "stepped" if stepped else ""

    def _watched(self, n_rows: int) -> ObservedPass:
        args, kwargs = self.inputs.of(np.arange(n_rows))
        try:
            return watch(self.module, lambda: self.module(*args, **kwargs))
        except Exception as error:  # whatever a user's module does
            shapes = ", ".join(str(tuple(item.shape)) for item in leaves([args, kwargs]))
            raise SubjectError(
                f"{self.name}: the module must run on its inputs; given {n_rows} rows, of shape {shapes}, it "
                f"says: {type(error).__name__}: {str(error).strip():.300}"
            ) from error

    def _leave_out_states(self) -> None:
        """Keep of the settings what passes over other rows have left as it was."""
        now = settings_of(self.module)
        self._settings = {name: value for name, value in self._settings.items() if now.get(name) == value}

    def part(self, output: Any) -> Tensor:
        """The tensor that holds the units, of what the tested module gives in a call.

        Raises:
            SubjectError: If it gives no such tensor.
        """
        every = list(leaves(output))
        if self.units.part >= len(every):
            raise SubjectError(
                f"{self.name}: units {self.units.module!r}: part {self.units.part} must be one of the "
                f"{len(every)} tensors that this module gives"
            )
        return every[self.units.part]

    @cached_property
    def traced(self) -> Any:
        """The module wrapped by nnsight."""
        return NNsight(self.module)

    def envoy(self, path: str) -> Any:
        """Nnsight's handle on a submodule."""
        envoy = self.traced
        for part in path.split("."):
            envoy = envoy[int(part)] if part.isdigit() else getattr(envoy, part)
        return envoy

    @property
    def n_neurons(self) -> int:
        """Units of the tested module."""
        return self.layout.n_units

    @property
    def channels(self) -> frozenset[Channel]:
        """What can be collected."""
        own = {Channel.PARTITION} if self.partition is not None else set()
        return frozenset({Channel.ACTIVATIONS, Channel.INFLUENCE, Channel.LOSS, Channel.LESIONS, *own})

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over names, shapes and values of all parameters, and of buffers that are saved."""
        return weights_fingerprint(self.module)

    @cached_property
    def settings_fingerprint(self) -> str:
        """SHA-256 of what the weights do not say: code, structure, settings of the module, units, outcome."""
        digest = hashlib.sha256(repr(self.module).encode())
        digest.update(repr(sorted(self._settings.items())).encode())
        for kind in sorted(
            {type(item) for item in self.module.modules()}, key=lambda item: item.__qualname__
        ):
            digest.update(f"{kind.__module__}.{kind.__qualname__}".encode())
            if not kind.__module__.startswith("torch."):
                digest.update(_code_of(kind).encode())
        digest.update(repr((self.units, self.layout, self.recurrence)).encode())
        digest.update(" ".join(sorted({str(item.dtype) for item in self.module.parameters()})).encode())
        digest.update(self.outcome.digest.encode())
        if self.partition is not None:
            digest.update(repr((self.partition.names, self.partition.parts.tolist())).encode())
        return digest.hexdigest()

    def _digests(self) -> Iterator[bytes]:
        return self.inputs.digests(self.n_rows)

    @property
    def layer(self) -> str:
        """What is tested: the module of the units."""
        return self.units.module

    @property
    def tested_words(self) -> str:
        """The same, for errors."""
        return f"units {self.units.module} of {type(self.module).__name__}"

    @property
    def family(self) -> str:
        """The class of the module."""
        return type(self.module).__name__

    @property
    def n_parameters(self) -> int:
        """Of the whole module."""
        return sum(item.numel() for item in self.module.parameters())

    @property
    def n_bytes(self) -> int:
        """That its parameters take."""
        return sum(item.numel() * item.element_size() for item in self.module.parameters())

    def describe(self) -> dict[str, str | int | None]:
        """What a report says of the subject."""
        return {
            "name": self.name,
            "class": type(self.module).__name__,
            "units": self.units.module,
            "n_neurons": self.n_neurons,
            "outcome": self.outcome.words,
            "n_parameters": self.n_parameters,
            **({"n_parts": len(self.partition.names)} if self.partition else {}),
        }


def _plain(module: Any, name: str) -> nn.Module:
    """The bare module, of one that nnsight wraps or torch compiles."""
    if isinstance(module, NNsight):
        module = module._module  # nnsight's only way to what it wraps
    module = getattr(module, "_orig_mod", module)
    if not isinstance(module, nn.Module):
        raise SubjectError(f"{name}: module must be a torch.nn.Module; found {type(module).__name__}")
    if any(item.is_meta for item in module.parameters()):
        raise SubjectError(f"{name}: the module's weights must be in memory; some are on the meta device")
    return module


def _code_of(kind: type) -> str:
    """Source of a class; of one whose file is not at hand, the code of its forward."""
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):
        code = getattr(getattr(kind, "forward", None), "__code__", None)
        return repr((code.co_code, code.co_names)) if code else ""
