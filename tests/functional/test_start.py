"""What each command loads before it answers: counted in packages, since seconds are the machine's."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROTOCOL = Path(__file__).parents[2] / "protocols" / "rare-tokens.yaml"
COMMAND_LINE = {"annotated_doc", "rich", "shellingham", "typer", "typing_extensions"}
"""typer and what it is made of."""
LANGUAGE = COMMAND_LINE | {"annotated_types", "pydantic", "pydantic_core", "ruamel", "typing_inspection"}
"""To read a protocol."""
MEASURES = LANGUAGE | {"numpy"}
"""To check it: a measure's file holds its arithmetic, too, which imports what is slow where it is used."""
MOST_MODULES = 520
"""Python's own included; torch alone would bring a thousand."""

WATCHED = """
import contextlib, io, json, sys
before = set(sys.modules)
import hypotest
code = None
if sys.argv[1:]:
    from hypotest.__main__ import main
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            main(sys.argv[1:])
        except SystemExit as done:
            code = done.code
loaded = set(sys.modules) - before
packages = {name.partition(".")[0] for name in loaded} - set(sys.stdlib_module_names) - {"hypotest"}
print(json.dumps([code, sorted(name for name in packages if not name.startswith("_")), len(loaded)]))
"""


def loaded(*arguments: str) -> tuple[int | None, set[str], int]:
    """Exit code, packages other than Python's own, number of modules."""
    done = subprocess.run(
        [sys.executable, "-c", WATCHED, *arguments], capture_output=True, text=True, check=True, timeout=120
    )
    code, packages, n_modules = json.loads(done.stdout)
    return code, set(packages), n_modules


def test_importing_hypotest_imports_nothing_else() -> None:
    code, packages, n_modules = loaded()
    assert (code, packages) == (None, set())
    assert n_modules < 30


def test_help_needs_the_command_line_alone() -> None:
    code, packages, n_modules = loaded("--help")
    assert code == 0 and packages <= COMMAND_LINE
    assert n_modules < MOST_MODULES


@pytest.mark.parametrize("command", [("validate", str(PROTOCOL)), ("schema",)], ids=lambda item: item[0])
def test_a_protocol_is_checked_without_any_model_or_statistics(command: tuple[str, ...]) -> None:
    code, packages, n_modules = loaded(*command)
    assert code == 0 and packages <= MEASURES
    assert n_modules < MOST_MODULES


def test_explain_needs_no_model() -> None:
    code, packages, _ = loaded("explain", str(PROTOCOL))
    assert code == 0 and packages <= MEASURES


NO_RUNS = {
    "nothing": lambda place: place / "no-such-folder",
    "a file": lambda place: _file(place / "results.json", "{}"),
    "an empty folder": lambda place: place,
    "another program's results": lambda place: _file(place / "results.json", '{"score": 1}').parent,
    "another program's manifest": lambda place: _file(place / "manifest.json", "[]").parent,
    "results of another version": lambda place: (
        _file(place / "results.json", '{"schema_version": 1, "title": "old"}').parent
    ),
}


def _file(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("what", NO_RUNS.values(), ids=NO_RUNS)
def test_verify_refuses_what_is_no_run_before_it_loads_a_library(what, tmp_path: Path) -> None:
    code, packages, n_modules = loaded("verify", str(what(tmp_path)))
    assert code == 1 and packages <= MEASURES
    assert n_modules < MOST_MODULES


def test_results_of_another_version_are_told_by_their_number(tmp_path: Path) -> None:
    place = NO_RUNS["results of another version"](tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "hypotest", "verify", str(place)], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    assert "schema_version must be" in done.stderr and "found 1" in done.stderr
