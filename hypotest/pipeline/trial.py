"""Trying a plan out on a part of its selection split, in little time and without a look ahead.

The documents are divided as the whole plan divides them, and only then are positions taken, so that no trial
of whatever size touches a document that the run will evaluate on.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from hypotest.collect.sample import Sample, selection_key
from hypotest.corpora.sampling import blocks_for_heads
from hypotest.engine.session import Session
from hypotest.errors import EvidenceError, HypotestError
from hypotest.groups.live import without_dead
from hypotest.measures.registry import MEASURES
from hypotest.nulls.form import Form
from hypotest.nulls.registry import declared, form_of, opponents, with_nulls
from hypotest.pages.notebook import show_as
from hypotest.pipeline.analysis.analysis import analyse, group_values
from hypotest.pipeline.checks.channels import check_channels
from hypotest.pipeline.checks.plausibility import measure_cross_entropy
from hypotest.pipeline.checks.reach import check_reach
from hypotest.pipeline.collection import collect_selected, self_check
from hypotest.pipeline.lesions import lesioned
from hypotest.pipeline.prepare import prepare
from hypotest.pipeline.registered.manifest import Stopwatch
from hypotest.pipeline.registered.registered import kept_out_of_evaluation
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.wording import material_words
from hypotest.records.results.trial import TrialPrediction, TrialResult, require_positions
from hypotest.registration import protocol_hash
from hypotest.report.trial import trial_summary, write_trial
from hypotest.subjects.kinds import Subject
from hypotest.testing.halves import divide, whole
from hypotest.testing.selection import select_observed

DRAWS = 199
"""Of each null, at most."""
_HEAD_BLOCKS = 32
_REWIRINGS = 19
_LONGEST = 300
_UNDEFINED = (ValueError, ArithmeticError, np.linalg.LinAlgError)
"""What measures raise when they are given too little; of a run they are faults, of a trial an answer."""


show_as(TrialResult, trial_summary)


def try_plan(
    plan: Protocol,
    path: Path,
    folder: Path,
    limit: int,
    session: Session,
    *,
    subject: Subject | None,
    force: bool = False,
) -> TrialResult:
    """Try a plan: load, read, collect, select, measure every prediction, and say what it gave.

    Args:
        plan: The whole plan.
        path: The protocol's file, whose folder relative paths start from.
        folder: Gets ``trial.md`` and ``trial.json``, in the place of what an earlier trial left there.
        limit: Positions per condition, taken from the selection split.
        session: What it computes with.
        subject: Instead of loading the one that the plan names.
        force: As for `hypotest.run`.

    Raises:
        ProtocolError: If fewer than 8 positions are asked for, or the plan cannot be run.
        RunError: If the text gives too few positions or documents, no group can be selected, or evidence
            cannot be collected.
    """
    require_positions(limit)
    watch = Stopwatch(session.start_stage)
    session, streams = session.telling(watch), session.streams
    kept_out = kept_out_of_evaluation(path)
    prepared = prepare(plan, path.parent, session, subject, kept_out=kept_out, force=force)
    check_channels(plan, prepared.subject.channels, prepared.subject.name, path)
    check_reach(plan, prepared, prepared.subject.n_neurons, path)
    measure_cross_entropy(prepared, session, force=force)
    sample = limited(prepared.samples["selection"], limit, streams("trial"))
    selection = collect_selected(plan, prepared, sample, session)
    check = self_check(prepared, whole(selection), session)
    evidence = divide(selection, streams)
    after = selection_key(prepared.subject, sample, prepared.ablation)
    try:
        live = without_dead(evidence)
        chosen = select_observed(live.selection, plan.group, streams, live.numbers)
    except (EvidenceError, *_UNDEFINED) as error:
        raise EvidenceError(
            f"a trial with {limit} positions per condition is too small to select neurons "
            f"({_line(str(error))}); take more: limit={4 * limit}"
        ) from None
    evidence, _ = lesioned([plan], prepared, evidence, selection.split, after, session, "selection")
    step = session.stage("predictions", len(plan.predictions))
    tried = []
    for item in plan.predictions:
        tried.append(_try(item, plan, evidence))
        step()
    result = TrialResult(
        protocol_id=plan.id,
        protocol_hash=protocol_hash(plan),
        title=plan.title,
        words=material_words(plan),
        subject=prepared.subject.name,
        layer=prepared.subject.layer,
        asked=limit,
        positions=int(sample.first.sum()),
        selecting=int(np.unique(evidence.selection.documents).size),
        measuring=int(np.unique(evidence.evaluation.documents).size),
        untouched=prepared.samples["evaluation"].positions["document"].n_unique(),
        planned=plan.sample.positions,
        group=int(chosen.group.size),
        n_neurons=evidence.n_neurons,
        rule=chosen.rule,
        is_selected=plan.group.is_selected,
        draws=DRAWS,
        predictions=tuple(tried),
        self_check=check,
        seconds=dict(watch.seconds),
        folder=folder,
    )
    write_trial(result)
    return result


def limited(sample: Sample, limit: int, rng: np.random.Generator) -> Sample:
    """Some positions of a split, spread over as many of its documents as possible.

    Args:
        sample: The split.
        limit: Positions per condition; all that there are if they are fewer.
        rng: Source of randomness.

    Returns:
        As many positions of both conditions in each block, and at most 32 blocks for attention heads.
    """
    rows = sample.positions.with_row_index("row")
    turns = (
        rows.filter(pl.Series(sample.first))
        .with_columns(pl.Series("chance", rng.random(int(sample.first.sum()))))
        .sort("chance")
        .with_columns(pl.int_range(pl.len()).over("document").alias("turn"))
        .sort("turn", "chance")
        .head(limit)
    )
    kept, alone = set(turns["row"].to_list()), 0
    second = rows.filter(pl.Series(sample.second))
    for (block,), own in turns.group_by("block", maintain_order=True):
        left = second.filter(~pl.col("row").is_in(list(kept)))
        partners = left.filter(pl.col("block") == block)
        free = dict(zip(partners["row"].to_list(), partners["index"].to_list(), strict=True))
        if len(free) < own.height:  # pairs need not share a block
            free = dict(zip(left["row"].to_list(), left["index"].to_list(), strict=True))
        for index in own["index"].to_list():
            if not free:  # blocks that are examples or rows hold one position
                alone += 1
                continue
            nearest = min(free, key=lambda row: (abs(free[row] - index), row))
            kept.add(nearest)
            del free[nearest]
    others = [row for row in second["row"].to_list() if row not in kept]
    kept.update(others[place] for place in rng.permutation(len(others))[:alone].tolist())
    positions = sample.positions[sorted(kept)]
    return Sample(sample.tokens, positions, blocks_for_heads(positions, _HEAD_BLOCKS, rng))


def small_plan(plan: Protocol, prediction: Prediction) -> Protocol:
    """The plan for one prediction, with few draws; what only outcomes need is left out."""
    alone = prediction.model_copy(update={"margin": None})
    nulls = {
        item.name: item.null.fewer(item.options, _REWIRINGS if item.null.form is Form.EDGES else DRAWS)
        if item.name in opponents(str(prediction.contrast.null)) and item.null.form is not Form.NETWORKS
        else None
        for item in declared(plan)
    }
    return with_nulls(plan, nulls).model_copy(
        update={
            "predictions": (alone,),
            "intervals": plan.intervals.model_copy(update={"reselection": False}),
            "splits": 1,
        }
    )


def _try(prediction: Prediction, plan: Protocol, evidence: Evidence) -> TrialPrediction:
    """One prediction alone, so that one that cannot be measured does not stop the others."""
    shown = TrialPrediction(
        id=prediction.id,
        role=prediction.role,
        measure=prediction.measure,
        title=MEASURES[prediction.measure].words.of(plan.names).title,
        reference=str(prediction.contrast.null or ""),
        observed=None,
        reference_value=None,
        note="",
    )
    small = small_plan(plan, prediction)
    try:
        if form_of(prediction.contrast) is not Form.NETWORKS:
            (result,) = analyse(small, evidence).predictions
            return replace(
                shown,
                reference=result.against,
                observed=result.observed,
                reference_value=result.reference_value,
                note=_too_few(result.notes[0]) if result.outcome == "undefined" else "",
            )
        shown = replace(shown, note="a trial leaves untrained networks out")
    except (HypotestError, *_UNDEFINED) as error:
        shown = replace(shown, note=_too_few(str(error)))
    return replace(shown, observed=_alone(small, evidence))


def _alone(small: Protocol, evidence: Evidence) -> float | None:
    """What a group measure gives without a null; None where it is undefined, or no group measure."""
    try:
        (value,) = group_values(small, evidence).values()
    except (HypotestError, *_UNDEFINED):
        return None
    return value if np.isfinite(value) else None


def _too_few(reason: str) -> str:
    return f"no comparison on so few positions: {_line(reason)}"


def _line(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
