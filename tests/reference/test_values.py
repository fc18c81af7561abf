"""The stored values are those that the scripts beside them make."""

from __future__ import annotations

import importlib
import json

import pytest

from tests.reference import values

NAMES = sorted(path.stem.removeprefix("make_") for path in values.FOLDER.glob("make_*.py"))
ELSEWHERE = {"power_law"}  # its library is no dependency of hypotest


def approximately(value: object) -> object:
    """The same with numbers that need not agree to the last digit."""
    if isinstance(value, dict):
        return {key: approximately(item) for key, item in value.items()}
    if isinstance(value, list):
        return [approximately(item) for item in value]
    return pytest.approx(value, abs=1e-9) if isinstance(value, float) else value


@pytest.mark.parametrize("name", NAMES)
def test_values_name_their_script_and_its_libraries(name: str) -> None:
    stored = json.loads((values.FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    script = importlib.import_module(f"tests.reference.make_{name}")
    assert stored["made_by"] == f"make_{name}.py"
    assert set(stored["versions"]) == set(script.LIBRARIES)
    assert "hypotest" not in stored["versions"] and stored["cases"]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(NAMES) - ELSEWHERE))
def test_the_script_makes_the_values(name: str) -> None:
    script = importlib.import_module(f"tests.reference.make_{name}")
    made = json.loads(json.dumps(script.cases()))
    assert made == approximately(values.read(name))
