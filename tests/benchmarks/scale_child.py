"""The processes that `tests.benchmarks.scale` starts: a run, its repetition at full size, the naive way.

    python -m tests.benchmarks.scale_child run PROTOCOL LOG DEVICE OUT
    python -m tests.benchmarks.scale_child repeated PROTOCOL LOG DEVICE TIMES
    python -m tests.benchmarks.scale_child naive PROTOCOL LOG DEVICE TRACES

Each appends lines of JSON to the log: the start of every stage and every finished step, with the time.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHIFT = 8192
"""Between the tokens of two copies of a text: the reference tokenizer's vocabulary, so that types differ."""


class Log:
    """A file of events that outlives the process."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)

    def __call__(self, **event: Any) -> None:
        """Append an event."""
        self._file.write(json.dumps({"time": time.time(), "process": os.getpid(), **event}) + "\n")

    def start_stage(self, stage: str, n_steps: int) -> Callable[[], None]:
        """What `hypotest.run` is given to tell how far it is."""
        self(stage=stage, step=0, steps=n_steps)
        done = 0

        def step() -> None:
            nonlocal done
            done += 1
            self(stage=stage, step=done, steps=n_steps)

        return step


def run(protocol: Path, log: Log, device: str, out: Path) -> dict[str, Any]:
    """The protocol, by the function that users call."""
    import hypotest

    finished = hypotest.run(protocol, out=out, device=device, force=True, start_stage=log.start_stage)
    return {"folder": str(finished.folder)}


def repeated(protocol: Path, log: Log, device: str, times: int) -> dict[str, Any]:
    """Ablation and tests on the positions of a finished run, so many times over.

    Nearly all forward passes and ablations of heads are copied from the finished run's evidence; a copy's
    tokens are other ones. All else is done as in a run of that size.
    """
    from hypotest.collect.evidence import collect_evidence
    from hypotest.collect.evidence_folder import EvidenceKeys, read_evidence
    from hypotest.collect.sample import evidence_keys
    from hypotest.engine.progress import silent
    from hypotest.engine.session import Session
    from hypotest.pipeline.analysis.analysis import analyse
    from hypotest.pipeline.prepare import prepare
    from hypotest.registration import load_protocol

    plan = load_protocol(protocol)
    session = Session.start(plan.seed, log.start_stage, device)
    prepared = prepare(plan, protocol.parent, session.telling(silent), kept_out=())
    subject, cache = prepared.subject, session.evidence
    samples = {split: repeat_sample(sample, times) for split, sample in prepared.samples.items()}
    keys: EvidenceKeys = evidence_keys(subject, samples, prepared.ablation)
    for split, sample in samples.items():
        source, target = (cache / getattr(names, split) for names in (prepared.keys, keys))
        copy_passes(source, target, sample.positions["block"].to_numpy(), times)
    collect_evidence(subject, samples, keys, prepared.ablation, cache, session)
    evidence = read_evidence(cache, keys)
    positions = sum(sample.positions.height for sample in samples.values())
    del prepared, subject, samples, sample  # as a run lets go of its model
    gc.collect()
    analyse(plan, evidence, session=session)
    return {"positions": positions}


def repeat_sample(sample: Any, times: int) -> Any:
    """A sample several times over: other documents, in which other tokens stand."""
    import polars as pl

    from hypotest.collect.sample import Sample

    n_blocks, frame = len(sample.tokens), sample.positions
    n_documents = int(frame["document"].max()) + 1
    tokens, frames = [], []
    for copy in range(times):
        shift = SHIFT * (copy % 6)  # six vocabularies fit into Pythia's
        tokens.append(sample.tokens + np.int32(shift))
        moved = {"document": copy * n_documents, "block": copy * n_blocks, "target": shift}
        frames.append(frame.with_columns((pl.col(name) + by).cast(pl.Int32) for name, by in moved.items()))
    return Sample(np.concatenate(tokens), pl.concat(frames), sample.head_blocks)


def copy_passes(source: Path, target: Path, block: NDArray[np.integer], times: int) -> None:
    """Shards of forward passes, each position several times, and of head ablations as they are.

    The last of each is left to be computed, at the memory that this takes.

    Args:
        source: Finished evidence of a split.
        target: Folder of the repeated split.
        block: Of each repeated position, ascending.
        times: How often a position is repeated.
    """
    from hypotest.collect.evidence_folder import FINISHED
    from hypotest.collect.stages.forward import BLOCKS_PER_SHARD
    from hypotest.collect.store import read_shard, read_shards, write_shard

    counts = json.loads((source / FINISHED).read_text(encoding="utf-8"))
    arrays = read_shards(source / "forward", counts["forward"])
    used = np.unique(block)
    last = (used.size - 1) // BLOCKS_PER_SHARD
    n_rows = int(np.searchsorted(block, used[last * BLOCKS_PER_SHARD]))
    for number, rows in enumerate(np.array_split(np.arange(n_rows), last)):
        shard = target / "forward" / f"{number:05d}"
        if not shard.exists():
            write_shard(shard, {name: values[rows % len(values)] for name, values in arrays.items()})
    for number in range(counts["heads"] - 1):
        name = f"heads/{number:05d}"
        if not (target / name).exists():
            write_shard(target / name, read_shard(source / name))


def naive(protocol: Path, log: Log, device: str, traces: int) -> dict[str, Any]:
    """One block and one neuron at a time, as interventions are usually written."""
    from hypotest.collect.self_check import intervene
    from hypotest.registration import load_protocol
    from hypotest.subjects.loading.loading import load_language_model

    subject = load_language_model(load_protocol(protocol).subject.model, device=device)
    tokens, value = np.arange(128, dtype=np.int32), np.zeros(1, np.float32)
    intervene(subject, tokens, np.array([5]), 0, value)
    started = time.monotonic()
    for neuron in range(traces):
        intervene(subject, tokens, np.array([5]), neuron, value)
    return {"seconds": (time.monotonic() - started) / traces / 2}  # an intervention is two traces


def main() -> None:
    """Do one of them, and log its result with the peak memory of the device."""
    what, protocol, path, device, last = sys.argv[1:]
    log = Log(Path(path))
    log(start=what)
    if what == "run":
        record = run(Path(protocol), log, device, Path(last))
    else:
        record = {"repeated": repeated, "naive": naive}[what](Path(protocol), log, device, int(last))
    if device == "cuda":
        import torch

        record["peak_device"] = torch.cuda.max_memory_allocated() / 1e9
    log(finish=what, **record)


if __name__ == "__main__":
    main()
