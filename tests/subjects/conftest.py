"""A copy of the small model, and another configuration in it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def folder(small_model_folder: Path, tmp_path: Path) -> Path:
    """A copy of the small model, to be damaged."""
    return shutil.copytree(small_model_folder, tmp_path / "model")


@pytest.fixture
def configure(folder: Path) -> Callable[..., None]:
    """Changes values of its config.json."""

    def change(**changes: Any) -> None:
        file = folder / "config.json"
        file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))

    return change
