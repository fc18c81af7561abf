"""What holds for every measure of groups, whatever it measures: the registry says which there are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hypotest.engine.session import Session
from hypotest.engine.streams import Streams
from hypotest.measures.measure import ConditionMeasure, GroupMeasure
from hypotest.measures.registry import MEASURES
from hypotest.nulls.form import Form
from hypotest.nulls.registry import NULLS, opponents
from hypotest.pipeline.analysis.analysis import analyse
from hypotest.pipeline.analysis.outcomes import classify_prediction
from hypotest.records.evidence.arrays import IntArray
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.evidence.partition import Partition
from hypotest.records.evidence.split import SplitEvidence
from hypotest.records.protocol.nulls import nulls_model
from hypotest.studies.calibration.lesions import with_lesions
from hypotest.testing.undefined import NO_VALUE
from tests.pipeline.planted import GROUP, N_NEURONS, make_evidence, make_protocol, make_task

OF_CONDITIONS = [name for name, item in MEASURES.items() if isinstance(item, ConditionMeasure)]
OF_GROUPS = [name for name, item in MEASURES.items() if isinstance(item, GroupMeasure)]
HERE = {name: null for name, null in NULLS.items() if null.form is not Form.NETWORKS}
"""Nulls that need no other network."""
EVERY_NULL = nulls_model().model_validate({name: {null.number: 99} for name, null in HERE.items()})
ROUNDING = 1e-9
RESTARTS = 0.02
"""Communities are found by chance; the best of several restarts differs by less."""


def values(name: str, evidence: Evidence, groups: IntArray) -> np.ndarray:
    measure = MEASURES[name]
    assert isinstance(measure, GroupMeasure)
    (item,) = make_protocol({"measure": name, "contrast": {"null": "size_matched"}}).predictions
    return measure.bind(item, evidence, Session.start(1)).values(groups)


def tolerance(name: str) -> float:
    return RESTARTS if "restarts" in MEASURES[name].options else ROUNDING


def some_groups() -> np.ndarray:
    rng = np.random.default_rng(5)
    groups = [rng.choice(N_NEURONS, GROUP, replace=False) for _ in range(6)]
    return np.sort(np.stack([np.arange(GROUP), *groups]), axis=1)


def changed(evidence: Evidence, change: float) -> Evidence:
    """In other units: activations, changes of loss and weights times a number, squares by its square."""

    def split(item: SplitEvidence) -> SplitEvidence:
        heads = item.head_ablation
        return replace(
            item.with_channels(activations=item.activations * change, influence=item.delta_loss * change),
            heads=replace(
                heads,
                single=heads.single * change**2,
                layer=heads.layer * change**2,
                base=heads.base * change**2,
            ),
        )

    weights = evidence.weights
    return replace(
        evidence,
        selection=split(evidence.selection),
        evaluation=split(evidence.evaluation),
        weights=replace(weights, output=weights.output * change, input=weights.input * change),
    )


@pytest.mark.parametrize("name", OF_GROUPS)
def test_a_batch_gives_what_its_groups_give_alone(name):
    evidence, groups = make_evidence(2, effect=1.0, shared=1.0), some_groups()
    together = values(name, evidence, groups)
    alone = [values(name, evidence, group[None])[0] for group in groups]
    assert together.shape == (len(groups),)
    assert np.isfinite(together).all()
    np.testing.assert_allclose(together, alone, atol=tolerance(name))


@pytest.mark.parametrize("name", OF_GROUPS)
def test_groups_differ(name):
    numbers = values(name, make_evidence(2, effect=1.0, shared=1.0), some_groups())
    assert np.ptp(numbers) > 10 * ROUNDING


@pytest.mark.parametrize("name", OF_GROUPS)
def test_the_order_of_neurons_does_not_matter(name):
    evidence, groups = make_evidence(2, effect=1.0, shared=1.0), some_groups()
    expected = values(name, evidence, groups)
    order = np.random.default_rng(6).permutation(N_NEURONS)
    place = np.argsort(order)
    np.testing.assert_allclose(
        values(name, evidence.of_neurons(order), place[groups]), expected, atol=tolerance(name)
    )
    np.testing.assert_allclose(values(name, evidence, groups[:, ::-1]), expected, atol=tolerance(name))


@pytest.mark.parametrize("name", OF_GROUPS)
def test_units_of_measurement_do_not_matter(name):
    evidence, groups = make_evidence(2, effect=1.0, shared=1.0), some_groups()
    expected = values(name, evidence, groups)
    np.testing.assert_allclose(
        values(name, changed(evidence, 8.0), groups), expected, rtol=1e-6, atol=tolerance(name)
    )


@pytest.mark.parametrize("name", OF_GROUPS)
def test_of_nothing_there_is_no_number_or_none_that_differs_from_zero(name):
    if MEASURES[name].needs == {Channel.PARTITION}:
        pytest.skip("members have parts whatever they do")
    evidence = changed(make_evidence(2), 0.0)
    try:
        numbers = values(name, evidence, some_groups())
    except NO_VALUE:
        return
    assert not np.isfinite(numbers).any() or not numbers.any()  # who has no influence prefers neither


@pytest.mark.parametrize(
    ("name", "null"),
    [(name, null) for name in OF_GROUPS for null in HERE if HERE[null].form in MEASURES[name].contrasts],
)
def test_every_null_that_it_accepts_gives_a_result(name, null):
    role = "descriptive" if HERE[null].never_decides else "deciding"
    protocol = make_protocol({"measure": name, "contrast": {"null": null}, "role": role}, draws=99)
    protocol = protocol.model_copy(update={"nulls": EVERY_NULL})
    (item,) = protocol.predictions
    comparison = MEASURES[name].compare(item, make_task(protocol, make_evidence(2, effect=1.0)))
    assert comparison.undefined is None, comparison.undefined
    assert comparison.reference in opponents(null)
    assert np.isfinite([comparison.observed, comparison.reference_value]).all()
    assert 0 < comparison.p_value <= 1
    tested = [
        rung
        for rung in comparison.ladder
        if rung.null in opponents(null) and rung.variant == comparison.variant
    ]
    assert len(tested) == len(opponents(null))
    rung = max(tested, key=lambda rung: rung.p_value)  # against all of them, or not at all
    assert (rung.null, rung.p_value) == (comparison.reference, comparison.p_value)
    draws = comparison.draws[rung.key]
    assert np.isfinite(draws).all()
    assert comparison.reference_value == pytest.approx(draws.mean())


@pytest.mark.parametrize("name", MEASURES)
def test_it_has_an_interval_or_says_why_not(name):
    measure = MEASURES[name]
    if isinstance(measure, ConditionMeasure):
        assert bool(measure.no_interval) == (measure.effect is None)
        return
    (item,) = make_protocol({"measure": name, "contrast": {"null": "size_matched"}}).predictions
    bound = measure.bind(item, make_evidence(2), Session.start(1))
    assert (bound.resamples is None) == bool(measure.why_no_interval(item.options))


@pytest.mark.parametrize("name", MEASURES)
def test_its_words_fit_where_they_stand(name):
    words = MEASURES[name].words
    for text in (words.title, words.unit, words.what, words.less, words.greater, words.label, words.method):
        assert text
        assert text == text.strip()
        assert not text.endswith(".")  # each continues a sentence
    assert words.question.endswith("?")
    assert len(words.title) <= 70


def without(evidence: Evidence, channel: Channel) -> Evidence:
    if channel is Channel.PARTITION:
        return replace(evidence, partition=None)
    if channel is Channel.WEIGHTS:
        return replace(evidence, weights=None)

    def split(item: SplitEvidence) -> SplitEvidence:
        kept = {name: array for name, array in item.channels.items() if name != channel}
        return replace(
            item,
            channels=kept,
            heads=None if channel is Channel.HEADS else item.heads,
            lesions=None if channel is Channel.LESIONS else item.lesions,
        )

    return replace(evidence, evaluation=split(evidence.evaluation))


def prediction_on(name: str) -> dict:
    measure, conditions = MEASURES[name], {"conditions": ["rare", "common"]}
    if Form.REFERENCE in measure.contrasts:
        return {"measure": name, "contrast": {"reference": 0.0}}
    if Form.BY_DOCUMENT in measure.contrasts:
        return {"measure": name, "contrast": {**conditions, "by": "document"}}
    if isinstance(measure, ConditionMeasure):
        return {"measure": name, "contrast": {**conditions, "null": "label_shuffled"}}
    return {"measure": name, "contrast": {"null": "size_matched"}}


@pytest.mark.parametrize(
    ("name", "channel"),
    [(name, channel) for name, item in MEASURES.items() for channel in sorted(item.needs)],
)
def test_a_channel_that_is_missing_is_named(name, channel):
    protocol = make_protocol(prediction_on(name))
    evidence = with_lesions(protocol, make_evidence(2, effect=1.0))
    (item,) = protocol.predictions
    with pytest.raises(NO_VALUE, match=f"no channel {channel}"):
        MEASURES[name].compare(item, make_task(protocol, without(evidence, channel)))


@pytest.mark.parametrize(
    "name", [name for name, item in MEASURES.items() if Form.REFERENCE in item.contrasts]
)
def test_compared_with_a_number_it_has_an_interval_or_draws_and_no_null(name):
    measure, protocol = MEASURES[name], make_protocol(prediction_on(name))
    evidence = with_lesions(protocol, make_evidence(2, effect=2.0))
    measured = measure.compare(protocol.predictions[0], make_task(protocol, evidence))
    assert measured.reference == "value" and np.isfinite(measured.observed)
    if measure.no_interval:
        assert measured.interval is None and measured.percentile is not None
    else:
        assert measured.interval.low < measured.observed - measured.reference_value < measured.interval.high
        effect = measure.effect(
            protocol.predictions[0], evidence, make_task(protocol, evidence).selection.group, Streams(1)
        )
        if Channel.ATTENTION not in measure.needs and measure.figure != "routing":  # which halves at random
            assert effect == pytest.approx(measured.observed - measured.reference_value)


def rows_in(split: SplitEvidence, order: IntArray) -> SplitEvidence:
    """The same rows in another order."""
    channels = {name: array[order] for name, array in split.channels.items()}
    return replace(split, positions=split.positions[order], channels=channels)


def in_another_order(evidence: Evidence, what: str) -> Evidence:
    rng = np.random.default_rng(8)
    if what == "units":
        return replace(evidence.of_neurons(rng.permutation(N_NEURONS)), numbers=None)
    splits = {name: getattr(evidence, name) for name in ("selection", "evaluation")}
    return replace(evidence, **{name: rows_in(split, rng.permutation(800)) for name, split in splits.items()})


def in_parts() -> Evidence:
    """Evidence in which every measure has something to say; parts of the layer act together."""
    evidence = make_evidence(2, effect=2.0)
    parts = np.arange(N_NEURONS) % 2
    common = np.random.default_rng(4).normal(size=(800, 2))[:, parts]
    together = evidence.evaluation.with_channels(activations=evidence.evaluation.activations + 2 * common)
    return replace(evidence, evaluation=together, partition=Partition.of(parts))


@pytest.mark.parametrize("what", ["units", "rows"])
@pytest.mark.parametrize("name", OF_CONDITIONS)
def test_the_order_of_units_and_rows_does_not_matter_to_a_measure_of_conditions(name, what):
    protocol = make_protocol(prediction_on(name), draws=39)
    (item,) = protocol.predictions
    results = []
    for evidence in (in_parts(), in_another_order(in_parts(), what)):
        task = make_task(protocol, with_lesions(protocol, evidence))
        results.append(classify_prediction(item, MEASURES[name].compare(item, task), protocol))
    one, other = results
    assert one.outcome == other.outcome != "undefined"
    for key in ("observed", "effect", "reference_value", "p_value"):
        assert getattr(other, key) == pytest.approx(getattr(one, key), rel=1e-5, abs=ROUNDING), key
    if one.interval is not None:
        for key in ("low", "high", "standard_error"):
            assert getattr(other.interval, key) == pytest.approx(getattr(one.interval, key), rel=1e-5), key


def unknown(evidence: Evidence) -> Evidence:
    """Nothing was measured on the evaluation split: every number is none."""
    split = evidence.evaluation
    channels = {name: np.full(array.shape, np.nan) for name, array in split.channels.items()}
    heads = split.head_ablation
    nothing = {key: np.full(getattr(heads, key).shape, np.nan) for key in ("base", "single", "layer")}
    return replace(evidence, evaluation=replace(split, channels=channels, heads=replace(heads, **nothing)))


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, item in MEASURES.items()
        if item.needs != {Channel.PARTITION} and item.level != "weights"
    ],
)
def test_of_what_was_not_measured_there_is_no_number(name):
    protocol = make_protocol(prediction_on(name), draws=39)
    (result,) = analyse(protocol, with_lesions(protocol, unknown(make_evidence(2, effect=1.0)))).predictions
    assert result.outcome == "undefined" and result.notes[0]
    assert (result.observed, result.effect, result.p_value, result.interval) == (None,) * 4
