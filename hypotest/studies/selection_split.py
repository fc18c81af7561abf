"""What studies may look at before a run: the selection split, and nothing of the evaluation split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from hypotest.collect.evidence_folder import is_collected
from hypotest.collect.sample import Sample
from hypotest.engine.progress import StartStage
from hypotest.engine.session import Session
from hypotest.pipeline.checks.channels import check_channels, require_influence
from hypotest.pipeline.checks.plausibility import measure_cross_entropy
from hypotest.pipeline.checks.preflight import check_command, require_single, results_folder
from hypotest.pipeline.checks.reach import check_reach
from hypotest.pipeline.collection import collect_selected
from hypotest.pipeline.prepare import Prepared, prepare
from hypotest.pipeline.registered.manifest import Stopwatch
from hypotest.pipeline.registered.registered import kept_out_of_evaluation
from hypotest.pipeline.subject import network_in_memory
from hypotest.records.evidence.evidence import SelectionEvidence
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration import load_protocol
from hypotest.registration.built import protocol_file


@dataclass(frozen=True, slots=True, eq=False)
class SelectionLook:
    """A plan, its subject and text, and the evidence of its selection split."""

    plan: Protocol
    prepared: Prepared
    sample: Sample
    """The split, or what of it was collected."""
    selection: SelectionEvidence
    """Of that sample."""
    whole: bool
    """Whether that is all of the split."""
    session: Session
    preparing: dict[str, float]
    """Seconds that each stage took before anything was collected."""
    folder: Path
    """Gets what the study leaves behind."""


def look_at_selection(
    protocol: str | Path,
    command: str,
    out: str | Path | None,
    device: str,
    memory: float,
    start_stage: StartStage,
    positions: int | None = None,
    subject: Any = None,
) -> SelectionLook:
    """Prepare a plan as a run does, and collect its selection split; the cache keeps it for the run.

    Of the evaluation split, nothing is run through the model or read. Which positions it has is drawn
    together with those of the selection split, from the text alone.

    Args:
        protocol: Path of the protocol.
        command: What was asked for, ``explore`` or ``power``: for errors, and for the result's folder.
        out: Folder that gets ``<out>/<protocol id>/<command>``; default ``reports``.
        device: ``cpu``, ``cuda``, ``mps`` or ``auto``.
        memory: GB that ablation may take beside model and evidence.
        start_stage: Told of each stage and its number of steps, for progress.
        positions: Of each condition, about, that will do: in some of the split's documents. All of them where
            the cache has them, and without.
        subject: As for `hypotest.run`.

    Raises:
        ProtocolError: If the protocol cannot be run; carries every problem.
        RunError: If evidence cannot be collected; what was finished stays in the cache.
    """
    path = protocol_file(protocol)
    given = None if subject is None else network_in_memory(subject)
    plan = load_protocol(path, network=None if given is None else given.name)
    require_single(plan, path, command)
    folder = results_folder(plan, out)
    check_command(out=folder, device=device, memory=memory)
    session, watch = Session.start(plan.seed, start_stage, device, memory), Stopwatch(start_stage)
    timed = session.telling(watch)
    prepared = prepare(plan, path.parent, timed, given, kept_out=kept_out_of_evaluation(path))
    check_channels(plan, prepared.subject.channels, prepared.subject.name, path)
    if command == "explore":
        require_influence(prepared.subject.channels, prepared.subject.name, path)
    if command == "power":  # to explore is to look for what would do
        check_reach(plan, prepared, prepared.subject.n_neurons, path)
    # a run stops where the model is worse than chance; here only its time is wanted
    measure_cross_entropy(prepared, timed, force=True)
    preparing = dict(watch.seconds)
    whole = positions is None or is_collected(session.evidence, prepared.keys.selection)
    sample = prepared.samples["selection"]
    if positions is not None and not whole:
        sample = some_documents(sample, positions, session.streams("some documents"))
    selection = collect_selected(plan, prepared, sample, timed)
    return SelectionLook(plan, prepared, sample, selection, whole, session, preparing, folder / command)


def some_documents(sample: Sample, positions: int, rng: np.random.Generator) -> Sample:
    """Documents of a split with all of their positions, so that what varies over documents does so here.

    Args:
        sample: The split.
        positions: Of each condition: documents are added until there are so many.
        rng: Which documents.
    """
    rows = sample.positions
    chosen: list[int] = []
    for side in (sample.first, ~sample.first):  # a document need not have rows of both
        of_side = rows.filter(pl.Series(side))
        missing = positions - of_side["document"].is_in(chosen).sum()
        if missing <= 0:
            continue
        others = of_side.filter(~pl.col("document").is_in(chosen))
        per_document = others.group_by("document").len().sort("document")
        order = rng.permutation(per_document.height)
        counts = per_document["len"].to_numpy()[order]
        chosen += per_document["document"].to_numpy()[order[np.cumsum(counts) - counts < missing]].tolist()
    mine = rows.filter(pl.col("document").is_in(chosen))
    blocks = np.unique(mine["block"].to_numpy())
    return Sample(sample.tokens, mine, sample.head_blocks[np.isin(sample.head_blocks, blocks)])
