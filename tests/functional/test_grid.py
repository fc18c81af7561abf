"""A grid in one protocol: two trainings, three checkpoints and two layers of each, as a user runs it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from hypotest.report.export import read_results
from tests.functional.protocols import with_predictions, written

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("no_figures")]
STEPS = (1, 10, 100)
SUBJECT = (
    "subject: {{model: '{folder}/seed{{seed}}', seed: [3, 4], revision: [step1, step10, step100], "
    "layer: [2, 3]}}"
)
TRENDS = """hypotheses: [emergent]
predictions:
  - id: coordination
    measure: effective_dimension
    contrast: {null: size_matched, trajectory: true}
    emergent: less
  - id: single
    measure: effective_dimension
    contrast: {null: size_matched}
    role: descriptive
decision: {level: 0.1}
"""


@pytest.fixture(scope="module")
def trainings(small_model_folder: Path, tmp_path_factory) -> Path:
    """Checkpoints of two trainings: the small model with less and less noise, of another seed each.

    At the first step there is so much of it that the text is predicted worse than by chance, which refuses a
    run alone.
    """
    import torch
    from transformers import AutoModelForCausalLM

    folder = tmp_path_factory.mktemp("trainings")
    for seed in (3, 4):
        for step in STEPS:
            place = folder / f"seed{seed}" / f"step{step}"
            shutil.copytree(small_model_folder, place)
            model = AutoModelForCausalLM.from_pretrained(place, dtype=torch.float32)
            noise = torch.Generator().manual_seed(seed)
            with torch.no_grad():
                for parameter in model.parameters():
                    drawn = torch.randn(parameter.shape, generator=noise)
                    parameter.add_(drawn * 0.02 / step)
            model.save_pretrained(place)
    return folder


@pytest.fixture(scope="module")
def protocol(small_protocol: Path, trainings: Path) -> Path:
    path = written(small_protocol, "grid.yaml", SUBJECT.format(folder=trainings), TRENDS)
    text = path.read_text(encoding="utf-8")
    path.write_text(
        "\n".join(line for line in text.splitlines() if "label_shuffled" not in line), encoding="utf-8"
    )
    return path


@pytest.fixture(scope="module")
def grid(hypotest, protocol, tmp_path_factory, no_figures):
    """Console and folder of the run."""
    out = tmp_path_factory.mktemp("grid")
    done = hypotest("run", protocol, "--out", out)
    assert done.returncode == 0, done.stderr
    (folder,) = out.glob("grid/*")
    return done.stdout, folder


def series_of(folder: Path) -> dict:
    return json.loads((folder / "series" / "series.json").read_text(encoding="utf-8"))


def test_every_cell_is_a_run_of_its_own(grid):
    printed, folder = grid
    members = series_of(folder)["members"]
    assert len(members) == 12 and len({member["folder"] for member in members}) == 12
    assert len({member["line"] for member in members}) == 4
    weights = set()
    for member in members:
        run = read_results(folder / member["folder"] / "results.json")
        assert member["name"].endswith(f"layer {run.subject['layer']}")
        assert f"step{member['place']} " in member["name"]
        manifest = json.loads((folder / member["folder"] / "manifest.json").read_text())
        weights.add(manifest["hashes"]["weights"])
    assert len(weights) == 6  # layers share those of their checkpoint
    assert "2 models: 12 runs, each tested by itself" in printed
    assert max(map(len, printed.splitlines())) <= 80


def test_what_trainings_say_together_decides(grid):
    """Tau is the mean over lines; each line is told beneath, and only the whole has an adjusted p."""
    printed, folder = grid
    series = series_of(folder)
    assert series["axis"] == "step"
    together, *lines = series["trends"]
    assert [item["line"] for item in lines] == list(dict.fromkeys(m["line"] for m in series["members"]))
    assert together["tau"] == pytest.approx(sum(item["tau"] for item in lines) / 4)
    assert together["p_adjusted"] is not None
    assert {item["p_adjusted"] for item in lines} == {None}
    assert [item["hypothesis"] for item in series["verdicts"]] == ["emergent"]
    assert "Verdict: emergent" in printed


def test_models_are_pooled_at_their_last_checkpoint_and_layer(grid):
    printed, folder = grid
    series = series_of(folder)
    comparison = json.loads((folder / series["comparison"] / "comparison.json").read_text(encoding="utf-8"))
    assert [run["layer"] for run in comparison["runs"]] == [3, 3]
    assert {run["revision"] for run in comparison["runs"]} == {"step100"}
    (pooled,) = [item for item in series["pooled"] if item["id"] == "single"]
    assert pooled["pooled"]["n_effects"] == 2
    assert "pooled over models" in printed
    report = (folder / "series" / "series.md").read_text(encoding="utf-8")
    assert f"(../{series['comparison']}/comparison.md)" in report


def test_a_model_whose_weights_are_torn_stops_no_other(hypotest, protocol, trainings, tmp_path):
    """Its own layers are missing; those of the other checkpoints are there, from the cache."""
    shutil.copytree(trainings, tmp_path / "torn")
    weights = tmp_path / "torn" / "seed4" / "step10" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])
    text = protocol.read_text(encoding="utf-8").replace(str(trainings), str(tmp_path / "torn"))
    path = protocol.with_name("torn-grid.yaml")
    path.write_text(text, encoding="utf-8")
    done = hypotest("run", path, "--out", tmp_path / "out")
    assert done.returncode == 1 and "Traceback" not in done.stderr
    (folder,) = (tmp_path / "out").glob("*/*")
    series = series_of(folder)
    assert len(series["members"]) == 10 and len(series["failed"]) == 1
    assert series["n_failed"] == 2  # at both layers
    assert "seed4 step10 all layers: " in series["failed"][0]
    assert series["trends"][0]["outcome"] == "undefined"  # those that are left would be a selection


def test_models_without_checkpoints_stand_beside_each_other(hypotest, small_protocol, trainings, tmp_path):
    subject = f"subject: {{model: ['{trainings}/seed3/step100', '{trainings}/seed4/step100']}}"
    path = written(small_protocol, "beside.yaml", subject)
    few = with_predictions(path.read_text(encoding="utf-8"), "specialization", "coordination")
    path.write_text(few, encoding="utf-8")
    done = hypotest("run", path, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    (folder,) = tmp_path.glob("beside/*")
    series = series_of(folder)
    assert series["axis"] == "model" and [item["place"] for item in series["members"]] == [1, 2]
    assert [item["n_effects"] for item in (row["pooled"] for row in series["pooled"]) if item] != []
    assert (folder / "series" / "figures" / "courses.png").stat().st_size > 5_000


@pytest.mark.parametrize("command", ["explore", "power", "multiverse"])
def test_what_needs_one_run_says_so(hypotest, protocol, command):
    done = hypotest(command, protocol)
    assert done.returncode == 2 and "subject.model: must be one" in done.stderr


def test_a_grid_is_exported_for_registration(hypotest, protocol):
    done = hypotest("export", protocol)
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert "Each combination of model, checkpoint and layer is a run of its own" in said
    assert "times the number of combinations" in said and "exact over all orders" not in said
