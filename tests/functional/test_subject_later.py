"""Registering before the model exists, from the command line: it waits, is bound, and a second one is not."""

import json
import shutil
from pathlib import Path

import pytest
import torch
import transformers

from hypotest.report.export import read_results

pytestmark = pytest.mark.usefixtures("no_figures")

CRITERION = "the first small GPT-NeoX that we finish"


def small_plan(small_protocol, folder, model):
    """Two predictions of the small protocol, on a model that may not be there yet."""
    shutil.copytree(small_protocol.parent, folder)
    for path in folder.glob("*.yaml"):
        path.unlink()
    head, predictions = small_protocol.read_text(encoding="utf-8").split("predictions:\n")
    parts = predictions.split("  - id: ")
    kept = "".join(f"  - id: {part}" for part in parts if part.startswith(("routing", "single-head")))
    text = f"{head}predictions:\n{kept}seed: 11\n".replace("  label_shuffled: {draws: 399}\n", "")
    (line,) = [line for line in text.splitlines() if line.startswith("subject:")]
    table = line.partition("model: ")[2].rstrip("}") + "/counts.npy"
    shutil.copy(table, folder / "counts.npy")
    text = text.replace(table, "counts.npy").replace(line, f"subject: {{model: {model}}}")
    (folder / "small.yaml").write_text(text, encoding="utf-8")
    return folder / "small.yaml"


def other_weights(source, target):
    """A copy of a model folder with other weights."""
    shutil.copytree(source, target)
    model = transformers.AutoModelForCausalLM.from_pretrained(source)
    with torch.no_grad():
        model.get_input_embeddings().weight.mul_(1.01)
    model.save_pretrained(target)


@pytest.fixture(scope="module")
def place(tmp_path_factory, small_protocol):
    folder = tmp_path_factory.mktemp("later")
    return small_plan(small_protocol, folder / "protocols", folder / "model")


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory):
    return str(tmp_path_factory.mktemp("own-cache"))


@pytest.fixture(scope="module")
def registered(hypotest, place, own_cache, no_figures):
    assert not (place.parents[1] / "model").exists()
    done = hypotest(
        "register", place, "--subject-later", CRITERION, "--family", "gpt_neox", "--parameters", "1e3-1e7",
        HYPOTEST_CACHE=own_cache,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done


def results_of(done, out):
    assert done.returncode == 0, done.stderr
    (run_folder,) = out.glob("small/*")
    return read_results(run_folder / "results.json").registration, run_folder


def test_it_is_registered_without_a_model(registered, hypotest, place, own_cache):
    assert CRITERION in registered.stdout and "gpt_neox" in registered.stdout
    assert "1,000 to 10,000,000 parameters" in registered.stdout
    lock = json.loads(place.with_name("small.lock.json").read_text())
    assert lock["later"]["bound"] is None and lock["hashes"]["weights"] == "later"
    assert len(lock["hashes"]["text"]) == 60 and list(lock["later"]["frequencies"]) == ["counts.npy"]
    checked = hypotest("registry", "verify", place.parent)
    assert checked.returncode == 0, checked.stdout
    again = hypotest(
        "register", place, "--subject-later", CRITERION, "--family", "gpt_neox", "--parameters", "1e3-1e7",
        HYPOTEST_CACHE=own_cache,
    )  # fmt: skip
    assert "is registered already" in again.stdout
    exported = hypotest("export", place)
    assert "The network is not there yet" in exported.stdout and CRITERION in exported.stdout


def test_one_process_binds_it(registered, hypotest, place, small_model_folder, tmp_path):
    """Of several, each would bind it, and see what the others look at."""
    path = shutil.copytree(place.parent, tmp_path / "protocols") / "small.yaml"
    text, model = path.read_text(encoding="utf-8"), place.parents[1] / "model"
    path.write_text(text.replace(str(model), str(small_model_folder)), encoding="utf-8")
    done = hypotest("run", path, "--out", tmp_path / "out", "--workers", "2")
    assert done.returncode != 0 and not list(tmp_path.glob("out/*/*"))
    assert "its registration waits for its network, which one process has to bind" in done.stderr
    assert json.loads(path.with_name("small.lock.json").read_text())["later"]["bound"] is None


def test_a_model_that_does_not_satisfy_it_is_exploratory_and_not_bound(
    registered, hypotest, place, own_cache, small_model_folder, tmp_path
):
    """Here it was registered for another family; the registration goes on waiting."""
    folder = tmp_path / "protocols"
    shutil.copytree(place.parent, folder)
    for name in ("small.lock.json", "registry.jsonl"):
        (folder / name).unlink()
    path = folder / "small.yaml"
    text = path.read_text(encoding="utf-8")
    done = hypotest("register", path, "--subject-later", CRITERION, "--family", "llama")
    assert done.returncode == 0, done.stderr
    model = place.parents[1] / "model"
    path.write_text(text.replace(str(model), str(small_model_folder)), encoding="utf-8")
    done = hypotest("run", path, "--out", tmp_path / "out", HYPOTEST_CACHE=str(tmp_path / "cache"))
    registration, _ = results_of(done, tmp_path / "out")
    assert registration.status == "exploratory"
    assert "it is of the family gpt_neox, registered was llama" in " ".join(registration.reasons)
    assert json.loads((folder / "small.lock.json").read_text())["later"]["bound"] is None
    assert len((folder / "registry.jsonl").read_text().splitlines()) == 1


def test_the_first_model_is_bound_before_it_is_evaluated_and_a_second_is_exploratory(
    registered, hypotest, place, own_cache, small_model_folder, tmp_path
):
    model = place.parents[1] / "model"
    shutil.copytree(small_model_folder, model)
    done = hypotest("run", place, "--out", tmp_path / "first", HYPOTEST_CACHE=own_cache)
    first, folder = results_of(done, tmp_path / "first")
    assert (first.status, first.reasons, first.deviations) == ("confirmatory", (), ())
    assert first.subject_later == CRITERION
    assert f"on the first network that ran under its registration (for: {CRITERION})" in " ".join(
        (folder / "report.md").read_text(encoding="utf-8").split()
    )
    lines = [json.loads(line) for line in place.with_name("registry.jsonl").read_text().splitlines()]
    assert len(lines) == 2
    waited, bound = (line["lock"] for line in lines)
    manifest = json.loads((folder / "manifest.json").read_text())
    assert bound["hashes"] == manifest["hashes"] and bound["later"]["bound"] is not None
    assert bound["registered"] == waited["registered"] and bound["layer"] == manifest["layer"]
    assert hypotest("registry", "verify", place.parent).returncode == 0
    # the entry is older than the evidence
    log = Path(own_cache, "documents-seen.jsonl").read_text(encoding="utf-8").splitlines()
    assert min(json.loads(line)["time"] for line in log) >= bound["later"]["bound"]

    again = hypotest("run", place, "--out", tmp_path / "again", HYPOTEST_CACHE=own_cache)
    assert results_of(again, tmp_path / "again")[0].status == "confirmatory"

    shutil.rmtree(model)
    other_weights(small_model_folder, model)
    done = hypotest("run", place, "--out", tmp_path / "second", HYPOTEST_CACHE=own_cache)
    second, _ = results_of(done, tmp_path / "second")
    assert second.status == "exploratory"
    assert "the first network that satisfies it, which another one was (bound on" in " ".join(second.reasons)
    assert "hashes.weights" in [item.key for item in second.deviations]
    assert len(place.with_name("registry.jsonl").read_text().splitlines()) == 2

    (run,) = (tmp_path / "second").glob("small/*")
    deviations = hypotest("export", place, "--run", run)
    (row,) = [line for line in deviations.stdout.splitlines() if "weights" in line and line.startswith("| ")]
    assert "another network: can change every number" in row and "*(yours to write)*" in row

    checked = hypotest("verify", folder, "--protocol", place, HYPOTEST_CACHE=own_cache)
    assert "registration" in checked.stdout
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_network_that_was_tried_under_another_plan_is_not_passed_over(
    hypotest, small_protocol, small_model_folder, tmp_path
):
    """The first network's result disappoints, under another name; the next one is not the first."""
    place = small_plan(small_protocol, tmp_path / "protocols", tmp_path / "model")
    cache = str(tmp_path / "cache")
    done = hypotest(
        "register", place, "--subject-later", CRITERION, "--family", "gpt_neox", HYPOTEST_CACHE=cache
    )
    assert done.returncode == 0, done.stderr
    pilot = place.with_name("pilot.yaml")
    text = place.read_text(encoding="utf-8").replace(str(tmp_path / "model"), str(small_model_folder))
    pilot.write_text(text.replace("id: small", "id: pilot").replace("seed: 11", "seed: 12"), encoding="utf-8")
    assert hypotest("run", pilot, "--out", tmp_path / "out", HYPOTEST_CACHE=cache).returncode == 0
    other_weights(small_model_folder, tmp_path / "model")
    done = hypotest("run", place, "--out", tmp_path / "out", HYPOTEST_CACHE=cache)
    registration, _ = results_of(done, tmp_path / "out")
    assert registration.status == "exploratory"
    assert "that satisfies what can be checked was run first" in " ".join(registration.reasons)
    assert "of the evaluation documents, by pilot" in " ".join(registration.reasons)
    assert json.loads(place.with_name("small.lock.json").read_text())["later"]["bound"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--family", "opt"), "add --subject-later"),
        (("--parameters", "1-2"), "add --subject-later"),
        (("--subject-later", "x", "--fresh-documents"), "choose one"),
        (("--subject-later", " "), "must say in 1 to 1,000 characters"),
        (("--subject-later", "x", "--parameters", "many"), "must be MIN-MAX"),
    ],
)
def test_wrong_options_are_refused(hypotest, small_protocol, arguments, message):
    done = hypotest("register", small_protocol, *arguments)
    assert done.returncode == 2
    assert message in done.stderr and "Traceback" not in done.stderr
