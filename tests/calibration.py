"""The full calibration, and its table in the README: ``make calibrate``."""

import sys
from pathlib import Path

from hypotest.pages.markdown import markdown
from hypotest.studies.calibration.calibrate import read_calibration
from hypotest.studies.calibration.page import calibration_summary

ROOT = Path(__file__).parent.parent
RESULT = ROOT / "reports" / "calibration" / "calibration.json"
BEGIN, END = "<!-- calibration: begin -->", "<!-- calibration: end -->"


def readme_with(table: str) -> str:
    """The README with the table between its marks."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    return f"{before}{BEGIN}\n{table}\n{END}{rest.split(END)[1]}"


def main() -> None:
    """Simulate what is not there yet, write the result, and copy the summary into the README."""
    from hypotest.__main__ import main as hypotest

    try:
        hypotest(["calibrate", "--out", str(RESULT.parent), *sys.argv[1:]])
    except SystemExit as finished:
        if finished.code:
            raise
    summary = markdown(*calibration_summary(read_calibration(RESULT)).blocks)
    (ROOT / "README.md").write_text(readme_with(summary), encoding="utf-8")


if __name__ == "__main__":
    main()
