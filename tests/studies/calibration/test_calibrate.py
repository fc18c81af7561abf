import re
import subprocess
import sys
import time
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from scipy import stats

from hypotest.engine.cluster import Cluster
from hypotest.errors import OutputError, ProtocolError
from hypotest.nulls.registry import NULLS
from hypotest.pages.console import shown
from hypotest.pages.markdown import PAGE
from hypotest.studies.calibration import one_simulation
from hypotest.studies.calibration.calibrate import (
    CODE,
    calibrate,
    read_calibration,
    write_calibration,
)
from hypotest.studies.calibration.cases import choose_cases
from hypotest.studies.calibration.counts import KindCounts, merge, read_counts, rounds, write_counts
from hypotest.studies.calibration.one_simulation import simulate_range
from hypotest.studies.calibration.page import calibration_page, calibration_summary, conclusion
from hypotest.studies.calibration.rates import binomial_rate, count_case
from hypotest.studies.calibration.record import BY_T
from hypotest.studies.calibration.settings import Layer
from hypotest.studies.calibration.tally import added, tally, wrong_refutations


def case_of(name):
    """The flagship in a scenario."""
    return choose_cases([name])[0]


NOTHING, DISTRIBUTED = case_of("nothing"), case_of("distributed")
SMALL = replace(
    NOTHING,
    n_texts=2,
    n_groups=50,
    scenario=replace(
        NOTHING.scenario,
        name="small",
        layer=Layer(n_neurons=40, size=4, n_documents=20, per_document=3),
    ),
)


def simulation(case, **changes):
    """A simulation in which nothing is significant and nothing equivalent, but for `changes`."""
    base = {
        "p": {},
        "outcome": "inconclusive",
        "truth": None,
        "interval_90": None,
        "interval_95": None,
        "ceiling": None,
        "p_adjusted": None,
    }
    names = [item.id for item in case.protocol.predictions]
    verdict = {"status": "undecided", "contradicted_by": [], "refuted_by": [], "gated": False}
    return {
        "predictions": {name: {**base, **changes.get(name.replace("-", "_"), {})} for name in names},
        "verdicts": {name: {**verdict, **changes.get(name, {})} for name in ("modular", "distributed")},
    }


def rates_of(case, rows):
    """Of simulations, counted."""
    return count_case(case, tally(case, rows))


def calibration_of(*rates):
    """A calibration that found these."""
    return replace(calibrate([], 1, Path("nowhere.json")), scenarios=rates)


@pytest.mark.parametrize(("count", "n"), [(0, 7), (3, 50), (120, 2000), (7, 7)])
def test_binomial_intervals_are_those_of_scipy(count, n):
    rate = binomial_rate(count, n)
    expected = stats.binomtest(count, n).proportion_ci(0.99, method="exact")
    assert (rate.low, rate.high) == pytest.approx((expected.low, expected.high))
    assert rate.value == count / n


def test_rejections_are_counted_per_prediction_and_null():
    p_values = [(0.05, 0.051), (0.02, 0.9), (0.5, 0.01)]
    rows = [
        simulation(NOTHING, coordination={"p": {"local_matched": a, "label_shuffled (type)": b}})
        for a, b in p_values
    ]
    rates = rates_of(NOTHING, rows)
    cells = {(cell.prediction, cell.null): cell for cell in rates.cells}
    assert len(cells) == 2
    assert cells["coordination", "local_matched"].rejected.count == 2  # 0.05 counts
    assert cells["coordination", "label_shuffled (type)"].rejected.count == 1
    assert [cell.null for cell in rates.cells if cell.decides] == ["local_matched"]
    assert all(cell.claimed for cell in rates.cells)


def test_only_claimed_rates_can_fail():
    covariates = case_of("covariates")
    row = {"p": {"size_matched": 0.01, "covariate_matched": 0.01}}
    rows = [simulation(covariates, coordination=row)] * 20
    cells = rates_of(covariates, rows).cells
    # 20 of 20: the lower limit is 0.005^(1/20) = 0.767
    assert [(cell.null, cell.is_high(0.05)) for cell in cells] == [
        ("covariate_matched", True),
        ("size_matched", False),
    ]
    assert cells[0].rejected.low == pytest.approx(0.005 ** (1 / 20))


def test_coverage_counts_intervals_that_hold_the_truth():
    row = {"truth": [1.0, 1.0], "interval_90": [0.0, 0.9], "interval_95": [0.0, 1.0]}
    rows = [
        simulation(NOTHING, attention=row),
        simulation(NOTHING, attention={**row, "interval_90": [0.5, 1.5]}),
        simulation(NOTHING),  # its truth was not computed
    ]
    (coverage,) = rates_of(NOTHING, rows).coverage
    assert (coverage.prediction, coverage.of_90.count, coverage.of_90.n) == ("attention", 1, 2)
    assert (coverage.of_95.count, coverage.of_95.n) == (2, 2)


def test_coverage_makes_up_for_the_error_of_the_truth():
    # half-width 1 widens to sqrt(1.1) = 1.0488
    for truth, count in ((1.04, 1), (1.06, 0)):
        row = {"truth": [truth, truth], "interval_90": [-1.0, 1.0], "interval_95": [-1.0, 1.0]}
        rows = [simulation(NOTHING, attention=row)]
        (coverage,) = rates_of(NOTHING, rows).coverage
        assert coverage.of_90.count == count


def test_the_equivalence_test_is_tried_with_the_margin_at_the_truth():
    def tried(truth, low, high):
        row = {"truth": [truth, truth], "interval_90": [low, high], "interval_95": [low, high]}
        (coverage,) = rates_of(NOTHING, [simulation(NOTHING, attention=row)]).coverage
        return coverage.at_margin

    assert tried(2.0, 0.0, 1.0).count == 1  # inside (-2, 2)
    assert tried(-2.0, 0.0, 1.0).count == 1
    assert tried(2.0, 1.1, 2.1).count == 0
    assert tried(0.4, 0.0, 1.0) is None  # no interval of this length can lie inside (-0.4, 0.4)


def test_why_intervals_miss_is_told_from_both_truths():
    def miss(at_large, here):
        hit = {"interval_90": [-1.0, 1.0], "interval_95": [-1.0, 1.0]}
        rows = [simulation(NOTHING, attention={**hit, "truth": [at_large(i), here(i)]}) for i in range(200)]
        rates = rates_of(NOTHING, rows)
        (row,) = rates.coverage
        missed = calibration_of(rates).missed
        assert missed == ((("nothing", row),) if row.miss in ("narrow", "biased") else ())
        return row.miss

    def in_tenths(n):
        return lambda i: 0.0 if i % 10 >= n else 5.0

    assert miss(in_tenths(1), in_tenths(1)) == ""
    assert miss(in_tenths(3), in_tenths(3)) == "narrow"
    assert miss(in_tenths(3), in_tenths(1)) == "biased"
    assert miss(in_tenths(0), in_tenths(0)) == "wide"


def test_a_declared_number_is_claimed_where_simulated_layers_have_it():
    def claimed(truth):
        row = {"p": {BY_T: 0.01}, "truth": [truth, truth], "interval_90": [-1.0, 1.0]}
        rows = [simulation(NOTHING, single_head={**row, "interval_95": [-1.0, 1.0]})]
        (cell,) = rates_of(NOTHING, rows).cells
        return cell.claimed

    assert claimed(0.2)
    assert not claimed(-0.6)


def test_every_comparison_that_was_counted_has_a_column(tmp_path):
    """Also one of a null that another package brings, or that this page does not know."""
    named = [name for null in NULLS.values() for name, _ in null.ids()]
    p_values = dict.fromkeys([*named, "types permuted", "swapped within documents", BY_T, "contiguous"], 0.5)
    rates = rates_of(NOTHING, [simulation(NOTHING, coordination={"p": p_values})])
    calibration = calibration_of(rates)
    page = PAGE.render(calibration_page(calibration))
    heads = [
        head
        for line in page.splitlines()
        if line.startswith("| prediction |")
        for head in line.strip("| ").split(" | ")
        if head != "prediction"
    ]
    assert len(heads) == len(set(heads)) == len(p_values)
    assert "contiguous" in heads and BY_T in heads


def test_tests_by_t_are_counted_where_they_decide(tmp_path):
    """Between conditions as against a number; and a permutation beside them does not decide."""
    scenario = replace(SMALL.scenario, layer=Layer(n_neurons=40, size=4))
    calibration = calibrate(
        [replace(SMALL, scenario=scenario)], 2, tmp_path / "counts.json", where=Cluster(1)
    )
    (rates,) = calibration.scenarios
    deciding = {cell.prediction: cell.null for cell in rates.cells if cell.decides}
    assert {deciding["attention"], deciding["routing"], deciding["single-head"]} == {BY_T}
    assert deciding["coordination"] == "local_matched"
    assert {cell.null for cell in rates.cells if cell.prediction == "attention"} == {"types permuted", BY_T}
    assert {row.prediction for row in rates.coverage} >= {"attention", "specialization", "coordination"}
    (protocol,) = calibration.protocols
    assert protocol.draws["local_matched"] == 399 and "40 neurons" in protocol.sizes


def test_what_numbers_depend_on_is_in_the_key_of_counts(tmp_path):
    """Modules that a simulation imports and that no page, record or message is."""
    code = (
        "import sys; import hypotest.studies.calibration.tally; "
        "print(*[name for name in sys.modules if name.startswith('hypotest.')])"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    apart = (
        "records",
        "registration",
        "errors",
        "pages",
        "report",
        "corpora",
        "cli",
        "collect",
        "predicates",
    )
    mine = ("studies.calibration.cases", "studies.calibration.protocols")
    mine += ("studies.calibration.record",)  # names, and nothing that is computed
    mine += ("studies.calibration.scenarios",)  # what they decide is in the protocol and layer of the key
    places = [place.removesuffix(".py").replace("/", ".") for place in CODE]
    for name in loaded.stdout.split():
        name = name.removeprefix("hypotest.")
        package = name in ("studies", "pipeline", "pipeline.analysis", "studies.calibration")
        if package or name.split(".")[0] in apart or name in mine or name == "pipeline.pieces":
            continue
        assert any(name == place or name.startswith(place + ".") for place in places), name


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
    rates = rates_of(DISTRIBUTED, rows)
    assert rates.verdicts[1].counts == {"supported": 1, "undecided": 3}
    assert rates.verdicts[1].refuted_by_difference == 1
    assert rates.verdicts[0].counts == {"undecided": 4}
    assert rates.family_wise_error.count == 0  # none of them was refuted
    assert rates.cells == ()  # effects are planted: rejections are no false positives
    outcome = next(item for item in rates.outcomes if item.prediction == "attention")
    assert (outcome.right, outcome.counts) == (("equivalent",), {"greater": 3, "inconclusive": 1})


def test_unknown_scenarios_are_refused_by_name():
    with pytest.raises(ProtocolError, match="no scenario 'nothin'; there are nothing, heavy-tails"):
        choose_cases(["nothin"])


def test_other_protocols_are_simulated_where_that_is_asked_for():
    assert [item.name for item in choose_cases(["nothing", "heavy-tails"])] == [
        "nothing",
        "heavy-tails",
        "nothing (minimal)",
        "nothing (numbers)",
        "nothing (rare-tokens-as-published)",
    ]


CHILD = """
from pathlib import Path
from tests.studies.calibration.test_calibrate import SMALL
from hypotest.studies.calibration.calibrate import calibrate
from hypotest.engine.cluster import Cluster
calibrate([SMALL], 8, Path({file!r}), where=Cluster(1), at_a_time=1)
"""


@pytest.mark.slow
def test_a_calibration_that_was_killed_goes_on_to_the_same_bytes(tmp_path):
    stopped, whole = tmp_path / "stopped.json", tmp_path / "whole.json"
    child = subprocess.Popen([sys.executable, "-c", CHILD.format(file=str(stopped))])
    try:
        patience = time.monotonic() + 300
        while not stopped.exists():
            assert child.poll() is None
            assert time.monotonic() < patience
            time.sleep(0.02)
    finally:
        child.kill()
        child.wait()
    (before,) = read_counts(stopped).values()
    assert before.ranges[0][0] == 0 and 1 <= before.ranges[0][1] < 8

    resumed = calibrate([SMALL], 8, stopped, where=Cluster(1), at_a_time=1)
    straight = calibrate([SMALL], 8, whole, where=Cluster(2), at_a_time=3)
    assert stopped.read_bytes() == whole.read_bytes()
    for calibration, name in ((resumed, "a"), (straight, "b")):
        write_calibration(calibration, tmp_path / name)
    for file in ("calibration.json", "calibration.md"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


@pytest.mark.slow
def test_parts_from_elsewhere_add_up_and_count_once(tmp_path):
    """Half of the numbers here, half on another machine: the counts of all of them done here."""
    here, there, whole = (tmp_path / f"{name}.json" for name in ("here", "there", "whole"))
    calibrate([SMALL], 4, here, where=Cluster(1))
    calibrate([SMALL], 8, there, first=4, where=Cluster(1))
    calibrate([SMALL], 8, whole, where=Cluster(1))
    calibrate([SMALL], 8, here, parts=[there], where=Cluster(1), minutes=0)
    assert here.read_bytes() == whole.read_bytes()
    with pytest.raises(OutputError, match="of 'small' simulations 4 to 7 are in both: give it other numbers"):
        calibrate([SMALL], 8, here, parts=[there], where=Cluster(1))
    assert here.read_bytes() == whole.read_bytes()


@pytest.mark.slow
def test_a_whole_simulation_and_its_test_alone_agree(tmp_path):
    """The test that decides is the same in both; fewer draws move p by their Monte Carlo error alone."""
    number = 4
    plain = replace(NOTHING, scenario=replace(NOTHING.scenario, layer=Layer(n_neurons=60, size=6)))
    (whole,) = simulate_range(plain, 1, number, number + 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(one_simulation, "is_whole", lambda number: False)
        (tested,) = simulate_range(plain, 1, number, number + 1)
    rates = {cell.prediction: cell.null for cell in rates_of(plain, [whole]).cells if cell.decides}
    assert {item.id for item in plain.protocol.deciding} <= set(tested["predictions"])
    for name, item in tested["predictions"].items():
        ((null, p_value),) = item["p"].items()
        assert null == rates[name]
        exact = whole["predictions"][name]["p"][null]
        if null == BY_T:
            assert p_value == pytest.approx(exact)
        else:  # 39 draws at least: 5 SDs of p
            assert abs(p_value - exact) < 5 * 2 * np.sqrt(0.25 / 39)


def test_simulations_that_are_missing_come_round_by_round():
    counts = {"a": KindCounts("k", ((0, 5), (8, 10))), "b": KindCounts("k")}
    assert list(rounds(counts, 0, 12, 4)) == [
        ("b", (0, 4)),
        ("a", (5, 8)),
        ("b", (4, 8)),
        ("a", (10, 12)),
        ("b", (8, 12)),
    ]


def test_counts_are_added_name_by_name_in_any_order(tmp_path):
    rows = [
        simulation(NOTHING, coordination={"p": {"local_matched": p}, "ceiling": p}) for p in (0.01, 0.5, 0.1)
    ]
    parts = [tally(NOTHING, [row]) for row in rows]
    assert added(*parts) == added(parts[2], added(parts[1], parts[0])) == tally(NOTHING, rows)
    file = tmp_path / "counts.json"
    counts = {"nothing": KindCounts("key", ((0, 3),), added(*parts))}
    write_counts(file, counts)
    assert read_counts(file) == counts
    with pytest.raises(ValueError, match="simulations 2 to 2 are in both"):
        counts["nothing"].plus(KindCounts("key", ((2, 6),), parts[0]))


def test_counts_of_other_code_are_begun_anew_and_never_added(tmp_path):
    file, part = tmp_path / "counts.json", tmp_path / "part.json"
    others = {"small": KindCounts("of other code", ((0, 9),), {"simulations": 9}), "gone": KindCounts("k")}
    write_counts(file, others)
    write_counts(part, others)
    told = []

    def start_stage(title, steps):
        told.append(title)
        return lambda: None

    calibration = calibrate([SMALL], 1, file, where=Cluster(1), start_stage=start_stage)
    assert told == ["1 simulations of small; 1 anew, since the code or the layer is another"]
    assert calibration.scenarios[0].n_simulations == 1
    assert read_counts(file)["small"].ranges == ((0, 1),)
    assert read_counts(file)["gone"] == others["gone"]  # not asked for, and left alone
    with pytest.raises(OutputError, match="'small' was simulated with other code"):
        merge(read_counts(file), [part])


@pytest.mark.slow
def test_planted_groups_are_found_and_everything_is_shown(tmp_path):
    cases = [case_of("module"), case_of("nothing")]
    calibration = calibrate(cases, 5, tmp_path / "counts.json")
    module = {item.prediction: item.counts for item in calibration.scenarios[0].outcomes}
    # Effects of 10 and more SDs; numbers 0 and 4 are whole.
    assert module["specialization"] == module["clustering"] == module["attention"] == {"greater": 2}
    assert module["coordination"] == module["routing"] == {"less": 2}
    assert {row.prediction for row in calibration.scenarios[1].coverage} == {
        "specialization",
        "dissociation",
        "shared-influence",
        "coordination",
        "clustering",
        "attention",
        "routing",
        "single-head",
        "head-specificity",
    }
    nulls = {cell.null for cell in calibration.scenarios[1].cells if cell.prediction == "coordination"}
    assert nulls == {
        "size_matched",
        "covariate_matched",
        "local_matched",
        "label_shuffled (type)",
        "label_shuffled (document_type)",
        "label_shuffled (position)",
    }

    write_calibration(calibration, tmp_path)
    again = read_calibration(tmp_path / "calibration.json")
    assert PAGE.render(calibration_page(again)) == PAGE.render(calibration_page(calibration))
    console = Console(width=80, file=StringIO())
    console.print(shown(calibration_page(calibration)))
    printed = console.file.getvalue()
    assert max(map(len, printed.splitlines())) <= 80
    for text in (
        printed,
        PAGE.render(calibration_page(calibration)),
        PAGE.render(calibration_summary(calibration)),
    ):
        for case in cases:
            assert case.name in text
        assert conclusion(calibration).split()[0] in text


def test_a_rate_above_its_claim_is_said_loudly(tmp_path):
    rows = [simulation(NOTHING, coordination={"p": {"size_matched": 0.01}})] * 20
    rates = rates_of(NOTHING, rows)
    calibration = calibration_of(rates)
    assert conclusion(calibration) == (
        "LEVEL EXCEEDED in nothing: coordination against size_matched. Of 1 claimed rates 1 lie above 5 % by "
        "their own interval, where chance alone would put up to 0.0."
    )
    assert "100.0!" in PAGE.render(calibration_page(calibration))


def test_one_high_rate_among_many_is_no_failure(tmp_path):
    high = {"p": {"size_matched": 0.01}}
    rows = [
        simulation(NOTHING, coordination=high if i < 10 else {"p": {"size_matched": 0.5}}) for i in range(70)
    ]
    rates = rates_of(NOTHING, rows)
    # 10 of 70: P(X >= 10) = 0.0029 at 0.05, and the lower limit is 0.056
    (cell,) = rates.cells
    assert cell.p_exceeds == pytest.approx(stats.binomtest(10, 70, 0.05, "greater").pvalue)
    alone = calibration_of(rates)
    many = replace(alone, scenarios=tuple(replace(rates, name=str(number)) for number in range(10)))
    assert cell.is_high(0.05)
    assert len(alone.failures) == 1
    assert many.failures == ()
    assert "No claimed level is exceeded" in conclusion(many)
    assert "10 claimed rates 10 lie above" in conclusion(many)


def test_damaged_counts_are_named(tmp_path):
    file = tmp_path / "counts.json"
    for text in ("{", "[]", '{"counts_version": 0, "kinds": {}}', '{"counts_version": 1, "kinds": {"a": 1}}'):
        file.write_text(text)
        with pytest.raises(OutputError, match=r"counts.json.*delete it, and counting begins anew"):
            read_counts(file)
    with pytest.raises(OutputError, match=r"gone.json: no such file"):
        merge({}, [tmp_path / "gone.json"])


@pytest.mark.parametrize(
    ("measure", "names", "message"),
    [
        ("hil_alpha", (), "did you mean 'hill_alpha'"),
        ("top_head_share", (), "cannot be calibrated alone: it is compared with {reference: a number}"),
        ("hill_alpha", ("distributed",), "effects are planted in distributed"),
    ],
)
def test_a_measure_that_cannot_be_calibrated_alone_is_refused(measure, names, message):
    with pytest.raises(ProtocolError, match=re.escape(message)):
        choose_cases(names, measure)


@pytest.mark.parametrize(
    "measure", ["selectivity", "segregation", "attention_gini", "dissociation_index", "influence_similarity",
     "partition_agreement", "partition_concentration"]
)  # fmt: skip
def test_a_measure_alone_stands_beside_the_premise(measure):
    cases = choose_cases((), measure)
    assert cases
    assert not any(item.scenario.planted for item in cases)
    protocol = cases[0].protocol
    assert [item.measure for item in protocol.predictions] == ["selectivity", measure]
    assert protocol.predictions[1].role == "deciding"
