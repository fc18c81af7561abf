"""Through the command line: what can be checked in a second is checked before anything else happens."""

import json
import os
import re
import shutil
import subprocess
import sys

import pytest

COMMANDS = {
    "run": ("run", "P", "--out", "O"),
    "multiverse": ("multiverse", "P", "--out", "O"),
    "power": ("power", "P", "--out", "O"),
    "explore": ("explore", "P", "--out", "O"),
    "corpus check": ("corpus", "check", "P", "--out", "O"),
    "calibrate": ("calibrate", "--out", "O"),
    "compare": ("compare", "A", "B", "--out", "O"),
    "reference train": ("reference", "train", "--out", "O"),
}


WITHOUT_TORCH = """
import io, json, os, sys
from contextlib import redirect_stderr, redirect_stdout
from hypotest.__main__ import main

for line in sys.stdin:
    arguments, environment = json.loads(line)
    before = dict(os.environ)
    os.environ.update(environment)
    output, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors):
        try:
            main(arguments)
            left = "it did not exit"
        except SystemExit as done:
            left = done.code or 0
    os.environ.clear()
    os.environ.update(before)
    print(json.dumps([left, output.getvalue(), errors.getvalue()]), flush=True)
"""


@pytest.fixture(scope="module")
def python_without_torch(cache, tmp_path_factory):
    """One Python for all commands of this file, in which importing torch ends the command."""
    folder = tmp_path_factory.mktemp("without")
    (folder / "torch.py").write_text("raise SystemExit('torch was imported')")
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "HYPOTEST_CACHE": str(cache), "COLUMNS": "80", "PYTHONPATH": path}
    with subprocess.Popen(
        [sys.executable, "-c", WITHOUT_TORCH],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        yield process
        process.stdin.close()
    assert process.returncode == 0


@pytest.fixture
def quick(python_without_torch):
    """Run a command there: what needs no torch is refused without it."""

    def call(*arguments, **environment):
        given = list(map(str, arguments))
        python_without_torch.stdin.write(json.dumps([given, environment]) + "\n")
        python_without_torch.stdin.flush()
        answer = python_without_torch.stdout.readline()
        assert answer, "the process ended, with a traceback in the captured errors"
        code, output, errors = json.loads(answer)
        assert code != "torch was imported"
        return subprocess.CompletedProcess(given, code, output, errors)

    return call


def test_importing_torch_would_be_seen(quick, small_protocol, tmp_path):
    with pytest.raises(AssertionError, match="torch was imported"):
        quick("run", small_protocol, "--out", tmp_path)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_place_that_cannot_bewritten(quick, small_protocol, tmp_path, name):
    (tmp_path / "file").write_text("mine")
    known = {"P": small_protocol, "O": tmp_path / "file"}
    done = quick(*(known.get(item, item) for item in COMMANDS[name]))
    assert done.returncode == 2, done.stderr
    assert "--out" in done.stderr and "is no folder" in done.stderr
    assert not done.stdout
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("command", ["run", "register", "multiverse", "power", "explore", "verify"])
def test_an_unknown_device(quick, small_protocol, command):
    done = quick(command, small_protocol, "--device", "gpu")
    assert done.returncode == 2
    assert "--device gpu: there is no such device; name one of auto, cpu" in done.stderr


@pytest.mark.parametrize("command", ["run", "multiverse", "power", "explore"])
def test_a_cache_that_cannot_bewritten(quick, small_protocol, tmp_path, command):
    (tmp_path / "file").touch()
    cache = str(tmp_path / "file")
    done = quick(command, small_protocol, "--out", tmp_path / "o", HYPOTEST_CACHE=cache)
    assert done.returncode == 1
    assert "HYPOTEST_CACHE" in done.stderr and "is no folder" in done.stderr
    assert not (tmp_path / "o").exists()


@pytest.mark.parametrize(
    "command", ["validate", "run", "register", "multiverse", "power", "explore", "corpus check"]
)
def test_a_layer_that_the_network_does_not_have(quick, small_protocol, command):
    path = small_protocol.with_name("deep.yaml")
    path.write_text(small_protocol.read_text().replace("subject: {", "subject: {layer: 7, "))
    done = quick(*command.split(), path)
    assert done.returncode == 2
    assert "deep.yaml:4:18 subject.layer: must be one of the layers 0 to 3" in done.stderr


def test_a_text_that_gives_too_little_is_known_before_the_weights_are_read(
    hypotest, small_protocol, small_model_folder, tmp_path
):
    model = tmp_path / "model"
    shutil.copytree(small_model_folder, model)
    (model / "model.safetensors").write_bytes(b"no weights")
    path = small_protocol.with_name("greedy.yaml")
    text = small_protocol.read_text().replace(f"model: {small_model_folder}", f"model: {model}")
    path.write_text(text.replace("positions: 120", "positions: 90000"))
    done = hypotest("run", path, "--out", tmp_path)
    assert done.returncode == 1
    assert "ask for at most" in done.stderr


def test_a_registry_that_does_not_verify_is_known_before_the_model_is_loaded(
    hypotest, tmp_path, small_protocol
):
    path = tmp_path / "small.yaml"
    text = re.sub(r"(?<=[\[ ])(\d+\.txt)", rf"{small_protocol.parent}/\1", small_protocol.read_text())
    path.write_text(text)
    (tmp_path / "registry.jsonl").write_text("{}\n")
    done = hypotest("register", path)
    assert done.returncode == 1
    assert "nothing is added to a registry that does not verify" in done.stderr
    assert "model, text" not in done.stderr


@pytest.mark.parametrize("command", ["multiverse", "power", "explore"])
@pytest.mark.parametrize(("layers", "named"), [("all", "all"), ("[1, -1]", "2")])
def test_a_series_where_one_network_is_needed(quick, small_protocol, command, layers, named):
    path = small_protocol.with_name("layers.yaml")
    path.write_text(small_protocol.read_text().replace("subject: {", f"subject: {{layer: {layers}, "))
    done = quick(command, path)
    assert done.returncode == 2
    assert (
        f"subject.layer: must be one layer for `hypotest {command}`; found {named}: name one" in done.stderr
    )


def test_a_protocol_to_verify_with_that_is_not_there(hypotest, tmp_path):
    done = hypotest("verify", tmp_path, "--protocol", tmp_path / "nowhere.yaml")
    assert done.returncode == 2
    assert "nowhere.yaml: no such file: check the path" in done.stderr
