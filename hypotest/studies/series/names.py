"""What the members of a series are called, and where each stands: on which line, and where on it.

A series has one axis, over which courses are drawn: its checkpoints if there are several, else its layers,
else its models. What members differ in besides makes lines: one for each model, say, or for each layer of
each.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import NamedTuple

from hypotest.records.protocol.material import Axis
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration.checks.series import checkpoint_step
from hypotest.report.text import file_slug
from hypotest.studies.series.record import SeriesAxis

_AXES: dict[Axis, SeriesAxis] = {"revision": "step", "layer": "layer", "model": "model"}
"""By precedence."""


class MemberName(NamedTuple):
    """How a member is called."""

    shown: str
    place: int
    """Block, training step, or number of the model, from 1."""
    folder: str
    line: str = ""
    """What else it differs in from other members; empty where there is one line."""
    training: str = ""
    """Whose weights these are, at some step; lines of one training are no independent ones."""
    together: str = ""
    """What all layers of the same weights are called."""


def axis_of(plan: Protocol) -> SeriesAxis:
    """Over what the courses of a series are drawn."""
    return next(shown for axis, shown in _AXES.items() if axis in plan.subject.axes)


def name_member(plan: Protocol, model: str, revision: str | None, layer: int | None) -> MemberName:
    """Name a member of a series.

    Args:
        plan: The series.
        model: The member's.
        revision: Its checkpoint; None for the only one.
        layer: Its block; None for the only one, or all of a model that cannot be had.
    """
    axes, axis = plan.subject.axes, axis_of(plan)
    number = plan.subject.models.index(model) + 1
    parts: dict[SeriesAxis, str] = {}
    folders: list[str] = []
    place = 0
    if "model" in axes:
        own = PurePath(model).name
        shared = sum(PurePath(other).name == own for other in plan.subject.models) > 1
        parts["model"] = model if shared else own
        folders.append(f"{number:02d}-{file_slug(own)}")
        place = number
    if isinstance(plan.subject.revision, tuple) and revision is not None:
        parts["step"] = revision
        folders.append(f"{plan.subject.revision.index(revision) + 1:03d}-{file_slug(revision)}")
    if "layer" in axes:
        parts["layer"] = "all layers" if layer is None else f"layer {layer}"
        folders.append("layers" if layer is None else f"layer-{layer:03d}")
    if axis == "step":
        place = checkpoint_step(revision or "") or 0
    elif axis == "layer":
        place = -1 if layer is None else layer
    together = {**parts, "layer": "all layers"} if "layer" in axes else parts
    return MemberName(
        shown=" ".join(parts.values()),
        place=place,
        folder="-".join(folders),
        line=" ".join(part for own, part in parts.items() if own != axis),
        training=model,
        together=" ".join(together.values()),
    )
