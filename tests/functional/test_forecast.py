"""``hypotest run --plan``: runs, hours and gigabytes before anything is run."""

from __future__ import annotations

import inspect
import shutil
from dataclasses import replace

import pytest

import hypotest as package
from hypotest.cli.runs import run as run_command
from hypotest.pages.console import PAGE as CONSOLE
from hypotest.pages.markdown import PAGE
from hypotest.studies.forecast.page import forecast_page
from hypotest.studies.forecast.record import Forecast, RunsAlike
from tests.functional.protocols import with_predictions, written
from tests.functional.watching import watch_model

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def foreseen(small_protocol, small_model_folder, cache):
    """Of every layer of the small model."""
    path = written(small_protocol, "foreseen.yaml", f"subject: {{model: {small_model_folder}, layer: all}}")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYPOTEST_CACHE", str(cache))
        return package.forecast(path, device="cpu"), path


def test_layers_that_are_ablated_alike_are_foreseen_together(foreseen):
    """Attention reaches layers 1 to 3 of it; the last one is ablated by the identity."""
    forecast, _ = foreseen
    assert [(item.layers, item.engine) for item in forecast.kinds] == [
        ((1, 2), "interventions"),
        ((3,), "identity"),
    ]
    assert forecast.n_runs == 3
    assert all(item.collecting > 0 and item.testing > 0 for item in forecast.kinds)
    assert forecast.seconds == pytest.approx(2 * forecast.kinds[0].seconds + forecast.kinds[1].seconds)


def test_nothing_of_the_evaluation_split_is_run(small_protocol, tmp_path, monkeypatch):
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))
    text = with_predictions(small_protocol.read_text(encoding="utf-8"), "specialization", "coordination")
    path = small_protocol.with_name("spied-plan.yaml")
    path.write_text(text, encoding="utf-8")
    _, seen, forbidden = watch_model(path, monkeypatch)
    monkeypatch.setattr("hypotest.studies.forecast.study.POSITIONS", 30)
    package.forecast(path, device="cpu")
    assert seen and not seen & forbidden


def test_the_command_prints_what_is_foreseen(hypotest, foreseen, cache):
    _, path = foreseen
    done = hypotest("run", path, "--plan", "--device", "cpu", HYPOTEST_CACHE=str(cache))
    assert done.returncode == 0, done.stderr
    assert "3 runs, about" in done.stdout and "of evidence" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_the_evidence_takes_about_what_is_foreseen(
    foreseen, hypotest, small_protocol, small_model_folder, tmp_path
):
    """The run of the last layer, with its untrained networks."""
    forecast, _ = foreseen
    path = written(
        small_protocol, "foreseen-last.yaml", f"subject: {{model: {small_model_folder}, layer: 3}}"
    )
    cache = tmp_path / "cache"
    done = hypotest("run", path, "--out", tmp_path / "out", HYPOTEST_CACHE=str(cache))
    assert done.returncode == 0, done.stderr
    taken = sum(item.stat().st_size for item in (cache / "evidence").rglob("*") if item.is_file())
    assert forecast.kinds[1].evidence_bytes == pytest.approx(taken, rel=0.5)


def test_what_cannot_be_had_is_listed_and_not_counted(
    hypotest, small_protocol, small_model_folder, cache, tmp_path, monkeypatch
):
    """One model is not there, the weights of another are torn: the third is foreseen."""
    shutil.copytree(small_model_folder, tmp_path / "torn")
    weights = tmp_path / "torn" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    models = f"[{tmp_path}/gone, {tmp_path}/torn, {small_model_folder}]"
    path = written(small_protocol, "foreseen-some.yaml", f"subject: {{model: {models}}}")
    few = with_predictions(path.read_text(encoding="utf-8"), "specialization", "coordination")
    path.write_text(few, encoding="utf-8")
    monkeypatch.setattr("hypotest.studies.forecast.study.POSITIONS", 30)
    done = hypotest("run", path, "--plan", "--device", "cpu", HYPOTEST_CACHE=str(cache))
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "1 run, about" in said and "they are not counted here" in said
    assert "Not to be had: gone: subject.model: no folder" in said
    assert "Not to be had: torn: subject.model: cannot load" in said


def test_a_trial_is_no_plan(hypotest, small_protocol):
    done = hypotest("run", small_protocol, "--plan", "--limit", 16)
    assert done.returncode == 2
    assert done.stderr.startswith("error: --limit: nothing that --plan says would change: leave it out")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--limit", 16, "--workers", 2), "--workers: a trial is not handed out"),
        (("--limit", 16, "--scheduler", "tcp://a:1"), "--scheduler: a trial is not handed out"),
        (("--plan", "--seed", 0, "--cluster", "a.yaml"), "--seed, --cluster: nothing that --plan says"),
        (("--plan", "--evidence", "a.npz"), "--evidence: nothing that --plan says would change"),
        (("--plan", "--workers", 2), "is a single run, which workers share"),
    ],
)
def test_what_would_be_ignored_is_refused(hypotest, small_protocol, given, said):
    done = hypotest("run", small_protocol, *given)
    assert done.returncode == 2 and said in done.stderr and done.stdout == ""


def test_every_option_of_run_is_taken_or_refused_by_a_plan_and_a_trial():
    """A new one is put on one of the lists, and refused by `run` where it would be ignored."""
    looked_at = {
        "protocol", "plan", "limit", "device", "memory", "workers", "scheduler", "cluster", "seed",
        "evidence",
    }  # fmt: skip
    nothing_to_do = {
        "out",
        "force",
        "contexts",
    }  # a plan writes nothing, and goes on anyhow; a trial has no text
    assert {*inspect.signature(run_command).parameters} == looked_at | nothing_to_do


def test_workers_take_whole_members_side_by_side():
    kinds = tuple(
        RunsAlike("m", (1,), n, "identity", seconds, 0.0, 1, 1, ())
        for n, seconds in ((1, 3600.0), (4, 1800.0))
    )
    told = Forecast("p", "What is it?", kinds, 10**12, "256 positions", workers=2)
    assert told.side_by_side == 5400.0 and told.seconds == 10800.0
    assert replace(told, workers=3).side_by_side == 3600.0  # no member is divided
    assert replace(told, workers=1).side_by_side == told.seconds
    text = CONSOLE.render(forecast_page(told))
    assert "With 2 workers at best about 1 h 30 min: members side by side, at most 2 at once" in " ".join(
        text.split()
    )
    assert max(map(len, text.splitlines())) <= 80
    assert "workers" not in PAGE.render(forecast_page(replace(told, workers=1)))


def test_every_checkpoint_counts():
    kinds = tuple(
        RunsAlike(f"EleutherAI/pythia-{size}", tuple(range(1, 24)), 154, "interventions", 7e4, 3e3, 3 * 10**9,
                  6 * 10**9, ("start-up is not included",))
        for size in ("70m", "160m", "12b")
    )  # fmt: skip
    text = PAGE.render(forecast_page(Forecast("pythia", "What is it?", kinds, 10**12, "256 positions")))
    assert "10,626 runs" in text
