"""What must hold for the verdict to mean what it says, and how far the run looked."""

from __future__ import annotations

import dataclasses

from hypotest.pages.document import Table
from hypotest.pages.inline import plain
from hypotest.records.results.corpus_result import CrossEntropy
from hypotest.records.results.results import Results
from hypotest.report.sections.assumptions import assumptions_section


def answers(results: Results) -> dict[str, tuple[str, str]]:
    """Assumption -> answer and how it was seen."""
    (table,) = (part for part in assumptions_section(results) if isinstance(part, Table))
    return {plain(row[0]): (plain(row[2]), plain(row[3])) for row in table.rows}


def test_every_assumption_has_an_answer_with_its_number(results: Results) -> None:
    said = answers(results)
    assert said["ablation"][0] == "in part" and "0.0279" in said["ablation"][1]
    assert said["arithmetic"] == (
        "checked",
        "8,192 of them against the whole network: at most 2.1e-06 nats apart, 0.00010 allowed.",
    )
    assert said["linear readout"][0] == "holds"
    assert said["labels"][0] == "in part" and "loss" in said["labels"][1]
    assert said["independent documents"][1].startswith("409 documents carry")
    assert said["exchangeable neighbours"][1].startswith(
        "After matching, the group is apart by 0.28 SD at most"
    )


def test_a_network_that_guesses_violates_one(results: Results) -> None:
    worse = dataclasses.replace(results, cross_entropy=CrossEntropy(9.0, 6.5, 9.01, 100, 4))
    assert answers(worse)["a competent network"][0] == "violated"
    better = dataclasses.replace(results, cross_entropy=CrossEntropy(4.0, 6.5, 9.01, 100, 4))
    assert answers(better)["a competent network"][0] == "checked"


def test_what_was_not_ablated_is_not_called_checked(results: Results) -> None:
    said = answers(dataclasses.replace(results, ablation=None, self_check=None))
    assert said["ablation"][0] == "not checked" and "linear readout" not in said
