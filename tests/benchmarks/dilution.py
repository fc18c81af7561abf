"""How much of a difference is left where a null's groups keep part of the group, and what margins then show.

    python -m tests.benchmarks.dilution [--layers 100] [--seed 0]

Members of a group in a layer of 400 neurons have a property (they act together, or their weights' spectrum
falls) that their neighbours lack or have. Membership is dealt out anew within bins of 10 whose number of
members varies, so that the draws keep from a third to nine tenths of the group. The whole difference is that
between the group and groups without any of its members. The table says how often ``equivalent`` is concluded
at a margin of 2 SDs of random groups, without any error over documents: of groups whose whole difference is
beyond that margin, which should be rare, and of groups that are ordinary. Plain: the margin as it was
declared; diluted: as narrow as what the draws can show.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from hypotest.estimators import dimension, spectrum
from hypotest.estimators.graphs.information import gaussian_copula_information
from hypotest.estimators.graphs.modularity import best_modularity, segregation
from hypotest.groups.local import shared_members
from hypotest.groups.matching import exchanged_within
from hypotest.inference.margins import MINIMUM_CEILING, diluted

Values = NDArray[np.float64]
Of = Callable[[NDArray[np.int64]], Values]

N, SIZE, ROWS, WIDTH = 400, 40, 1500, 48
MEMBERS = {"4 of 10": 4, "6 of 10": 6, "8 of 10": 8, "9 of 10": 9}
"""Members in each bin of 10 that has any."""
STRENGTHS = (0.0, 0.15, 0.25, 0.4, 0.6)
"""Of the property; at 0 the group is ordinary."""
_DRAWS, _WIDE = 150, 2.0


def measures(strength: float, rng: np.random.Generator) -> dict[str, Of]:
    """Every measure of groups, tied to one layer whose first neurons have the property."""
    background = rng.standard_normal((ROWS, 10)) @ rng.standard_normal((10, N)) / np.sqrt(10)
    rows = rng.standard_normal((ROWS, N)) + 0.5 * background
    halves = np.arange(SIZE) % 2
    rows[:, :SIZE] += strength * rng.standard_normal((ROWS, 2))[:, halves]
    rows *= np.exp(0.3 * rng.standard_normal(N))
    weights = rng.standard_normal((N, WIDTH))
    weights[:SIZE] *= np.arange(1, WIDTH + 1) ** (-2 * strength)
    weights /= np.linalg.norm(weights, axis=1, keepdims=True)
    covariance, correlation = np.cov(rows.T), np.corrcoef(rows.T)
    information = gaussian_copula_information(rows)
    gram = spectrum.gram(weights)
    value = rng.standard_normal(N)
    value[:SIZE] += 1.5 * strength
    return {
        "a mean": lambda groups: value[groups].mean(axis=1),
        "effective dimension, covariance": lambda groups: dimension.effective_dimension(covariance, groups),
        "effective dimension, correlation": lambda groups: dimension.effective_dimension(correlation, groups),
        "participation ratio, correlation": lambda groups: dimension.participation_ratio(correlation, groups),
        "modularity Q": lambda groups: best_modularity(
            information, groups, restarts=2, rng=np.random.default_rng(0)
        ),
        "segregation": lambda groups: segregation(information, groups),
        "Hill alpha": lambda groups: spectrum.hill_alpha(gram, groups),
    }


def bins_with(members: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Bins of 10 in which the group has so many members, and none elsewhere."""
    bins = np.full(N, -1)
    others = iter(rng.permutation(np.arange(SIZE, N)))
    for start in range(0, SIZE, members):
        own = np.arange(start, min(start + members, SIZE))
        bins[own] = start // members
        for _ in range(10 - own.size):
            bins[next(others)] = start // members
    bins[bins < 0] = bins.max() + 1
    return bins


def simulate(n_layers: int, seed: int) -> dict[tuple[str, str, str], list[NDArray[np.float64]]]:
    """Per measure, kind of group and bins: plain, plain with the ceiling, both diluted, and what is left."""
    rng = np.random.default_rng(seed)
    group = np.arange(SIZE)
    conclusions: dict[tuple[str, str, str], list[NDArray[np.float64]]] = defaultdict(list)
    for number in range(n_layers):
        strength = STRENGTHS[number % len(STRENGTHS)]
        of = measures(strength, rng)
        random = np.array([rng.choice(N, SIZE, replace=False) for _ in range(_DRAWS)])
        without = np.array([rng.choice(np.arange(SIZE, N), SIZE, replace=False) for _ in range(_DRAWS)])
        margins, wholes, observed = {}, {}, {}
        for name, measure in of.items():
            observed[name] = float(measure(group[None])[0])
            wholes[name] = observed[name] - float(measure(without).mean())
            margins[name] = _WIDE * float(measure(random).std(ddof=1))
        for label, members in MEMBERS.items():
            bins = bins_with(members, rng)
            share = diluted(shared_members(bins, group), SIZE / N)
            groups = exchanged_within(bins, group, _DRAWS, rng)
            for name, measure in of.items():
                beyond = abs(wholes[name]) > margins[name]
                if not beyond and strength:
                    continue
                draws = measure(groups)
                effects, effect = np.abs(draws - draws.mean()), abs(observed[name] - draws.mean())
                said = []
                for margin in (margins[name], margins[name] * share):
                    inside = effect <= margin
                    said += [inside, inside and (effects <= margin).mean() >= MINIMUM_CEILING]
                left = effect / abs(wholes[name]) / share
                conclusions[name, "beyond" if beyond else "ordinary", label].append(np.array([*said, left]))
    return conclusions


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--layers", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    with threadpool_limits(limits=1):
        conclusions = simulate(chosen.layers, chosen.seed)
    print(f"{'`equivalent` is said':33} {'group':9} members     n    plain  ceiling  diluted  ceiling  left")
    for (name, kind, label), rows in sorted(conclusions.items()):
        rates = np.mean(rows, axis=0)
        cells = "  ".join(f"{rate:8.2f}" for rate in rates[:4])
        left = f"{np.median([row[4] for row in rows]):.2f}" if kind == "beyond" else ""
        print(f"{name:33} {kind:9} {label:8} {len(rows):5}{cells}  {left}")


if __name__ == "__main__":
    main()
