"""Errors name arguments; the command line, and only it, turns them into options."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import hypotest
from hypotest.__main__ import main
from hypotest.cli.options import as_options

PACKAGE = Path(hypotest.__file__).parent
OTHER_TOOLS = ("git ", "pip install", "hf download", "llama-gguf-split", "hypotest ")
"""Commands that are written out whole, options and all."""
PIECES_OF_OTHER_COMMANDS = {
    "registration/locks/repository.py",
    "pipeline/texts/reading.py",
    "subjects/loading/hub.py",
}
"""Files that put together calls of git, and of the Hub's own command."""


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("memory=0: must be above 0", "--memory 0: must be above 0"),
        ("With force=True the run goes on", "With --force the run goes on"),
        ("take more: limit=240", "take more: --limit 240"),
        ("protocol= says where it lies", "--protocol says where it lies"),
        ("or add claims=protocols/papers/a.yaml", "or add --with protocols/papers/a.yaml"),
        ("subject_later=: must say", "--subject-later: must say"),
        ("two, `device=balanced` where", "two, `--device balanced` where"),
        ("out=a: wrong\nseed=-1: wrong", "--out a: wrong\n--seed -1: wrong"),
        ("n_memory=3 and a/out=3 and x.seed=1 stay", "n_memory=3 and a/out=3 and x.seed=1 stay"),
        ("unknown=3 stays", "unknown=3 stays"),
    ],
)
def test_arguments_become_options(message, shown):
    assert as_options(message) == shown


def test_no_text_of_the_package_names_an_option_alone():
    alone = []
    for path in sorted(PACKAGE.rglob("*.py")):
        place = path.relative_to(PACKAGE).as_posix()
        if place.startswith("cli/") or place in PIECES_OF_OTHER_COMMANDS:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            text = re.sub(r"style=\"--[a-z]", "", text)  # a property of CSS
            if re.search(r"(?<![\w-])--[a-z]", text) and not any(tool in text for tool in OTHER_TOOLS):
                alone.append(f"{place}:{node.lineno}: {text.strip()[:80]}")
    assert not alone, "\n".join(alone)


def test_python_and_the_command_line_name_the_same_fault_each_in_its_own_words(capsys, tmp_path):
    protocol = tmp_path / "p.yaml"
    protocol.write_text((PACKAGE / "registration" / "templates" / "minimal.yaml").read_text())
    with pytest.raises(hypotest.errors.ProtocolError, match=r"^device=gpu: there is no such device"):
        hypotest.run(protocol, device="gpu", out=tmp_path)
    with pytest.raises(SystemExit):
        main(["run", str(protocol), "--device", "gpu", "--out", str(tmp_path)])
    assert "error: --device gpu: there is no such device" in capsys.readouterr().err


@pytest.mark.parametrize("memory", [0, -1, float("nan"), float("inf")])
def test_memory_is_in_gb(memory, tmp_path):
    protocol = tmp_path / "p.yaml"
    protocol.write_text((PACKAGE / "registration" / "templates" / "minimal.yaml").read_text())
    for verb in (hypotest.run, hypotest.power, hypotest.explore):
        with pytest.raises(hypotest.errors.ProtocolError, match=f"memory={memory:g}: must be a finite"):
            verb(protocol, memory=memory, out=tmp_path)
