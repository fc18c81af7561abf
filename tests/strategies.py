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


_PROTOCOL_KEYS = (
    "hypotest", "id", "title", "subject", "model", "layer", "corpus", "text", "files", "context",
    "frequencies", "conditions", "rare", "common", "target_frequency", "below_percentile",
    "from_percentile", "of", "group", "select", "top_fraction", "otherwise", "nulls", "size_matched",
    "label_shuffled", "draws", "unit", "hypotheses", "predictions", "role", "measure", "options",
    "contrast", "null", "reference", "margin", "raw", "null_sd", "modular", "distributed", "expects",
    "decision", "level", "multiverse", "variance", "seed",
)  # fmt: skip
_PROTOCOL_VALUES = (
    "reference", "plateau", "drop", "types", "rare", "common", "document", "delta_loss", "size_matched",
    "label_shuffled", "effective_dimension", "modularity", "hill_alpha", "less", "greater", "equivalent",
    "any", "deciding", "premise", "descriptive", "modular", "distributed", "last",
)  # fmt: skip


def protocol_like() -> st.SearchStrategy[dict[str, object]]:
    """Plain data in the shape of a protocol: its keys at any depth, its words and odd values under them."""
    scalars = st.one_of(
        st.sampled_from(_PROTOCOL_VALUES),
        st.integers(-(10**20), 10**20),
        st.sampled_from([0, 1, 2, 15, 0.02, 0.5, 999]),
        st.floats(allow_nan=False, allow_infinity=False),
        st.booleans(),
        st.text(max_size=20),
    )
    keys = st.sampled_from(_PROTOCOL_KEYS) | st.text(max_size=8)
    values = st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=5),
        max_leaves=20,
    )
    predictions = st.lists(
        st.fixed_dictionaries(
            {"id": st.sampled_from(["a", "b", "A b"]), "measure": scalars, "contrast": values},
            optional={name: values for name in ("role", "options", "margin", "modular", "distributed")},
        ),
        max_size=3,
    )
    frame = {
        "hypotest": st.just(1),
        "id": st.just("like") | values,
        "title": st.just("Like a protocol") | values,
        "conditions": values,
        "group": st.just({"select": {"top_fraction": 0.02}}) | values,
        "nulls": st.dictionaries(keys, values, max_size=3),
        "predictions": predictions | values,
        "seed": st.just(1) | values,
    }
    return st.fixed_dictionaries(
        {}, optional={**frame, "hypotheses": values, "multiverse": values, "corpus": values}
    )
