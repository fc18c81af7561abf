"""A run at the size of a paper, with Pythia-1B's configuration: ``make bench-scale``.

    make bench-scale                      on the CPU; hours
    make bench-scale DEVICE=cuda          on a GPU
    make bench-scale SHARE=1              all positions, nothing extrapolated

1. A run at a tenth of the 25,088 positions, by the function that users call.
2. Ablation and tests at all of them, on the forward passes of the first repeated tenfold: arrays have their
   full size then, and only the time of forward passes is extrapolated.
3. A few neurons one trace at a time, for comparison.
4. A smaller network's run is killed once in every stage of collection, and must come to the results of a run
   that nobody killed.

All of it goes on where it was stopped; its folder, which the last line names, may be deleted afterwards.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.benchmarks.scale_subject import DRAWS, POSITIONS, count_blocks, make_model, write_protocol
from tests.benchmarks.scale_watch import (
    Killed,
    Stage,
    is_kept,
    read_events,
    seconds_between,
    stages_of,
    watch,
)

NAIVE_TRACES = 6
KILLED_DRAWS = 499
GROUP_POSITIONS = 1024
"""At most, of ablating groups at once (`hypotest.pipeline.analysis.ablation_effects`)."""
KILLED_TEST = "clustering: labels shuffled (type)"
SMALL = {"hidden_size": 512, "intermediate_size": 2048, "num_hidden_layers": 2}
"""Of the network that is killed."""


def main() -> None:
    """Do what is not done yet, and print tables as Markdown."""
    from hypotest.engine.session import cache_folder

    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scale")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument(
        "--share", type=float, default=0.1, help="of the paper's positions, 1 / a whole number"
    )
    parser.add_argument("--folder", type=Path, default=cache_folder() / "bench-scale")
    parser.add_argument("--kills-only", action="store_true")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # which ends the child, too
    folder = chosen.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    print(
        f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}, device {chosen.device}\n", flush=True
    )
    if not chosen.kills_only:
        print_scale(folder, chosen.device, chosen.share)
    print_kills(folder, chosen.device)
    print(f"\nDone; {folder} is no longer needed.")


def print_scale(folder: Path, device: str, share: float) -> None:
    """Time and memory of every stage."""
    model = folder / "pythia-1b-random"
    make_model(model)
    times, positions = round(1 / share), round(POSITIONS * share / 2) * 2
    protocol = folder / f"scale-{positions}.yaml"
    write_protocol(protocol, model, positions, DRAWS)
    cache, log = folder / "cache", folder / f"scale-{positions}-{device}.jsonl"
    done = once("run", protocol, log, device, str(folder / "reports"), cache)
    full = once("repeated", protocol, log, device, str(times), cache) if times > 1 else {}
    naive = once("naive", protocol, log, device, str(NAIVE_TRACES), cache)
    manifest, results = (
        json.loads((Path(done["folder"]) / name).read_text(encoding="utf-8"))
        for name in ("manifest.json", "results.json")
    )
    events = read_events(log)
    own = stages_of(events, "run")
    again = {stage.name: stage for stage in stages_of(events, "repeated")}
    here, there = (count_blocks(protocol, number) for number in (positions, POSITIONS))
    growth = {split: there[split] / here[split] for split in here}
    rows = [project(stage, again.get(stage.name), growth, positions) for stage in own]
    rest = Stage("between stages: starting, reading evidence", seconds_between(events, "run", own), 0.0)
    rows.append(Row(rest, rest.seconds * times, f"at most x {times}"))
    print(table(rows, positions))
    group, ablation = results["group"], results["ablation"]
    print(
        f"\n{len(group['neurons'])} of {group['n_neurons']:,} neurons are tested, with {DRAWS:,} draws of "
        "every null; "
        f"{100 * ablation['share_exact']:.2g} % of the ablations needed the whole vocabulary. "
        f"Evidence on disk: {evidence_size(cache, manifest):.1f} GB at {positions:,} positions."
    )
    seconds = naive["seconds"] * sum(here.values()) * group["n_neurons"]
    engine = sum(stage.seconds for stage in own if stage.name.startswith("ablation of every"))
    whole = sum(row.stage.seconds for row in rows)
    print(
        f"One nnsight trace per neuron and block would take {seconds / 86400:,.0f} days here, at "
        f"{positions:,} positions ({NAIVE_TRACES} timed, {naive['seconds']:.1f} s each, extrapolated): "
        f"{seconds / engine:,.0f} x as long as the ablation, {seconds / whole:,.0f} x as long as the run."
    )
    for name, record in (("the run", done), ("the paper's size", full)):
        if "peak_device" in record:
            print(f"Peak memory of the device, {name}: {record['peak_device']:.1f} GB.")


def once(what: str, protocol: Path, log: Path, device: str, last: str, cache: Path) -> Mapping[str, Any]:
    """What a child found, now or when the benchmark was started before."""
    for event in read_events(log):
        if event.get("finish") == what:
            return event
    return watch(what, protocol, log, device, last, cache)


@dataclass(frozen=True, slots=True)
class Row:
    """A stage, and what it takes at the paper's size."""

    stage: Stage
    seconds: float
    how: str
    """``measured``, or what its time was multiplied by."""
    memory: float | None = None
    """GB at the paper's size, where that was measured."""


def project(stage: Stage, again: Stage | None, growth: Mapping[str, float], positions: int) -> Row:
    """What a stage takes at the paper's size.

    Args:
        stage: At some of the positions.
        again: The same stage at all of them, on repeated passes; its time counts if it did all of its work.
        growth: Split -> blocks of text at all positions, as a multiple of those here.
        positions: How many there were.
    """
    memory = again.memory if again else None
    if stage.name.startswith("activations"):
        factor = growth["selection" if "selection" in stage.name else "evaluation"]
        return Row(stage, stage.seconds * factor, f"x {factor:.1f} (blocks)", memory)
    if stage.name.startswith("ablation of attention heads"):
        return Row(stage, stage.seconds, "the same (256 blocks)", memory)
    if again is not None:
        return Row(stage, again.seconds, "measured", memory)
    if stage.name == "groups ablated at once":
        factor = min(GROUP_POSITIONS, POSITIONS // 4) / min(GROUP_POSITIONS, positions // 4)
        return Row(stage, stage.seconds * factor, f"x {factor:.1f} (positions)")
    return Row(stage, stage.seconds, "the same")


def table(rows: Sequence[Row], positions: int) -> str:
    """Markdown: seconds and memory of every stage, here and at the paper's size, and their sums."""
    lines = [
        f"| stage | {positions:,} positions (s) | memory (GB) | {POSITIONS:,} positions (s) | how "
        "| memory (GB) |",
        "|---|---:|---:|---:|---|---:|",
    ]
    for row in rows:
        lines.append(
            f"| {row.stage.name} | {row.stage.seconds:,.1f} | {gigabytes(row.stage.memory)} "
            f"| {row.seconds:,.0f} | {row.how} | {gigabytes(row.memory)} |"
        )
    here, there = sum(row.stage.seconds for row in rows), sum(row.seconds for row in rows)
    most, at_size = max(row.stage.memory for row in rows), max(row.memory or 0.0 for row in rows)
    lines.append(
        f"| **all: {hours(here)} here, {hours(there)} at the paper's size** | **{here:,.0f}** "
        f"| **{gigabytes(most)}** | **{there:,.0f}** | | **{gigabytes(at_size)}** |"
    )
    return "\n".join(lines)


def gigabytes(value: float | None) -> str:
    """One digit; nothing where it was not seen."""
    return f"{value:.1f}" if value else ""


def hours(seconds: float) -> str:
    """Hours and minutes."""
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min" if minutes >= 60 else f"{minutes} min"


def evidence_size(cache: Path, manifest: Mapping[str, Any]) -> float:
    """GB of a run's evidence on disk."""
    folders = [cache / "evidence" / manifest["evidence"][split] for split in ("selection", "evaluation")]
    return sum(file.stat().st_size for folder in folders for file in folder.rglob("*.npy")) / 1e9


def print_kills(folder: Path, device: str) -> None:
    """Kill a small network's run once in every stage of collection and in a test, and compare the results."""
    model = folder / "small-random"
    make_model(model, **SMALL)
    protocol = folder / "kills.yaml"
    write_protocol(protocol, model, round(POSITIONS / 20) * 2, KILLED_DRAWS)
    reports = str(folder / "reports")
    log = folder / f"undisturbed-{device}.jsonl"
    whole = Path(once("run", protocol, log, device, reports, folder / "undisturbed")["folder"])
    stages = [stage.name for stage in stages_of(read_events(log), "run")]
    log, cache = folder / f"killed-{device}.jsonl", folder / "killed"
    print("\n| killed in | of its steps, finished | shards kept |\n|---|---:|---:|", flush=True)
    kept: dict[Path, int] = {}
    for stage in [*filter(is_kept, stages), KILLED_TEST]:
        try:
            watch("run", protocol, log, device, reports, cache, kill_in=stage)
        except Killed:
            times = {file: file.stat().st_mtime_ns for file in cache.rglob("sha256.json")}
            kept |= {file: time for file, time in times.items() if cache / "evidence" in file.parents}
            last = [event for event in read_events(log) if event.get("stage") == stage][-1]
            print(f"| {stage} | {last['step']} of {last['steps']} | {len(times)} |", flush=True)
    again = Path(watch("run", protocol, log, device, reports, cache)["folder"])
    touched = sum(shard.stat().st_mtime_ns != time for shard, time in kept.items())
    results = [(run / "results.json").read_bytes() for run in (whole, again)]
    evidence = [json.loads((run / "manifest.json").read_bytes())["evidence_sha256"] for run in (whole, again)]
    same = results[0] == results[1] and evidence[0] == evidence[1]
    print(
        f"\nOf {len(kept)} shards that a kill left, {touched} were written again. Evidence and results.json "
        f"are {'byte for byte those' if same else 'NOT those'} of a run that was not killed "
        f"({', '.join(f'{name} {value:,}' for name, value in SMALL.items())})."
    )


if __name__ == "__main__":
    main()
