"""Regenerate the committed report and the README's copy of its table: ``make example``."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "reports" / "rare-tokens" / "example"
BEGIN, END = "<!-- verdict: begin -->", "<!-- verdict: end -->"


def shown() -> str:
    """What ``hypotest show`` prints of the example, at 80 columns and without a terminal."""
    command = [sys.executable, "-m", "hypotest", "show", str(EXAMPLE.relative_to(ROOT))]
    environment = {"COLUMNS": "80", "NO_COLOR": "1", "PATH": ""}
    finished = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return "\n".join(line.rstrip() for line in finished.stdout.strip().splitlines())


def readme_with(table: str) -> str:
    """The README with the table between its marks."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n```text\n{table}\n```\n{END}{rest.split(END)[1]}"


def main() -> None:
    """Run the protocol, put its folder in place, and copy the table into the README."""
    from hypotest.__main__ import main as hypotest

    with tempfile.TemporaryDirectory() as folder:
        try:
            hypotest(["run", str(ROOT / "protocols" / "rare-tokens.yaml"), "--out", folder])
        except SystemExit as finished:
            if finished.code:
                raise
        (run,) = Path(folder).glob("*/*/")
        shutil.rmtree(EXAMPLE, ignore_errors=True)
        shutil.copytree(run, EXAMPLE)
    (ROOT / "README.md").write_text(readme_with(shown()), encoding="utf-8")


if __name__ == "__main__":
    main()
