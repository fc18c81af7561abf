"""A constant is said as it is computed with: texts read it where the code does."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("CALIPER", "17", "lie within 17 tokens"),
        ("HEAD_BLOCKS", "257", "at most 257 blocks"),
        ("HEAD_POSITIONS", "511", "up to 511 rare positions"),
        ("MINIMUM_UNITS", "23", "effectively fewer than 23 documents or types"),
        ("PERMUTATIONS", "8888", "8,888 permutations of the labels"),
        ("LARGEST_IMBALANCE", "0.31", "more than 0.31 SD"),
    ],
)
def test_an_export_says_what_the_code_does(name, value, said, tmp_path):
    out = tmp_path / "registration.md"
    code = (
        "import sys; import hypotest.records.protocol.design as design; "
        f"setattr(design, {name!r}, {value}); "
        "from hypotest.__main__ import main; main(sys.argv[1:])"
    )
    command = [sys.executable, "-c", code, "export", "protocols/rare-tokens.yaml", "--out", str(out)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert said in " ".join(out.read_text(encoding="utf-8").split())
