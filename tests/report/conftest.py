"""A realistic synthetic run: 2,048 neurons, a group of 41, the rare-tokens protocol."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.corpus_result import (
    Context,
    ContextOfNeuron,
    Contexts,
    CorpusResult,
    NeuronContexts,
)
from hypotest.records.results.figure_data import (
    FigureData,
    FrequencyCurve,
    HeadResult,
    LayerInfluence,
    RegimeFit,
    Spectrum,
)
from hypotest.records.results.group_result import (
    AblationResult,
    CovariateBalance,
    Damage,
    EffectParts,
    GroupAblation,
    GroupResult,
    Member,
)
from hypotest.records.results.prediction_result import (
    Interval,
    NullComparison,
    PredictionResult,
    SecondaryNumber,
    SplitOutcome,
)
from hypotest.records.results.results import SCHEMA_VERSION, HypothesisVerdict, Results
from hypotest.records.results.row_balance import RowBalance
from hypotest.records.results.self_check import SelfCheck
from tests.unrendered import figures_not_rendered

K = 41
N_NEURONS = 2048
N_DECIDING = 7
SIZE, LABEL, PERMUTED = "size_matched", "label_shuffled (type)", "types permuted"
COVARIATE, LOCAL = "covariate_matched", "local_matched"
REWIRED, UNTRAINED = "rewired", "untrained"
BY_DOCUMENT, BY_POSITION = "label_shuffled (document_type)", "label_shuffled (position)"

PROTOCOL: dict[str, Any] = {
    "hypotest": 1,
    "id": "rare-tokens",
    "title": "Are the neurons that predict rare tokens a module?",
    "source": "arXiv:2509.21163",
    "conditions": {
        "rare": {"target": {"frequency": {"below_percentile": 15}}},
        "common": {"target": {"frequency": {"from_percentile": 15}}},
    },
    "group": {"select": "plateau", "otherwise": {"top_fraction": 0.02}},
    "splits": 10,
    "nulls": {
        "size_matched": {"draws": 9999},
        "covariate_matched": {"draws": 4999, "stop_after": 50},
        "local_matched": {"draws": 1999},
        "label_shuffled": {"draws": 1999, "unit": "type"},
        "rewired": {"draws": 499},
        "untrained": {"networks": 3},
    },
    "predictions": [
        {
            "id": "specialization",
            "role": "premise",
            "measure": "selectivity",
            "contrast": {"null": "label_shuffled"},
            "expects": {"modular": "greater", "distributed": "greater"},
        },
        {
            "id": "regimes",
            "role": "descriptive",
            "measure": "plateau_flatness",
            "options": {"condition": "rare"},
            "contrast": {"null": "label_shuffled"},
        },
        {
            "id": "coordination",
            "measure": "effective_dimension",
            "options": {"variance": 0.95, "scale": "correlation"},
            "contrast": {"null": "local_matched"},
            "margin": {"null_sd": 2},
            "expects": {"modular": "any", "distributed": "less"},
        },
        {
            "id": "clustering",
            "measure": "modularity",
            "options": {"method": "louvain", "estimator": "gaussian_copula"},
            "contrast": {"null": "size_matched"},
            "margin": {"null_sd": 2},
            "expects": {"modular": "greater", "distributed": ["equivalent", "less"]},
        },
        {
            "id": "attention",
            "measure": "attention_gini",
            "contrast": {"conditions": ["rare", "common"], "by": "document"},
            "margin": {"raw": 0.05},
            "expects": {"modular": "greater", "distributed": "equivalent"},
        },
        {
            "id": "routing",
            "measure": "routing_similarity",
            "contrast": {"reference": 1.0},
            "margin": {"raw": 0.1},
            "expects": {"modular": "less", "distributed": "equivalent"},
        },
        {
            "id": "single-head",
            "measure": "top_head_share",
            "contrast": {"reference": 0.5},
            "expects": {"modular": "greater", "distributed": "less"},
        },
        {
            "id": "head-specificity",
            "measure": "top_head_impact",
            "contrast": {"null": "size_matched"},
            "margin": {"null_sd": 2},
            "expects": {"modular": "greater", "distributed": "equivalent"},
        },
        {
            "id": "spectrum",
            "measure": "hill_alpha",
            "options": {"weights": "output", "tail": "median"},
            "contrast": {"null": "size_matched"},
            "margin": {"null_sd": 2},
            "expects": {"modular": "any", "distributed": "less"},
        },
    ],
    "seed": 20250925,
}

TITLES = {
    "specialization": "Selectivity of the group for rare targets",
    "regimes": "Flatness of the influence plateau",
    "coordination": "Effective dimension of the group's activations",
    "clustering": "Modularity Q of the group's mutual information",
    "attention": "Attention concentration, rare against common",
    "routing": "Similarity of attention profiles, rare against common",
    "single-head": "Share of the top head in its layer's effect",
    "head-specificity": "Impact of the top head on the group",
    "spectrum": "Hill alpha of the group's output weights",
}


class _Draws:
    """Collects null draws into the tidy frame and summarises each rung from its own draws."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(7)
        self.frames: list[pl.DataFrame] = []

    def rung(
        self,
        prediction: str,
        null: str,
        statistic: str,
        observed: float,
        mean: float,
        sd: float,
        n_draws: int,
        skew: float = 0.0,
        planned_draws: int | None = None,
        descriptive: bool = False,
    ) -> NullComparison:
        draws = self.rng.normal(mean, sd, n_draws)
        if skew:  # shifted so that the mean stays
            draws = mean + sd * (self.rng.gamma(skew, 1, n_draws) - skew) / math.sqrt(skew)
        self.frames.append(
            pl.DataFrame(
                {
                    "prediction": [prediction] * n_draws,
                    "null": [null] * n_draws,
                    "draw": np.arange(n_draws),
                    "value": draws,
                }
            )
        )
        below, above = int((draws <= observed).sum()), int((draws >= observed).sum())
        p = min(1.0, 2 * (min(below, above) + 1) / (n_draws + 1))
        name, _, variant = null.partition(": ")[0].removesuffix(")").partition(" (")
        return NullComparison(
            null=name,
            variant=variant,
            beside=": " in null,
            statistic=statistic,
            observed=observed,
            mean=float(draws.mean()),
            sd=float(draws.std(ddof=1)),
            n_draws=n_draws,
            p_value=p,
            p_error=math.sqrt(p * (1 - p) / n_draws),
            percentile=100 * float((draws < observed).mean()),
            z=float((observed - draws.mean()) / draws.std(ddof=1)),
            log10_relabellings=312.4 if name == "label_shuffled" else None,
            planned_draws=planned_draws,
            descriptive=descriptive or null in (REWIRED, UNTRAINED),
        )


def _interval(effect: float, error: float, level: float) -> Interval:
    half = {0.90: 1.653, 0.95: 1.973}[level] * error
    return Interval(effect - half, effect + half, level, error, 181)


def numbers(**values: float | None) -> dict[str, SecondaryNumber]:
    return {name: SecondaryNumber(value) for name, value in values.items()}


def _prediction(
    id: str,
    observed: float,
    reference: str,
    reference_value: float,
    error: float | None,
    outcome: Any,
    ladder: tuple[NullComparison, ...] = (),
    margin: float | None = None,
    p_equivalence: float | None = None,
    p_value: float | None = None,
    standardized: float | None = None,
    **more: Any,
) -> PredictionResult:
    declared = next(item for item in Protocol.model_validate(PROTOCOL).predictions if item.id == id)
    compared_with, _, variant = reference.removesuffix(")").partition(" (")
    effect = observed - reference_value
    deciding = declared.role == "deciding"
    p = ladder[0].p_value if p_value is None and ladder else p_value
    null_sd = ladder[0].sd if ladder and reference in (SIZE, LOCAL, LABEL) else None
    stances: dict[str, Any] = {}
    for name in ("modular", "distributed"):
        expected = declared.expects.get(name, ())
        if declared.role == "descriptive" or not expected:
            stances[name] = "silent"
        elif outcome == "inconclusive":
            stances[name] = "open"
        else:
            stances[name] = "supports" if outcome in expected else "contradicts"
    return PredictionResult(
        id=id,
        role=declared.role,
        measure=declared.measure,
        title=TITLES[id],
        observed=observed,
        reference=compared_with,
        variant=variant,
        reference_value=reference_value,
        reference_sd=null_sd,
        effect=effect,
        ratio=observed / reference_value if reference_value else None,
        standardized=effect / null_sd if null_sd else standardized,
        interval=None if error is None else _interval(effect, error, 0.90),
        interval_95=None if error is None else _interval(effect, error, 0.95),
        margin=None if margin is None else (-margin, margin),
        equivalence_ceiling=None if margin is None else 0.953,
        p_value=p,
        p_error=ladder[0].p_error if ladder else None,
        p_adjusted=min(1.0, N_DECIDING * p) if deciding and p is not None else None,
        p_equivalence=p_equivalence,
        p_equivalence_adjusted=(
            min(1.0, N_DECIDING * p_equivalence) if deciding and p_equivalence is not None else None
        ),
        outcome=outcome,
        smallest_effect=more.pop("smallest_effect", None),
        expects={name: tuple(values) for name, values in declared.expects.items()},
        stances=stances,
        ladder=ladder,
        **more,
    )


def _splits(item: PredictionResult) -> tuple[SplitOutcome, ...]:
    """Ten divisions of the documents; on three of them clustering comes out otherwise."""
    rng = np.random.default_rng(17)
    spread = 0.1 * abs(item.effect)
    outcomes: list[Any] = [item.outcome] * 10
    if item.id == "clustering":
        outcomes[7:] = ["inconclusive", "inconclusive", "greater"]
    others = tuple(
        SplitOutcome(outcome, item.effect + float(rng.normal(0, spread)), item.p_value)
        for outcome in outcomes[1:]
    )
    return (SplitOutcome(outcomes[0], item.effect, item.p_value), *others)


def _regime(condition: str, plateau: bool) -> RegimeFit:
    rng = np.random.default_rng(11 if plateau else 12)
    ranks = np.unique(np.round(np.geomspace(1, N_NEURONS, 60)))
    log_rank = np.log(ranks)
    first, second = (math.log(41.0), math.log(900.0)) if plateau else (math.log(6.0), math.log(1000.0))
    slopes = (-0.09, -0.62, -1.9) if plateau else (-0.48, -0.55, -1.7)
    level = math.log(0.021 if plateau else 0.012)
    fitted = (
        level
        + slopes[0] * np.minimum(log_rank, first)
        + slopes[1] * np.clip(log_rank - first, 0, second - first)
        + slopes[2] * np.maximum(log_rank - second, 0)
    )
    noisy = fitted + rng.normal(0, 0.05, len(ranks))
    return RegimeFit(
        condition=condition,
        ranks=tuple(ranks.tolist()),
        influence=tuple(np.exp(noisy).tolist()),
        fitted=tuple(np.exp(fitted).tolist()),
        breakpoints=(math.exp(first), math.exp(second)),
        slopes=slopes,
        kappa=-slopes[1],
        plateau=plateau,
        plateau_flatness=1 - abs(slopes[0]) / -slopes[1],
        head_excess=-0.41 if plateau else -0.02,
        bic=(-112.0, -180.5, -243.1),
    )


def _spectrum() -> Spectrum:
    index = np.arange(1, K + 1)
    median = np.exp(-index / 14.0)
    observed = np.exp(-index / 10.5) * (1 + 0.35 * (index == 1))
    return Spectrum(
        tuple((observed / observed.sum()).tolist()),
        tuple((median / median.sum() * 0.9).tolist()),
        tuple((median / median.sum()).tolist()),
        tuple((median / median.sum() * 1.12).tolist()),
        "correlation",
        *(tuple((share * median.cumsum() / median.sum()).tolist()) for share in (0.95, 1.0, 1.02)),
    )


def _heads() -> tuple[HeadResult, ...]:
    rng = np.random.default_rng(5)
    heads = []
    for layer in (4, 5):
        for head in range(8):
            gini = float(rng.uniform(0.55, 0.92))
            impact = float(rng.gamma(4, 0.012)) + (0.09 if (layer, head) == (4, 3) else 0.0)
            heads.append(
                HeadResult(
                    layer,
                    head,
                    gini,
                    gini - float(rng.normal(0.006, 0.008)),
                    impact,
                    impact * float(rng.normal(0.96, 0.1)),
                    impact**2 / 0.09,
                    None if (layer, head) == (5, 7) else float(rng.uniform(0.86, 0.995)),
                )
            )
    return tuple(heads)


def _neurons() -> tuple[int, ...]:
    return tuple(int(i) for i in np.random.default_rng(3).choice(N_NEURONS, K, replace=False))


def _members() -> tuple[Member, ...]:
    return tuple(
        Member(number, (0.03 / place, 0.02 / (place + 1)), (0.1 * place, 0.05), 100 <= number < 100 + K)
        for place, number in enumerate(_neurons(), start=1)
    )


def _contexts() -> Contexts:
    """Of two neurons, one of them with text that would mean something in a page."""
    return Contexts(
        (
            Context(3, 17, "rare", "compute the", " eigenvalues", " of a neuron's matrix", 4.5),
            Context(9, 2, "common", "<script>alert('x')</script> | ", "\n", "# not **bold**", 1.25),
        ),
        tuple(
            NeuronContexts(
                number,
                (ContextOfNeuron(0, 2.5, 0.31), ContextOfNeuron(1, 2.25, -0.02)),
                (ContextOfNeuron(0, 2.5, 0.31),),
            )
            for number in _neurons()[:2]
        ),
    )


def _frequencies() -> FrequencyCurve:
    log_rank = np.linspace(0, math.log10(7630), 400)
    log_count = 6.1 - 0.95 * log_rank - 0.9 * np.maximum(log_rank - 3.1, 0)
    log_count = np.maximum(log_count - 9.0 * np.maximum(log_rank - 3.82, 0), 0)
    return FrequencyCurve(
        tuple(log_rank.tolist()),
        tuple(log_count.tolist()),
        elbow_rank=6607,
        first_rank=5616,
        n_types=7630,
        n_in_range=991,
        n_dropped_types=1024,
        count_range=(21, 58),
        condition="rare",
    )


def synthetic_run() -> tuple[Results, pl.DataFrame]:
    """The run in which the distributed hypothesis is supported and the modular one refuted."""
    draws = _Draws()
    rung = draws.rung
    rare, common, difference = "T(rare)", "T(common)", "T(rare) - T(common)"

    def arms(prediction: str, *numbers: tuple[float, float, float]) -> tuple[NullComparison, ...]:
        """The other group and the difference under shuffled labels, from (observed, mean, SD)."""
        return tuple(
            rung(prediction, f"{LABEL}: {name}", name, *three, 1999, descriptive=True)
            for name, three in zip((common, difference), numbers, strict=True)
        )

    def labels(prediction: str, observed: float, mean: float, sd: float, null: str = LABEL) -> NullComparison:
        """The group under shuffled labels, described."""
        n_draws = 1999 if null == LABEL else 499
        return rung(prediction, null, rare, observed, mean, sd, n_draws, descriptive=True)

    specialization = rung("specialization", LABEL, rare, 0.31, 0.07, 0.03, 1999)
    predictions = (
        _prediction(
            "specialization",
            0.31,
            LABEL,
            specialization.mean,
            0.02,
            "greater",
            (specialization, rung("specialization", SIZE, "T(G)", 0.31, 0.06, 0.03, 9999)),
            arms=arms("specialization", (0.033, 0.07, 0.03), (0.277, 0.001, 0.04)),
            secondary=numbers(common_group=0.033),
        ),
        _prediction(
            "regimes",
            0.71,
            LABEL,
            0.02,
            None,
            "greater",
            (rung("regimes", LABEL, rare, 0.71, 0.02, 0.24, 1999, descriptive=True),),
            secondary=numbers(has_plateau=1.0, head_excess=-0.41, never_computed=None),
            notes=("the rank-influence curve of rare targets has a plateau",),
        ),
        _prediction(
            "coordination",
            27.51,
            LOCAL,
            30.50,
            0.61,
            "less",
            (
                rung("coordination", LOCAL, "T(G)", 27.51, 30.50, 0.49, 1999),
                rung("coordination", SIZE, "T(G)", 27.51, 31.2, 0.49, 9999),
                rung("coordination", COVARIATE, "T(G)", 27.51, 29.4, 0.52, 4999),
                labels("coordination", 27.51, 29.9, 0.6),
                labels("coordination", 27.51, 29.9, 0.45, BY_DOCUMENT),
                labels("coordination", 27.51, 29.9, 0.02, BY_POSITION),
                rung("coordination", UNTRAINED, "T(G)", 27.51, 33.8, 0.4, 3),
            ),
            arms=arms("coordination", (30.1, 29.9, 0.6), (-2.6, 0.0, 0.85)),
            margin=0.98,
            p_equivalence=0.998,
            secondary=numbers(
                dimension=28.0, dimension_per_neuron=28 / K, participation_ratio=14.2, of_correlation=28.9
            ),
        ),
        _prediction(
            "clustering",
            0.0982,
            SIZE,
            0.1003,
            0.0041,
            "equivalent",
            (
                rung("clustering", SIZE, "T(G)", 0.0982, 0.1003, 0.0082, 9999, skew=9),
                rung("clustering", COVARIATE, "T(G)", 0.0982, 0.0991, 0.0081, 137, planned_draws=4999),
                labels("clustering", -0.25, -0.1, 0.87),
                rung("clustering", REWIRED, "T(G)", 0.0982, 0.071, 0.0019, 499),
                rung("clustering", UNTRAINED, "T(G)", 0.0982, 0.05, 0.004, 3),
            ),
            margin=0.0164,
            p_equivalence=0.0003,
            secondary=numbers(communities=4.0, community_size=10.25),
        ),
        _prediction(
            "attention",
            0.731,
            "condition (common)",
            0.724,
            0.0028,
            "equivalent",
            (rung("attention", PERMUTED, "t", 2.5, 0.0, 1.0, 1999, descriptive=True),),
            margin=0.05,
            p_equivalence=2e-31,
            standardized=0.18,
            notes=("Significant and inside the margin: a difference, too small to matter.",),
        ),
        _prediction(
            "routing",
            0.952,
            "value",
            1.0,
            0.012,
            "equivalent",
            (),
            margin=0.1,
            p_equivalence=0.00002,
        ),
        _prediction(
            "single-head",
            0.182,
            "value",
            0.5,
            0.021,
            "less",
            p_value=3e-34,
            secondary=numbers(share_of_equal_heads=1 / 8),
        ),
        _prediction(
            "head-specificity",
            0.1391,
            SIZE,
            0.1322,
            0.0061,
            "equivalent",
            (rung("head-specificity", SIZE, "T(G)", 0.1391, 0.1322, 0.0118, 9999),),
            margin=0.0236,
            p_equivalence=0.0035,
        ),
        _prediction(
            "spectrum",
            2.31,
            SIZE,
            2.98,
            None,
            "less",
            (
                rung("spectrum", SIZE, "T(G)", 2.31, 2.98, 0.21, 9999, skew=6),
                labels("spectrum", -3.2, -1.0, 0.9),
            ),
            margin=0.42,
            notes=(
                "A measure of weights has no documents: no interval.",
                "20 eigenvalues in the tail: fewer than 50.",
            ),
        ),
    )
    predictions = tuple(dataclasses.replace(item, splits=_splits(item)) for item in predictions)
    verdicts = (
        HypothesisVerdict(
            "modular",
            "refuted",
            ("specialization",),
            ("clustering", "attention", "routing", "single-head", "head-specificity"),
            ("clustering", "attention", "routing", "single-head", "head-specificity"),
            (),
            ("regimes", "coordination", "spectrum"),
            "Five contradictions survive the correction.",
        ),
        HypothesisVerdict(
            "distributed",
            "supported",
            (
                "specialization",
                "coordination",
                "clustering",
                "attention",
                "routing",
                "single-head",
                "head-specificity",
                "spectrum",
            ),
            (),
            (),
            (),
            ("regimes",),
            "Every prediction on which it speaks came out as expected.",
        ),
    )
    heads = _heads()
    top = max(heads, key=lambda item: item.impact)
    results = Results(
        schema_version=SCHEMA_VERSION,
        protocol=Protocol.model_validate(PROTOCOL).model_dump(mode="json"),
        protocol_id="rare-tokens",
        title=PROTOCOL["title"],
        subject={
            "name": "reference",
            "family": "gpt_neox",
            "layer": 5,
            "n_layers": 6,
            "n_neurons": N_NEURONS,
            "n_heads": 8,
            "d_model": 512,
            "revision": None,
        },
        corpus=CorpusResult(
            source="docstrings of scikit-learn, networkx, statsmodels, xarray, seaborn, pingouin",
            documents=1843,
            blocks=9120,
            tokens=1_167_360,
            conditions=("rare", "common"),
            available={"rare": 20_312, "common": 1_020_405},
            per_thousand={"rare": 17.4, "common": 874.1},
            positions={
                "selection rare": 2048,
                "selection common": 2048,
                "evaluation rare": 2048,
                "evaluation common": 2048,
            },
            documents_used={"selection": 402, "evaluation": 409},
            types_used={"rare": 871, "common": 1504},
            frequent={
                "rare": (
                    (" eigenvector", 31),
                    ("homosced", 29),
                    ("|", 27),
                    (" Kendall", 24),
                    ("_idx", 22),
                    ("\n\n", 21),
                    ("<b>", 20),
                    ("`x`", 18),
                    (" Wishart", 17),
                ),
                "common": ((" the", 40),),
            },
            balance=(
                RowBalance("index", (66.1, 30.0), (65.4, 30.0), 0.02, None, None),
                RowBalance("target_frequency", (6.5, 0.1), (10.5, 2.0), -2.83, None, None, defining=True),
                RowBalance("block", None, None, None, 1.0, 0.59, matched=True),
                RowBalance("loss", (6.83, 3.0), (2.94, 2.9), 1.32, None, None),
            ),
            text_differs=("xarray",),
        ),
        group=GroupResult(
            neurons=_neurons(),
            n_neurons=N_NEURONS,
            rule="plateau",
            reason="a plateau of slope -0.09 up to rank 41, flatter than half of kappa = 0.62",
            control_neurons=tuple(range(100, 100 + K)),
            balance=(
                CovariateBalance("covariate_matched", "activation_mean", 1.312, 0.041),
                CovariateBalance("covariate_matched", "activation_sd", 1.104, 0.062),
                CovariateBalance("covariate_matched", "output_norm", -0.417, -0.018),
                CovariateBalance("local_matched", "activation_sd", 1.104, 0.112),
                CovariateBalance("local_matched", "base_influence", 2.071, 0.284),
            ),
            draws={"local_matched": {"movable": 38.0, "shared": 0.614, "reliability": 0.968}},
        ),
        ablation=AblationResult(
            engine="identity",
            reason="the last MLP feeds the final norm and the unembedding linearly",
            replacement="mean",
            tolerance=1e-4,
            share_exact=0.004,
            largest_error_bound=9.98e-5,
            group=GroupAblation(
                n_positions=1024,
                together=0.0279,
                sum_of_single=0.00855,
                n_random_groups=20,
                random_together=0.00847,
                random_together_sd=0.00448,
                random_sum_of_single=0.00839,
            ),
            parts=EffectParts(
                n_positions=512,
                total=(0.000209, 0.000192),
                through_norm=(0.000916, 0.000252),
                direct=(-0.000707, -5.7e-05),
                entropy=(0.00156, -0.000128),
            ),
        ),
        self_check=SelfCheck(n_pairs=64, n_values=8192, largest_difference=2.1e-6, tolerance=1e-4),
        predictions=predictions,
        verdicts=verdicts,
        figures=FigureData(
            regimes=(_regime("rare", True), _regime("common", False)),
            spectrum=_spectrum(),
            heads=heads,
            layer_impacts={
                "L4 single": top.impact,
                "L4 random": 0.051,
                "L4 all": 0.33,
                "L5 single": max(h.impact for h in heads if h.layer == 5),
                "L5 random": 0.046,
                "L5 all": 0.29,
            },
            frequencies=_frequencies(),
            influence=LayerInfluence(
                tuple(np.geomspace(0.01, 1e-5, 500).tolist()),
                tuple(np.geomspace(0.008, 2e-5, 500).tolist()),
                N_NEURONS - K,
            ),
        ),
        members=_members(),
        contexts=_contexts(),
        damage=Damage(
            (0.0279, 0.0061, 0.0043), (0.0085, 0.0071, 0.0052), (0.0045, 0.003, 0.002), 20, (1024, 1024, 4096)
        ),
        limitations=(
            "With 7,630 types, rare types are pieces of words rather than words.",
            "xarray is installed in another version than the pinned one; its text differs.",
        ),
        split_verdicts={
            "modular": ("refuted",) * 9 + ("undecided",),
            "distributed": ("supported",) * 7 + ("undecided",) * 2 + ("refuted",),
        },
    )
    return results, pl.concat(draws.frames)


def undecided(results: Results) -> Results:
    """The same run with an inconclusive prediction, so that neither hypothesis is decided."""
    changed = tuple(
        dataclasses.replace(
            item,
            outcome="inconclusive",
            smallest_effect=1.92,
            p_value=0.21,
            p_adjusted=1.0,
            stances={name: "silent" if item.stances[name] == "silent" else "open" for name in item.stances},
        )
        if item.id in ("coordination", "clustering")
        else item
        for item in results.predictions
    )
    return dataclasses.replace(
        results,
        predictions=changed,
        verdicts=(
            HypothesisVerdict(
                "modular",
                "undecided",
                ("specialization",),
                ("attention",),
                (),
                ("clustering",),
                ("regimes", "coordination"),
                "One prediction is open.",
            ),
            HypothesisVerdict(
                "distributed",
                "undecided",
                ("specialization", "attention"),
                (),
                (),
                ("coordination", "clustering"),
                ("regimes",),
                "Two predictions are open.",
            ),
        ),
    )


def not_applicable(results: Results) -> Results:
    """The same run with a premise that failed: no rare-token neurons at all."""
    premise = dataclasses.replace(
        results.predictions[0],
        outcome="less",
        stances={"modular": "contradicts", "distributed": "contradicts"},
    )
    return dataclasses.replace(
        results,
        predictions=(premise, *results.predictions[1:]),
        verdicts=tuple(
            HypothesisVerdict(
                name,
                "not applicable",
                (),
                ("specialization",),
                (),
                (),
                ("regimes",),
                "The premise specialization failed.",
            )
            for name in ("modular", "distributed")
        ),
    )


MANIFEST: dict[str, Any] = {
    "hypotest": "0.1.0",
    "started": "2026-11-21T03:52:10Z",
    "hashes": {
        "protocol": "3f9a" * 16,
        "weights": "07bc" * 16,
        "text": {"networkx": "11ad" * 16, "xarray": "22be" * 16},
    },
    "versions": {"python": "3.11.7", "torch": "2.13.0", "numpy": "2.4.6"},
    "seeds": {"protocol": 20250925},
    "durations": {"collect": 412.7, "nulls": 95.2, "report": 8.1},
    "hardware": {"cpu": "x86_64, 2 cores", "gpu": None},
}

_RUN = synthetic_run()


@pytest.fixture
def results() -> Results:
    return _RUN[0]


@pytest.fixture
def nulls() -> pl.DataFrame:
    return _RUN[1]


@pytest.fixture
def manifest() -> dict[str, Any]:
    return MANIFEST


@pytest.fixture
def make_undecided() -> Callable[[Results], Results]:
    return undecided


@pytest.fixture
def make_not_applicable() -> Callable[[Results], Results]:
    return not_applicable


def _written(folder: Path) -> Path:
    from hypotest.report.export import write_run

    write_run(folder, _RUN[0], _RUN[1], MANIFEST)
    return folder


@pytest.fixture(scope="session")
def written_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder, written once, whose figures are only named; tests must not change it."""
    with figures_not_rendered():
        return _written(tmp_path_factory.mktemp("reports") / "run")


@pytest.fixture(scope="session")
def drawn_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with its figures, which take seconds."""
    return _written(tmp_path_factory.mktemp("reports") / "run")
