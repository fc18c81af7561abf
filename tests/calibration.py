"""The full calibration, and its table in docs: ``make calibrate``."""

import sys

from hypotest.pages.markdown import markdown
from hypotest.studies.calibration.calibrate import read_calibration
from hypotest.studies.calibration.page import calibration_summary
from tests.example import command
from tests.texts import ROOT, put

RESULT = ROOT / "reports" / "calibration" / "calibration.json"
MARK = "calibration"
"""Of its table in docs."""


def main() -> None:
    """Simulate what is not there yet, write the result, and copy the summary into docs."""
    command("calibrate", "--out", str(RESULT.parent), *sys.argv[1:])
    summary = markdown(*calibration_summary(read_calibration(RESULT)).blocks)
    put(summary, MARK)


if __name__ == "__main__":
    main()
