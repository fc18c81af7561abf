"""One protocol at every layer, and over checkpoints, as a user runs it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from hypotest.report.export import read_results
from tests.functional.protocols import with_predictions, written

pytestmark = pytest.mark.usefixtures("no_figures")

ROOT = Path(__file__).parents[2]
EMERGENCE = ROOT / "protocols" / "papers" / "arxiv-2505.12822-pythia-410m.yaml"
"""A shipped protocol about training; its hypotheses and predictions are run here on small checkpoints."""
STEPS = (1, 10, 100, 1000, 10000, 100000)


@pytest.fixture(scope="module")
def training(small_model_folder: Path, tmp_path_factory) -> Path:
    """Six checkpoints: from the small model's weights, halved again and again, to themselves."""
    import torch
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("training")
    for number, step in enumerate(STEPS):
        place = folder / f"step{step}"
        shutil.copytree(small_model_folder, place)
        model = AutoModelForCausalLM.from_pretrained(place, dtype=torch.float32)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.ndim == 2:
                    parameter.mul_(0.6 ** (len(STEPS) - 1 - number))
        model.save_pretrained(place)
    return folder


@pytest.fixture(scope="module")
def depth(hypotest, small_protocol, small_model_folder, tmp_path_factory, no_figures):
    """Console output and folder of a run at every layer."""
    path = written(small_protocol, "depth.yaml", f"subject: {{model: {small_model_folder}, layer: all}}")
    out = tmp_path_factory.mktemp("depth")
    done = hypotest("run", path, "--out", out)
    assert done.returncode == 0, done.stderr
    (folder,) = out.glob("depth/*")
    return done.stdout, folder, path


def test_every_layer_that_attention_reaches_is_a_run_of_its_own(depth):
    """In a GPT-NeoX the first block's MLP sees no attention: it is left out, and that is said."""
    printed, folder, _ = depth
    names = sorted(item.name for item in folder.iterdir())
    assert names == ["layer-001", "layer-002", "layer-003", "series"]
    runs = [read_results(folder / name / "results.json") for name in names[:3]]
    assert [run.subject["layer"] for run in runs] == [1, 2, 3]
    assert [run.ablation.engine for run in runs] == ["interventions", "interventions", "identity"]
    assert "layer 0: no attention reaches its MLP" in printed
    assert max(map(len, printed.splitlines())) <= 80


def test_the_series_says_what_the_runs_say(depth):
    _, folder, _ = depth
    series = json.loads((folder / "series" / "series.json").read_text(encoding="utf-8"))
    for number, member in enumerate(series["members"]):
        run = read_results(folder / member["folder"] / "results.json")
        assert member["alone"] == {item.hypothesis: item.status for item in run.verdicts}
        for course, result in zip(series["courses"], run.predictions, strict=True):
            point = course["points"][number]
            scale = result.reference_sd if course["in_null_sd"] else 1.0
            assert point["effect"] * scale == pytest.approx(result.effect)
            assert point["outcome"] == result.outcome
    report = (folder / "series" / "series.md").read_text(encoding="utf-8")
    for member in series["members"]:
        assert f"(../{member['folder']}/report.md)" in report
    assert (folder / "series" / "figures" / "courses.png").stat().st_size > 10_000


def test_the_last_layer_is_the_run_of_the_last_layer(
    depth, hypotest, small_protocol, small_model_folder, tmp_path
):
    """A member has the numbers that the protocol has at that layer alone."""
    _, folder, _ = depth
    alone = written(
        small_protocol, "depth-last.yaml",
        f"subject: {{model: {small_model_folder}, layer: 3}}",
    )  # fmt: skip
    done = hypotest("run", alone, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    (run,) = tmp_path.glob("depth-last/*")
    assert read_results(run / "results.json").predictions == (
        read_results(folder / "layer-003" / "results.json").predictions
    )


def test_a_member_verifies(depth, hypotest):
    _, folder, path = depth
    done = hypotest("verify", folder / "layer-002", "--protocol", path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_some_layers_are_the_same_runs(depth, hypotest, small_protocol, small_model_folder, tmp_path):
    """Two of the layers, in another order: each has the numbers that it has there."""
    some = written(small_protocol, "some.yaml", f"subject: {{model: {small_model_folder}, layer: [-1, 1]}}")
    done = hypotest("run", some, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    (folder,) = tmp_path.glob("some/*")
    names = ["layer-001", "layer-003"]
    assert sorted(item.name for item in folder.iterdir()) == [*names, "series"]
    for name in names:
        here, there = (read_results(place / name / "results.json") for place in (folder, depth[1]))
        assert here.predictions == there.predictions
    series = json.loads((folder / "series" / "series.json").read_text(encoding="utf-8"))
    assert series["axis"] == "layer" and [item["place"] for item in series["members"]] == [1, 3]


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        ("[3, 3]", "must be listed once; found 3 twice"),
        ("[3]", "must be a layer, or a list of at least two; found a list of 1"),
        ("[1, 9]", "must be one of the layers 0 to 3"),
        ("[0, 3]", "no attention of"),
        ("[3, -1]", "must be listed once; found -1, which is the layer 3"),
        ("[3, last]", "must be a whole number; found 'last'"),
    ],
)
def test_layers_that_cannot_be_a_series(
    hypotest, small_protocol, small_model_folder, tmp_path, layers, words
):
    path = written(small_protocol, "wrong.yaml", f"subject: {{model: {small_model_folder}, layer: {layers}}}")
    done = hypotest("run", path, "--out", tmp_path)
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split()) and "Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("command", ["explore", "power"])
def test_what_needs_one_layer_says_so(depth, hypotest, command):
    done = hypotest(command, depth[2])
    assert done.returncode == 2
    assert "subject.layer" in done.stderr and "hypotest run" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_series_is_exported_for_registration(depth, hypotest):
    done = hypotest("export", depth[2])
    assert done.returncode == 0, done.stderr
    assert "every block" in done.stdout or "blocks" in done.stdout
    assert "times the number of layers" in done.stdout and "Kendall" not in done.stdout
    course = hypotest("export", EMERGENCE)
    assert "Kendall's tau against the training step" in course.stdout


def test_a_trajectory_tests_the_course_over_checkpoints(hypotest, small_protocol, training, tmp_path):
    revisions = ", ".join(f"step{step}" for step in STEPS)
    shipped = EMERGENCE.read_text(encoding="utf-8")
    asked = shipped[shipped.index("hypotheses:") : shipped.index("decision:")]
    path = written(
        small_protocol, "course.yaml", f"subject: {{model: {training}, revision: [{revisions}]}}", asked
    )
    done = hypotest("run", path, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    (folder,) = tmp_path.glob("course/*")
    series = json.loads((folder / "series" / "series.json").read_text(encoding="utf-8"))
    assert [member["place"] for member in series["members"]] == list(STEPS)
    effects = [point["effect"] for point in series["courses"][0]["points"]]
    pairs = [(a, b) for i, a in enumerate(effects) for b in effects[i + 1 :]]
    tau = np.mean([np.sign(b - a) for a, b in pairs])
    trend = series["trends"][0]
    assert trend["tau"] == pytest.approx(tau)
    expected = "less" if tau < 0 else "greater"
    assert trend["outcome"] == (expected if trend["p_value"] <= 0.05 else "inconclusive")
    assert [item["hypothesis"] for item in series["verdicts"]] == ["emergent"]
    deciding = [item for item in series["trends"] if item["p_adjusted"] is not None]
    assert len(deciding) == 4 and len(series["trends"]) == 7
    assert all(item["p_adjusted"] == pytest.approx(min(1, 4 * item["p_value"])) for item in deciding)
    assert "Verdict" in done.stdout and "Kendall's tau" in done.stdout
    hashes = {
        json.loads((folder / member["folder"] / "manifest.json").read_text())["hashes"]["weights"]
        for member in series["members"]
    }
    assert len(hashes) == len(STEPS)  # each checkpoint is its own network


def test_a_member_that_fails_does_not_stop_the_others(hypotest, small_protocol, training, tmp_path):
    """A checkpoint whose weights are cut off: the others are run, and a second run goes on with it."""
    folder, cache = tmp_path / "checkpoints", str(tmp_path / "cache")
    for step in (1, 10, 100):
        shutil.copytree(training / f"step{step}", folder / f"step{step}")
    weights = folder / "step10" / "model.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    subject = f"subject: {{model: {folder}, revision: [step1, step10, step100]}}"
    path = written(small_protocol, "torn.yaml", subject)
    few = with_predictions(path.read_text(encoding="utf-8"), "specialization", "coordination")
    path.write_text(few, encoding="utf-8")
    done = hypotest("run", path, "--out", tmp_path / "reports", HYPOTEST_CACHE=cache)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    assert "Failed: step10: " in done.stdout and "Run the protocol again" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    (first,) = (tmp_path / "reports").glob("torn/*")
    series = json.loads((first / "series" / "series.json").read_text(encoding="utf-8"))
    assert [member["place"] for member in series["members"]] == [1, 100]
    assert len(series["failed"]) == 1 and series["failed"][0].startswith("step10: ")
    weights.write_bytes(whole)
    done = hypotest("run", path, "--out", tmp_path / "again", HYPOTEST_CACHE=cache)
    assert done.returncode == 0 and "Failed" not in done.stdout, done.stderr
    (second,) = (tmp_path / "again").glob("torn/*")
    manifests = [json.loads(item.read_text()) for item in sorted(second.glob("*/manifest.json"))]
    assert [item["evidence"]["was_cached"] for item in manifests] == [True, False, True]


def test_a_checkpoint_that_is_not_there_names_those_that_are(hypotest, small_protocol, training, tmp_path):
    path = written(small_protocol, "missing.yaml", f"subject: {{model: {training}, revision: step7}}")
    done = hypotest("run", path, "--out", tmp_path)
    assert done.returncode == 2
    assert "no checkpoint 'step7'" in done.stderr and "step1000" in done.stderr


def test_a_checkpoint_that_is_missing_is_said_before_the_others_are_run(
    hypotest, small_protocol, training, tmp_path
):
    path = written(
        small_protocol, "late.yaml", f"subject: {{model: {training}, revision: [step1, step10, step61]}}"
    )
    few = with_predictions(path.read_text(encoding="utf-8"), "specialization", "coordination")
    path.write_text(few, encoding="utf-8")
    done = hypotest("run", path, "--out", tmp_path)
    assert done.returncode == 1 and "Traceback" not in done.stderr
    said = done.stderr.index("warning: step61 cannot be had, and the others are run: ")
    assert "no checkpoint 'step61'" in done.stderr[said:]
    assert said < done.stderr.index("step1: model, text and positions")
    (folder,) = tmp_path.glob("late/*")
    series = json.loads((folder / "series" / "series.json").read_text(encoding="utf-8"))
    assert [member["place"] for member in series["members"]] == [1, 10]
    assert [item.split(": ")[0] for item in series["failed"]] == ["step61"]
    assert "correction for all 3 members" in done.stdout


@pytest.mark.parametrize("revisions", ["[step61, step62]", "[step61, step62, step63]"])
def test_a_series_of_which_nothing_can_be_had_is_not_begun(
    hypotest, small_protocol, training, tmp_path, revisions
):
    subject = f"subject: {{model: {training}, revision: {revisions}}}"
    path = written(small_protocol, "nothing.yaml", subject)
    done = hypotest("run", path, "--out", tmp_path)
    assert done.returncode == 2
    assert "no checkpoint 'step61'" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_torn_model_is_as_many_members_as_it_has_layers_wherever_they_are_run(
    hypotest, small_protocol, small_model_folder, tmp_path, monkeypatch
):
    """Two models at two layers, one torn: 4 members; two workers write what one process does."""
    pytest.importorskip("distributed", reason="the extra `cluster` is not installed")
    shutil.copytree(small_protocol.parent, tmp_path / "here")
    for name in ("whole", "torn"):
        shutil.copytree(small_model_folder, tmp_path / "here" / name)
    weights = tmp_path / "here" / "torn" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    there = tmp_path / "here" / small_protocol.name
    path = written(there, "torn-model.yaml", "subject: {model: [torn, whole], layer: [2, 3]}")
    few = with_predictions(path.read_text(encoding="utf-8"), "specialization", "coordination")
    path.write_text(few, encoding="utf-8")
    monkeypatch.chdir(path.parent)
    series = []
    for place, workers in (("alone", ()), ("apart", ("--workers", 2))):
        done = hypotest("run", path.name, "--out", tmp_path / place, *workers)
        assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
        assert "correction for all 4 members" in done.stdout
        (file,) = (tmp_path / place).glob("*/*/series/series.json")
        series.append(file.read_text(encoding="utf-8"))
    alone, apart = series
    assert alone == apart
    (failed,) = json.loads(alone)["failed"]
    assert failed.startswith("torn all layers: ") and str(tmp_path) not in failed
    assert json.loads(alone)["n_failed"] == 2
