"""All null draws of every group measure: now, before, and in a loop over the library's function, in one run.

    make bench-inference

9,999 groups of 82 of 8,192 neurons, the size of Pythia-1B's last MLP, on activations with shared factors. The
loop calls, for one group after the other, what a notebook would call (scikit-learn's PCA, networkx' Louvain,
numpy's singular values); it is timed on a few groups and extrapolated. Layer statistics are computed once for
all groups, and timed apart.
"""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

import networkx
import numpy as np
import polars as pl
from sklearn.decomposition import PCA

from hypotest.groups.nulls import random_groups
from hypotest.records.evidence.evidence import AblationMethod, Evidence, Weights
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from tests.benchmarks.before import both, first_module

ROWS = first_module("hypotest.records.evidence.split", "hypotest.records.evidence.evidence")
HEAD_RECORDS = first_module("hypotest.records.evidence.heads", "hypotest.records.evidence.evidence")
SELECTION, SHUFFLED = (
    first_module(f"hypotest.testing.{name}", f"hypotest.pipeline.{name}")
    for name in ("selection", "shuffled")
)
STREAMS = first_module("hypotest.engine.streams", "hypotest.pipeline.randomness").Streams
WORKERS = first_module("hypotest.engine.workers", "hypotest.pipeline.parallel").Workers
N_NEURONS, SIZE, DRAWS, D_MODEL = 8192, 82, 9999, 2048
POSITIONS = 8192
"""In each split, half of them rare."""
DOCUMENTS, HEADS, TYPES = 512, 16, 1500
RELABELLINGS = 999
LOOPED = 5
"""Groups that the loop does."""
ALL = "**all of them together**"


def main() -> None:
    """Print the table; with ``--figures``, the figures of whatever ``hypotest`` is found, as JSON."""
    before, now = both(__file__, measured)
    loops = looped()
    print("| row | before (s) | now (s) | ratio | loop (s) | loop / now |\n|---|---:|---:|---:|---:|---:|")
    for name, seconds in now.items():
        if name.startswith("memory"):
            print(f"| {name} (GB) | {before[name]:.1f} | {seconds:.1f} | | | |")
            continue
        slow = loops.get(name)
        loop = " | " if slow is None else f"{slow:,.0f} | {slow / seconds:,.0f} x"
        print(f"| {name} | {before[name]:.1f} | {seconds:.1f} | {before[name] / seconds:.1f} x | {loop} |")


def measured() -> dict[str, float]:
    """Seconds of each row, by the code that is found."""
    evidence, streams, workers = make_evidence(), STREAMS(0), WORKERS()
    held = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    groups = random_groups(N_NEURONS, SIZE, DRAWS, np.random.default_rng(0))
    rows: dict[str, float] = {}
    statistics = 0.0
    for name in LOOPS:
        plan = protocol(name)
        prepared, bound = timed(lambda plan=plan: bind(plan.predictions[0], evidence, streams, workers))
        statistics += prepared
        bound.values(groups[:2000])  # workers are started, and have their libraries
        rows[row(name)], _ = timed(lambda bound=bound: bound.values(groups))
    rows[ALL] = sum(rows.values())
    rows["layer statistics of all of them, once"] = statistics
    rows |= relabelled(evidence, streams, workers)
    rows["memory: the evidence"] = held
    rows["memory: peak of the main process"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    return rows


def bind(prediction: Prediction, evidence: Evidence, streams: Any, workers: Any) -> Any:
    """Its measure, tied to the evidence, in the code of now or of before."""
    registry = first_module("hypotest.measures.registry", "hypotest.pipeline.group_measures")
    if hasattr(registry, "measure_of"):
        measure = registry.measure_of(prediction)
        if find_spec("hypotest.engine"):
            from hypotest.engine.session import Session

            return measure.bind(prediction, evidence, Session(streams, workers=workers))
        return measure.bind(prediction, evidence, streams, workers)
    return registry.bind(prediction, evidence, streams, workers)


def looped() -> dict[str, float]:
    """Seconds that a loop over a library's function would take, from a few of the groups."""
    evidence = make_evidence()
    groups = random_groups(N_NEURONS, SIZE, LOOPED, np.random.default_rng(0))
    rows = {}
    for name, loop in LOOPS.items():
        seconds, _ = timed(lambda loop=loop: [loop(evidence, group) for group in groups])
        rows[row(name)] = seconds * DRAWS / LOOPED
    rows[ALL] = sum(rows.values())
    return rows


def relabelled(evidence: Evidence, streams: Any, workers: Any) -> dict[str, float]:
    """Shuffled labels, the selection run again in every draw, and a measure on positions labelled anew."""
    plan = protocol("effective_dimension")
    seconds, selection = timed(lambda: SELECTION.select(plan, evidence, streams))
    shape = f"{RELABELLINGS} relabellings, {POSITIONS:,} positions x {N_NEURONS:,} neurons"
    rows = {f"label_shuffled (type): {shape}, selection": seconds}
    for name in ("effective_dimension", "modularity"):
        bound = bind(protocol(name).predictions[0], evidence, streams, workers)
        rows[f"and {name} of both arms"], _ = timed(
            lambda bound=bound: SHUFFLED.compare_shuffled(
                selection.shuffled[0], bound, selection, N_NEURONS, plan.group, streams
            )
        )
    rows["**together**"] = sum(rows.values())
    return rows


def row(measure: str) -> str:
    """Its name in the table."""
    return f"{measure}, {DRAWS:,} groups"


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds and result."""
    started = time.perf_counter()
    result = function()
    return time.perf_counter() - started, result


def protocol(measure: str) -> Protocol:
    """One prediction on one measure."""
    frequency = {"below_percentile": 15}
    return Protocol.model_validate(
        {
            "hypotest": 1,
            "id": "benchmark",
            "title": "benchmark",
            "conditions": {
                "rare": {"target": {"frequency": frequency}},
                "common": {"target": {"frequency": {"from_percentile": 15}}},
            },
            "group": {"select": {"top_fraction": SIZE / N_NEURONS}},
            "nulls": {"label_shuffled": {"draws": RELABELLINGS}},
            "predictions": [{"id": "one", "measure": measure, "contrast": {"null": "size_matched"}}],
            "seed": 1,
        }
    )


def make_evidence() -> Evidence:
    """Correlated activations, heavy-tailed influences, types and documents."""
    rng = np.random.default_rng(1)
    loadings = rng.normal(size=(64, N_NEURONS)).astype(np.float32)
    scale = np.exp(0.5 * rng.normal(size=N_NEURONS)).astype(np.float32)
    weights = Weights(
        output=rng.normal(size=(N_NEURONS, D_MODEL)).astype(np.float32),
        input=rng.normal(size=(N_NEURONS, D_MODEL)).astype(np.float32),
    )
    splits = [make_split(name, loadings, scale, rng) for name in ("selection", "evaluation")]
    return Evidence(
        selection=splits[0],
        evaluation=splits[1],
        weights=weights,
        heads=tuple(HEAD_RECORDS.Head(number // 8, number % 8) for number in range(HEADS)),
        mean_activation=np.zeros(N_NEURONS, dtype=np.float32),
        ablation=AblationMethod("mean", 1e-4, 0, "identity", "benchmark"),
        decomposition=None,
    )


def make_split(name: str, loadings: np.ndarray, scale: np.ndarray, rng: np.random.Generator) -> Any:
    """One split."""

    def normal(*shape: int) -> np.ndarray:
        return rng.standard_normal(shape, dtype=np.float32)

    rare = np.arange(POSITIONS) % 2 == 0
    documents = np.repeat(np.arange(DOCUMENTS), POSITIONS // DOCUMENTS)
    target = rng.integers(TYPES, size=POSITIONS) + TYPES * ~rare
    activations = normal(POSITIONS, N_NEURONS)
    activations += 0.1 * (normal(POSITIONS, len(loadings)) @ loadings)
    activations *= scale
    delta = normal(POSITIONS, N_NEURONS)
    delta *= scale
    squares = [rng.random(shape, dtype=np.float32) for shape in ((DOCUMENTS, HEADS, N_NEURONS),)]
    frame = pl.DataFrame(
        {
            "document": documents,
            "block": documents,
            "index": np.full(POSITIONS, 15),
            "target": target,
            "condition": pl.Series(np.where(rare, "rare", "common"), dtype=pl.Enum(["rare", "common"])),
            "split": np.full(POSITIONS, name),
        }
    )
    heads = HEAD_RECORDS.HeadAblation(
        documents=np.arange(DOCUMENTS),
        targets=target[np.flatnonzero(rare)[:DOCUMENTS]],
        base=np.ones((DOCUMENTS, N_NEURONS), dtype=np.float32),
        single=squares[0],
        layer=squares[0][:, ::8],
    )
    empty = np.zeros((POSITIONS, 1), dtype=np.float32)
    arrays: dict[str, Any] = {"channels": {"activations": activations, "influence": delta}, "heads": heads}
    if not find_spec("hypotest.records.evidence.split"):
        arrays = {
            "activations": activations,
            "delta_loss": delta,
            "loss": empty[:, 0],
            "error_bound": empty.astype(np.float16),
            "n_exact": np.zeros(POSITIONS, dtype=np.int32),
            "residual": empty,
            "attention": empty[:, :, None],
            "head_ablation": heads,
        }
    return ROWS.SplitEvidence(positions=frame, **arrays)


def rare_activations(evidence: Evidence, group: np.ndarray) -> np.ndarray:
    """What a notebook holds of one group."""
    return evidence.evaluation.activations[evidence.evaluation.mask("rare")][:, group].astype(np.float64)


def loop_dimension(evidence: Evidence, group: np.ndarray) -> float:
    """scikit-learn."""
    return float(PCA(n_components=0.95).fit(rare_activations(evidence, group)).n_components_)


def loop_participation(evidence: Evidence, group: np.ndarray) -> float:
    """scikit-learn again."""
    values = PCA().fit(rare_activations(evidence, group)).explained_variance_
    return float(values.sum() ** 2 / (values**2).sum())


def copula_information(values: np.ndarray) -> np.ndarray:
    """Ranks and correlations by scipy and numpy."""
    from scipy.stats import norm, rankdata

    scores = norm.ppf((rankdata(values, axis=0) - 0.5) / len(values))
    information = -0.5 * np.log1p(-np.minimum(np.corrcoef(scores.T) ** 2, 1 - 1e-12))
    np.fill_diagonal(information, 0)
    return information


def loop_modularity(evidence: Evidence, group: np.ndarray) -> float:
    """networkx, the best of three seeds."""
    graph = networkx.from_numpy_array(copula_information(rare_activations(evidence, group)))
    return max(
        networkx.community.modularity(graph, networkx.community.louvain_communities(graph, seed=seed))
        for seed in range(3)
    )


def loop_segregation(evidence: Evidence, group: np.ndarray) -> float:
    """Means of a group's rows, given the layer's matrix (which a notebook would also compute once)."""
    if not _INFORMATION:
        from hypotest.estimators.graphs.information import gaussian_copula_information

        rare = evidence.evaluation.mask("rare")
        _INFORMATION.append(gaussian_copula_information(evidence.evaluation.activations[rare]))
    matrix = _INFORMATION[0]
    inside = np.zeros(len(matrix), dtype=bool)
    inside[group] = True
    own = matrix[np.ix_(group, group)]
    return float(own.sum() / (SIZE * (SIZE - 1)) / matrix[np.ix_(inside, ~inside)].mean())


_INFORMATION: list[np.ndarray] = []


def loop_hill(evidence: Evidence, group: np.ndarray) -> float:
    """numpy's singular values."""
    values = np.linalg.svd(evidence.weights.output[group].astype(np.float64), compute_uv=False) ** 2 / D_MODEL
    tail = values[: SIZE // 2]
    return float(len(tail) / np.log(tail / tail[-1]).sum())


def loop_selectivity(evidence: Evidence, group: np.ndarray) -> float:
    """Means of a group's columns."""
    split = evidence.evaluation
    rare = split.mask("rare")
    absolute = np.abs(split.delta_loss[:, group])
    on_rare, on_common = absolute[rare].mean(axis=0), absolute[~rare].mean(axis=0)
    return float(((on_rare - on_common) / (on_rare + on_common)).mean())


def loop_impact(evidence: Evidence, group: np.ndarray) -> float:
    """Sums of a group's columns, the head chosen on the selection split."""
    chosen = evidence.selection.head_ablation.single[:, :, group].sum(axis=(0, 2)).argmax()
    ablation = evidence.evaluation.head_ablation
    return float(np.sqrt(ablation.single[:, chosen][:, group].sum() / ablation.base[:, group].sum()))


LOOPS: dict[str, Callable[[Evidence, np.ndarray], float]] = {
    "effective_dimension": loop_dimension,
    "participation_ratio": loop_participation,
    "modularity": loop_modularity,
    "segregation": loop_segregation,
    "hill_alpha": loop_hill,
    "selectivity": loop_selectivity,
    "top_head_impact": loop_impact,
}


if __name__ == "__main__":
    main()
