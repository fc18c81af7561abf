"""Time the stages of the reference protocol, cold and cached, with peak memory: ``make bench``.

Ratios are of the same questions: today's code answers those that the protocol asked before, in today's
language. How long the protocol takes that ships, which asks more, stands below them.

Each run is a process of its own, so that start-up counts and memory is its own. The naive way (one nnsight
trace per neuron) is timed on a few neurons in the same session and extrapolated, which the table says.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from tests.benchmarks.before import ROOT, both

QUESTIONS_BEFORE = Path(__file__).with_name("rare-tokens-before.yaml")
NAIVE_TRACES = 40
COLD, CACHED, TRIAL = "cold", "cached", "trial"
SHIPPED = "as it ships: "
PLACEBOS, LESIONS = ", placebos", ", lesions"


def timed_run(protocol: Path, cache: Path, out: Path, *options: str) -> tuple[float, float, dict[str, float]]:
    """Seconds, peak memory in GB, and seconds per stage of one run."""
    report = out.with_suffix(".json")
    child = (
        "import json, resource, sys; from hypotest.__main__ import main\n"
        "try: main(sys.argv[2:])\n"
        "except SystemExit as stop: code = stop.code\n"
        "unit = 1e9 if sys.platform == 'darwin' else 1e6\n"
        "peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit\n"
        "json.dump(peak, open(sys.argv[1], 'w')); sys.exit(code)"
    )
    command = [sys.executable, "-c", child, str(report), "run", str(protocol), "--out", str(out)]
    command += options
    started = time.monotonic()
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "HYPOTEST_CACHE": str(cache)}
    )
    if done.returncode:
        raise SystemExit(f"the run failed:\n{done.stderr}")
    seconds = time.monotonic() - started
    stages: dict[str, float] = {}
    for manifest in out.glob("*/*/manifest.json"):  # a trial has none
        stages = json.loads(manifest.read_text(encoding="utf-8"))["durations_seconds"]
    return seconds, json.loads(report.read_text()), stages


def naive_seconds(cache: Path, out: Path) -> tuple[float, int, int]:
    """Seconds for one trace per neuron over all blocks, extrapolated; blocks and neurons."""
    import hypotest
    from hypotest.collect.self_check import intervene
    from hypotest.subjects.loading.loading import load_language_model

    os.environ["HYPOTEST_CACHE"] = str(cache)
    (folder,) = out.glob("*/*/")
    evidence = hypotest.load_evidence(folder)
    subject = load_language_model("reference", device="cpu")
    n_blocks = sum(split.positions["block"].n_unique() for split in (evidence.selection, evidence.evaluation))
    tokens = np.arange(128, dtype=np.int32)  # which tokens does not matter for the time
    intervene(subject, tokens, np.array([5]), 0, np.zeros(1, np.float32))
    started = time.monotonic()
    for neuron in range(NAIVE_TRACES):
        intervene(subject, tokens, np.array([5]), neuron, np.zeros(1, np.float32))
    each = (time.monotonic() - started) / NAIVE_TRACES / 2  # an intervention is two traces
    return each * n_blocks * evidence.n_neurons, n_blocks, evidence.n_neurons


def measured() -> dict[str, float]:
    """Seconds of a cold run, a cached one and a trial, and of their stages, by the code that is found."""
    import hypotest

    tree = Path(hypotest.__file__).parents[1]
    shipped = tree / "protocols" / "rare-tokens.yaml"
    protocol = QUESTIONS_BEFORE if tree == ROOT else shipped
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        cold = timed_run(protocol, place / "cache", place / "cold")
        cached = timed_run(protocol, place / "cache", place / "cached")
        trial, _, _ = timed_run(protocol, place / "cache of the trial", place / "trial", "--limit", "64")
        naive: tuple[float, int, int] | None = None
        if protocol != shipped:
            for kind in (COLD, CACHED):
                whole, _, parts = timed_run(shipped, place / "its own", place / f"shipped {kind}")
                rows[SHIPPED + kind] = whole
                rows[SHIPPED + kind + PLACEBOS] = parts["placebos"]
                rows[SHIPPED + kind + LESIONS] = sum(parts[name] for name in parts if "lesioned" in name)
            naive = naive_seconds(place / "cache", place / "cold")
    rows |= {f"cold: {stage}": seconds for stage, seconds in cold[2].items()}
    rows |= {f"cached: {stage}": seconds for stage, seconds in cached[2].items()}
    rows |= {COLD: cold[0], CACHED: cached[0], TRIAL: trial}
    rows |= {"memory: cold": cold[1], "memory: cached": cached[1]}
    return rows if naive is None else rows | dict(zip(("naive", "blocks", "neurons"), naive, strict=True))


def main() -> None:
    """Print the table; with ``--figures``, the figures of whatever ``hypotest`` is found, as JSON."""
    before, now = both(__file__, measured)
    print("| stage | cold, before (s) | cold, now (s) | cached, before (s) | cached, now (s) |")
    print("|---|---:|---:|---:|---:|")
    stages = dict.fromkeys(name.split(": ", 1)[1] for name in now if name.startswith("cold: "))
    for stage in stages:
        cells = [
            f"{rows[key]:.1f}" if (key := f"{kind}: {stage}") in rows else ""
            for kind in ("cold", "cached")
            for rows in (before, now)
        ]
        print(f"| {stage} | {' | '.join(cells)} |")
    whole = [f"**{rows[kind]:.0f}**" for kind in (COLD, CACHED) for rows in (before, now)]
    print(f"| **whole process** | {' | '.join(whole)} |")
    memory = [f"{rows[f'memory: {kind}']:.1f}" for kind in ("cold", "cached") for rows in (before, now)]
    print(f"| peak memory (GB) | {' | '.join(memory)} |")
    ratios = [f"{kind} {now[kind] / before[kind]:.2f}" for kind in (COLD, CACHED)]
    print(
        f"\nNow as a share of before: {', '.join(ratios)}. A trial (`--limit 64`) takes {now[TRIAL]:.0f} s "
    )
    print(f"with an empty cache, {now[TRIAL] / now[COLD]:.2f} of a cold run (before: {before[TRIAL]:.0f} s).")
    lesions = now[SHIPPED + COLD + LESIONS]
    print(
        f"\nThe protocol as it ships, which asks more than then, takes {now[SHIPPED + COLD]:.0f} s, and "
        f"{now[SHIPPED + CACHED]:.0f} s from the cache. Of the first, placebos are "
        f"{now[SHIPPED + COLD + PLACEBOS]:.0f} s and lesions of groups {lesions:.0f} s; without lesions "
        f"it is {(now[SHIPPED + COLD] - lesions) / now[COLD]:.2f} x a run of the older questions."
    )
    ablation = sum(seconds for name, seconds in now.items() if name.startswith("cold: ablation of every"))
    print(
        f"\nAblating {now['neurons']:,.0f} neurons in {now['blocks']:,.0f} blocks one nnsight trace at a "
        f"time would take {now['naive'] / 3600:,.0f} hours here ({NAIVE_TRACES} traces of one block timed, "
        f"extrapolated): {now['naive'] / ablation:,.0f} x as long."
    )


if __name__ == "__main__":
    main()
