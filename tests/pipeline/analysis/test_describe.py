"""What a report shows besides the predictions: eigenvalues and heads, by hand, and where there are none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hypotest.pipeline.analysis.describe import describe_heads, describe_spectrum
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.evidence import Evidence
from hypotest.testing.task import Task
from tests.pipeline.planted import GROUP, N_NEURONS, make_evidence, make_protocol, make_task

DIMENSION = {"measure": "effective_dimension", "contrast": {"null": "size_matched"}}


def task_of(evidence: Evidence, select: object = None) -> Task:
    protocol = make_protocol(DIMENSION, draws=39, select=select)
    if select == "all":
        protocol = protocol.with_nulls(["label_shuffled"])
    return make_task(protocol, evidence)


def changed(evidence: Evidence, **changes: object) -> Evidence:
    return replace(evidence, evaluation=replace(evidence.evaluation, **changes))


@pytest.fixture(scope="module")
def planted() -> Task:
    return task_of(make_evidence(0, effect=3.0, shared=2.0))


@pytest.mark.parametrize("scale", ["covariance", "correlation"])
def test_eigenvalues_are_shares_of_the_groups_own(planted, scale):
    split, group = planted.evidence.evaluation, planted.selection.group
    values = split.activations[split.first][:, group]
    matrix = np.cov(values.T) if scale == "covariance" else np.corrcoef(values.T)
    expected = np.sort(np.linalg.eigvalsh(matrix))[::-1] / np.trace(matrix)
    spectrum = describe_spectrum(planted, scale=scale)
    assert spectrum.scale == scale
    np.testing.assert_allclose(spectrum.observed, expected, rtol=1e-4, atol=1e-7)
    assert sum(spectrum.observed) == pytest.approx(1) and len(spectrum.observed) == GROUP


def test_bands_are_of_other_groups(planted):
    spectrum = describe_spectrum(planted)
    low, middle, high = (np.array(getattr(spectrum, f"null_{name}")) for name in ("low", "median", "high"))
    assert (low <= middle).all() and (middle <= high).all() and (low < high).all()
    assert spectrum.observed[0] > 1.5 * high[0]  # one factor is planted behind the group alone
    running = [getattr(spectrum, f"cumulated_{name}") for name in ("low", "median", "high")]
    for ends in running:
        assert (np.diff(ends) >= 0).all() and ends[-1] == pytest.approx(1)
    np.testing.assert_allclose([ends[0] for ends in running], [low[0], middle[0], high[0]])
    assert spectrum.null == ""


def test_only_the_first_condition_is_looked_at(planted):
    evidence = planted.evidence
    other = evidence.evaluation.activations.copy()
    other[evidence.evaluation.second] = 7.0
    quiet = changed(evidence, channels={**evidence.evaluation.channels, Channel.ACTIVATIONS: other})
    assert describe_spectrum(replace(planted, evidence=quiet)) == describe_spectrum(planted)


def test_there_is_no_spectrum_beside_nothing():
    evidence = make_evidence(0)
    assert describe_spectrum(task_of(evidence, select="all")) is None
    still = evidence.evaluation.with_channels(activations=np.ones_like(evidence.evaluation.activations))
    assert describe_spectrum(task_of(replace(evidence, evaluation=still))) is None


def test_one_row_per_head_in_their_order(planted):
    rows, impacts = describe_heads(planted)
    assert [(row.layer, row.head) for row in rows] == [(1, 0), (1, 1), (2, 0), (2, 1)]
    assert list(impacts) == [f"L{layer} {what}" for layer in (1, 2) for what in ("single", "random", "all")]


def test_impacts_by_hand(planted):
    """sqrt of squared changes over squared activations, summed over documents and the group."""
    rows, impacts = describe_heads(planted)
    ablation, group = planted.evidence.evaluation.heads, planted.selection.group
    base = ablation.base[:, group].sum()
    single = np.sqrt(ablation.single[:, :, group].sum(axis=(0, 2)) / base)
    layer = np.sqrt(ablation.layer[:, :, group].sum(axis=(0, 2)) / base)
    np.testing.assert_allclose([row.impact for row in rows], single)
    np.testing.assert_allclose([row.layer_share for row in rows], (single / layer[[0, 0, 1, 1]]) ** 2)
    assert impacts == pytest.approx(
        {
            "L1 single": single[:2].max(),
            "L1 random": single[:2].mean(),
            "L1 all": layer[0],
            "L2 single": single[2:].max(),
            "L2 random": single[2:].mean(),
            "L2 all": layer[1],
        }
    )


def test_the_head_that_is_planted_changes_the_group_and_no_random_one(planted):
    rows, _ = describe_heads(planted)
    assert max(rows, key=lambda row: row.impact) is rows[1]
    for row in rows:
        low, high = row.impact_interval
        assert low < row.impact < high < low + row.impact / 2  # 40 documents tell it that well
        beside = row.impact / row.null_impact
        assert (
            beside == pytest.approx(3**0.5, rel=0.2)
            if row is rows[1]
            else beside == pytest.approx(1, abs=0.1)
        )


def test_attention_that_is_spread_or_not():
    """On one key: 1; evenly over all that the query sees: 0."""
    evidence = make_evidence(0)
    split = evidence.evaluation
    attention = np.full_like(split.attention, 1 / split.attention.shape[-1])
    attention[split.first] = np.eye(split.attention.shape[-1])[0]
    rows, _ = describe_heads(task_of(replace(evidence, evaluation=split.with_channels(attention=attention))))
    for row in rows:
        assert row.gini_first > 0.9 and row.gini_second == pytest.approx(0, abs=1e-9)
        assert row.impact is not None


def test_intervals_of_attention_hold_their_means(planted):
    rows, _ = describe_heads(planted)
    for row in rows:
        for mean, (low, high) in (
            (row.gini_first, row.gini_first_interval),
            (row.gini_second, row.gini_second_interval),
        ):
            assert low < mean < high and 0 < mean < 1
        low, high = row.routing_interval
        assert -1 <= low < row.routing < high <= 1


def test_heads_without_attention_have_their_impacts_alone():
    evidence = make_evidence(0)
    channels = {
        name: array for name, array in evidence.evaluation.channels.items() if name != Channel.ATTENTION
    }
    rows, impacts = describe_heads(task_of(changed(evidence, channels=channels)))
    assert len(rows) == 4 and len(impacts) == 6
    for row in rows:
        assert {
            row.gini_first,
            row.gini_second,
            row.routing,
            row.gini_first_interval,
            row.routing_interval,
        } == {None}
        assert row.impact > 0


def test_heads_that_were_not_ablated_have_their_attention_alone():
    rows, impacts = describe_heads(task_of(changed(make_evidence(0), heads=None)))
    assert len(rows) == 4 and impacts == {}
    for row in rows:
        assert {row.impact, row.null_impact, row.layer_share, row.impact_interval} == {None}
        assert row.gini_first is not None and row.routing is not None


def test_a_network_without_heads_or_anything_of_them_has_no_rows():
    evidence = make_evidence(0)
    assert describe_heads(task_of(replace(evidence, heads=()))) == ((), {})
    channels = {Channel.ACTIVATIONS: evidence.evaluation.activations}
    assert describe_heads(task_of(changed(evidence, channels=channels, heads=None))) == ((), {})


def test_a_silent_group_has_no_impact():
    evidence = make_evidence(0)
    silent = replace(evidence.evaluation.heads, base=np.zeros((40, N_NEURONS)))
    rows, impacts = describe_heads(task_of(changed(evidence, heads=silent)))
    assert impacts == {} and all(row.impact is None and row.gini_first is not None for row in rows)


def test_no_other_group_is_of_the_layers_size():
    rows, impacts = describe_heads(task_of(make_evidence(0), select="all"))
    assert {row.null_impact for row in rows} == {None} and len(impacts) == 6
    assert all(row.impact is not None for row in rows)
