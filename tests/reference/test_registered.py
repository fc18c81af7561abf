"""The committed reports of the registered runs against what was derived a second time.

`registered.json` is made by `python -m tests.reference.by_hooks.registered`, from the weights and the text,
by code that shares nothing with the package; how far apart two numbers may lie stands in each case, with the
reason: `exact`, `draws`, `search`, `folds`, or other positions.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.reference import values
from tests.reference.by_hooks.registered.claims import agree, claimed, results

RUNS = ("agreement", "code", "induction", "language", "numbers")
CLAIMS = values.read("registered", "claim")
FINDINGS = Path(__file__).parents[2] / "docs" / "results" / "findings.md"


def named(case: values.Case) -> str:
    return f"{case['run']}: {case['path']}"


def said(name: str) -> Any:
    return results(name)[1]


@pytest.mark.parametrize("case", CLAIMS, ids=named)
def test_a_claimed_number_is_the_derived_one(case: values.Case) -> None:
    """Or it is known that it is another."""
    claim = claimed(said(case["run"]), case["path"])
    assert agree(claim, case["derived"], case["within"]) == case["agrees"], claim


@pytest.mark.parametrize("name", RUNS)
def test_every_leading_number_was_derived(name: str) -> None:
    derived = {case["path"] for case in CLAIMS if case["run"] == name}
    leading = {
        "group/neurons",
        "group/control_neurons",
        "overlap",
        "verdicts/modular",
        "verdicts/distributed",
    }
    for item in said(name)["predictions"]:
        at = f"predictions/{item['id']}"
        leading |= {f"{at}/observed", f"{at}/outcome"}
        if item["reference"] in ("label_shuffled", "local_matched"):
            leading |= {f"{at}/ladder/{item['reference']}/{key}" for key in ("mean", "sd", "z", "p_value")}
        if item["reference"] != "label_shuffled":
            leading.add(f"{at}/interval/standard_error")
    assert not leading - derived


@pytest.mark.parametrize("name", RUNS)
def test_a_moved_number_would_be_seen(name: str) -> None:
    """The distances that agree are narrower than the effects: without its effect a value is refused."""
    for item in said(name)["predictions"]:
        (case,) = [
            case
            for case in CLAIMS
            if case["run"] == name and case["path"] == f"predictions/{item['id']}/observed"
        ]
        if item["outcome"] in ("less", "greater") and case["by"] != "own positions":
            assert not agree(item["observed"] - item["effect"], case["derived"], case["within"]), item["id"]


@pytest.mark.parametrize("case", values.read("registered", "today"), ids=lambda c: str(c["run"]))
def test_the_column_of_todays_margins(case: values.Case) -> None:
    """The page of findings says by its last column what is another outcome or verdict by today's margins."""
    (row,) = re.findall(rf"^\| `{case['run']}`.*\| (.*) \|$", FINDINGS.read_text(encoding="utf-8"), re.M)
    others = dict(part.split(" ", 1) for part in row.split(", ")) if row != "the same" else {}
    results_of = said(case["run"])
    for name, derived in case["derived"].items():
        path = f"verdicts/{name}" if name in ("modular", "distributed") else f"predictions/{name}/outcome"
        assert others.get(name, claimed(results_of, path)) == derived, name


OTHERS = {
    ("agreement", "verdicts/distributed"): "hangs on the error of one equivalence",
    ("induction", "predictions/clustering/interval/standard_error"): "ours is twice as large; same outcome",
    ("induction", "predictions/single-head/secondary/top_head_layer"): "50 positions of our own are too few",
    ("induction", "predictions/single-head/secondary/top_head"): "likewise",
    ("induction", "predictions/single-head/interval/standard_error"): "likewise",
    ("language", "predictions/clustering/observed"): "more restarts find a larger Q",
    ("language", "predictions/clustering/ladder/local_matched/z"): "likewise",
    ("language", "predictions/clustering/ladder/local_matched/p_value"): "likewise",
    ("language", "predictions/clustering/interval/standard_error"): "the search jumps between folds",
}
"""What was derived as another number than the report's, and why."""

SAID = (
    ("numbers", "index for the first condition, most selective", 2),
    ("agreement", "index for the first condition, most selective", 2),
    ("code", "index for the first condition, most selective", 2),
    ("induction", "index for the first condition, most selective", 2),
    ("numbers", "index for the first condition, most selective for the second", 2),
    ("agreement", "index for the first condition, most selective for the second", 2),
    ("code", "index for the first condition, most selective for the second", 2),
    ("induction", "index for the first condition, most selective for the second", 2),
    ("agreement", "random groups above every shuffled draw", 2),
    ("code", "random groups above every shuffled draw", 2),
    (
        "numbers",
        "coordination: mean dimension of groups selected under shuffled labels, at the true positions",
        1,
    ),
)
"""Facts whose numbers the page of findings repeats, and to how many decimals."""


def test_the_page_says_what_was_derived() -> None:
    page = FINDINGS.read_text(encoding="utf-8")
    section = page[page.index("### Registered runs, derived a second time") :]
    facts = {(case["run"], case["name"].strip()): case["value"] for case in values.read("registered", "fact")}
    for run, name, decimals in SAID:
        assert f"{abs(facts[run, name]):.{decimals}f}" in section, (run, name)


def test_what_is_known_to_differ() -> None:
    others = {(case["run"], case["path"]) for case in CLAIMS if not case["agrees"]}
    assert others == set(OTHERS)
