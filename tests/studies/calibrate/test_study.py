import json
import re
import subprocess
import sys
import time
from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console
from scipy import stats

from hypotest.errors import OutputError, ProtocolError
from hypotest.pages.console import shown
from hypotest.pages.markdown import PAGE
from hypotest.studies.calibrate.chunks import read_chunk
from hypotest.studies.calibrate.page import (
    calibration_page,
    calibration_summary,
    conclusion,
)
from hypotest.studies.calibrate.rates import binomial_rate, count_scenario, wrong_refutations
from hypotest.studies.calibrate.scenarios import SCENARIOS, calibration_protocol
from hypotest.studies.calibrate.simulation import Layer
from hypotest.studies.calibrate.study import calibrate, choose_scenarios, read_calibration, write_calibration

SMALL = replace(
    choose_scenarios(["nothing"])[0],
    name="small",
    layer=Layer(n_neurons=40, size=4, n_documents=20, per_document=3),
)
NOTHING, DISTRIBUTED = choose_scenarios(["nothing", "distributed"])


def simulation(scenario, **changes):
    """A simulation in which nothing is significant and nothing equivalent, but for `changes`."""
    base = {
        "p": {},
        "outcome": "inconclusive",
        "effect": 0.0,
        "truth": None,
        "interval_90": None,
        "interval_95": None,
        "ceiling": None,
        "p_adjusted": None,
    }
    names = [item.id for item in calibration_protocol(scenario).predictions]
    verdict = {"status": "undecided", "contradicted_by": [], "refuted_by": [], "gated": False}
    return {
        "simulation": 0,
        "predictions": {name: {**base, **changes.get(name.replace("-", "_"), {})} for name in names},
        "verdicts": {name: {**verdict, **changes.get(name, {})} for name in ("modular", "distributed")},
    }


@pytest.mark.parametrize(("count", "n"), [(0, 7), (3, 50), (120, 2000), (7, 7)])
def test_binomial_intervals_are_those_of_scipy(count, n):
    rate = binomial_rate(count, n)
    expected = stats.binomtest(count, n).proportion_ci(0.99, method="exact")
    assert (rate.low, rate.high) == pytest.approx((expected.low, expected.high))
    assert rate.value == count / n


def test_rejections_are_counted_per_prediction_and_null():
    p_values = [(0.05, 0.051), (0.02, 0.9), (0.5, 0.01)]
    rows = [
        simulation(NOTHING, coordination={"p": {"size_matched": a, "label_shuffled (type)": b}})
        for a, b in p_values
    ]
    found = count_scenario(NOTHING, calibration_protocol(NOTHING), rows)
    cells = {(cell.prediction, cell.null): cell for cell in found.cells}
    assert len(cells) == 2
    assert cells["coordination", "size_matched"].rejected.count == 2  # 0.05 counts
    assert cells["coordination", "label_shuffled (type)"].rejected.count == 1
    assert [cell.decides for cell in found.cells] == [True, False]
    assert all(cell.claimed for cell in found.cells)


def test_only_claimed_rates_can_fail():
    (covariates,) = choose_scenarios(["covariates"])
    row = {"p": {"size_matched": 0.01, "covariate_matched": 0.01}}
    rows = [simulation(covariates, coordination=row)] * 20
    cells = count_scenario(covariates, calibration_protocol(covariates), rows).cells
    # 20 of 20: the lower limit is 0.005^(1/20) = 0.767
    assert [(cell.null, cell.is_high(0.05)) for cell in cells] == [
        ("size_matched", False),
        ("covariate_matched", True),
    ]
    assert cells[0].rejected.low == pytest.approx(0.005 ** (1 / 20))


def test_coverage_counts_intervals_that_hold_the_truth():
    row = {"truth": 1.0, "interval_90": [0.0, 0.9], "interval_95": [0.0, 1.0]}
    rows = [
        simulation(NOTHING, attention=row),
        simulation(NOTHING, attention={**row, "interval_90": [0.5, 1.5]}),
        simulation(NOTHING),  # its truth was not computed
    ]
    (found,) = count_scenario(NOTHING, calibration_protocol(NOTHING), rows).coverage
    assert (found.prediction, found.of_90.count, found.of_90.n) == ("attention", 1, 2)
    assert (found.of_95.count, found.of_95.n) == (2, 2)


def test_coverage_makes_up_for_the_error_of_the_truth():
    # half-width 1 widens to sqrt(1.1) = 1.0488
    for truth, count in ((1.04, 1), (1.06, 0)):
        row = {"truth": truth, "interval_90": [-1.0, 1.0], "interval_95": [-1.0, 1.0]}
        rows = [simulation(NOTHING, attention=row)]
        (found,) = count_scenario(NOTHING, calibration_protocol(NOTHING), rows).coverage
        assert found.of_90.count == count


def test_wrong_refutations_need_a_wrong_outcome_that_refutes():
    def wrong(prediction, outcome, refuted_by):
        verdict = {"status": "refuted", "refuted_by": refuted_by}
        changes = {prediction.replace("-", "_"): {"outcome": outcome}, "modular": verdict}
        return wrong_refutations(DISTRIBUTED, simulation(DISTRIBUTED, **changes))

    assert wrong("coordination", "less", ["coordination"]) == set()  # true
    assert wrong("attention", "less", ["attention"]) == {"attention"}
    assert wrong("attention", "less", []) == set()  # contradicts and does not survive the correction
    assert wrong("coordination", "equivalent", ["coordination"]) == {"coordination"}


def test_verdicts_and_what_a_mere_difference_would_refute():
    greater = {"outcome": "greater", "p_adjusted": 0.01}
    doubtful = {"status": "undecided", "contradicted_by": ["attention"], "gated": False}
    rows = [
        simulation(DISTRIBUTED, distributed={"status": "supported"}),
        simulation(DISTRIBUTED, attention=greater, distributed=doubtful),
        simulation(DISTRIBUTED, attention=greater, distributed={**doubtful, "gated": True}),
        simulation(DISTRIBUTED, attention={**greater, "p_adjusted": 0.2}, distributed=doubtful),
    ]
    found = count_scenario(DISTRIBUTED, calibration_protocol(DISTRIBUTED), rows)
    assert found.verdicts[1].counts == {"supported": 1, "undecided": 3}
    assert found.verdicts[1].refuted_by_difference == 1
    assert found.verdicts[0].counts == {"undecided": 4}
    assert found.family_wise_error.count == 0  # none of them was refuted
    assert found.cells == ()  # effects are planted: rejections are no false positives
    outcome = next(item for item in found.outcomes if item.prediction == "attention")
    assert (outcome.right, outcome.counts) == (("equivalent",), {"greater": 3, "inconclusive": 1})


def test_what_is_claimed_names_predictions_and_nulls_that_exist():
    for scenario in SCENARIOS:
        names = {item.id for item in calibration_protocol(scenario).predictions}
        assert set(scenario.outcomes) <= names
        assert {place for place, _ in scenario.hard} <= names | {"*"}
        assert bool(scenario.why_hard) == bool(scenario.hard)
        assert set(scenario.verdicts) == {"modular", "distributed"}


def test_unknown_scenarios_are_refused_by_name():
    with pytest.raises(ProtocolError, match="no scenario 'nothin'; there are nothing, heavy-tails"):
        choose_scenarios(["nothin"])


CHILD = """
from pathlib import Path
from tests.studies.calibrate.test_study import SMALL
from hypotest.studies.calibrate.study import calibrate
calibrate([SMALL], 4, Path({folder!r}), n_workers=1, per_chunk=1)
"""


@pytest.mark.slow
def test_a_calibration_that_was_killed_goes_on_to_the_same_bytes(tmp_path):
    stopped, whole = tmp_path / "stopped", tmp_path / "whole"
    child = subprocess.Popen([sys.executable, "-c", CHILD.format(folder=str(stopped))])
    try:
        patience = time.monotonic() + 300
        while not list(stopped.glob("*/*.jsonl")):
            assert child.poll() is None
            assert time.monotonic() < patience
            time.sleep(0.02)
    finally:
        child.kill()
        child.wait()
    finished = {file: file.stat().st_mtime_ns for file in stopped.glob("*/*.jsonl")}
    assert 1 <= len(finished) < 4

    resumed = calibrate([SMALL], 4, stopped, n_workers=1, per_chunk=1)
    straight = calibrate([SMALL], 4, whole, n_workers=2, per_chunk=1)
    assert all(file.stat().st_mtime_ns == time_ for file, time_ in finished.items())  # not simulated again
    for file in whole.glob("*/*.jsonl"):
        assert file.read_bytes() == (stopped / file.relative_to(whole)).read_bytes()
    for found, name in ((resumed, "a"), (straight, "b")):
        write_calibration(found, tmp_path / name)
    for file in ("calibration.json", "calibration.md"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.slow
def test_planted_groups_are_found_and_everything_is_shown(tmp_path):
    scenarios = choose_scenarios(["module", "nothing"])
    found = calibrate(scenarios, 2, tmp_path / "chunks")
    module = {item.prediction: item.counts for item in found.scenarios[0].outcomes}
    # Effects of 10 and more SDs; two simulations each.
    assert module["specialization"] == module["clustering"] == module["attention"] == {"greater": 2}
    assert module["coordination"] == module["routing"] == {"less": 2}
    assert {row.prediction for row in found.scenarios[1].coverage} == {
        "specialization",
        "coordination",
        "clustering",
        "attention",
        "routing",
        "single-head",
        "head-specificity",
    }
    nulls = {cell.null for cell in found.scenarios[1].cells if cell.prediction == "coordination"}
    assert nulls == {
        "size_matched",
        "covariate_matched",
        "local_matched",
        "label_shuffled (type)",
        "label_shuffled (document_type)",
        "label_shuffled (position)",
    }

    write_calibration(found, tmp_path)
    again = read_calibration(tmp_path / "calibration.json")
    assert PAGE.render(calibration_page(again)) == PAGE.render(calibration_page(found))
    console = Console(width=80, file=StringIO())
    console.print(shown(calibration_page(found)))
    printed = console.file.getvalue()
    assert max(map(len, printed.splitlines())) <= 80
    for text in (printed, PAGE.render(calibration_page(found)), PAGE.render(calibration_summary(found))):
        for scenario in scenarios:
            assert scenario.name in text
        assert conclusion(found).split()[0] in text


def test_a_rate_above_its_claim_is_said_loudly(tmp_path):
    rows = [simulation(NOTHING, coordination={"p": {"size_matched": 0.01}})] * 20
    rates = count_scenario(NOTHING, calibration_protocol(NOTHING), rows)
    found = replace(calibrate([], 1, tmp_path), scenarios=(rates,))
    assert conclusion(found) == (
        "LEVEL EXCEEDED in nothing: coordination against size_matched. Of 1 claimed rates 1 lie above 5 % by "
        "their own interval, where chance alone would put up to 0.0."
    )
    assert "100.0!" in PAGE.render(calibration_page(found))


def test_one_high_rate_among_many_is_no_failure(tmp_path):
    high = {"p": {"size_matched": 0.01}}
    rows = [
        simulation(NOTHING, coordination=high if i < 10 else {"p": {"size_matched": 0.5}}) for i in range(70)
    ]
    rates = count_scenario(NOTHING, calibration_protocol(NOTHING), rows)
    # 10 of 70: P(X >= 10) = 0.0029 at 0.05, and the lower limit is 0.056
    (cell,) = rates.cells
    assert cell.p_exceeds == pytest.approx(stats.binomtest(10, 70, 0.05, "greater").pvalue)
    alone = replace(calibrate([], 1, tmp_path), scenarios=(rates,))
    many = replace(alone, scenarios=tuple(replace(rates, name=str(number)) for number in range(10)))
    assert cell.is_high(0.05)
    assert len(alone.failures) == 1
    assert many.failures == ()
    assert "No claimed level is exceeded" in conclusion(many)
    assert "10 claimed rates 10 lie above" in conclusion(many)


def test_a_damaged_chunk_is_named(tmp_path):
    file = tmp_path / "000000-000001.jsonl"
    file.write_text("{")
    with pytest.raises(OutputError, match=r"000000-000001.jsonl.*delete it and run again"):
        read_chunk(file)
    file.write_text(json.dumps({"simulation": 0}) + "\n")
    assert read_chunk(file) == [{"simulation": 0}]


@pytest.mark.parametrize(
    ("measure", "names", "message"),
    [
        ("hil_alpha", (), "did you mean 'hill_alpha'"),
        ("routing_similarity", (), "cannot be calibrated alone: it is compared with {reference: a number}"),
        ("hill_alpha", ("distributed",), "effects are planted in distributed"),
    ],
)
def test_a_measure_that_cannot_be_calibrated_alone_is_refused(measure, names, message):
    with pytest.raises(ProtocolError, match=re.escape(message)):
        choose_scenarios(names, measure)


@pytest.mark.parametrize("measure", ["selectivity", "segregation", "attention_gini"])
def test_a_measure_alone_stands_beside_the_premise(measure):
    scenarios = choose_scenarios((), measure)
    assert scenarios
    assert not any(item.planted for item in scenarios)
    protocol = calibration_protocol(scenarios[0])
    assert [item.measure for item in protocol.predictions] == ["selectivity", measure]
    assert protocol.predictions[1].role == "deciding"
