"""What a group measure is, once tied to evidence, and how its values are computed on all cores."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import cpu_count
from numpy.typing import NDArray

from hypotest.engine.workers import Values, Workers, chunks
from hypotest.estimators.graphs.altered import Graphs
from hypotest.estimators.products import in_threads
from hypotest.records.evidence.arrays import FloatArray, IntArray
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.evidence.split import SplitEvidence
from hypotest.records.protocol.prediction import Prediction
from hypotest.testing.relabelled import ShuffledGroups

_GROUPS_PER_TASK = 1000
_RELABELLINGS_PER_TASK = 250


@dataclass(frozen=True, slots=True, eq=False)
class MeasuredRows:
    """The rows that a measure reads on the evaluation split."""

    documents: IntArray
    """Document of each, shape (n_rows,)."""
    types: IntArray | None = None
    """Target type of each; None where types are no sample (`SplitEvidence.samples_types`), and held fixed."""
    second: NDArray[np.bool_] | None = None
    """Which are of the second condition; None where all are of the first."""

    @classmethod
    def of(cls, split: SplitEvidence, *, both: bool = False) -> MeasuredRows:
        """The positions of a split, of the first condition or of both."""
        if both:
            return cls(split.documents, split.types, split.second)
        rows, types = split.first, split.types
        return cls(split.documents[rows], None if types is None else types[rows])

    @classmethod
    def of_heads(cls, split: SplitEvidence) -> MeasuredRows:
        """The positions at which heads were ablated."""
        ablation = split.head_ablation
        return cls(ablation.documents, ablation.targets if split.samples_types else None)


@dataclass(frozen=True, slots=True)
class GroupGraph:
    """A group's graph, and the measure of other graphs that a null puts in its place."""

    graph: Callable[[IntArray], Values]
    """A group (k,) to the weights between its neurons, shape (k, k)."""
    values: Callable[[str, IntArray, Callable[[IntArray], Graphs], int], Values]
    """The null's name, groups (n_groups, k), what makes other graphs of a group, and a number of draws for
    each group, to their values, shape (n_groups, n_draws)."""
    n_rows: int
    """Rows of evidence that the graph is made of."""
    correlations: Callable[[IntArray], Values] | None = None
    """A group (k,) to the correlations of normal scores, shape (k, k), that its weights are made of by
    `hypotest.estimators.graphs.information.correlated_graphs`; None where they are made otherwise."""


@dataclass(frozen=True, slots=True)
class BoundMeasure:
    """A measure of neuron groups on the evaluation split."""

    values: Callable[[IntArray], Values]
    """Groups (n_groups, k) to values (n_groups,); NaN where undefined."""
    resamples: Callable[[IntArray, IntArray, IntArray], Values] | None = None
    """Groups (n_groups, k), unit of each of its rows (n_rows,), and weights (R, n_units) to values with the
    units' rows weighted (n_groups, R): units are documents, target types, or groups of them. None where
    there are no rows, or no valid interval."""
    rows: MeasuredRows | None = None
    """What its rows belong to; None without `resamples`."""
    noise: Callable[[IntArray], float] | None = None
    """Variance of the value of a group (k,) that comes of neither documents nor types, such as the luck of a
    search; None: it has none."""
    communities: Callable[[IntArray], IntArray] | None = None
    """A group (k,) to the community of each of its neurons, numbered from 0, shape (k,); None where none are
    looked for."""
    under_labels: Callable[[ShuffledGroups], tuple[Values, Values]] | None = None
    """Its values for both conditions' groups of every shuffled labelling, with the evaluation split
    under the same labels; each (n_draws,). None where the values do not depend on labels (weights), or the
    evidence cannot be relabelled; then groups are measured as they are."""
    network: GroupGraph | None = None
    """The graph whose property it is; None where it is not that of a graph."""
    no_interval: str = ""
    """Why there is no interval."""
    of_weights: bool = False
    """Whether its values depend on weights alone, so that only the selection moves them."""
    secondary: Callable[[IntArray], dict[str, float | None]] = lambda group: {}
    """Numbers of one group that stand beside the test."""


def each(
    resample: Callable[[IntArray, IntArray, IntArray], Values],
) -> Callable[[IntArray, IntArray, IntArray], Values]:
    """From one group to a batch of groups, shared among the cores."""

    def resamples(groups: IntArray, units: IntArray, weights: IntArray) -> Values:
        statistics = np.empty((len(groups), len(weights)))

        def fill(place: int) -> None:
            statistics[place] = resample(groups[place], units, weights)

        in_threads(fill, range(len(groups)))
        return statistics

    return resamples


def of_groups(
    prediction: Prediction,
    workers: Workers,
    function: Callable[..., Values],
    settings: dict[str, Any],
    groups: IntArray,
) -> Values:
    """A measure of many groups, shared among the cores."""
    share = max(_GROUPS_PER_TASK, -(-len(groups) // cpu_count()))
    calls = [{**settings, "groups": groups[rows]} for rows in chunks(len(groups), share)]
    stage = f"{prediction.id}: {len(groups):,} groups"
    return np.concatenate(workers(stage, function, calls))


def under_labels_of(
    prediction: Prediction,
    evidence: Evidence,
    workers: Workers,
    function: Callable[..., Values],
    settings: Callable[[str], dict[str, Any]],
    shared: Callable[[FloatArray], dict[str, Any]] | None = None,
) -> Callable[[ShuffledGroups], tuple[Values, Values]]:
    """A measure of activations at positions of the first condition, under shuffled labels.

    Args:
        prediction: Whose measure.
        evidence: Its evaluation split.
        workers: For pieces of the draws.
        function: From `hypotest.estimators.relabelled`.
        settings: Its further arguments, given the name of the piece.
        shared: And those that follow from the activations, shape (n_positions, n_used), for all pieces.
    """
    activations = evidence.evaluation.activations

    def under_labels(shuffled: ShuffledGroups) -> tuple[Values, Values]:
        labelled = shuffled.labels[:, shuffled.evaluation_units]
        used = np.unique(np.concatenate([*shuffled.first, *shuffled.second]))
        columns = activations[:, used]
        of_all = {} if shared is None else shared(columns)
        calls, places = [], []
        for arm, drawn in enumerate((shuffled.first, shuffled.second)):
            for rows in rows_by_size(drawn, _RELABELLINGS_PER_TASK):
                groups = np.searchsorted(used, np.stack([drawn[row] for row in rows]))
                piece = f"{shuffled.unit} {arm} {rows[0]}"
                calls.append(
                    {
                        "activations": columns,
                        "groups": groups,
                        "labelled": labelled[rows],
                        **settings(piece),
                        **of_all,
                    }
                )
                places.append((arm, rows))
        parts = workers(f"{prediction.id}: labels shuffled ({shuffled.unit})", function, calls)
        values = np.empty((2, len(labelled)))
        for (arm, rows), part in zip(places, parts, strict=True):
            values[arm, rows] = part
        return values[0], values[1]

    return under_labels


def rows_by_size(groups: Sequence[IntArray], at_most: int) -> Iterator[NDArray[np.int64]]:
    """Places of groups of one size, so many at once."""
    sizes = np.array([len(group) for group in groups])
    for size in np.unique(sizes):
        places = np.flatnonzero(sizes == size)
        for rows in chunks(places.size, at_most):
            yield places[rows]
