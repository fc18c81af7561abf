"""What a plan over all of Pythia would take, 154 checkpoints of 8 sizes, from what one size was measured to.

Pythia-1B at the paper's 25,088 positions was timed stage by stage on two cores (`make bench-scale`, whose
table stands in docs/results/benchmarks.md). Other sizes are that, times what each stage grows with: forward
passes and the comparison with the whole model with the multiplications per token, ablation with neurons and
vocabulary, head ablation with heads and neurons, tests with neurons.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "docs" / "results" / "benchmarks.md"
GUIDE = ROOT / "docs" / "guide" / "many-models.md"
MARKS = ("<!-- suite: begin -->\n", "<!-- suite: end -->")
CHECKPOINTS = 154
POSITIONS, CONTEXT, VOCABULARY = 25_088, 128, 50_304


@dataclass(frozen=True)
class Size:
    """One size of Pythia: Biderman et al. 2023 (arXiv:2304.01373), table 1."""

    name: str
    n_layers: int
    d_model: int
    n_heads: int

    @property
    def n_neurons(self) -> int:
        """Of the last layer's MLP."""
        return 4 * self.d_model

    @property
    def products(self) -> float:
        """Multiplications for a token: of all blocks, and of the unembedding."""
        return 12 * self.n_layers * self.d_model**2 + VOCABULARY * self.d_model

    @property
    def weight_bytes(self) -> float:
        """In float32, with the embedding."""
        return 4 * (self.products + VOCABULARY * self.d_model)

    @property
    def evidence_bytes(self) -> float:
        """Of both splits, as `hypotest.pipeline.cache.room.split_bytes` counts the rows."""
        heads = self.n_layers * self.n_heads
        return POSITIONS * (10 * self.n_neurons + 4 * self.d_model + 4 * heads * CONTEXT)


SIZES = (
    Size("70M", 6, 512, 8),
    Size("160M", 12, 768, 12),
    Size("410M", 24, 1024, 16),
    Size("1B", 16, 2048, 8),
    Size("1.4B", 24, 2048, 16),
    Size("2.8B", 32, 2560, 32),
    Size("6.9B", 32, 4096, 32),
    Size("12B", 36, 5120, 40),
)
TIMED = SIZES[3]


def measured() -> dict[str, float]:
    """Stage -> seconds of Pythia-1B at 25,088 positions, from the table of `make bench-scale`."""
    text = BENCHMARKS.read_text(encoding="utf-8")
    rows = re.findall(r"^\| ([^|*]+?) \| [\d,]+ \| [\d.]+ \| ([\d,]+)", text, re.MULTILINE)
    return {stage: float(seconds.replace(",", "")) for stage, seconds in rows}


def hours(size: Size) -> float:
    """Of one run, on the machine that the table was measured on."""
    products = size.products / TIMED.products
    neurons = size.n_neurons / TIMED.n_neurons
    heads = size.n_layers * size.n_heads / (TIMED.n_layers * TIMED.n_heads)
    growth = {
        "activations": products,
        "ablation of every neuron": neurons,
        "ablation of attention heads": heads * neurons,
        "ablation against the whole model": products,
        "all tests": neurons,
        "everything else": products,
    }
    seconds = 0.0
    for stage, spent in measured().items():
        (factor,) = [factor for begin, factor in growth.items() if stage.startswith(begin)]
        seconds += factor * spent
    return seconds / 3600


def table() -> str:
    """A row a size, and all of them."""
    lines = [
        "| Pythia | weights (GB) | hours a run | evidence a run (GB) | hours of 154 | evidence of 154 (TB) |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for size in SIZES:
        lines.append(
            f"| {size.name} | {size.weight_bytes / 1e9:.1f} | {hours(size):.1f} | "
            f"{size.evidence_bytes / 1e9:.1f} | {CHECKPOINTS * hours(size):,.0f} | "
            f"{CHECKPOINTS * size.evidence_bytes / 1e12:.2f} |"
        )
    all_hours = CHECKPOINTS * sum(map(hours, SIZES))
    all_bytes = CHECKPOINTS * sum(size.evidence_bytes for size in SIZES)
    lines.append(
        f"| **{CHECKPOINTS * len(SIZES):,} runs** | | | | **{all_hours:,.0f}** | **{all_bytes / 1e12:.1f}** |"
    )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    before, rest = GUIDE.read_text(encoding="utf-8").split(MARKS[0])
    GUIDE.write_text(before + MARKS[0] + table() + MARKS[1] + rest.split(MARKS[1])[1], encoding="utf-8")
