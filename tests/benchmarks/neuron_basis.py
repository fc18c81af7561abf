"""False positives and power of "modular in the neuron basis": rotations, random directions, and both.

    python -m tests.benchmarks.neuron_basis [--simulations 100] [--only PATTERN] [--out FOLDER]

Layers in plain numpy that are not modular in their neurons, among them those that someone who does not
believe the test would try; and planted modules. Q greater than the draws, one-sided at 0.05 (39 draws, 3
restarts).
What was simulated is kept in the folder, so that a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path
from zlib import crc32

import numpy as np

from hypotest.engine.session import cache_folder
from hypotest.estimators.graphs.information import correlated_graphs, score_correlations
from hypotest.estimators.graphs.modularity import graph_communities
from hypotest.estimators.graphs.random_directions import factors_of, with_random_directions
from hypotest.estimators.graphs.rotation import rotated_correlations, rotations

Layer = Callable[[int, int, np.random.Generator], np.ndarray]
"""Neurons k, rows n -> activations (n, k)."""
DRAWS = 39
FEWER_FROM = 82
"""Neurons from which half as many are simulated: they take ten times as long."""
SIZES = ((24, 500), (82, 4096), (24, 4096), (82, 500))


def factors(number: int) -> Layer:
    """Random loadings on a few factors."""

    def layer(k: int, n: int, rng: np.random.Generator) -> np.ndarray:
        loadings = rng.standard_normal((number, k)) / np.sqrt(number)
        return rng.standard_normal((n, number)) @ loadings + rng.standard_normal((n, k))

    return layer


def independent(k: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Nothing is shared."""
    return rng.standard_normal((n, k))


def unequal(k: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Half of the neurons share 80 % of their variance, half 3 %, in random directions of six factors."""
    shared = np.where(np.arange(k) < k / 2, 0.8, 0.03)
    loadings = rng.standard_normal((6, k))
    loadings *= np.sqrt(shared) / np.linalg.norm(loadings, axis=0)
    return rng.standard_normal((n, 6)) @ loadings + rng.standard_normal((n, k)) * np.sqrt(1 - shared)


def loud(k: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Ten factors; SDs of the neurons lognormal (1.5), rows with a common scale (t of 4 degrees)."""
    scale = np.sqrt(4 / rng.chisquare(4, n))
    return factors(10)(k, n, rng) * np.exp(1.5 * rng.standard_normal(k)) * scale[:, None]


def relu_unequal(k: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """As `unequal`, behind a ReLU with other thresholds for each."""
    return np.maximum(unequal(k, n, rng) - rng.uniform(-1, 1.5, k), 0)


def modules(k: int, n: int, rng: np.random.Generator, loading: float = 0.6) -> np.ndarray:
    """Four modules, each with a factor of its own."""
    of = np.arange(k) * 4 // k
    return loading * rng.standard_normal((n, 4))[:, of] + np.sqrt(1 - loading**2) * rng.standard_normal(
        (n, k)
    )


def rotated_modules(k: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """The same in other axes: modular, but not in the neurons."""
    return modules(k, n, rng) @ rotations(k, 1, rng)[0]


def sparse_codes(k: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Twice as few sparse features (5 % of rows) as neurons, each written in a random direction; ReLU."""
    features = (rng.random((n, k // 2)) < 0.05) * rng.exponential(1, (n, k // 2))
    mixed = features @ rng.standard_normal((k // 2, k)) / np.sqrt(0.05 * k / 2)
    return np.maximum(mixed + 0.3 * rng.standard_normal((n, k)), 0)


def random_features(k: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """An untrained layer: ReLU of random weights on five inputs, without noise."""
    inputs = rng.standard_normal((n, 5))
    return np.maximum(inputs @ rng.standard_normal((5, k)) / np.sqrt(5) + 0.5 * rng.standard_normal(k), 0)


def in_documents(k: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Three factors; rows hang together within documents of 16 (half of all variance)."""
    document = np.arange(n) // 16
    return factors(3)(k, n, rng) + factors(3)(k, n, rng)[document]


def one_factor(k: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """All share one factor, some more than others."""
    return rng.standard_normal((n, 1)) * (0.7 + 0.2 * rng.standard_normal(k)) + rng.standard_normal((n, k))


def weak_modules(k: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Four modules that share 16 % of the variance."""
    return modules(k, n, rng, 0.4)


def modules_in_one(k: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Four modules under a factor that all share, as strong as theirs."""
    of = np.arange(k) * 4 // k
    shared = rng.standard_normal((n, 4))[:, of] + rng.standard_normal((n, 1))
    return 0.5 * shared + 0.7 * rng.standard_normal((n, k))


def half_modules(k: int, n: int, rng: np.random.Generator) -> np.ndarray:
    """Half of the neurons in four modules, half unrelated."""
    activations = rng.standard_normal((n, k))
    activations[:, : k // 2] = modules(k // 2, n, rng)
    return activations


NOT_MODULAR: dict[str, Layer] = {
    "independent": independent,
    "three factors": factors(3),
    "ten factors": factors(10),
    "one factor": one_factor,
    "unequal communalities": unequal,
    "unequal loudness, heavy tails": loud,
    "ReLU, unequal communalities": relu_unequal,
    "rotated modules": rotated_modules,
    "sparse codes, ReLU": sparse_codes,
    "random features, ReLU": random_features,
    "rows of documents": in_documents,
}
MODULAR: dict[str, Layer] = {
    "modules": modules,
    "weak modules": weak_modules,
    "modules under one factor": modules_in_one,
    "half in modules": half_modules,
}


def exceeds(layer: Layer, k: int, n: int, seed: tuple[int, ...]) -> tuple[bool, bool]:
    """Whether Q of one layer is significantly greater than that of rotations, and of random directions."""
    rng = np.random.default_rng(seed)
    correlations = score_correlations(layer(k, n, rng))

    def q(drawn: np.ndarray) -> np.ndarray:
        return graph_communities(correlated_graphs(drawn, n), restarts=3, rng=rng).modularity

    observed = q(correlations[None])[0]
    other = with_random_directions(factors_of(correlations, n), n, DRAWS, rng)
    drawn = (q(rotated_correlations(correlations, DRAWS, rng)), q(other))
    rotated, directed = (bool(1 + (values >= observed).sum() <= 0.05 * (DRAWS + 1)) for values in drawn)
    return rotated, directed


def simulated(name: str, k: int, n: int, simulations: int, folder: Path) -> np.ndarray:
    """Of each simulation, `exceeds`; those in the folder are not run again. Shape (simulations, 2)."""
    layer = (NOT_MODULAR | MODULAR)[name]
    file = folder / f"{name.replace(' ', '_')}-{k}-{n}.json"
    exceedances = json.loads(file.read_text()) if file.exists() else []
    for number in range(len(exceedances), simulations):
        exceedances.append(exceeds(layer, k, n, (crc32(name.encode()), k, n, number)))
        if len(exceedances) % 10 == 0 or len(exceedances) == simulations:
            file.write_text(json.dumps(exceedances))
    return np.array(exceedances[:simulations])


def main() -> None:
    """Simulate, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--simulations", type=int, default=100)
    parser.add_argument("--only", default="*")
    parser.add_argument("--out", type=Path, default=cache_folder() / "neuron-basis")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    print("rotations / random directions / both")
    for k, n in SIZES:
        simulations = chosen.simulations if k < FEWER_FROM else chosen.simulations // 2
        for name in (name for name in NOT_MODULAR | MODULAR if fnmatchcase(name, chosen.only)):
            exceedances = simulated(name, k, n, simulations, chosen.out)
            rates = (*exceedances.mean(axis=0), exceedances.all(axis=1).mean())
            print(
                f"k {k} n {n} ({simulations}) {name:32s}",
                " / ".join(f"{rate:.2f}" for rate in rates),
                flush=True,
            )


if __name__ == "__main__":
    main()
