"""From evidence to what ``results.json`` should hold, with no model loaded."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl

from hypotest.engine.session import Session
from hypotest.pipeline.analysis.results import ModelFacts, analyse_every_split, assemble
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.results import Results
from hypotest.report.export import NULLS_SCHEMA
from hypotest.report.numbers import prediction_text
from hypotest.report.results_file import json_text
from hypotest.studies.verify.deviation import largest_deviation, largest_draw_deviation
from hypotest.studies.verify.differences import differences, null_differences
from hypotest.studies.verify.record import Check, Difference
from hypotest.studies.verify.tolerances import Slack, Tolerance, slacks

OF_THE_MODEL = (
    "subject",
    "self_check",
    "ablation.group.together",
    "corpus.frequent (tokens as text)",
    "corpus.balance (but for the loss)",
    "figures.frequencies",
    "contexts (which, and their text)",
)
"""What of ``results.json`` only the model, its tokenizer or the text can tell, in part or in whole."""


def recompute(
    plan: Protocol,
    stored: Results,
    evidence: Evidence,
    networks: Sequence[Mapping[str, float]],
    session: Session,
) -> tuple[Results, pl.DataFrame]:
    """What a run would have stored, given its evidence.

    Args:
        plan: The protocol.
        stored: What the run did store; what only the model can tell is taken from it.
        evidence: Both splits.
        networks: What `hypotest.pipeline.analysis.analysis.group_values` finds in each other network.
        session: What it computes with.

    Returns:
        The results and their null draws.

    Raises:
        EvidenceError: If a measure is undefined for the selected group.
    """
    tested = analyse_every_split(plan, evidence, networks, session)
    expected = assemble(plan, evidence, tested, ModelFacts.stored(stored), stored.registration)
    return expected, tested.nulls.select(pl.col(name).cast(dtype) for name, dtype in NULLS_SCHEMA.items())


def compare_results(
    plan: Protocol,
    stored: Results,
    expected: Results,
    stored_nulls: pl.DataFrame | None,
    nulls: pl.DataFrame,
    tolerance: Tolerance,
) -> Iterator[Check]:
    """One check per prediction, and one per other part of the results.

    Args:
        plan: The protocol.
        stored: From ``results.json``.
        expected: From `recompute`.
        stored_nulls: From ``nulls.parquet``; None if it cannot be read.
        nulls: From `recompute`.
        tolerance: Of the numbers.
    """
    one, two = (json.loads(json_text(results)) for results in (stored, expected))
    rest = _without(one), _without(two)
    yield _check("results: plan and sample", *rest, tolerance, "as the protocol and the evidence say")
    size = len(stored.group.neurons)
    yield _check("results: group", one["group"], two["group"], tolerance, f"{size} neurons", where="group")
    if stored_nulls is None:
        yield Check("nulls.parquet", "not checked", "cannot be read")
        given: dict[str, Slack] = {}
    else:
        differing = tuple(null_differences(stored_nulls, nulls, tolerance))
        draws = f"{nulls.height:,} draws of {nulls.select('prediction', 'null').n_unique()} nulls"
        yield _checked("nulls.parquet", differing, draws, largest_draw_deviation(stored_nulls, nulls))
        given = slacks(
            stored.predictions, expected.predictions, stored_nulls, nulls, len(plan.deciding), tolerance
        )
    for place, item in enumerate(stored.predictions):
        name = f"results: {item.id}"
        if place >= len(expected.predictions):
            yield Check(name, "differs", "not in the protocol", (Difference(item.id, "a result", "none"),))
            continue
        mine, again = one["predictions"][place], two["predictions"][place]
        words = f"{item.outcome}{_p_text(prediction_text(item).p)}"
        slack = given.get(item.id, Slack())
        differing = tuple(differences(mine, again, item.id, tolerance, slack))
        yield _checked(name, differing, words, largest_deviation(mine, again, slack.scale))
    for item in expected.predictions[len(stored.predictions) :]:
        yield Check(f"results: {item.id}", "differs", "missing", (Difference(item.id, "none", item.outcome),))
    line = stored.verdict_line
    yield _check(
        "results: verdicts",
        {name: one[name] for name in ("verdicts", "split_verdicts")},
        {name: two[name] for name in ("verdicts", "split_verdicts")},
        tolerance,
        line,
        slack=Slack(probability=max((item.probability for item in given.values()), default=0.0)),
    )
    yield _check(
        "results: placebos",
        one["placebos"],
        two["placebos"],
        tolerance,
        "none" if stored.placebos is None else f"{stored.placebos.n_splits} make-believe conditions",
        where="placebos",
        slack=Slack(probability=0.0 if stored.placebos is None else stored.placebos.one_draw),
    )
    curves = ("regimes", "spectrum", "heads", "layer_impacts")
    yield _check(
        "results: data of figures",
        {name: one["figures"][name] for name in curves},
        {name: two["figures"][name] for name in curves},
        tolerance,
        "curves, spectrum, heads",
        where="figures",
    )


def _without(results: dict[str, Any]) -> dict[str, Any]:
    """The parts of the results that have no check of their own."""
    own = ("group", "predictions", "verdicts", "split_verdicts", "placebos")
    return {
        **{name: value for name, value in results.items() if name not in own},
        "figures": {"frequencies": results["figures"]["frequencies"]},
    }


def _check(
    name: str,
    stored: Any,
    fresh: Any,
    tolerance: Tolerance,
    detail: str,
    where: str = "",
    slack: Slack | None = None,
) -> Check:
    changed = tuple(differences(stored, fresh, where, tolerance, slack))
    return _checked(name, changed, detail, largest_deviation(stored, fresh))


def _checked(name: str, differing: tuple[Difference, ...], detail: str, deviation: float) -> Check:
    if not differing:
        return Check(name, "agrees", detail, deviation=deviation)
    return Check(name, "differs", "stored is not what follows from the evidence", differing)


def _p_text(text: str) -> str:
    return f", p {text}" if any(character.isdigit() for character in text) else ""
