"""Registration from the command line: lock, run, change, tamper."""

import json
import shutil

import pytest

from hypotest.report.export import read_results

pytestmark = pytest.mark.usefixtures("no_figures")


@pytest.fixture(scope="module")
def own_cache(tmp_path_factory):
    """Without the evidence that other tests have collected for the same protocol."""
    return str(tmp_path_factory.mktemp("own-cache"))


@pytest.fixture(scope="module")
def folder(small_protocol, tmp_path_factory):
    """The small protocol with three of its predictions, in a folder of its own."""
    folder = tmp_path_factory.mktemp("registered") / "protocols"
    shutil.copytree(small_protocol.parent, folder)
    for path in folder.glob("*.yaml"):
        path.unlink()
    head, predictions = small_protocol.read_text(encoding="utf-8").split("predictions:\n")
    parts = predictions.split("  - id: ")
    kept = "".join(
        f"  - id: {part}" for part in parts if part.startswith(("coordination", "routing", "single-head"))
    )
    text = f"{head}predictions:\n{kept}seed: 11\n".replace("  label_shuffled: {draws: 399}\n", "")
    (folder / "small.yaml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def registered(hypotest, folder, own_cache, no_figures):
    done = hypotest("register", folder / "small.yaml", HYPOTEST_CACHE=own_cache)
    assert done.returncode == 0, done.stderr
    return done


def run(hypotest, protocol, out, own_cache, *arguments):
    done = hypotest("run", protocol, "--out", out, *arguments, HYPOTEST_CACHE=own_cache)
    assert done.returncode == 0, done.stderr
    (run_folder,) = out.glob("small/*")
    first = (run_folder / "report.md").read_text(encoding="utf-8").splitlines()[0]
    return done, read_results(run_folder / "results.json"), first, run_folder


def test_registering_says_what_it_did(registered, folder):
    assert "small.yaml is registered as of" in registered.stdout
    assert "entry 1" in registered.stdout
    assert "its run is confirmatory" in registered.stdout.lower()
    lock = json.loads((folder / "small.lock.json").read_text())
    (line,) = (folder / "registry.jsonl").read_text().splitlines()
    assert json.loads(line)["lock"] == lock


def test_a_registered_run_is_confirmatory(registered, hypotest, folder, own_cache, tmp_path):
    done, results, first, run_folder = run(hypotest, folder / "small.yaml", tmp_path, own_cache)
    assert done.stdout.startswith("CONFIRMATORY: run as registered on ")
    assert "CONFIRMATORY" in done.stderr  # also before it takes its time
    assert results.registration.status == "confirmatory"
    assert (results.registration.reasons, results.registration.deviations) == ((), ())
    assert first.startswith("**Confirmatory**: run as registered on ")
    shown = hypotest("show", run_folder)
    assert shown.stdout.startswith("CONFIRMATORY")
    # registering after the run: already done, nothing changes
    again = hypotest("register", folder / "small.yaml", HYPOTEST_CACHE=own_cache)
    assert again.returncode == 0, again.stderr
    assert "is registered already" in again.stdout


def test_a_changed_run_is_exploratory_with_a_table(registered, hypotest, folder, own_cache, tmp_path):
    # locks and registry stay; the changed protocol lies in a copy of the folder
    copy = tmp_path / "protocols"
    shutil.copytree(folder, copy)
    path = copy / "small.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("margin: {raw: 0.1}", "margin: {raw: 0.2}"))
    done, results, first, _ = run(hypotest, path, tmp_path / "out", own_cache, "--seed", "12")
    assert done.stdout.startswith("EXPLORATORY: ")
    assert "EXPLORATORY" in done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80 or "Report:" in done.stdout
    assert first.startswith("**Exploratory**: ")
    deviations = {item.key: (item.registered, item.run) for item in results.registration.deviations}
    assert deviations["seed"] == (11, 12)
    assert deviations["predictions.routing.margin.raw"] == (0.1, 0.2)
    for key in ("seed", "predictions.routing.margin.raw"):
        assert key in done.stdout


def test_an_unregistered_run_is_exploratory(registered, hypotest, folder, own_cache, tmp_path):
    copy = tmp_path / "protocols"
    shutil.copytree(folder, copy)
    (copy / "small.lock.json").unlink()
    done, results, first, _ = run(hypotest, copy / "small.yaml", tmp_path / "out", own_cache)
    assert done.stdout.startswith("EXPLORATORY: not registered: no small.lock.json beside the protocol.")
    assert results.registration.lock is None
    assert first.startswith("**Exploratory**: not registered")


def test_the_registry_is_verified(registered, hypotest, folder, tmp_path):
    done = hypotest("registry", "verify", folder)
    assert done.returncode == 0, done.stderr
    assert "1 entry, and locks that agree" in done.stdout
    copy = tmp_path / "protocols"
    shutil.copytree(folder, copy)
    registry = copy / "registry.jsonl"
    registry.write_text(registry.read_text().replace('"layer":3', '"layer":2'))
    done = hypotest("registry", "verify", copy)
    assert done.returncode == 1
    assert "registry.jsonl:1: altered: its content does not give its hash" in done.stdout
    assert "does not verify" in done.stderr
    registry.unlink()
    done = hypotest("registry", "verify", copy)
    assert done.returncode == 1
    assert "small.lock.json: has no entry in registry.jsonl" in done.stdout
    assert hypotest("registry", "verify", tmp_path / "nowhere").returncode == 1


@pytest.mark.parametrize("command", [("register",), ("registry", "verify")])
def test_help_with_an_example(hypotest, command):
    done = hypotest(*command, "--help")
    assert done.returncode == 0
    assert f"Example: hypotest {' '.join(command)}" in done.stdout


def test_a_protocol_that_is_wrong_is_not_registered(hypotest, tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("hypotest: 1\n")
    done = hypotest("register", path)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert [item.name for item in tmp_path.iterdir()] == ["p.yaml"]
