"""Conclusions drawn again from what a run stored: committed runs agree, and what is changed is noticed."""

from __future__ import annotations

import dataclasses
import json

import polars as pl
import pytest

import hypotest
from hypotest.records.protocol.protocol import Protocol
from hypotest.studies.verify.stored_draws import NAME, check_stored_draws
from hypotest.studies.verify.tolerances import EXACT, OTHER_SOFTWARE
from tests.example import AS_PUBLISHED, EXAMPLE
from tests.science import MODELS, finished_runs
from tests.unrendered import figures_not_rendered

RUNS = [EXAMPLE, AS_PUBLISHED, MODELS[1].matched, *(run.folder for run in finished_runs())]


def checked(results, nulls, tolerance=EXACT):
    plan = Protocol.model_validate_json(json.dumps(results.protocol), strict=True)
    return check_stored_draws(plan, results, nulls, tolerance)


@pytest.mark.parametrize("folder", RUNS, ids=lambda folder: folder.parent.name)
def test_committed_runs_agree(folder):
    """Exactly here; elsewhere a sum may come out otherwise in its last bit."""
    run = hypotest.open_run(folder)
    assert checked(run.results, run.nulls, OTHER_SOFTWARE).status == "agrees"


@pytest.fixture(scope="module")
def run():
    return hypotest.open_run(EXAMPLE)


def with_prediction(results, name, **changes):
    items = [
        dataclasses.replace(item, **changes) if item.id == name else item for item in results.predictions
    ]
    return dataclasses.replace(results, predictions=tuple(items))


@pytest.mark.parametrize(
    ("name", "changes", "where"),
    [
        ("coordination", {"p_value": 0.0402}, "p_value"),
        ("coordination", {"outcome": "greater"}, "outcome"),
        ("coordination", {"p_adjusted": 0.01}, "p_adjusted"),
        ("clustering", {"margin": (-9.0, 9.0)}, "margin"),
        ("clustering", {"p_equivalence": 1e-4}, "p_equivalence"),
        ("attention", {"p_value": 0.5}, "p_value"),
        ("routing", {"reference_value": 0.9}, "reference_value"),
        ("specialization", {"effect": 0.0}, "effect"),
        ("head-specificity", {"equivalence_ceiling": 0.99}, "equivalence_ceiling"),
        ("spectrum", {"stances": {"modular": "supports", "distributed": "silent"}}, "stances"),
    ],
)
def test_what_is_changed_in_a_prediction_is_noticed(run, name, changes, where):
    (item,) = (one for one in run.results.predictions if one.id == name)
    key, value = next(iter(changes.items()))
    assert getattr(item, key) != value
    check = checked(with_prediction(run.results, name, **changes), run.nulls, OTHER_SOFTWARE)
    assert check.status == "differs"
    assert any(f"[{name}].{where}" in one.where for one in check.differences)


def test_a_changed_verdict_is_noticed(run):
    first, *others = run.results.verdicts
    changed = dataclasses.replace(first, status="supported")
    results = dataclasses.replace(run.results, verdicts=(changed, *others))
    check = checked(results, run.nulls)
    assert [one.where for one in check.differences] == [f"verdicts[{first.hypothesis}].status"]


def test_a_changed_draw_is_noticed(run):
    key = (pl.col("prediction") == "coordination") & (pl.col("null") == "size_matched")
    nulls = run.nulls.with_columns(
        pl.when(key & (pl.col("draw") == 0)).then(1e3).otherwise(pl.col("value")).alias("value")
    )
    check = checked(run.results, nulls)
    assert any("coordination" in one.where and one.where.endswith("mean") for one in check.differences)


def test_missing_draws_are_noticed(run):
    check = checked(run.results, run.nulls.filter(pl.col("null") != "local_matched"))
    assert check.status == "differs" and "no draws of local_matched" in check.detail


def test_another_deciding_null_is_noticed(run):
    """Who puts another comparison first, with its numbers, is found by the protocol."""
    (item,) = (one for one in run.results.predictions if one.id == "coordination")
    order = tuple(sorted(item.ladder, key=lambda rung: rung.id != "size_matched"))
    assert order[0].id != item.ladder[0].id
    check = checked(with_prediction(run.results, "coordination", ladder=order), run.nulls)
    assert any(one.where == "predictions[coordination].ladder[0]" for one in check.differences)


def test_verify_says_what_it_could_do_without_evidence(tmp_path, monkeypatch):
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "empty"))
    with figures_not_rendered():
        verification = hypotest.verify(EXAMPLE)
    (check,) = (item for item in verification.checks if item.name == NAME)
    assert check.status == "agrees" and "not shown by it" in check.detail
    assert not verification.verified and "evidence: selection" in verification.named("not checked")
