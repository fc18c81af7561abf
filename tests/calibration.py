"""The full calibration, and its table in the README: ``make calibrate``."""

import sys

from hypotest.pages.markdown import markdown
from hypotest.studies.calibration.calibrate import read_calibration
from hypotest.studies.calibration.page import calibration_summary
from tests.example import ROOT, command, readme_with

RESULT = ROOT / "reports" / "calibration" / "calibration.json"
MARK = "calibration"
"""Of the README."""


def main() -> None:
    """Simulate what is not there yet, write the result, and copy the summary into the README."""
    command("calibrate", "--out", str(RESULT.parent), *sys.argv[1:])
    summary = markdown(*calibration_summary(read_calibration(RESULT)).blocks)
    readme = ROOT / "README.md"
    text = readme_with(summary, MARK, readme.read_text(encoding="utf-8"))
    readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
