"""Stored values: where they are, how they are written, and which libraries made them."""

from __future__ import annotations

import importlib.metadata
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
Case = dict[str, Any]


def write(
    name: str, libraries: Sequence[str], cases: Callable[[], list[Case]], made_by: str | None = None
) -> None:
    """Make the cases and keep them with the versions of the libraries, one case a line.

    They are made by make_NAME.py, or by what is named.
    """
    versions = {library: importlib.metadata.version(library) for library in libraries}
    lines = ",\n".join(json.dumps(case) for case in cases())
    head = json.dumps({"made_by": made_by or f"make_{name}.py", "versions": versions})[:-1]
    (FOLDER / f"{name}.json").write_text(f'{head}, "cases": [\n{lines}\n]}}\n', encoding="utf-8")


def read(name: str, kind: str | None = None) -> list[Case]:
    """The stored cases, all of them or those of one kind."""
    cases: list[Case] = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))["cases"]
    return cases if kind is None else [case for case in cases if case["kind"] == kind]
