"""Time the stages of the reference protocol, cold and cached, with peak memory: ``make bench``.

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

PROTOCOL = Path(__file__).parents[2] / "protocols" / "rare-tokens.yaml"
NAIVE_TRACES = 40


def timed_run(cache: Path, out: Path) -> tuple[float, float, dict[str, float]]:
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
    command = [sys.executable, "-c", child, str(report), "run", str(PROTOCOL), "--out", str(out)]
    started = time.monotonic()
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, "HYPOTEST_CACHE": str(cache)}
    )
    if done.returncode:
        raise SystemExit(f"the run failed:\n{done.stderr}")
    seconds = time.monotonic() - started
    (manifest,) = out.glob("*/*/manifest.json")
    stages = json.loads(manifest.read_text(encoding="utf-8"))["durations_seconds"]
    return seconds, json.loads(report.read_text()), stages


def naive_seconds(cache: Path, out: Path) -> tuple[float, int, int]:
    """Seconds for one trace per neuron over all blocks, extrapolated; blocks and neurons."""
    import hypotest
    from hypotest.collect.self_check import intervene
    from hypotest.subjects.loading import load_language_model

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


def main() -> None:
    """Print the table as Markdown."""
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "cache"
        cold = timed_run(cache, Path(folder) / "cold")
        cached = timed_run(cache, Path(folder) / "cached")
        naive, n_blocks, n_neurons = naive_seconds(cache, Path(folder) / "cold")
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}\n")
    print("| stage | cold (s) | cached (s) |")
    print("|---|---:|---:|")
    for stage, seconds in cold[2].items():
        again = f"{cached[2][stage]:.1f}" if stage in cached[2] else "cached"
        print(f"| {stage} | {seconds:.1f} | {again} |")
    print(f"| **whole process** | **{cold[0]:.0f}** | **{cached[0]:.0f}** |")
    print(f"| peak memory (GB) | {cold[1]:.1f} | {cached[1]:.1f} |")
    ablation = sum(seconds for stage, seconds in cold[2].items() if stage.startswith("ablation of every"))
    print(
        f"\nAblating {n_neurons:,} neurons in {n_blocks:,} blocks one nnsight trace at a time would take "
        f"{naive / 3600:,.0f} hours here ({NAIVE_TRACES} traces of one block timed, extrapolated): "
        f"{naive / ablation:,.0f} x as long."
    )


if __name__ == "__main__":
    main()
