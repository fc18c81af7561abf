"""Random inputs in the shapes that hypotest takes, for tests in every folder.

Whole numbers are drawn where ties, constants and zeros matter; they shrink to examples that can be
checked by hand. Where a continuous sample is needed, only its seed is drawn.
"""

from __future__ import annotations

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

SEEDS = st.integers(0, 10_000)
SHARES = st.floats(0.05, 0.99)
P_VALUES = st.lists(st.floats(0, 1), min_size=1, max_size=10)
ALTERNATIVES = st.sampled_from(["two-sided", "less", "greater"])


@st.composite
def activations(
    draw: st.DrawFn, positions: tuple[int, int] = (4, 30), neurons: tuple[int, int] = (2, 7)
) -> np.ndarray:
    """Correlated or tied activations, shape (n_positions, n_neurons); not all constant."""
    shape = draw(st.integers(*positions)), draw(st.integers(*neurons))
    if draw(st.booleans()):
        values = draw(hnp.arrays(np.int64, shape, elements=st.integers(-20, 20))).astype(float)
        assume(np.ptp(values, axis=0).any())
        return values
    rng = np.random.default_rng(draw(SEEDS))
    return rng.normal(size=shape) @ (rng.normal(size=(shape[1],) * 2) * rng.exponential(size=shape[1]))


@st.composite
def groups(draw: st.DrawFn, n_neurons: int, n_groups: int = 3, smallest: int = 1) -> np.ndarray:
    """Distinct neurons in any order, shape (n_groups, k)."""
    size = draw(st.integers(smallest, n_neurons))
    return np.array([draw(st.permutations(range(n_neurons)))[:size] for _ in range(n_groups)])


@st.composite
def graphs(draw: st.DrawFn, nodes: tuple[int, int] = (2, 7)) -> np.ndarray:
    """Symmetric weights, dense or sparse, with at least one edge and no loops."""
    n = draw(st.integers(*nodes))
    upper = np.triu_indices(n, 1)
    weights = draw(hnp.arrays(np.int64, len(upper[0]), elements=st.integers(0, 9)))
    assume(weights.any())
    matrix = np.zeros((n, n))
    matrix[upper] = weights
    return matrix + matrix.T


@st.composite
def pairs(draw: st.DrawFn, size: tuple[int, int] = (20, 40)) -> tuple[np.ndarray, np.ndarray]:
    """Two paired samples whose differences vary, each of shape (n,)."""
    n = draw(st.integers(*size))
    rng = np.random.default_rng(draw(SEEDS))
    a = rng.normal(size=n)
    return a, a + rng.normal(draw(st.floats(-1, 1)), draw(st.floats(0.1, 2)), n)


def samples(smallest: int = 1, largest: int = 25) -> st.SearchStrategy[np.ndarray]:
    """Whole numbers with many ties, shape (n,)."""
    return hnp.arrays(np.int64, st.integers(smallest, largest), elements=st.integers(-6, 6)).map(
        lambda values: values.astype(float)
    )


@st.composite
def pareto(draw: st.DrawFn, size: tuple[int, int] = (6, 60)) -> np.ndarray:
    """A Pareto sample with minimum 1, exponent between 0.5 and 5, shape (n,)."""
    rng = np.random.default_rng(draw(SEEDS))
    return 1 + rng.pareto(draw(st.floats(0.5, 5)), draw(st.integers(*size)))
