"""The command line as a user meets it."""

import json
import re
import shutil

import numpy as np
import pytest

import hypotest as package
from hypotest.report.export import read_results
from hypotest.studies.calibration.calibrate import QUICK_SIMULATIONS, read_calibration
from hypotest.studies.calibration.cases import choose_cases
from tests.unrendered import figures_not_rendered


@pytest.fixture(scope="module")
def finished(hypotest, small_protocol, tmp_path_factory):
    out = tmp_path_factory.mktemp("reports")
    done = hypotest("run", small_protocol, "--out", out, "--device", "cpu")
    assert done.returncode == 0, done.stderr
    (folder,) = out.glob("small/*")
    return done, folder


def test_a_run_prints_the_table_and_leaves_everything(finished):
    done, folder = finished
    for name in ("specialization", "regimes", "coordination", "single-head", "spectrum", "Verdict:"):
        assert name in done.stdout
    assert "\x1b" not in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80 or "Report:" in max(
        done.stdout.splitlines(), key=len
    )
    assert {path.name for path in folder.iterdir()} == {
        "report.html", "report.md", "results.json", "nulls.parquet", "manifest.json", "figures",
    }  # fmt: skip
    assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{8}", folder.name)


def test_the_same_seed_gives_the_same_results(hypotest, hypotest_process, small_protocol, finished, tmp_path):
    """From the cache, and collected anew by another process on all cores, byte for byte."""
    _, folder = finished
    expected = (folder / "results.json").read_bytes()
    with figures_not_rendered():
        cached = hypotest("run", small_protocol, "--out", tmp_path / "cached")
    own = str(tmp_path / "cache")
    anew = hypotest_process("run", small_protocol, "--out", tmp_path / "anew", HYPOTEST_CACHE=own)
    for name, done in (("cached", cached), ("anew", anew)):
        assert done.returncode == 0, done.stderr
        (again,) = (tmp_path / name).glob("small/*")
        assert (again / "results.json").read_bytes() == expected
        assert (again / "nulls.parquet").read_bytes() == (folder / "nulls.parquet").read_bytes()
        manifest = json.loads((again / "manifest.json").read_text())
        assert manifest["evidence"]["was_cached"] == (name == "cached")


def test_a_run_with_no_contexts_keeps_no_line_of_the_text(hypotest, small_protocol, finished, tmp_path):
    with figures_not_rendered():
        done = hypotest("run", small_protocol, "--out", tmp_path, "--no-contexts")
    assert done.returncode == 0, done.stderr
    _, whole = finished
    (folder,) = tmp_path.glob("small/*")
    assert read_results(whole / "results.json").contexts is not None
    assert read_results(folder / "results.json").contexts is None
    assert "leave contexts out" in (folder / "report.md").read_text(encoding="utf-8")


def test_another_seed_gives_other_draws(hypotest, small_protocol, finished, tmp_path):
    with figures_not_rendered():
        done = hypotest("run", small_protocol, "--out", tmp_path, "--seed", "12")
    assert done.returncode == 0, done.stderr
    (again,) = tmp_path.glob("small/*")
    assert (again / "nulls.parquet").read_bytes() != (finished[1] / "nulls.parquet").read_bytes()
    assert read_results(again / "results.json").protocol["seed"] == 12


def test_a_trial_says_so_and_gives_no_verdict(hypotest, small_protocol, tmp_path):
    done = hypotest("run", small_protocol, "--out", tmp_path, "--limit", "60")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("*** TRIAL: 60 positions per condition. NO VERDICT. ***")
    assert "Verdict:" not in done.stdout
    assert [path.name for path in (tmp_path / "small").iterdir()] == ["trial"]


@pytest.mark.parametrize(
    ("subject", "ablation", "engine", "certified"),
    [
        ("layer: last", "{replacement: resample, tolerance: 0.001}", "identity", True),
        ("layer: 2", "{replacement: zero}", "interventions", False),
    ],
)
def test_other_ablations_and_layers(hypotest, small_protocol, tmp_path, subject, ablation, engine, certified):
    """The user names layer and replacement; which engine runs follows, and the manifest says why."""
    text = small_protocol.read_text(encoding="utf-8")
    text = re.sub(r"subject: \{(.*)\}", rf"subject: {{\1, {subject}}}", text)
    path = small_protocol.with_name(f"{engine}.yaml")
    path.write_text(text.replace("group:", f"ablation: {ablation}\ngroup:", 1), encoding="utf-8")
    with figures_not_rendered():
        done = hypotest("run", path, "--out", tmp_path, "--memory", "0.5")
    assert done.returncode == 0, done.stderr
    (folder,) = tmp_path.glob("small/*")
    manifest = json.loads((folder / "manifest.json").read_text())["ablation"]
    assert manifest["engine"] == engine
    assert ("followed by other layers" in manifest["why"]) != certified
    results = read_results(folder / "results.json")
    assert (results.ablation.largest_error_bound is not None) == certified
    if certified:
        assert 1e-4 < results.ablation.largest_error_bound <= 1e-3
        assert results.ablation.parts is not None
    report = (folder / "report.md").read_text(encoding="utf-8")
    assert "at once changes the mean loss on rare targets by" in report
    assert ("not certified" in report) != certified


def test_too_little_memory_is_a_clear_error(hypotest, small_protocol, tmp_path):
    done = hypotest("run", small_protocol, "--out", tmp_path, "--memory", "0")
    assert done.returncode == 2
    assert "--memory" in done.stderr


def test_show_and_report_need_no_model(hypotest, finished, tmp_path):
    done, folder = finished[0], tmp_path / "run"
    shutil.copytree(finished[1], folder)
    shown = hypotest("show", folder)
    assert shown.returncode == 0, shown.stderr
    table = done.stdout[: done.stdout.index("Verdict:")]
    assert table.strip() in shown.stdout
    before = (folder / "report.md").read_bytes()
    (folder / "report.md").unlink()
    pictures = {path.name: path.read_bytes() for path in (folder / "figures").iterdir()}
    shutil.rmtree(folder / "figures")
    assert hypotest("report", folder).returncode == 0
    assert (folder / "report.md").read_bytes() == before
    assert {path.name: path.read_bytes() for path in (folder / "figures").iterdir()} == pictures


def test_the_same_from_python(finished, cache, monkeypatch):
    _, folder = finished
    monkeypatch.setenv("HYPOTEST_CACHE", str(cache))
    run = package.Run.open(folder)
    assert run.predictions["id"].to_list()[:3] == ["specialization", "regimes", "coordination"]
    evidence = package.load_evidence(run)
    positions = evidence.evaluation.positions
    assert positions.columns == ["document", "block", "index", "target", "condition", "split"]
    assert evidence.evaluation.delta_loss.shape == (positions.height, 96)
    assert evidence.evaluation.activations.shape == (positions.height, 96)


def test_p_values_follow_from_the_null_draws(finished):
    _, folder = finished
    run = package.Run.open(folder)
    checked = 0
    for prediction in run.results.predictions:
        for rung in prediction.ladder:
            draws = run.nulls.filter(
                (run.nulls["prediction"] == prediction.id) & (run.nulls["null"] == rung.key)
            )["value"].to_numpy()
            assert len(draws) == rung.n_draws
            tolerance = 1e-12 * max(1.0, abs(rung.observed))
            undefined = np.isnan(draws).sum()  # these count as extreme in both tails
            assert rung.n_undefined == undefined
            upper = (draws >= rung.observed - tolerance).sum() + undefined + 1
            lower = (draws <= rung.observed + tolerance).sum() + undefined + 1
            expected = min(1.0, 2 * min(upper, lower) / (len(draws) + 1))
            assert rung.p_value == pytest.approx(expected)
            checked += 1
    assert checked >= 12


def test_validate_answers_in_words(hypotest, small_protocol):
    done = hypotest("validate", small_protocol)
    assert done.returncode == 0, done.stderr
    assert "valid (9 predictions, 7 of them deciding between modular and distributed)" in done.stdout


@pytest.mark.parametrize(
    ("change", "message", "code"),
    [
        (("positions: 120", "positions: 90000"), "ask for at most", 1),
        (("below_percentile: 50", "below_percentile: 150"), "below_percentile", 2),
        (("margin: {raw: 0.1}", "margn: {raw: 0.1}"), "margin", 2),
        (("measure: modularity", "measure: modularty"), "modularity", 2),
        (("subject: {model: ", "subject: {model: /nowhere"), "no folder '/nowhere", 2),
        (("hypotest: 1", "hypotest: [1"), "small.yaml:", 2),
        (("context: 32", "context: 64"), "must be at most the 32 tokens", 2),
        (("0.txt, ", "missing.txt, "), "no such file: check the path; found 'missing.txt'", 2),
    ],
)
def test_wrong_input_is_one_clear_message(hypotest, small_protocol, tmp_path, change, message, code):
    changed = small_protocol.with_name(f"changed-{abs(hash(change))}.yaml")
    changed.write_text(small_protocol.read_text().replace(*change, 1))
    done = hypotest("run", changed, "--out", tmp_path)
    assert done.returncode == code, done.stdout + done.stderr
    assert message in done.stderr.replace("small.yaml", "small.yaml") or message in done.stderr.replace(
        changed.name, "small.yaml"
    )
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "arguments",
    [
        ("run",),
        ("run", "missing.yaml"),
        ("power", "missing.yaml"),
        ("validate", "."),
        ("nonsense",),
        ("run", "x.yaml", "--limit", "one"),
    ],
)
def test_wrong_commands_exit_with_2(hypotest, arguments):
    done = hypotest(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert done.stderr.strip()


def test_a_folder_that_is_no_run(hypotest, tmp_path):
    done = hypotest("show", tmp_path)
    assert done.returncode == 1
    assert "results.json" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("run",),
        ("multiverse",),
        ("validate",),
        ("power",),
        ("report",),
        ("show",),
        ("verify",),
        ("compare",),
        ("reference", "info"),
        ("reference", "train"),
    ],
)
def test_every_command_has_help_with_an_example(hypotest, command):
    done = hypotest(*command, "--help")
    assert done.returncode == 0
    assert f"Example: hypotest {' '.join(command)}" in done.stdout


def test_reference_info_prints_the_card(hypotest):
    done = hypotest("reference", "info")
    assert done.returncode == 0
    assert "perplexity" in done.stdout


@pytest.mark.slow
def test_a_quick_calibration_shows_every_scenario(hypotest, tmp_path):
    done = hypotest("calibrate", "--quick", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    calibration = read_calibration(tmp_path / "calibration.json")
    cases = choose_cases(())
    assert [item.name for item in calibration.scenarios] == [item.name for item in cases]
    assert f"2 simulations of {len(cases)} kinds of layers done in" in done.stderr
    for item in calibration.scenarios:
        assert f"\n{item.name}" in done.stdout
        assert item.n_simulations == (1 if item.planted else QUICK_SIMULATIONS)
        assert item.n_whole == 1
        assert all(sum(row.counts.values()) == 1 for row in (*item.outcomes, *item.verdicts))
    assert max(map(len, done.stdout.splitlines())) <= 80 + len(str(tmp_path))


def test_an_unknown_scenario_is_refused(hypotest):
    done = hypotest("calibrate", "--scenario", "nothin")
    assert done.returncode == 2
    assert "there is no scenario 'nothin'; there are nothing," in done.stderr


def test_a_measure_alone_is_not_calibrated_in_a_protocol_of_ones_own(hypotest, tmp_path):
    path = tmp_path / "p.yaml"
    assert hypotest("init", path).returncode == 0
    done = hypotest("calibrate", "--protocol", path, "--measure", "hill_alpha")
    assert done.returncode == 2
    assert "leave out --protocol" in done.stderr
    done = hypotest("calibrate", "--protocol", tmp_path / "none.yaml")
    assert done.returncode == 2
    assert "none.yaml" in done.stderr
