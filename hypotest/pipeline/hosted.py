"""Evidence of a model that others hold, recorded a request at a time.

What comes back lies at home, in shards of the cache, so that a connection that breaks costs one request, and
is a `hypotest.Evidence`: measures, tests and verdicts need no connection.

Every row is a context of its own, and of equal length, since a request holds many of them; so that any module
can be asked, every changed row is a row of a forward pass: n_rows x n_units of them, in requests of
`at_once`. (Evidence of a model at home needs far fewer, see `hypotest.collect`.) Losses are differences of
logits as the host computes them, which for large models is in half precision: the effect of a unit is exact
to that, and no bound is known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hypotest.collect.remote import HostedModel
from hypotest.collect.store import collect_shards, evidence_key
from hypotest.engine.progress import StartStage
from hypotest.engine.session import cache_folder
from hypotest.errors import EvidenceError
from hypotest.pipeline.cache.contents import RECORDED
from hypotest.report.progress_in_notebook import stages_shown
from hypotest.subjects.recorded.evidence import RecordedEvidence

AT_ONCE = 64
"""Rows of a forward pass in one request."""


def record(
    model: Any,
    ids: Any,
    rows: Mapping[str, Any],
    *,
    module: str,
    side: Literal["input", "output"] = "input",
    units: Any = None,
    replacement: Literal["mean", "zero"] = "mean",
    clusters: Any = None,
    remote: bool | str = True,
    at_once: int = AT_ONCE,
    name: str | None = None,
    start_stage: StartStage | None = None,
) -> RecordedEvidence:
    """Record activations, losses and the influence of units of a model that a host holds.

    Args:
        model: Nnsight's, such as ``nnsight.TransformersModel("meta-llama/Llama-3.1-70B", task=
            "text-generation")``; its weights need not be here.
        ids: Contexts: token ids, shape (n_rows, length), all of one length.
        rows: Columns of a value for each row, which conditions read; ``target`` is the id of the token that
            comes next.
        module: Path of the module at whose last position units are read and set, such as
            ``model.layers.79.mlp.down_proj``.
        side: Whether units are what the module is given (neurons of an MLP are what its down-projection is
            given) or what it gives.
        units: Which of them, ascending; all by default. Cost is in proportion to their number.
        replacement: What ablated units are set to: their mean over all rows, or 0.
        clusters: As for `hypotest.Evidence`.
        remote: True for NDIF (``NDIF_API_KEY``), the address of another host, or ``"local"`` for nnsight's
            stand-in, which packs and unpacks every request and runs it here; False runs it here as it is.
        at_once: Rows of a forward pass in one request.
        name: In reports; by default the model's own.
        start_stage: As for `hypotest.run`.

    Returns:
        Evidence with ``activations``, ``loss`` (nats) and ``influence`` (nats, positive where ablation
        hurts).

    Raises:
        SubjectError: If the model is none of nnsight's that can be asked, or has no such module.
        EvidenceError: If ids, targets or units are not what is required, or something is not finite.
        RunError: If the host does not answer; finished requests are kept, and the same call goes on.
    """
    contexts, targets = _checked(ids, rows, at_once)
    host, start_stage = HostedModel(model, module, side, remote), stages_shown(start_stage)
    asked = hashlib.sha256(contexts.tobytes() + targets.tobytes()).hexdigest()
    folder = cache_folder() / RECORDED / evidence_key({**host.settings, "ids": asked})
    n_rows = len(contexts)
    n_shards = -(-n_rows // at_once)
    step = start_stage("activations, asked of a host", n_shards)

    def seen(number: int) -> dict[str, NDArray[np.float32]]:
        some = slice(number * at_once, (number + 1) * at_once)
        activations, loss = host.seen(contexts[some], targets[some])
        return {"activations": activations, "loss": loss}

    base = collect_shards(folder / f"forward-{at_once}", n_shards, seen, step)
    chosen = _chosen(units, base["activations"].shape[1])
    after = base["activations"][:, chosen].mean(axis=0, dtype=np.float64).astype(np.float32)
    if replacement == "zero":
        after = np.zeros_like(after)
    pairs = np.arange(n_rows * chosen.size)
    n_shards = -(-pairs.size // at_once)
    step = start_stage("ablation of every unit, asked of a host", n_shards)

    def ablated(number: int) -> dict[str, NDArray[np.float32]]:
        row, column = np.divmod(pairs[number * at_once : (number + 1) * at_once], chosen.size)
        return {"loss": host.ablated(contexts[row], targets[row], chosen[column], after[column])}

    which = evidence_key({"units": chosen.tolist(), "replacement": replacement, "at_once": at_once})
    changed = collect_shards(folder / f"ablation-{which}", n_shards, ablated, step)["loss"]
    influence = changed.reshape(n_rows, chosen.size) - base["loss"][:, None]
    return RecordedEvidence(
        dict(rows),
        {"activations": base["activations"][:, chosen], "loss": base["loss"], "influence": influence},
        clusters=clusters,
        name=name or host.name,
    )


def _checked(ids: Any, rows: Mapping[str, Any], at_once: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    contexts = np.ascontiguousarray(ids, dtype=np.int64)
    if contexts.ndim != 2 or not contexts.size:
        raise EvidenceError(f"ids=: must have shape (n_rows, length); found {contexts.shape}")
    if "target" not in rows:
        raise EvidenceError("rows=: must have a column target, the id of the token that comes next")
    targets = np.ascontiguousarray(rows["target"], dtype=np.int64)
    if targets.shape != contexts.shape[:1]:
        raise EvidenceError(f"rows=: target must have {len(contexts)} values; found {targets.shape}")
    if at_once < 1:
        raise EvidenceError(f"at_once={at_once}: must be at least 1")
    return contexts, targets


def _chosen(units: Any, n_units: int) -> NDArray[np.int64]:
    if units is None:
        return np.arange(n_units)
    chosen = np.asarray(units, dtype=np.int64)
    if chosen.ndim != 1 or chosen.size < 2 or np.any(np.diff(chosen) <= 0):
        raise EvidenceError("units=: must be two or more numbers, ascending")
    if chosen[0] < 0 or chosen[-1] >= n_units:
        raise EvidenceError(f"units=: must be from 0 to {n_units - 1}; found {chosen[0]} to {chosen[-1]}")
    return chosen
