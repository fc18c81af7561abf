"""The certified ablation against what people do now, and against the least it could cost.

    make bench-ablation                   on the CPU
    make bench-ablation DEVICE=cuda       the same rows on a GPU, and 25,088 positions at Pythia-1B's shape

Every row is measured in the same run, one after the other, the engine before and after; ratios are of the
medians. What would take hours is measured on a sample and extrapolated, and the row says so.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

TOLERANCE = 1e-4
MEMORY = 4.0
N_BLOCKS, PER_BLOCK = 64, 32
PYTHIA = {"d_model": 2048, "n_neurons": 8192, "vocab": 50304}


def main() -> None:
    device = sys.argv[1] if len(sys.argv) > 1 else "cpu"
    if len(sys.argv) > 2:
        pythia(device, int(sys.argv[2]))
        return
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}, device {device}\n", flush=True)
    print("| row | seconds | ratio | to reach |\n|---|---:|---:|---:|", flush=True)
    reference(device)
    print_pythia(device, 256)
    if device != "cpu":
        print_pythia(device, 25_088)


def read_text(n_blocks: int, per_block: int, device: str) -> tuple[Any, ...]:
    """The reference model, blocks of real text, and what is seen at some of their positions."""
    from hypotest.collect.forward import forward_arrays
    from hypotest.corpora.blocks import cut_blocks
    from hypotest.corpora.docstrings import EVALUATION_PACKAGES, package_documents
    from hypotest.subjects.loading.loading import load_language_model

    subject = load_language_model("reference", device=device)
    documents, _ = package_documents(EVALUATION_PACKAGES)
    blocks = cut_blocks(subject.encode([item.text for item in documents]), 128).tokens
    rng = np.random.default_rng(0)
    tokens = blocks[np.sort(rng.choice(len(blocks), n_blocks, replace=False))]
    block = np.repeat(np.arange(n_blocks), per_block)
    index = np.concatenate(
        [np.sort(rng.choice(np.arange(1, 127), per_block, replace=False)) for _ in range(n_blocks)]
    )
    seen = forward_arrays(subject, tokens, block, index)
    return subject, tokens, seen, tokens[block, index + 1].astype(np.int64)


def reference(device: str) -> None:
    """The rows on the reference model and real text."""
    import torch

    from hypotest.collect.last_block.ablation import NeuronAblation
    from hypotest.collect.last_block.readout import prepare_readout

    subject, tokens, seen, target = read_text(N_BLOCKS, PER_BLOCK, device)
    mean = seen["activations"].mean(axis=0)
    readout = prepare_readout(subject)
    engine = NeuronAblation(readout, TOLERANCE, MEMORY)
    engine.effects(0)

    def certified() -> None:
        engine(seen["residual"], seen["activations"], mean, target)

    effects = engine.effects(0).values
    p = torch.softmax(torch.randn(engine.tiles.positions, readout.vocab_size, device=device), dim=1)

    def products() -> None:
        for _ in range(0, target.size, engine.tiles.positions):
            for _ in range(3):
                torch.matmul(p, effects.T)

    residual = torch.from_numpy(seen["residual"]).to(device)
    delta = torch.from_numpy(mean - seen["activations"]).to(device)
    wanted = torch.from_numpy(target).to(device)
    vectors = subject.output_vectors
    norm, unembedding = subject.module("final_norm"), subject.module("unembedding")

    def direct(neurons: range) -> None:
        with torch.inference_mode():
            for neuron in neurons:
                moved = residual + delta[:, neuron, None] * vectors[neuron]
                for part, ids in zip(moved.split(512), wanted.split(512), strict=True):
                    torch.nn.functional.cross_entropy(unembedding(norm(part)), ids, reduction="none")

    ids = torch.from_numpy(tokens.astype(np.int64)).to(device)
    down, traced = subject.envoy("down_projection"), subject.traced

    def trace(neuron: int) -> None:
        with torch.no_grad(), traced.trace(ids):
            activations = down.input.clone()
            activations[:, :, neuron] = float(mean[neuron])
            down.input = activations
            logits = traced.output.logits.save()
        torch.log_softmax(logits, dim=-1)

    certified(), products(), direct(range(2)), trace(0)
    times = interleaved(device, {"engine": certified, "floor": products}, 7)
    n_neurons = readout.n_neurons
    one_direct = interleaved(device, {"direct": lambda: direct(range(8))}, 3)["direct"] / 8
    one_trace = interleaved(device, {"trace": lambda: trace(5)}, 5)["trace"]
    again = interleaved(device, {"engine": certified}, 3)["engine"]
    middle = statistics.median([times["engine"], again])
    shape = f"{target.size:,} positions, {n_neurons:,} neurons, V = {readout.vocab_size:,}"
    row(f"**engine**, tolerance {TOLERANCE:g}; reference model, {shape}", middle)
    row(
        "one nnsight trace per neuron (5 timed, extrapolated) / engine",
        one_trace * n_neurons,
        one_trace * n_neurons / middle,
        "at least 300 x",
    )
    row(
        "direct from the final norm, batched (8 neurons timed, extrapolated) / engine",
        one_direct * n_neurons,
        one_direct * n_neurons / middle,
        "at least 25 x",
    )
    row(
        "engine / three bare matrix products of that shape",
        times["floor"],
        times["engine"] / times["floor"],
        "at most 3 x",
    )


def pythia(device: str, n_positions: int) -> None:
    """One shape in a process of its own, whose peak memory is then the engine's; prints JSON."""
    import torch

    from hypotest.collect.last_block.ablation import NeuronAblation
    from hypotest.collect.last_block.readout import Readout

    d_model, n_neurons, vocab = PYTHIA["d_model"], PYTHIA["n_neurons"], PYTHIA["vocab"]
    subject, _, seen, _ = read_text(-(-n_positions // 64), 64, device)
    # activations of real text, neurons repeated; output vectors of random directions, so long that they move
    # the residual by as large a share of its length as those of the reference model
    known = seen["activations"][:n_positions]
    activations = np.tile(known, n_neurons // known.shape[1])
    residual = seen["residual"][:n_positions]
    residual = residual - residual.mean(axis=1, keepdims=True)
    lengths = subject.output_vectors.norm(dim=1).cpu() / np.median(np.linalg.norm(residual, axis=1))
    del subject, seen, known
    torch.manual_seed(0)
    # logits of random weights are spread like the reference model's, SD 2
    weights = torch.randn(vocab, d_model).mul_(2 / d_model**0.5).to(device)
    output = torch.randn(n_neurons, d_model).mul_(lengths.repeat(n_neurons // len(lengths))[:, None])
    readout = Readout.of(
        unembedding=weights,
        gain=torch.ones(d_model, device=device),
        bias=None,
        output=output.to(device),
        epsilon=1e-5,
        centred=True,
    )
    rng = np.random.default_rng(0)
    residual = rng.standard_normal((n_positions, d_model), dtype=np.float32)
    target = rng.integers(0, vocab, n_positions)
    mean = activations.mean(axis=0)
    unit = 1e9 if sys.platform == "darwin" else 1e6
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    engine = NeuronAblation(readout, TOLERANCE, MEMORY)
    figures: dict[str, float] = {"effects": seconds(device, lambda: engine.effects(0))}
    arrays = {}

    def certified() -> None:
        arrays.update(engine(residual, activations, mean, target))

    figures["engine"] = seconds(device, certified)
    if n_positions <= 1024:
        figures["engine"] = statistics.median(
            [figures["engine"], *(seconds(device, certified) for _ in range(2))]
        )
    figures["share_exact"] = float(arrays["n_exact"].mean() / n_neurons)
    figures["largest_bound"] = float(arrays["error_bound"].max())
    figures["peak"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    figures["before"] = before
    if device != "cpu":
        figures["peak_device"] = torch.cuda.max_memory_allocated() / 1e9
    x = torch.from_numpy(residual[:256]).to(device)
    wanted = torch.from_numpy(target[:256]).to(device)

    def direct() -> None:
        with torch.inference_mode():
            for neuron in range(4):
                delta = torch.from_numpy(mean[neuron] - activations[:256, neuron]).to(device)
                moved = x + delta[:, None] * readout.output[neuron]
                logits = torch.nn.functional.layer_norm(moved, (d_model,)) @ weights.T
                torch.nn.functional.cross_entropy(logits, wanted, reduction="none")

    direct()
    each = statistics.median([seconds(device, direct) for _ in range(3)]) / 4
    figures["direct"] = each * n_neurons * n_positions / 256
    print(json.dumps(figures))


def print_pythia(device: str, n_positions: int) -> None:
    """The rows at Pythia-1B's shape."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.ablation", device, str(n_positions)],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    figures = json.loads(done.stdout)
    shape = f"Pythia-1B's shape, {n_positions:,} positions"
    share = f"{100 * figures['share_exact']:.2g} % exact"
    row(f"**engine**; {shape}, random weights ({share})", figures["engine"])
    row("u_i of all neurons: one product per model, outside the ratio", figures["effects"])
    row(
        "direct (4 neurons timed, extrapolated) / engine",
        figures["direct"],
        figures["direct"] / figures["engine"],
        "at least 300 x",
    )
    if "peak_device" in figures:
        print(f"| peak memory of the device (GB) | {figures['peak_device']:.2f} | | {MEMORY:g} + weights |")
    print(
        f"| peak memory of the process (GB), of which inputs and libraries {figures['before']:.2f} | "
        f"{figures['peak']:.2f} | | {MEMORY:g} |",
        flush=True,
    )


def seconds(device: str, function: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    import torch

    started = time.perf_counter()
    function()
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def interleaved(device: str, functions: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median time of each function, called in turns."""
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            times[name].append(seconds(device, function))
    return {name: statistics.median(values) for name, values in times.items()}


def row(name: str, value: float, ratio: float | None = None, goal: str = "") -> None:
    """One line of the table."""
    print(f"| {name} | {value:,.2f} | {'' if ratio is None else f'{ratio:,.1f} x'} | {goal} |", flush=True)


if __name__ == "__main__":
    main()
