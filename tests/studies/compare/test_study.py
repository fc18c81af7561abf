"""Finished runs put beside each other: what is written, what is warned of, what is refused."""

import json
import re
import shutil

import pytest

from hypotest.errors import OutputError, ProtocolError
from hypotest.studies.compare.study import compare
from tests.example import AS_PUBLISHED, EXAMPLE
from tests.runs import other_model
from tests.texts import ROOT

PAPER = ROOT / "protocols" / "papers" / "arxiv-2509.21163.yaml"


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [
        other_model(folder / "a", "owner/a", text="one"),
        other_model(folder / "b", "owner/b", 1.0, text="two"),
        other_model(folder / "c", "owner/c", -1.5, text="three"),
    ]


@pytest.mark.slow
def test_everything_is_written(three, tmp_path):
    comparison = compare(three, out=tmp_path)
    assert comparison.folder.parent == tmp_path / "comparisons"
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{8}", comparison.folder.name)
    pooled = [item for item in comparison.predictions if item.pooled is not None]
    assert [item.id for item in pooled] == [
        "specialization", "coordination", "clustering", "attention", "routing", "single-head",
        "head-specificity", "dissociation", "other-direction", "shared-influence",
    ]  # fmt: skip
    pictures = sorted(path.name for path in (comparison.folder / "figures").iterdir())
    assert pictures == sorted(
        f"{number:02d}-{item.id}.{ending}"
        for number, item in enumerate(comparison.predictions, start=1)
        if item.pooled is not None
        for ending in ("png", "svg")
    )
    data = json.loads((comparison.folder / "comparison.json").read_text(encoding="utf-8"))
    assert data["schema_version"] == 3
    assert [run["model"] for run in data["runs"]] == ["owner/a", "owner/b", "owner/c"]
    (coordination,) = [item for item in data["predictions"] if item["id"] == "coordination"]
    assert coordination["pooled"]["n_effects"] == 3
    assert "folder" not in data
    report = (comparison.folder / "comparison.md").read_text(encoding="utf-8")
    for link in re.findall(r"\]\((figures/[^)]+)\)", report):
        assert (comparison.folder / link).exists()
    assert "95 % prediction interval" in report


def test_one_run_with_claims_needs_no_figures(tmp_path):
    comparison = compare([AS_PUBLISHED], claims=PAPER, out=tmp_path)
    assert comparison.predictions == () and comparison.warnings == ()
    assert {path.name for path in comparison.folder.iterdir()} == {"comparison.md", "comparison.json"}
    agreed = {check.claim: check.agreement for check in comparison.checks}
    assert agreed["coordination"] == "agrees"
    assert agreed["no-clusters"] == "disagrees"
    assert agreed["attention-correlation"] == "open"  # 0.943 to 0.960 reaches beyond 0.96
    assert agreed["q-plateau"] == "disagrees"
    assert agreed["q-random"] == "open"
    assert not any(check.same_model for check in comparison.checks)
    data = json.loads((comparison.folder / "comparison.json").read_text(encoding="utf-8"))
    assert data["claims_source"] == "arXiv:2509.21163"
    assert "\\*" in (comparison.folder / "comparison.md").read_text(encoding="utf-8")


@pytest.mark.slow
def test_several_runs_with_claims_are_each_held_against_them(three, tmp_path):
    comparison = compare(three, claims=PAPER, out=tmp_path)
    assert {check.run for check in comparison.checks} == {"A", "B", "C"}
    assert comparison.predictions


def warned(runs, tmp_path):
    return compare(runs, out=tmp_path / "out").warnings


@pytest.mark.slow
def test_few_models_are_said(three, tmp_path):
    (few,) = warned(three, tmp_path)
    assert few.startswith("only 3 models are pooled")


@pytest.mark.slow
def test_enough_models_on_texts_of_their_own_need_no_warning(tmp_path):
    runs = [other_model(tmp_path / str(n), f"owner/{n}", n / 3, text=str(n)) for n in range(5)]
    assert warned(runs, tmp_path) == ()


def test_the_same_weights_and_the_same_text_are_said(tmp_path):
    weights, text = warned([EXAMPLE, AS_PUBLISHED], tmp_path)
    assert "A and B have the same weights: they are not separate models" in weights
    assert "A and B read the same text" in text


@pytest.mark.slow
def test_other_plans_are_said(tmp_path):
    first = other_model(tmp_path / "a", "owner/a", text="one")
    other = other_model(tmp_path / "b", "owner/b", text="two")
    data = json.loads((other / "results.json").read_text(encoding="utf-8"))
    data["protocol"]["group"]["select"] = {"top_fraction": 0.1}
    (other / "results.json").write_text(json.dumps(data), encoding="utf-8")
    said = warned([first, other], tmp_path)
    assert said[0].startswith("the plans differ in group: ")


@pytest.mark.parametrize("runs", [[], [AS_PUBLISHED]])
def test_too_few_runs(runs, tmp_path):
    with pytest.raises(ProtocolError, match=r"at least two runs, or one run and claims; found \d"):
        compare(runs, out=tmp_path)


def test_the_same_run_twice(tmp_path):
    with pytest.raises(ProtocolError, match="the same run twice"):
        compare([AS_PUBLISHED, AS_PUBLISHED.parent / "." / AS_PUBLISHED.name], out=tmp_path)
    copy = tmp_path / "copy"
    shutil.copytree(AS_PUBLISHED, copy)
    with pytest.raises(ProtocolError, match=r"the same run as .* \(a copy\)"):
        compare([AS_PUBLISHED, copy], out=tmp_path)


def test_no_run_and_no_claims_leave_nothing_behind(tmp_path):
    with pytest.raises(OutputError, match=r"Is .* the folder of a run"):
        compare([AS_PUBLISHED, tmp_path], out=tmp_path / "out")
    with pytest.raises(ProtocolError, match="no such file"):
        compare([AS_PUBLISHED], claims=tmp_path / "none.yaml", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_series_is_not_a_run(tmp_path):
    (tmp_path / "series").mkdir()
    (tmp_path / "series" / "series.json").write_text("{}", encoding="utf-8")
    with pytest.raises(OutputError, match="is a series of runs; name the folder of one of its runs"):
        compare([AS_PUBLISHED, tmp_path], out=tmp_path / "out")


@pytest.mark.parametrize("damage", ["seed", "predictions"])
def test_a_run_whose_protocol_is_not_that_of_its_results(tmp_path, damage):
    folder = other_model(tmp_path / "a", "owner/a")
    data = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    if damage == "seed":
        del data["protocol"]["seed"]
    else:
        data["protocol"]["predictions"] = data["protocol"]["predictions"][1:]
    (folder / "results.json").write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(OutputError, match="must hold the protocol of its predictions"):
        compare([AS_PUBLISHED, folder], out=tmp_path / "out")


@pytest.mark.slow
def test_a_manifest_without_hashes_says_nothing_of_weights_or_text(tmp_path):
    runs = [other_model(tmp_path / name, f"owner/{name}") for name in "ab"]
    for run in runs:
        manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
        manifest["hashes"] = []
        (run / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    (few,) = warned(runs, tmp_path)
    assert few.startswith("only 2 models")
