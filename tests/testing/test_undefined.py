"""What has no value on the evaluation split is an outcome, and the other predictions go on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from hypotest.engine.session import Session
from hypotest.engine.streams import Streams
from hypotest.errors import EvidenceError, ProtocolError
from hypotest.nulls.registry import NULLS, with_nulls
from hypotest.pipeline.analysis.analysis import analyse, group_values
from hypotest.pipeline.analysis.describe import describe_heads, describe_spectrum
from hypotest.pipeline.analysis.splits import other_splits, split_verdicts, with_splits
from hypotest.pipeline.checks.definedness import check_defined, undefined_on_selection
from hypotest.records.evidence.evidence import Evidence, SelectionEvidence
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.prediction_result import PredictionResult
from tests.pipeline.planted import N_NEURONS, make_evidence, make_protocol

pytestmark = pytest.mark.slow

RANDOM = {"null": "size_matched"}
SPEAKS = {"modular": "greater", "distributed": "less"}
MEASURES = {
    "special": {"measure": "selectivity", "contrast": {"null": "label_shuffled"}},
    "regimes": {
        "measure": "plateau_flatness",
        "contrast": {"conditions": ["rare", "common"], "null": "label_shuffled"},
    },
    "dimension": {"measure": "effective_dimension", "contrast": RANDOM, "margin": {"null_sd": 2}},
    "clustering": {"measure": "modularity", "contrast": RANDOM, "margin": {"null_sd": 2}},
    "attention": {
        "measure": "attention_gini",
        "contrast": {"conditions": ["rare", "common"], "by": "document"},
        "margin": {"raw": 0.05},
    },
    "routing": {"measure": "routing_similarity", "contrast": {"reference": 1.0}, "margin": {"raw": 0.1}},
    "head": {"measure": "top_head_share", "contrast": {"reference": 0.5}},
    "impact": {"measure": "top_head_impact", "contrast": RANDOM, "margin": {"null_sd": 2}},
    "spectrum": {"measure": "hill_alpha", "contrast": RANDOM, "margin": {"null_sd": 2}},
}


def protocol_of(
    *names: str, size: int = 20, roles: dict[str, str] | None = None, **changes: object
) -> Protocol:
    made = make_protocol({**MEASURES[names[0]], "expects": SPEAKS}, draws=199)
    predictions = [
        {
            "id": name,
            **MEASURES[name],
            "role": (roles or {}).get(name, "deciding"),
            "expects": SPEAKS if (roles or {}).get(name) != "descriptive" else {},
        }
        for name in names
    ]
    data = made.model_dump() | {"predictions": predictions} | changes
    data["group"] = {"select": {"top_fraction": size / N_NEURONS}}
    return Protocol.model_validate(data)


def outcomes(predictions: tuple[PredictionResult, ...]) -> dict[str, str]:
    return {item.id: item.outcome for item in predictions}


def on_evaluation(evidence: Evidence, **arrays: np.ndarray) -> Evidence:
    return replace(evidence, evaluation=evidence.evaluation.with_channels(**arrays))


def test_two_neurons_leave_the_others_their_outcomes():
    """The issue's example: a group too small for one measure, which only describes."""
    plan = protocol_of(*MEASURES, size=2, roles={"spectrum": "descriptive"})
    analysis = analyse(plan, make_evidence(0, effect=1.0))
    by_id = {item.id: item for item in analysis.predictions}
    spectrum = by_id["spectrum"]
    assert spectrum.outcome == "undefined"
    assert "no value for this group of 2 neurons" in spectrum.notes[0]
    assert (spectrum.observed, spectrum.effect, spectrum.p_value, spectrum.p_adjusted) == (None,) * 4
    defined = outcomes(analysis.predictions)
    assert [name for name, outcome in defined.items() if outcome == "undefined"] == ["spectrum"]
    alone = analyse(protocol_of("special", size=2), make_evidence(0, effect=1.0)).predictions[0]
    special = by_id["special"]
    assert special.outcome == alone.outcome == "greater"  # two neurons for which rare targets are planted
    assert (special.p_value, special.effect) == (alone.p_value, alone.effect)
    assert special.p_adjusted == pytest.approx(min(1.0, (len(MEASURES) - 1) * special.p_value))
    assert len(analysis.verdicts) == 2
    assert "spectrum" not in analysis.nulls["prediction"].unique()


@pytest.mark.parametrize(
    ("role", "status", "reason"),
    [
        ("deciding", "undecided", "undefined: dimension"),
        ("premise", "undecided", "Premise undefined: dimension."),
        ("descriptive", None, None),
    ],
)
def test_what_an_undefined_prediction_does_to_the_verdict(role, status, reason):
    evidence = make_evidence(0, effect=1.0)
    still = np.ones_like(evidence.evaluation.activations)
    plan = protocol_of("special", "dimension", roles={"dimension": role})
    analysis = analyse(plan, on_evaluation(evidence, activations=still))
    assert outcomes(analysis.predictions)["dimension"] == "undefined"
    stances = {item.id: item.stances for item in analysis.predictions}["dimension"]
    assert set(stances.values()) == {"silent" if role == "descriptive" else "open"}
    for verdict in analysis.verdicts:
        if status is None:
            assert "undefined" not in verdict.reason
        elif verdict.hypothesis == "modular":  # special comes out greater, as it expects
            assert verdict.status == status and reason in verdict.reason
            assert "dimension" in verdict.open
        else:
            assert "dimension" in verdict.open and verdict.status != "supported"


def spoiled() -> dict[str, Evidence]:
    """Evidence whose evaluation split lacks what a measure needs, by prediction."""
    whole = make_evidence(1, effect=1.0)
    split = whole.evaluation
    still = np.ones_like(split.activations)
    uniform = np.full_like(split.attention, 1 / split.attention.shape[-1])
    dead = replace(
        split.head_ablation,
        single=np.zeros_like(split.head_ablation.single),
        layer=np.zeros_like(split.head_ablation.layer),
        base=np.zeros_like(split.head_ablation.base),
    )
    condition = split.positions["condition"].to_numpy()
    alone = split.positions.with_columns(index=pl.lit(0, pl.Int64))  # queries that see one key each
    one_rare = np.flatnonzero((condition == "common") | (np.arange(condition.size) == 0))
    return {
        "dimension": on_evaluation(whole, activations=still),
        "routing": on_evaluation(whole, attention=uniform),
        "head": replace(whole, evaluation=replace(whole.evaluation, heads=dead)),
        "impact": replace(whole, evaluation=replace(whole.evaluation, heads=dead)),
        "attention": replace(whole, evaluation=replace(split, positions=alone)),
        "regimes": replace(whole, evaluation=rows_of(split, one_rare)),
    }


def rows_of(split, rows):
    channels = {name: array[rows] for name, array in split.channels.items()}
    return replace(split, positions=split.positions[rows], channels=channels)


@pytest.mark.parametrize("name", ["dimension", "routing", "head", "impact", "attention", "regimes"])
def test_every_measure_can_be_undefined_without_ending_the_analysis(name):
    evidence = spoiled()[name]
    plan = protocol_of(*MEASURES)
    analysis = analyse(plan, evidence)
    assert outcomes(analysis.predictions)[name] == "undefined"
    assert outcomes(analysis.predictions)["spectrum"] != "undefined"  # weights do not care
    for item in analysis.predictions:
        if item.outcome == "undefined":
            assert item.notes and item.effect is None and item.p_value is None
    # what a report shows besides must not fail either
    describe_heads(analysis.task)
    spectrum = describe_spectrum(analysis.task)
    assert (spectrum is None) == (name in ("dimension", "regimes"))


def test_a_null_without_a_defined_draw_keeps_the_value_and_says_so():
    """Only the group varies on the evaluation split: pairs of other neurons have no dimension."""
    evidence = make_evidence(0, effect=1.0)
    plan = protocol_of("dimension", "spectrum", size=2)
    plan = plan.model_copy(update={"nulls": plan.nulls.model_copy(update={"label_shuffled": None})})
    group = analyse(plan, evidence).task.selection.group
    activations = np.ones_like(evidence.evaluation.activations)
    activations[:, group] = evidence.evaluation.activations[:, group]
    item = analyse(plan, on_evaluation(evidence, activations=activations)).predictions[0]
    if item.outcome != "undefined":  # a draw may hold one of the two
        assert item.ladder[0].n_undefined > 150
        return
    assert item.observed is not None and item.effect is None
    assert item.notes[0].startswith("the null size_matched is undefined: ")


def test_a_null_that_describes_may_be_undefined():
    plan = with_nulls(protocol_of("dimension"), {"untrained": NULLS["untrained"].options(networks=3)})
    analysis = analyse(plan, make_evidence(0), networks=[{"dimension": float("nan")}] * 3)
    (item,) = analysis.predictions
    assert item.outcome != "undefined"
    assert any("the null untrained is undefined" in note for note in item.notes)


def test_an_untrained_network_in_which_nothing_varies_counts_as_undefined():
    evidence = make_evidence(0)
    dead = replace(
        evidence,
        selection=evidence.selection.with_channels(activations=np.ones_like(evidence.selection.activations)),
    )
    assert np.isnan(group_values(protocol_of("dimension", "spectrum"), dead)["dimension"])


def test_another_division_without_a_group_is_undefined_there(monkeypatch):
    import hypotest.pipeline.analysis.splits as splits

    def none(*arguments, **options):
        raise EvidenceError("one half holds no position of a condition")

    plan = protocol_of("dimension", "spectrum", splits=3)
    evidence = make_evidence(0)
    declared = analyse(plan, evidence)
    monkeypatch.setattr(splits, "analyse", none)
    others = other_splits(plan, evidence, Session.start(plan.seed))
    predictions = with_splits(declared.predictions, others)
    assert [item.outcome for item in predictions[0].splits] == [declared.predictions[0].outcome] + [
        "undefined"
    ] * 2
    assert [item.effect for item in predictions[0].splits[1:]] == [None, None]
    assert split_verdicts(declared, others)["modular"][1:] == ("undecided",) * 2


class TestBeforeTheEvaluation:
    def selection(self, evidence: Evidence) -> SelectionEvidence:
        return SelectionEvidence(
            evidence.selection, evidence.weights, evidence.heads, evidence.mean_activation, evidence.ablation
        )

    def test_nothing_is_refused_where_all_is_defined(self, tmp_path):
        selection = self.selection(make_evidence(0, effect=1.0))
        plan = protocol_of(*(name for name in MEASURES if name != "routing"))  # planted attention is noise
        assert undefined_on_selection(plan, selection, Streams(1)) == {}
        check_defined(plan, selection, Streams(1), tmp_path / "plan.yaml")

    def test_a_group_too_small_for_a_deciding_measure_is_refused_and_for_a_description_is_not(self, tmp_path):
        selection = self.selection(make_evidence(0, effect=1.0))
        path = tmp_path / "plan.yaml"
        plan = protocol_of("special", "spectrum", size=2)
        with pytest.raises(ProtocolError, match="hill_alpha is undefined on the selection split") as error:
            check_defined(plan, selection, Streams(1), path)
        (problem,) = error.value.problems
        assert problem.key == "predictions.spectrum" and "evaluation split was looked at" in problem.message
        described = protocol_of("special", "spectrum", size=2, roles={"spectrum": "descriptive"})
        check_defined(described, selection, Streams(1), path)
        assert list(undefined_on_selection(described, selection, Streams(1))) == ["spectrum"]

    @pytest.mark.parametrize("name", ["routing", "head", "impact"])
    def test_what_the_selection_split_lacks_is_found_there(self, name):
        evidence = spoiled()[name]
        turned = replace(evidence, selection=evidence.evaluation.named("selection"))
        undefined = undefined_on_selection(protocol_of(*MEASURES), self.selection(turned), Streams(1))
        assert name in undefined and "spectrum" not in undefined


def test_every_head_has_the_interval_of_the_measures_about_heads():
    """Of the top head that of `top_head_impact`, and of all heads' mean Gini what lies within their ends."""
    evidence = make_evidence(3, effect=1.0)
    analysis = analyse(protocol_of("impact", "attention"), evidence)
    heads, _ = describe_heads(analysis.task)
    by_id = {item.id: item for item in analysis.predictions}
    top = by_id["impact"]
    said = [int(top.secondary[name].value) for name in ("top_head_layer", "top_head")]
    (mine,) = [head for head in heads if [head.layer, head.head] == said]
    assert mine.impact_interval == pytest.approx(top.own_intervals.observed)
    for head in heads:
        low, high = head.gini_first_interval
        assert low < head.gini_first < high
        low, high = head.impact_interval
        assert low < head.impact < high
        low, high = head.routing_interval
        assert low < head.routing < high <= 1


def test_eigenvalues_stand_beside_those_of_the_null_that_decides():
    from dataclasses import replace as altered

    evidence = make_evidence(3, effect=1.0)
    plan = protocol_of("dimension")
    local = {"local_matched": plan.nulls.model_validate({"local_matched": {"draws": 199}}).local_matched}
    plan = plan.model_copy(update={"nulls": plan.nulls.model_copy(update=local)})
    task = analyse(plan, evidence).task
    beside = describe_spectrum(task, "local_matched", "correlation")
    random = describe_spectrum(task, "size_matched", "correlation")
    assert (beside.null, random.null) == ("local_matched", "")
    assert beside.observed == random.observed and beside.null_median != random.null_median
    missing = altered(task, drawn={})
    assert describe_spectrum(missing, "local_matched", "correlation").null == ""
