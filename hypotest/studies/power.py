"""Before any evaluation data: what a plan can see, and what its run will take.

The selection split's documents are divided in two. The group is selected on one half and measured on the
other, by the very code of a run, so that no neuron is judged by the noise that selected it. Nothing of the
evaluation split is run through the model or read; only its number of documents enters.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from hypotest.collect.ablation import MEMORY
from hypotest.errors import EvidenceError
from hypotest.pipeline.analysis import Analysis, analyse
from hypotest.pipeline.halves import divide
from hypotest.pipeline.manifest import Stopwatch
from hypotest.pipeline.prepare import HEAD_BLOCKS, Prepared
from hypotest.pipeline.randomness import Streams
from hypotest.records.evidence import Evidence, SelectionEvidence
from hypotest.records.power import Costs, PowerDocuments, PowerResult, StageCost
from hypotest.records.prediction import Prediction
from hypotest.records.progress import StartStage, silent
from hypotest.records.protocol import Protocol, TopFraction
from hypotest.registration.measures import MEASURES
from hypotest.report.power_export import write_power
from hypotest.studies.costs import (
    evidence_bytes,
    extrapolate_analysis,
    peak_memory,
    repeated_work,
    time_collection,
)
from hypotest.studies.outcome_reach import reach_of_margin, reach_of_outcomes, refusals, warnings
from hypotest.studies.power_grid import (
    compare_halved,
    foresee,
    lay_foundations,
    power_curves,
    power_table,
)
from hypotest.studies.selection_split import look_at_selection

DRAWS = 1999
"""Draws of each null at sizes other than the declared one, at most."""
SIZES = (0.5, 2.0)
"""Other group sizes, as multiples of the declared one."""
MOST_OF_LAYER = 0.2
"""Larger groups are not tried: they would overlap their own random controls too much."""
_SMALLEST_GROUP = 5


def power(
    protocol: str | Path,
    *,
    out: str | Path | None = None,
    device: str = "auto",
    memory: float = MEMORY,
    start_stage: StartStage = silent,
) -> PowerResult:
    """Foresee what a protocol can see, from its selection split alone.

    Args:
        protocol: Path of the protocol.
        out: Folder that gets ``<out>/<protocol id>/power``; default ``reports``.
        device: ``cpu``, ``cuda``, ``mps`` or ``auto``.
        memory: Bytes that ablation may take beside model and evidence.
        start_stage: Told of each stage and its number of steps, for progress.

    Returns:
        Table, curves, refusals and costs; the same lie in the result's folder.

    Raises:
        ProtocolError: If the protocol cannot be run; carries every problem.
        RunError: If evidence cannot be collected; what was finished stays in the cache.
    """
    looked = look_at_selection(protocol, "power", out, device, memory, start_stage)
    plan, prepared, selection, streams = looked.plan, looked.prepared, looked.selection, looked.streams
    evidence = divide(selection, streams)
    documents = PowerDocuments(
        selecting=np.unique(evidence.selection.documents).size,
        measuring=np.unique(evidence.evaluation.documents).size,
        planned=prepared.samples["evaluation"].positions["document"].n_unique(),
    )

    timed = Stopwatch(start_stage)
    full = analyse(_variant(plan, plan.predictions), evidence, start_stage=start_stage, watch=timed)
    weighed = [item for item in plan.predictions if item.role != "descriptive" and _foreseeable(item)]
    grouped = [item for item in weighed if MEASURES[item.measure].level != "conditions"]
    thinned, timed_thinned = _thin(plan, grouped, evidence, streams, start_stage)
    widened = compare_halved(plan, full, thinned)
    bases = list(
        lay_foundations(
            plan,
            weighed,
            full,
            widened,
            documents.measuring,
            _documents_with_heads(prepared, documents.planned),
            declared=True,
        )
    )
    notes = []
    for size in other_sizes(len(full.selection.group), evidence.n_neurons):
        for part in _by_null(grouped):
            try:
                other = analyse(
                    _resized(plan, part, size / evidence.n_neurons), evidence, start_stage=start_stage
                )
            except EvidenceError as error:
                notes.append(f"groups of {size:,} neurons: {error}")
                continue
            bases += lay_foundations(
                plan,
                part,
                other,
                widened,
                documents.measuring,
                _documents_with_heads(prepared, documents.planned),
                declared=False,
            )

    predictions = tuple(
        replace(
            foresee(base, plan, documents.planned),
            reach=reach_of_outcomes(base, plan, documents.planned),
            margins=reach_of_margin(base, plan, documents.planned),
        )
        for base in bases
    )
    numbers = sorted({documents.measuring, *(factor * documents.planned for factor in (1, 2, 4))})
    declared = [pair for pair in zip(predictions, bases, strict=True) if pair[0].declared]
    notes += [text for item, base in declared for text in warnings(base.prediction, item.reach, item.margins)]
    notes += _left_out(plan)
    result = PowerResult(
        protocol_id=plan.id,
        title=plan.title,
        level=plan.decision.level,
        corrected_level=plan.decision.level / max(1, len(plan.deciding)),
        n_neurons=evidence.n_neurons,
        group_size=len(full.selection.group),
        documents=documents,
        predictions=predictions,
        table=power_table(bases, plan, documents.planned, numbers),
        curves=power_curves(bases, plan, documents.planned, numbers),
        refused=tuple(reason for item, base in declared for reason in refusals(base.prediction, item.reach)),
        costs=_costs(
            plan,
            prepared,
            selection,
            len(full.selection.group),
            memory,
            looked.cache,
            documents,
            looked.preparing,
            (timed.seconds, timed_thinned.seconds),
            start_stage,
        ),
        notes=tuple(notes),
        folder=looked.folder,
    )
    write_power(result)
    return result


def other_sizes(size: int, n_neurons: int) -> tuple[int, ...]:
    """Group sizes that are tried beside the declared one."""
    found = {round(size * factor) for factor in SIZES}
    return tuple(sorted(k for k in found if _SMALLEST_GROUP <= k <= MOST_OF_LAYER * n_neurons and k != size))


def _thin(
    plan: Protocol, grouped: list[Prediction], evidence: Evidence, streams: Streams, start_stage: StartStage
) -> tuple[Analysis | None, Stopwatch]:
    """The declared analysis with half of the measuring documents: how nulls and times change with them."""
    watch = Stopwatch(start_stage)
    documents = np.unique(evidence.evaluation.documents)
    kept = streams("documents kept").permutation(documents)[: documents.size // 2]
    fewer = replace(evidence, evaluation=evidence.evaluation.of_documents(kept))
    if not grouped:
        return None, watch
    try:
        return analyse(_variant(plan, grouped, DRAWS), fewer, start_stage=start_stage, watch=watch), watch
    except EvidenceError:  # undefined with so few documents: nothing is said about more of them
        return None, Stopwatch(silent)


def _variant(
    plan: Protocol,
    predictions: tuple[Prediction, ...] | list[Prediction],
    most_draws: int | None = None,
) -> Protocol:
    """The plan with some of its predictions, and with fewer draws at most."""
    nulls: dict[str, object] = {"untrained": None}  # other networks: nothing here stands in for them
    if most_draws is not None:
        nulls["rewired"] = None  # descriptive: no prediction rests on it
    for name in ("size_matched", "covariate_matched", "local_matched", "label_shuffled"):
        null = getattr(plan.nulls, name)
        if null is None:
            continue
        update: dict[str, object] = {"stop_after": None} if hasattr(null, "stop_after") else {}
        if most_draws is not None:
            update["draws"] = min(null.draws, most_draws)
        nulls[name] = null.model_copy(update=update)
    return plan.model_copy(
        update={
            "predictions": tuple(item for item in predictions if _foreseeable(item)),
            "nulls": plan.nulls.model_copy(update=nulls),
            "splits": 1,
        }
    )


def _by_null(predictions: list[Prediction]) -> list[list[Prediction]]:
    """Predictions apart that need different nulls: each null costs every measure."""
    names = dict.fromkeys(item.contrast.null for item in predictions)
    return [[item for item in predictions if item.contrast.null == name] for name in names]


def _resized(plan: Protocol, part: list[Prediction], fraction: float) -> Protocol:
    """The plan with a group of another size, and with no more nulls than these predictions need."""
    variant = _variant(plan, part, DRAWS).with_nulls({name for item in part for name in item.needed_nulls})
    group = plan.group.model_copy(update={"select": TopFraction(top_fraction=fraction)})
    return variant.model_copy(update={"group": group})


def _foreseeable(prediction: Prediction) -> bool:
    return prediction.contrast.null not in ("untrained", "rewired")


def _left_out(plan: Protocol) -> list[str]:
    return [
        f"{item.id}: a contrast with {item.contrast.null} networks cannot be foreseen from this one"
        for item in plan.predictions
        if not _foreseeable(item) and item.role != "descriptive"
    ]


def _documents_with_heads(prepared: Prepared, planned: int) -> Callable[[int], int]:
    """From documents of a split to those in which heads are ablated: blocks are limited in number."""
    sample = prepared.samples["evaluation"]
    rows = sample.positions.filter(sample.positions["block"].is_in(sample.head_blocks.tolist()))
    with_heads = rows["document"].n_unique()
    full = sample.head_blocks.size >= HEAD_BLOCKS

    def carried(documents: int) -> int:
        share = documents / planned
        return max(2, round(with_heads * (min(share, 1.0) if full else share)))

    return carried


def _costs(
    plan: Protocol,
    prepared: Prepared,
    selection: SelectionEvidence,
    group_size: int,
    memory: float,
    cache: Path,
    documents: PowerDocuments,
    preparing: dict[str, float],
    analysed: tuple[dict[str, float], dict[str, float]],
    start_stage: StartStage,
) -> Costs:
    stages = [StageCost(name, seconds, False, "timed in full") for name, seconds in preparing.items()]
    collecting = time_collection(
        prepared, selection, group_size, memory, cache, Streams(plan.seed), start_stage
    )
    analysis, per_1000 = extrapolate_analysis(plan, *analysed, DRAWS, documents.measuring, documents.planned)
    sampled = prepared.samples
    here = evidence_bytes(selection.split)
    there = here * sampled["evaluation"].positions.height / sampled["selection"].positions.height
    peak = peak_memory()
    return Costs(
        stages=(*stages, *collecting, *analysis, *repeated_work(plan, collecting, analysis)),
        seconds_per_1000_draws=per_1000,
        model_bytes=sum(item.numel() * item.element_size() for item in prepared.subject.model.parameters()),
        evidence_bytes=round(here + there),
        # the halves were copies of the selection split: they stood where the evaluation split will
        peak_bytes=None if peak is None else round(peak - here + there),
        notes=("start-up, report and figures are not included",),
    )
