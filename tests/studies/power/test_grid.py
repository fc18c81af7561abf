import dataclasses

import numpy as np
import pytest
from scipy import stats

from hypotest.pipeline.analysis.analysis import analyse
from hypotest.records.protocol.prediction import Prediction
from hypotest.studies.power.basis import PowerBasis
from hypotest.studies.power.grid import power_table
from hypotest.studies.power.rehearsed import compare_halved, power_bases
from tests.pipeline.planted import make_evidence, make_protocol

NORMAL = stats.norm.ppf((np.arange(4000) + 0.5) / 4000)
DIMENSION = {
    "measure": "effective_dimension",
    "contrast": {"null": "size_matched"},
    "margin": {"null_sd": 2},
    "expects": {"modular": "equivalent", "distributed": "less"},
}
ATTENTION = {
    "measure": "attention_gini",
    "contrast": {"conditions": ["rare", "common"], "by": "document"},
    "margin": {"raw": 0.05},
    "expects": {"modular": "greater", "distributed": "equivalent"},
}


def basis(prediction=DIMENSION, **changes):
    """A null of SD 3 with 40 documents, or a standard error of 3 where there is none."""
    item = Prediction(id="one", **prediction)
    by_null = item.contrast.null is not None
    base = PowerBasis(
        prediction=item,
        compared_with="size_matched",
        group_size=20 if by_null else None,
        declared=True,
        draws=3 * NORMAL if by_null else None,
        standard_error=None if by_null else 3.0,
        n_measured=40,
        measured_of=lambda documents: documents,
        spread_ratio=1.0,
        margin=6.0,
        margin_spread_ratio=1.0,
        notes=(),
    )
    return dataclasses.replace(base, **changes)


def test_power_against_a_normal_null_is_that_of_the_z_test():
    base, critical = basis(), stats.norm.ppf(0.975)
    for units in (0.5, 1.0, 2.0, 3.0):
        expected = stats.norm.cdf(units - critical) + stats.norm.cdf(-units - critical)
        assert base.power(3 * units, 40, 99_999, 0.05) == pytest.approx(expected, abs=0.005)
    # 1.96 and 1.96 + 0.8416 SDs
    assert base.smallest(40, 99_999, 0.05) == pytest.approx(3 * 1.960, rel=0.01)
    assert base.seen(40, 99_999, 0.05) == pytest.approx(3 * 2.8016, rel=0.01)


def test_power_against_a_value_is_that_of_the_t_test_with_the_documents_that_will_be():
    base = basis(ATTENTION)
    assert base.error(160) == pytest.approx(1.5)  # four times the documents, half the error
    expected = stats.nct.sf(stats.t.ppf(0.975, 159), 159, 2.0)
    assert base.power(3.0, 160, None, 0.05) == pytest.approx(expected, abs=1e-4)
    assert base.smallest(160, None, 0.05) == pytest.approx(stats.t.ppf(0.975, 159) * 1.5)


def test_noise_over_documents_narrows_the_null_and_a_margin_in_its_sds():
    wide = np.sqrt(1.5)  # var(D) / var(40) = 0.5 + 20 / D
    base = basis(spread_ratio=wide, margin_spread_ratio=wide)
    assert base.narrowed(80) == pytest.approx(np.sqrt(0.75))
    assert base.unit(80) == pytest.approx(np.nanstd(base.draws, ddof=1) * np.sqrt(0.75))
    assert base.half_width(80) == pytest.approx(6 * np.sqrt(0.75))
    assert base.ceiling(80) == pytest.approx(base.ceiling(40))  # in SDs nothing has moved
    raw = basis(spread_ratio=wide)
    assert raw.half_width(80) == 6.0
    assert raw.ceiling(80) > raw.ceiling(40)


def test_halved_documents_widen_nulls_and_margins():
    plan, evidence = make_protocol(DIMENSION), make_evidence(0)
    whole = analyse(plan, evidence)
    halved = analyse(
        plan, dataclasses.replace(evidence, evaluation=evidence.evaluation.of_documents(np.arange(0, 40, 2)))
    )
    ((spread, margin),) = compare_halved(plan, whole, halved).values()
    assert spread == pytest.approx(halved.predictions[0].reference_sd / whole.predictions[0].reference_sd)
    assert margin == pytest.approx(spread)  # two SDs of the same null
    assert spread > 1  # independent positions: all of it is noise
    assert compare_halved(plan, whole, None) == {}
    weights = make_protocol({**DIMENSION, "measure": "hill_alpha"})
    assert compare_halved(weights, analyse(weights, evidence), analyse(weights, evidence)) == {}


@pytest.mark.parametrize("prediction", [DIMENSION, ATTENTION])
def test_more_documents_never_see_less(prediction):
    base = basis(prediction, spread_ratio=1.2 if prediction is DIMENSION else 1.0)
    draws = 999 if prediction is DIMENSION else None
    powers = [base.power(4.0, documents, draws, 0.05) for documents in (20, 40, 80, 320)]
    seen = [base.seen(documents, draws, 0.05) for documents in (20, 40, 80, 320)]
    assert powers == sorted(powers) and powers[0] < powers[-1]
    assert seen == sorted(seen, reverse=True) and seen[-1] < seen[0]


def test_an_interval_that_cannot_be_had_leaves_no_equivalence():
    few = basis(n_measured=15)
    assert few.equivalent(40, 0.05) is None  # the run has more documents, and may well have one
    assert basis().equivalent(40, 0.05) == 0.0  # 40 documents and no interval: never
    weights = basis({**DIMENSION, "measure": "hill_alpha"}, n_measured=15)
    assert weights.equivalent(40, 0.05) == 0.0  # never, whatever the number of documents


@pytest.mark.parametrize("prediction", [DIMENSION, ATTENTION])
def test_foundations_are_the_draws_and_intervals_of_the_analysis(prediction):
    plan, evidence = make_protocol(prediction), make_evidence(0)
    analysis = analyse(plan, evidence)
    (base,) = power_bases(
        plan, plan.predictions, analysis, {}, 40, lambda documents: documents, declared=True
    )
    (result,) = analysis.predictions
    assert base.margin == result.margin[1]
    assert base.error(40) == pytest.approx(result.interval.standard_error)
    assert base.error(160) == pytest.approx(result.interval.standard_error / 2)
    if prediction is DIMENSION:
        assert base.group_size == 20
        assert base.unit(40) == pytest.approx(result.reference_sd)
        assert base.ceiling(40) == pytest.approx(result.equivalence_ceiling)
    else:
        assert base.group_size is None
        assert base.unit(40) == pytest.approx(result.interval.standard_error)


def test_the_table_holds_every_combination():
    plan = make_protocol(DIMENSION, draws=399)
    other = basis(declared=False, group_size=10)
    frame = power_table([basis(), other], plan, 40, [20, 40])
    # 2 sizes, 2 numbers of documents, 4 of draws (99, 399, 999, 9999), 2 levels, 4 effects and the margin
    assert frame.height == 2 * 2 * 4 * 2 * 5
    assert not any(frame[name].null_count() for name in ("power", "effect", "draws", "group_size"))
    planned = frame.filter("as_planned")
    assert planned.height == 2 * 5
    assert set(planned["draws"]) == {399} and set(planned["documents"]) == {40}
    assert frame.filter(frame["draws"] == 99)["smallest_effect"].null_count() == 0
    by_effect = planned.filter(planned["level"] == 0.05).sort("effect")["power"].to_list()
    assert by_effect == sorted(by_effect)
