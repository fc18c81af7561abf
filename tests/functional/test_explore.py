"""``hypotest explore`` and ``hypotest export`` as a user meets them, and what they must not touch."""

import json
import shutil
import subprocess
import sys

import polars as pl
import pytest

import hypotest as package
from tests.example import EXAMPLE
from tests.functional.protocols import with_predictions
from tests.functional.watching import watch_model


@pytest.fixture(scope="module")
def protocol(small_protocol):
    path = small_protocol.with_name("explore.yaml")
    text = with_predictions(small_protocol.read_text(encoding="utf-8"), "specialization", "spectrum")
    matched = "  covariate_matched: {draws: 199, on: [activation_sd, output_norm]}"
    text = text.replace("  label_shuffled: {draws: 399}", f"  label_shuffled: {{draws: 99}}\n{matched}")
    path.write_text(text.replace("id: small\n", "id: small-explore\n", 1), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def explored(hypotest, protocol, tmp_path_factory):
    out, cache = tmp_path_factory.mktemp("reports"), tmp_path_factory.mktemp("explore-cache")
    done = hypotest("explore", protocol, "--out", out, "--device", "cpu", HYPOTEST_CACHE=str(cache))
    return done, out / "small-explore" / "explore", cache


def test_it_prints_tables_and_leaves_report_figures_and_numbers(explored):
    done, folder, _ = explored
    assert done.returncode == 0, done.stderr
    for shown in (
        "selection split alone", "14 of 96 neurons", "top_fraction", "Rank-influence curves", "activation_sd",
        "left after matching", "as declared", "What remains blind", "The cache holds no evidence of it",
    ):  # fmt: skip
        assert shown in " ".join(done.stdout.split())
    assert "\x1b" not in done.stdout
    lines = [line for line in done.stdout.splitlines() if not line.startswith("Report:")]
    assert max(map(len, lines)) <= 80
    figures = {f"{name}.{kind}" for name in ("curves", "covariates", "neurons") for kind in ("svg", "png")}
    assert {path.name for path in folder.iterdir()} == figures | {
        "explore.md", "explore.json", "neurons.parquet",
    }  # fmt: skip


def test_the_group_is_the_one_that_the_run_tests(hypotest, protocol, explored, tmp_path):
    _, folder, cache = explored
    written = json.loads((folder / "explore.json").read_text(encoding="utf-8"))
    neurons = pl.read_parquet(folder / "neurons.parquet")
    assert neurons.height == 96
    top = neurons.sort("influence_rare", descending=True)["neuron"].to_list()[:14]
    assert written["group"]["neurons"] == top
    assert neurons.filter("in_group")["neuron"].to_list() == sorted(top)
    (key,) = (path.name for path in (cache / "evidence").iterdir())  # the selection split, nothing else
    before = {path: path.stat().st_mtime_ns for path in (cache / "evidence" / key).rglob("*.npy")}
    done = hypotest("run", protocol, "--out", tmp_path, "--device", "cpu", HYPOTEST_CACHE=str(cache))
    assert done.returncode == 0, done.stderr
    (run,) = tmp_path.glob("small-explore/*")
    group = json.loads((run / "results.json").read_text(encoding="utf-8"))["group"]
    for name in ("neurons", "control_neurons", "rule", "reason"):
        assert group[name] == written["group"][name]
    left = {item["covariate"]: item for item in written["covariates"]}
    assert [item["covariate"] for item in group["balance"]] == ["activation_sd", "output_norm"]
    for item in group["balance"]:
        assert left[item["covariate"]]["difference"] == pytest.approx(item["before"], rel=1e-9)
        assert left[item["covariate"]]["left"] == pytest.approx(item["after"], rel=1e-9)
        assert left[item["covariate"]]["matched"]
    assert {path: path.stat().st_mtime_ns for path in before} == before  # not collected again
    again = hypotest("explore", protocol, "--out", tmp_path, "--device", "cpu", HYPOTEST_CACHE=str(cache))
    assert "already lies in the cache" in " ".join(again.stdout.split())


def test_nothing_of_the_evaluation_split_is_run_or_read(protocol, tmp_path, monkeypatch):
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))
    prepared, seen, forbidden = watch_model(protocol, monkeypatch)
    result = package.explore(protocol, out=tmp_path / "reports", device="cpu")
    assert seen and not seen & forbidden
    assert [path.name for path in (tmp_path / "cache" / "evidence").iterdir()] == [prepared.keys.selection]
    planned = prepared.samples["evaluation"].positions
    assert (result.blind.positions, result.blind.documents) == (
        planned.height, planned["document"].n_unique()
    )  # fmt: skip
    assert not result.blind.was_collected
    mine = prepared.samples["selection"].positions
    assert sum(item.positions for item in result.conditions) == mine.height


def test_too_few_documents_are_a_clear_error(hypotest, protocol, tmp_path):
    path = protocol.with_name("tiny.yaml")
    path.write_text(
        protocol.read_text(encoding="utf-8").replace("positions: 120", "positions: 2"), encoding="utf-8"
    )
    done = hypotest("explore", path, "--out", tmp_path, "--device", "cpu")
    assert done.returncode == 1
    assert "too few" in done.stderr and "Traceback" not in done.stderr


def test_export_writes_a_run_as_an_appendix(hypotest, tmp_path):
    """Beside its figures, and by a command that needs no model; a run without a format is asked for one."""
    target = tmp_path / "app.tex"
    done = hypotest("export", EXAMPLE, "--format", "latex", "--out", target)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(target)
    assert sorted(path.name for path in tmp_path.rglob("*.*")) == ["app.tex", "effects.pdf", "ladder.pdf"]
    refused = hypotest("export", EXAMPLE)
    assert refused.returncode == 2 and "--format latex" in refused.stderr
    refused = hypotest("export", EXAMPLE, "--format", "latex", "--run", EXAMPLE)
    assert refused.returncode == 2 and "choose one" in refused.stderr
    refused = hypotest("export", EXAMPLE, "--format", "markdown")
    assert refused.returncode == 2 and "--format markdown: must be one of latex, word" in refused.stderr


def test_export_writes_a_registration_without_a_model(hypotest, protocol, tmp_path):
    target = tmp_path / "deep" / "registration.md"
    done = hypotest("export", protocol, "--out", target)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(target)
    printed = hypotest("export", protocol)
    assert printed.stdout.rstrip("\n") == target.read_text(encoding="utf-8").rstrip("\n")
    assert "**Not registered.**" in printed.stdout
    script = (
        "import sys; from hypotest.studies.export.study import export_registration as export; "
        f"export({str(protocol)!r}); assert 'torch' not in sys.modules and 'matplotlib' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_export_names_what_is_wrong(hypotest, protocol, tmp_path):
    own = tmp_path / "protocols"  # other tests use the folder of the fixture
    shutil.copytree(protocol.parent, own)
    path = own / protocol.name
    path.with_suffix(".lock.json").write_text("{", encoding="utf-8")
    done = hypotest("export", path)
    assert done.returncode == 1
    assert ".lock.json: is no lock" in done.stderr and "Traceback" not in done.stderr
    done = hypotest("export", protocol, "--out", tmp_path)
    assert done.returncode == 1
    assert str(tmp_path) in done.stderr and "Traceback" not in done.stderr
