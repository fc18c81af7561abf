"""Checks of a protocol that is run more than once: on models or checkpoints, or at several layers."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from hypotest.records.protocol.material import SEED
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration.findings import Finding, KeyPath, shown

_STEP = re.compile(r"(?:step|checkpoint|iter|global_step)[-_]?(\d{1,15})(?!\d)", re.IGNORECASE)
_LAYER: KeyPath = ("subject", "layer")
_REVISION: KeyPath = ("subject", "revision")
_MODEL: KeyPath = ("subject", "model")
_SEED: KeyPath = ("subject", "seed")


def checkpoint_step(revision: str) -> int | None:
    """Training step that a checkpoint's name says; None where it says none.

    Examples:
        >>> checkpoint_step("step143000"), checkpoint_step("stage1-step1000-tokens5B")
        (143000, 1000)
        >>> checkpoint_step("main") is None
        True
        >>> checkpoint_step("checkpoint-500"), checkpoint_step("0500")
        (500, 500)
    """
    match = _STEP.search(revision)
    if match:
        return int(match[1])
    return int(revision) if re.fullmatch(r"[0-9]{1,15}", revision) else None


def fewest_checkpoints(level: float, trainings: int = 1) -> int:
    """Checkpoints from which the two-sided permutation p-value of a trend reaches a level.

    Args:
        level: The level.
        trainings: Each with these checkpoints, and permuted by itself: p is at least 2 / (n!)^trainings.

    Examples:
        >>> fewest_checkpoints(0.05), fewest_checkpoints(0.05 / 4), fewest_checkpoints(0.05, trainings=3)
        (5, 6, 3)
    """
    return next(n for n in range(2, 200) if 2 / math.factorial(n) ** trainings <= level)


def series_findings(protocol: Protocol) -> Iterator[Finding]:
    """Check layers and checkpoints, and what is predicted of their course.

    Yields:
        Errors.
    """
    revisions, layers = protocol.subject.revision, protocol.subject.layer
    yield from _models(protocol)
    if isinstance(layers, tuple):
        yield from _layers(layers)
    if isinstance(revisions, tuple):
        yield from _checkpoints(protocol, revisions)
    yield from _one_question(protocol)
    for place, prediction in enumerate(protocol.predictions):
        if prediction.contrast.trajectory:
            yield from _trend(prediction, revisions, ("predictions", place))


def _models(protocol: Protocol) -> Iterator[Finding]:
    model, seeds = protocol.subject.model, protocol.subject.seed
    names = model if isinstance(model, tuple) else (model,)
    if isinstance(model, tuple) and len(model) < 2:
        yield Finding(_MODEL, f"must be a model, or a list of at least two; found a list of {len(model)}")
    for place, name in enumerate(names):
        path = (*_MODEL, place) if isinstance(model, tuple) else _MODEL
        if name in names[:place]:
            yield Finding(path, f"must be listed once; found {shown(name)} twice: remove it")
        if seeds is not None and SEED not in name:
            message = f"must hold {SEED} where subject.seed lists seeds; found {shown(name)}"
            yield Finding(path, message, depends=(_SEED,))
        if seeds is None and SEED in name:
            message = f"holds {SEED}, and no seeds are listed: write them as subject.seed, or name one"
            yield Finding(path, message, depends=(_SEED,))
    if seeds is not None and len(seeds) < 2:
        message = f"must be a list of at least two seeds; found {len(seeds)}: write it into subject.model"
        yield Finding(_SEED, message)
    for place, seed in enumerate(seeds or ()):
        if seed in (seeds or ())[:place]:
            yield Finding((*_SEED, place), f"must be listed once; found {seed} twice: remove it")


def _layers(layers: tuple[int, ...]) -> Iterator[Finding]:
    if len(layers) < 2:
        message = f"must be a layer, or a list of at least two; found a list of {len(layers)}"
        yield Finding(_LAYER, message)
    for place, layer in enumerate(layers):
        if layer in layers[:place]:
            yield Finding((*_LAYER, place), f"must be listed once; found {layer} twice: remove it")


def _checkpoints(protocol: Protocol, revisions: tuple[str, ...]) -> Iterator[Finding]:
    if len(revisions) < 2:
        message = f"must be a revision, or a list of at least two; found a list of {len(revisions)}"
        yield Finding(_REVISION, message)
        return
    if "reference" in protocol.subject.models:
        message = "must be one checkpoint, since the reference model ships as one; found a list: remove it"
        yield Finding(_REVISION, message, depends=(("subject", "model"),))
    steps = [checkpoint_step(revision) for revision in revisions]
    for place, (revision, step) in enumerate(zip(revisions, steps, strict=True)):
        if step is None:
            message = (
                f"must name a training step, such as step1000 or checkpoint-500; found {shown(revision)}"
            )
            yield Finding((*_REVISION, place), message)
        elif place and steps[place - 1] is not None and step <= (steps[place - 1] or 0):
            message = (
                f"must be later than the one before; found {shown(revision)}: list them by step, each once"
            )
            yield Finding((*_REVISION, place), message)
    if any(item.role != "descriptive" for item in protocol.trends):
        n_tests = max(1, len(protocol.deciding))
        needed = fewest_checkpoints(protocol.decision.level / n_tests, max(1, len(protocol.subject.models)))
        if len(revisions) < needed:
            over = f" / {n_tests} deciding predictions" if n_tests > 1 else ""
            message = (
                f"must list at least {needed} checkpoints for the p-value of a trend to reach "
                f"{protocol.decision.level:g}{over}; found {len(revisions)}"
            )
            yield Finding(_REVISION, message, depends=(("decision",), ("predictions",)))


def _one_question(protocol: Protocol) -> Iterator[Finding]:
    """A verdict is on the course of training, or on each member of the series; both would need two levels."""
    if not any(item.role != "descriptive" for item in protocol.trends):
        return
    for place, item in enumerate(protocol.predictions):
        if item.role != "descriptive" and not item.contrast.trajectory:
            message = (
                f"must be descriptive where trends decide; found {item.role}: write `role: descriptive`, or "
                "ask about single checkpoints in a protocol of its own"
            )
            yield Finding(("predictions", place, "role"), message, depends=(("predictions",),))


def _trend(prediction: Prediction, revisions: object, path: KeyPath) -> Iterator[Finding]:
    if not isinstance(revisions, tuple):
        message = "needs several checkpoints; list them under subject.revision, or remove it"
        yield Finding((*path, "contrast", "trajectory"), message, depends=(_REVISION,))
    if prediction.margin is not None:
        message = "is of no use to a trend, which is less, greater or inconclusive; remove it"
        yield Finding((*path, "margin"), message, depends=((*path, "contrast"),))
    for name, outcomes in prediction.expects.items():
        if "equivalent" in outcomes:
            message = "must be less, greater or any: a trend is never shown to be absent; found equivalent"
            yield Finding((*path, name), message, depends=((*path, "contrast"),))
