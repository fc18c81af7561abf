"""From a name to the table and the report, on networks of few steps; and what measures tell apart."""

import io
import json

import pytest
from rich.console import Console

from hypotest.engine.cluster import Cluster
from hypotest.errors import ProtocolError
from hypotest.measures.registry import MEASURES
from hypotest.nulls.registry import opponents
from hypotest.pages.console import shown
from hypotest.pages.document import Figure
from hypotest.studies.controls.examine import plan_of
from hypotest.studies.controls.measures import area, measure_controls, plan_for, separations
from hypotest.studies.controls.page import _network, controls_summary
from hypotest.studies.controls.record import Measured
from hypotest.studies.controls.study import chosen_controls, examine_controls
from hypotest.subjects.controls import lesions, two_tasks
from hypotest.subjects.controls.registry import CONTROLS
from tests.controls import (
    MARK,
    MEASURES_MARK,
    RESULT,
    kinds_of_wrong,
    measures_summary,
    results,
    separated,
    summary,
)
from tests.texts import DOCS, stands

BOTH = ("two-blocks", "same-function")


@pytest.fixture(scope="module")
def few_steps(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYPOTEST_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setattr(two_tasks, "STEPS", 2000)
        yield


@pytest.fixture(scope="module")
def whole(few_steps, tmp_path_factory):
    return examine_controls(BOTH, out=tmp_path_factory.mktemp("reports"), where=Cluster(1))


@pytest.mark.slow
def test_verdicts_are_those_that_wiring_and_function_say(whole):
    by_name = {item.name: item for item in whole.results}
    assert list(by_name) == [
        "same-function",
        "same-function, untrained",
        "two-blocks",
        "two-blocks, untrained",
    ]
    assert all(item.rate.count == item.rate.n == 1 for item in by_name.values())
    assert by_name["two-blocks"].examined[0].verdict.supported == "modular"
    assert by_name["same-function"].examined[0].verdict.supported == "distributed"
    assert by_name["two-blocks"].examined[0].truth.distance == pytest.approx(1)
    assert set(by_name["two-blocks"].examined[0].verdict.groups[0]) < set(range(64))
    assert by_name["two-blocks"].examined[0].truth.log[-1]["accuracy"] > 0.6


@pytest.mark.slow
def test_the_table_fits_80_columns_and_the_report_lies_there(whole):
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(shown(controls_summary(whole)))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80
    assert "All 4 verdicts that are judged are right." in text
    data = json.loads((whole.folder / "controls.json").read_text("utf-8"))
    assert [item["control"] for item in data["records"]] == ["same-function"] * 2 + ["two-blocks"] * 2
    page = (whole.folder / "controls.md").read_text("utf-8")
    for name in BOTH:
        assert f"figures/{name}.svg" in page and (whole.folder / "figures" / f"{name}.png").stat().st_size
    assert "Rate of right verdicts 1/1, 95 % interval 0.03 to 1.00." in page


def test_the_docs_show_the_report_that_lies_there():
    text = summary()
    assert stands(text, MARK)
    wrong = [item for item in results() if item.rate and item.rate.count < item.rate.n]
    assert wrong and all(f"**{item.control}**" in text for item in results() if item.trained)
    page = RESULT.with_name("controls.md").read_text(encoding="utf-8")
    assert all(f"**{item.name}**, seed " in page for item in wrong)


def test_the_figure_of_a_control_is_told_in_numbers():
    trained = next(item for item in results() if item.trained and item.control == "two-blocks")
    (figure,) = (part for part in _network(trained, None) if isinstance(part, Figure))
    first, second = (set(group) for group in trained.examined[0].verdict.groups)
    assert figure.alternative.startswith(
        f"two-blocks. Seed {trained.examined[0].seed}: {len(first)} units selected on the first task, "
        f"{len(second)} on the second, {len(first & second)} on both. "
    )
    assert "distance of single lesions 1.00 [" in figure.alternative


def test_the_docs_show_what_measures_tell_apart():
    assert stands(measures_summary(), MEASURES_MARK)
    by_name = {item.statistic: item for item in separated()}
    assert by_name["dissociation_index"].modular_distributed == 1
    assert set(by_name) >= {"modularity", "influence_similarity", "segregation", "partition_agreement"}


@pytest.mark.slow
def test_what_is_finished_is_not_made_again(whole, monkeypatch):
    from hypotest.studies.controls import examine

    def refuse(*_, **__):
        raise AssertionError("made again")

    monkeypatch.setattr(examine, "evidence_of", refuse)
    monkeypatch.setattr(lesions, "lesion", refuse)
    again = examine_controls(BOTH, out=whole.folder.parent, where=Cluster(1))
    assert again.results == whole.results


@pytest.mark.slow
def test_a_measure_tells_blocks_from_one_function(few_steps, tmp_path):
    result = measure_controls(
        ["dissociation_index", "partition_agreement"], only=BOTH, out=tmp_path, where=Cluster(1)
    )
    by_name = {item.statistic: item for item in result.separations}
    assert by_name["dissociation_index"].modular_distributed == 1
    assert by_name["dissociation_index"].with_lesions == pytest.approx(1)
    assert by_name["partition_agreement"].n == 1  # one of them has parts
    assert "dissociation_index" in (result.folder / "measures.md").read_text("utf-8")
    alone = measure_controls(["dissociation_index"], only=BOTH, out=tmp_path / "alone", where=Cluster(1))
    assert set(alone.measured) == {item for item in result.measured if "dissociation" in item.statistic}
    again = measure_controls(["dissociation_index"], only=BOTH, out=tmp_path, where=Cluster(1))
    assert again.measured == alone.measured


def test_unknown_names_are_refused(tmp_path):
    with pytest.raises(ProtocolError, match="no measure 'dissociation'"):
        measure_controls(["dissociation"], out=tmp_path)
    with pytest.raises(ProtocolError, match="near are two-blocks"):
        examine_controls(["two-block"], out=tmp_path)
    assert [item.name for item in chosen_controls(["two_blocks"])] == ["two-blocks"]
    assert len(chosen_controls([])) == len(CONTROLS)


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES.keys())
@pytest.mark.parametrize("name", ["two-blocks", "addition-mlp-layer"])
def test_every_measure_can_be_asked(measure, name):
    plan, _ = plan_of(CONTROLS[name])
    asked = plan_for([measure], plan)
    declared = {name for name, null in asked.nulls if null is not None}
    assert {item.measure for item in asked.predictions} <= {measure.name}
    named = [item.contrast.null for item in asked.predictions if item.contrast.null]
    assert {null for name in named for null in opponents(name)} == declared


def measured(name, organisation, value, distance, trained=True):
    return Measured(name, 0, trained, "p", organisation, distance, "s", value)


def test_areas_by_hand():
    assert area([1.0, 1.0], [1.0]) == 0.5
    assert area([0.0], [1.0, 2.0]) == 0.0
    assert area([None], [1.0]) is None
    rows = [
        measured("a", "modular", 3.0, 1.0),
        measured("b", "distributed", 1.0, 0.1),
        measured("c", "lesions", 2.0, 0.5),
        measured("d", "lesions", None, 0.4),
        measured("a", "modular", 2.5, 1.0, trained=False),
    ]
    (result,) = separations(rows)
    assert result.modular_distributed == 1.0
    assert result.with_lesions == pytest.approx(1.0)
    assert result.trained_untrained == pytest.approx(1 / 3)  # of 3, 1, 2 one is above 2.5
    assert (result.undefined, result.n) == (1, 4)


def test_how_verdicts_are_wrong_is_what_the_page_says():
    """No number of it is written from memory, and no wrong verdict supports the opposite of the truth."""
    kinds = kinds_of_wrong()
    page = " ".join((DOCS / "results" / "known-networks.md").read_text("utf-8").split())
    assert f"Of the {kinds.total()} wrong ones none supports the opposite of the truth." in page
    assert f"{kinds['nothing']} conclude nothing:" in page
    assert f"{kinds['one']} refute the rival that is wrong and leave the right one undecided" in page
    assert (
        f"{kinds['both']} refute both" in page
        and f"{kinds['half-way']} say modular of dense networks" in page
    )
