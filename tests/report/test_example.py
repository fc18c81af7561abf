"""The two examples, and what README and docs copy from them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pytest

from hypotest.records.results.results import Results
from hypotest.report.run import Run
from hypotest.studies.verify.recorded_files import check_files, check_manifest
from tests.example import AS_PUBLISHED, EXAMPLE, side_by_side
from tests.texts import page_with


def test_outcomes_of_both_protocols_stand_side_by_side(
    results: Results, make_undecided: Callable[[Results], Results]
) -> None:
    other = dataclasses.replace(make_undecided(results), protocol_id="as-published")
    other = dataclasses.replace(other, predictions=other.predictions[1:])
    lines = side_by_side(Run(Path("a"), results, {}), Run(Path("b"), other, {})).splitlines()
    assert lines[0] == "| prediction | rare-tokens | as-published |"
    assert len(lines) == 2 + len(results.predictions) + 2
    rows = {row.split(" | ")[0].lstrip("| "): row for row in lines[2:]}
    assert rows["specialization"].endswith("(type), p 0.0010 |  |")  # the other protocol does not ask it
    assert rows["coordination"] == (
        "| coordination | **less**: -2.99 against local_matched, p 0.0010 "
        "| **inconclusive**: -2.99 against local_matched, p 0.210 |"
    )
    assert "equivalent: 0.0070 against common, p < 0.0001 by TOST" in rows["attention"]
    assert "less: -0.318 against the declared value, p < 0.0001" in rows["single-head"]
    assert lines[-2:] == [
        "| **modular** | **refuted** | **undecided** |",
        "| **distributed** | **supported** | **undecided** |",
    ]


def test_only_what_is_between_the_marks_changes() -> None:
    readme = "a\n<!-- both: begin -->\nold\n<!-- both: end -->\nb <!-- verdict: begin --> c\n"
    changed = page_with("new", "both", readme)
    assert changed == readme.replace("old", "new")
    with pytest.raises(ValueError, match="unpack"):
        page_with("new", "missing", readme)


@pytest.mark.parametrize("folder", [EXAMPLE, AS_PUBLISHED], ids=["rare-tokens", "as-published"])
def test_the_manifest_names_the_files_beside_it(folder: Path) -> None:
    """A figure drawn again without a new run is found here, before `hypotest verify` says so to a user."""
    manifest = Run.open(folder).manifest
    checks = [check_manifest(manifest), *check_files(folder, manifest)]
    assert [item for item in checks if item.status != "agrees"] == []
