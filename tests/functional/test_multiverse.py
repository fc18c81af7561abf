"""A multiverse of the small model, from evidence to report."""

import json
import re

import polars as pl
import pytest

import hypotest as package
from hypotest.errors import CorpusError, ProtocolError
from hypotest.studies.multiverse import study

pytestmark = pytest.mark.slow

BORDER = "rare.target.frequency.below_percentile, common.target.frequency.from_percentile"
SECTION = """\
multiverse:
  conditions:
    rare.target.frequency.below_percentile, common.target.frequency.from_percentile: [49.99, 30]
  replacement: [zero]
  select: [{top_fraction: 0.25}]
  variance: [0.9]
  bins: [4]
  tail: [fix_finger]
  draws: 159
seed:"""
KEPT = ("specialization", "regimes", "coordination", "clustering", "attention", "spectrum")


@pytest.fixture(scope="module")
def protocol(small_protocol):
    """The small protocol with fewer predictions (binned modularity: no resamples), and alternatives."""
    text = small_protocol.read_text(encoding="utf-8")
    head, predictions = text.split("predictions:\n")
    parts = [part for part in re.split(r"(?=  - id: )", predictions.split("seed:")[0]) if part]
    kept = "".join(part for part in parts if any(f"id: {name}\n" in part for name in KEPT))
    kept = kept.replace("measure: modularity", "measure: modularity\n    options: {estimator: binned}")
    seed = predictions.split("seed:")[1]
    path = small_protocol.with_name("multiverse.yaml")
    path.write_text(f"{head}predictions:\n{kept}{SECTION}{seed}", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def one_choice(protocol):
    """The same with a single alternative, to a single prediction."""
    text = protocol.read_text(encoding="utf-8")
    path = protocol.with_name("one-choice.yaml")
    path.write_text(re.sub(r"(?s)multiverse:.*seed:", "multiverse: {tail: [fix_finger]}\nseed:", text))
    return path


@pytest.fixture(scope="module")
def finished(protocol, cache, tmp_path_factory):
    """The multiverse, and the evidence keys that were collected for it."""
    collected = []

    def counting(plan, prepared, *rest):
        collected.append(prepared.keys)
        return collect(plan, prepared, *rest)

    collect = study.collect_both
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYPOTEST_CACHE", str(cache))
        patch.setattr(study, "collect_both", counting)
        result = package.multiverse(protocol, out=tmp_path_factory.mktemp("out"), device="cpu")
    return result, collected


def test_evidence_is_collected_once_for_each_that_differs(finished):
    result, collected = finished
    # 3 percentiles x 2 replacements; below 50 and below 49.99 lie the same types.
    assert result.n_definitions == 6
    assert result.n_evidence == len(collected) == len(set(collected)) == 4


def test_every_specification_has_a_row(finished):
    table = finished[0].table
    counts = dict(table["prediction"].value_counts().iter_rows())
    shared = 3 * 2 * 2  # percentiles, replacements, groups
    assert counts == {
        "specialization": shared, "regimes": 3 * 2, "coordination": 2 * shared, "clustering": 2 * shared,
        "attention": 3, "spectrum": 2 * shared,
    }  # fmt: skip
    assert table.filter("is_declared")["prediction"].to_list() == list(KEPT)
    assert table["outcome"].null_count() == 0
    assert table.filter(pl.col("prediction") == "attention")["replacement"].null_count() == 3


def test_the_same_evidence_gives_the_same_results(finished):
    """Definitions that select the same types differ in name only."""
    table = finished[0].table
    same = [
        table.filter(pl.col(BORDER) == percentile).drop(BORDER, "is_declared") for percentile in (50, 49.99)
    ]
    assert same[0].equals(same[1])
    other = table.filter(pl.col(BORDER) == 30).drop(BORDER, "is_declared")
    assert not same[0].equals(other)


def test_choices_reach_the_analysis(finished):
    """Each choice changes the number that it must change."""
    table = finished[0].table
    at = {BORDER: 50.0, "replacement": "mean"}
    for prediction, choice in (
        ("specialization", "replacement"),
        ("specialization", "select"),
        ("coordination", "variance"),
        ("clustering", "bins"),
        ("spectrum", "tail"),
        ("attention", BORDER),
    ):
        rows = table.filter(pl.col("prediction") == prediction)
        declared = rows.filter("is_declared").row(0, named=True)
        for name in (BORDER, "replacement", "select", "variance", "bins", "tail"):
            if name != choice and declared[name] is not None:
                rows = rows.filter(pl.col(name) == declared[name])
        values = [round(value, 9) for value in rows.sort(choice)["observed"].unique().to_list()]
        assert len(values) == 2, (prediction, choice, at)


def test_the_declared_specification_is_what_a_run_finds(one_choice, finished, cache, tmp_path, monkeypatch):
    """With all draws, number by number: specifications share the run's random numbers."""
    monkeypatch.setenv("HYPOTEST_CACHE", str(cache))
    run = package.run(one_choice, out=tmp_path, device="cpu")
    result = package.multiverse(one_choice, out=tmp_path, device="cpu", full=True)
    assert result.draws is None
    declared = {item.result.id: item.result for item in result.tests if item.specification.is_declared}
    for expected in run.results.predictions:
        mine = declared[expected.id]
        for name in (
            "observed",
            "reference_value",
            "reference_sd",
            "p_value",
            "interval",
            "margin",
            "outcome",
        ):
            assert getattr(mine, name) == getattr(expected, name), (expected.id, name)
    (verdict,) = (item for item in result.verdicts if item.is_declared)
    assert verdict.statuses == {item.hypothesis: item.status for item in run.results.verdicts}


def test_workers_find_the_same(protocol, finished, cache, tmp_path, monkeypatch):
    """Two processes that read the evidence by themselves: the same tests, to the last digit."""
    monkeypatch.setenv("HYPOTEST_CACHE", str(cache))
    handed_out = package.multiverse(protocol, out=tmp_path, device="cpu", workers=2)
    assert handed_out.tests == finished[0].tests


def test_verdicts_for_every_evidence_and_group(finished):
    verdicts = finished[0].verdicts
    assert len(verdicts) == 3 * 2 * 2
    assert [item.is_declared for item in verdicts] == [True] + [False] * 11
    assert all(set(item.statuses) == {"modular", "distributed"} for item in verdicts)


def test_the_folder_holds_table_report_and_figures(finished):
    result, _ = finished
    assert result.folder.parts[-2:] == ("small", "multiverse")
    assert {path.name for path in result.folder.iterdir()} == {
        "multiverse.md", "multiverse.json", "multiverse.parquet", "figures",
    }  # fmt: skip
    assert pl.read_parquet(result.folder / "multiverse.parquet").equals(result.table)
    written = json.loads((result.folder / "multiverse.json").read_text(encoding="utf-8"))
    assert len(written["specifications"]) == len(result.tests)
    report = (result.folder / "multiverse.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\((figures/[^)]+)\)", report)
    assert len(links) == 2 * len(KEPT)
    assert all((result.folder / link).exists() for link in links)


def test_the_command_prints_what_flips(hypotest, one_choice, finished, tmp_path):
    done = hypotest("multiverse", one_choice, "--out", tmp_path, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    for name in (*KEPT, "modular", "distributed", "verdict", "flips"):
        assert name in done.stdout
    assert max(map(len, done.stdout.splitlines()[:-1])) <= 80
    assert "evidence 1 of 1: specifications done" in done.stderr
    assert done.stdout.rstrip().endswith("multiverse.md")
    folder = tmp_path / "small" / "multiverse"
    assert pl.read_parquet(folder / "multiverse.parquet").height == len(KEPT) + 1
    assert [path.stem for path in sorted((folder / "figures").iterdir())] == ["06-spectrum"] * 2


def test_a_protocol_without_alternatives_is_refused(small_protocol, tmp_path):
    with pytest.raises(ProtocolError, match="must have a `multiverse:` section"):
        package.multiverse(small_protocol, out=tmp_path / "out", device="cpu")
    assert not list(tmp_path.iterdir())


def test_untrained_networks_are_refused_as_a_contrast(one_choice, tmp_path):
    text = one_choice.read_text(encoding="utf-8").replace("nulls:", "nulls:\n  untrained: {networks: 400}")
    before, contrast, after = text.rpartition("contrast: {null: size_matched}\n    margin: {null_sd: 2}")
    path = one_choice.with_name("untrained.yaml")
    path.write_text(f"{before}contrast: {{null: untrained}}\n    margin: {{raw: 1}}{after}", encoding="utf-8")
    assert contrast
    with pytest.raises(ProtocolError, match="collects no other networks; found as contrast of spectrum"):
        package.multiverse(path, out=tmp_path / "out", device="cpu")


def test_a_definition_that_the_text_cannot_fill_is_refused_before_anything_is_collected(
    protocol, tmp_path, monkeypatch
):
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))
    path = protocol.with_name("unfillable.yaml")
    path.write_text(protocol.read_text(encoding="utf-8").replace("49.99, 30", "0.3"), encoding="utf-8")
    with pytest.raises(
        CorpusError,
        match=r"no token type is in this range: .*\(under rare.target.frequency.below_percentile, ",
    ):
        package.multiverse(path, out=tmp_path / "out", device="cpu")
    assert [item.name for item in tmp_path.rglob("cache/*")] == ["prepared"]  # the text, and no evidence
    assert not (tmp_path / "out").exists()
