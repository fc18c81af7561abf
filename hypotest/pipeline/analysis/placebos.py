"""Placebos: what the same tests find where the first condition is make-believe.

Positions of the second condition are all alike in what the protocol asks about. Their target types (or what
else keeps its label together) are divided at random into a make-believe first and second condition; the group
is selected on the first, and every prediction is tested as it is declared, by the null that decides it. About
one in twenty should reject at 0.05. Another division, types with a high against types with a low baseline
loss, has the real ratio of losses as nearly as a cut gives it: an effect that appears there as well may
belong to loss.

No evidence is collected: make-believe conditions have about half of the second condition's positions. p is
only compared with the level, so few draws do: the fewest at which a test is exact at the level, twice
as many for groups. On simulated layers with no effect (25 layers, 20 placebos each) the tests of the shipped
protocol rejected 0.04 to 0.06 (routing, whose errors are too wide near 1, 0.006); random groups reject in all
where loud neurons act together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hypotest.engine.session import Session
from hypotest.engine.streams import Streams
from hypotest.engine.workers import Values
from hypotest.groups.live import without_dead
from hypotest.measures.measure import ConditionMeasure, GroupMeasure
from hypotest.measures.registry import measure_of
from hypotest.nulls.form import Form
from hypotest.nulls.registry import Declared, declared_null
from hypotest.pipeline.analysis.make_believe import (
    cut_by_loss,
    half_of_units,
    loss_ratio,
    losses,
    relabelled,
    rows_of,
    units_of,
)
from hypotest.predicates.combine import exchange_of
from hypotest.predicates.units import EXCHANGES
from hypotest.records.evidence.arrays import IntArray
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.evidence.split import SplitEvidence
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.placebos import PlaceboResult, Placebos
from hypotest.testing.group_measure import BoundMeasure
from hypotest.testing.selection import select
from hypotest.testing.task import Task, Tested
from hypotest.testing.undefined import NO_VALUE

_DRAWS = 2
"""Draws of a null of groups, times the fewest at which a test is exact at the level: 79 at 0.05."""
_UNDEFINED = (np.nan, np.nan)


def run_placebos(protocol: Protocol, evidence: Evidence, session: Session) -> Placebos | None:
    """Test a protocol's predictions on make-believe conditions.

    Args:
        protocol: Its ``placebos``: how many random divisions.
        evidence: Both splits, of the second condition's positions as many as there are.
        session: What it computes with.

    Returns:
        None where the protocol asks for none, or the second condition cannot be divided: of pairs it has one
        row each, which would change labels with none.
    """
    if not protocol.placebos:
        return None
    alone = replace(
        evidence,
        selection=rows_of(evidence.selection, evidence.selection.second),
        evaluation=rows_of(evidence.evaluation, evidence.evaluation.second),
    )
    unit = exchange_of(protocol)
    try:
        units = units_of(alone, unit)
    except ValueError:  # evidence made elsewhere need not say which stretch of text a row lies in
        return None
    if not units.divisible:
        return None
    codes, counts = units.codes, units.counts
    chosen = [
        half_of_units(units, session.streams("placebo units", str(number)))
        for number in range(protocol.placebos)
    ]
    real = loss_ratio(evidence)
    by_loss, reached = cut_by_loss(losses(alone), codes, counts, real)
    divisions = [*chosen, *([] if by_loss is None else [by_loss])]
    plan = protocol.model_copy(
        update={
            "predictions": tuple(item for item in protocol.predictions if not why_no_placebo(item, protocol)),
        }
    )
    values = session.workers(
        "placebos",
        on_make_believe,
        [
            {
                "protocol": plan,
                "evidence": alone,
                "first": mask[codes],
                "seed": int(session.streams("placebo", str(number)).integers(2**62)),
            }
            for number, mask in enumerate(divisions)
        ],
    )
    sizes = [int(counts[mask].sum()) for mask in chosen]
    n_first = int(evidence.selection.first.sum() + evidence.evaluation.first.sum())
    return Placebos(
        n_splits=len(chosen),
        level=protocol.decision.level,
        draws=_n_draws(protocol, Form.GROUPS),
        draws_of_labels=_n_draws(protocol, Form.LABELS),
        positions=(min(*sizes, codes.size - max(sizes)), max(*sizes, codes.size - min(sizes))),
        real_positions=(n_first, codes.size),
        unit=EXCHANGES[unit].words,
        n_units=counts.size,
        loss_ratio=real,
        loss_ratio_reached=reached,
        predictions=tuple(_results(protocol, plan, values, len(chosen))),
    )


def why_no_placebo(prediction: Prediction, protocol: Protocol) -> str:
    """Why a make-believe condition says nothing of a prediction; empty where it does."""
    if prediction.role == "descriptive":
        return "it describes, and decides nothing"
    measure = measure_of(prediction)
    if Channel.LESIONS in measure.needs:
        return "groups were lesioned at once that the conditions select, and none of a make-believe one"
    declared = declared_null(protocol, prediction.contrast.null)
    if declared is not None:
        return declared.null.no_placebo or declared.null.never_decides
    reference = prediction.contrast.reference
    if reference is None or (isinstance(measure, ConditionMeasure) and measure.no_difference == reference):
        return ""
    return (
        f"its value is compared with a number, {reference:g}, of which a make-believe condition makes "
        "nothing "
        "more or less true"
    )


def on_make_believe(protocol: Protocol, evidence: Evidence, first: NDArray[np.bool_], seed: int) -> Values:
    """Effect and p of every prediction where some positions are called the first condition.

    Args:
        protocol: With the predictions that have a placebo.
        evidence: Of the second condition's positions.
        first: Which of them, those of the selection split before those of the other.
        seed: Of all draws.

    Returns:
        Shape (n_predictions, 2); NaN where there is no value, p also where nothing can be concluded.
    """
    n_selection = evidence.selection.positions.height
    divided = replace(
        evidence,
        selection=relabelled(evidence.selection, first[:n_selection]),
        evaluation=relabelled(evidence.evaluation, first[n_selection:]),
    )
    session = Session(Streams(seed))
    try:
        divided = without_dead(divided)
        task = Task(protocol, divided, select(protocol, divided, session.streams), session)
    except NO_VALUE:  # no group can be selected
        return np.full((len(protocol.predictions), 2), np.nan)
    prepared: dict[str, tuple[Declared, object] | None] = {}
    rows = []
    for item in protocol.predictions:
        try:
            rows.append(_tested(item, task, prepared))
        except NO_VALUE:
            rows.append(_UNDEFINED)
    return np.array(rows, dtype=np.float64).reshape(-1, 2)


def _tested(
    item: Prediction, task: Task, prepared: dict[str, tuple[Declared, object] | None]
) -> tuple[float, float]:
    measure = measure_of(item)
    if isinstance(measure, ConditionMeasure):
        return _of_conditions(item, measure, task)
    assert isinstance(measure, GroupMeasure)  # there are no others
    name = str(item.contrast.null)
    if name not in prepared:
        prepared[name] = _prepared(name, task)
    drawn = prepared[name]
    if drawn is None:
        return _UNDEFINED
    declared, state = drawn
    if declared.null.form is Form.GROUPS and not measure.whole_layer:
        bound = _on_few_neurons(item, measure, task)
    else:
        bound = measure.tied(item, task.evidence, task.session)
    observed = float(bound.values(task.selection.group[None, :])[0])
    if not np.isfinite(observed):
        return _UNDEFINED
    tested = Tested(item, bound, observed, task, measure.decided_by_labels)
    variant = declared.null.variants(declared.options)[0]
    compared = declared.null.compare(tested, declared.options, state, variant).comparison
    p_value = np.nan if compared.blocked is not None else compared.p_value
    return compared.observed - compared.mean, p_value


def _prepared(name: str, task: Task) -> tuple[Declared, object] | None:
    """A null with few draws, in its declared variant alone; None where there are none."""
    declared = declared_null(task.protocol, name)
    assert declared is not None  # validation: a contrast refers to declared nulls only
    few = declared.null.drawn_often(declared.options, _n_draws(task.protocol, declared.null.form))
    options = declared.null.alone(few)
    try:
        return Declared(declared.null, options), declared.null.prepare(options, task)
    except NO_VALUE:
        return None


def _n_draws(protocol: Protocol, form: Form) -> int:
    """So few that the test is exact at the level: (B + 1) level / 2 is whole."""
    fewest = protocol.decision.fewest_draws(1)
    return _DRAWS * (fewest + 1) - 1 if form is Form.GROUPS else fewest


def _of_conditions(item: Prediction, measure: ConditionMeasure, task: Task) -> tuple[float, float]:
    if measure.quick is not None:
        effect, p_value = measure.quick(item, task)
        return effect, np.nan if p_value is None else p_value
    compared = measure.compare(item, task)
    if compared.observed is None or compared.reference_value is None:
        return _UNDEFINED
    blocked = compared.blocked is not None or compared.p_value is None
    return compared.observed - compared.reference_value, np.nan if blocked else float(compared.p_value or 0)


def _on_few_neurons(item: Prediction, measure: GroupMeasure, task: Task) -> BoundMeasure:
    """The measure tied to the neurons of the groups asked for, and what it needs of them, alone.

    They are a small part of the layer; where they are not, the whole layer is shared by all that ask.
    """
    evidence = task.evidence
    needed = replace(
        evidence,
        selection=_channels(evidence.selection, measure.needs),
        evaluation=_channels(evidence.evaluation, measure.needs),
        decomposition=None,
    )

    def values(groups: IntArray) -> Values:
        used, places = np.unique(groups, return_inverse=True)
        if used.size > evidence.n_neurons / 2:
            return measure.tied(item, evidence, task.session).values(groups)
        part = measure.tied(item, needed.of_neurons(used), task.session)
        return part.values(places.reshape(groups.shape))

    return BoundMeasure(values=values)


def _channels(split: SplitEvidence, needs: frozenset[Channel]) -> SplitEvidence:
    channels = {name: array for name, array in split.channels.items() if name in needs}
    return replace(split, channels=channels, heads=split.heads if Channel.HEADS in needs else None)


def _results(
    protocol: Protocol, plan: Protocol, of_splits: Sequence[Values], n_splits: int
) -> Sequence[PlaceboResult]:
    places = {item.id: place for place, item in enumerate(plan.predictions)}
    results = []
    for item in protocol.predictions:
        if reason := why_no_placebo(item, protocol):
            results.append(PlaceboResult(item.id, reason=reason))
            continue
        values = [[_known(number) for number in rows[places[item.id]]] for rows in of_splits]
        by_loss = values[n_splits] if len(values) > n_splits else (None, None)
        results.append(
            PlaceboResult(
                item.id,
                null=item.contrast.null or "",
                effects=tuple(effect for effect, _ in values[:n_splits]),
                p_values=tuple(p_value for _, p_value in values[:n_splits]),
                effect_by_loss=by_loss[0],
                p_by_loss=by_loss[1],
            )
        )
    return results


def _known(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
