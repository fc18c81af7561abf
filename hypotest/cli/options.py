"""Errors name arguments, as Python takes them; here they become options of the command line."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import typer

from hypotest.cli.app import app


def as_options(message: str) -> str:
    """The same message with options: ``memory=8`` is ``--memory 8``, ``force=True`` is ``--force``.

    Examples:
        >>> import hypotest.cli
        >>> as_options("memory=0: must be above 0; with force=True it goes on (claims=paper.yaml)")
        '--memory 0: must be above 0; with --force it goes on (--with paper.yaml)'
    """
    return _arguments().sub(lambda match: _option(match["name"], match["value"]), message)


def _option(name: str, value: str) -> str:
    option = _options()[name]
    if value in ("", "True"):
        return option
    return f"{option} {value}"


@cache
def _options() -> dict[str, str]:
    """Argument -> option, of all commands; one that is an argument of the command line has none."""
    options = {
        str(item.name): max(item.opts, key=len)
        for command in _commands(typer.main.get_command(app))
        for item in command.params
        if item.opts and item.opts[0].startswith("--")
    }
    return options


@cache
def _arguments() -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.=/-])(?P<name>{'|'.join(_options())})=(?P<value>[^\s:;,)`]*)")


def _commands(command: Any) -> Iterator[Any]:
    yield command
    for inner in getattr(command, "commands", {}).values():
        yield from _commands(inner)
