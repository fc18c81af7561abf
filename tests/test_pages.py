"""Every command, protocol and line of Python on a page of docs is one that hypotest takes."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer.main
from pydantic import create_model
from ruamel.yaml import YAML

import hypotest
from hypotest.cli import app
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration import load_protocol
from tests.example import EXPLAINED, explained
from tests.texts import fenced, pages, stands

COMMAND = typer.main.get_command(app)


def commands(page: Path) -> Iterator[str]:
    """Lines of hypotest in blocks of a shell."""
    for kind in ("console", "sh"):
        for block in fenced(kind, page):
            lines = block.replace("\\\n", " ").splitlines()
            for line in lines:
                if command := re.match(r"(?:\$ )?(?:\w+=\S+ )*(?:\.venv/bin/)?hypotest (.*)", line):
                    yield command[1]


def shell_lines() -> list[Any]:
    """A command each, with its page."""
    return [pytest.param(line, id=f"{page.stem}: {line[:60]}") for page in pages() for line in commands(page)]


@pytest.mark.parametrize("line", shell_lines())
def test_commands_are_taken(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command exists, and so do its options and arguments; files stand for those of the page."""
    words = shlex.split(line, comments=True)
    for word in words:
        if word.endswith((".yaml", ".npz")) or word.startswith(("reports/", "RUN")):
            (tmp_path / word).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / word).mkdir() if word.startswith(("reports/", "RUN")) else (tmp_path / word).touch()
    monkeypatch.chdir(tmp_path)
    context, command = None, COMMAND
    while True:
        context = command.make_context(words[0] if words else "hypotest", list(words), parent=context)
        if not hasattr(command, "commands"):
            return
        left = [*context._protected_args, *context.args]
        if not left and command.invoke_without_command:  # a group that does something by itself
            return
        name, command, words = command.resolve_command(context, left)
        assert command is not None, name


def plans() -> list[Any]:
    """Blocks of YAML with their page."""
    return [
        pytest.param(text, id=f"{page.stem}: {text.splitlines()[0][:40]}")
        for page in pages()
        for text in fenced("yaml", page)
    ]


@pytest.mark.parametrize("text", plans())
def test_protocols_are_valid(text: str, tmp_path: Path) -> None:
    """Whole ones as files are; of others every key, but for predictions, whose keys are the hypotheses."""
    if text.startswith("hypotest: 1"):
        (tmp_path / "plan.yaml").write_text(text, encoding="utf-8")
        assert load_protocol(tmp_path / "plan.yaml").predictions
        return
    for name, value in YAML(typ="safe").load(text).items():
        field = Protocol.model_fields[name]
        if name != "predictions":
            create_model("Key", **{name: (Annotated[field.annotation, *field.metadata or (None,)], ...)})(
                **{name: value}
            )


@pytest.mark.parametrize("page", [*pages()], ids=lambda page: page.stem)
def test_python_is_that_of_the_package(page: Path) -> None:
    """It parses, and what it takes from hypotest is public."""
    for text in fenced("python", page):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert node.value.id != "hypotest" or node.attr in hypotest.__all__, node.attr


def test_the_first_protocol_is_explained_as_the_page_says(tmp_path: Path) -> None:
    assert stands(explained(tmp_path), EXPLAINED)
