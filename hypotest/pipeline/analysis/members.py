"""The tested neurons one by one, the others beside them, and what losing all of them does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hypotest.estimators.influence import influence
from hypotest.records.evidence.arrays import FloatArray
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.results.defined import defined
from hypotest.records.results.figure_data import LayerInfluence
from hypotest.records.results.group_result import Damage, Member
from hypotest.testing.selection import Selection

MOST_OTHERS = 1000
"""Neurons outside the group that a figure shows: more are a cloud that hides the members."""


def describe_members(evidence: Evidence, selection: Selection) -> tuple[Member, ...]:
    """Each neuron of the group on the evaluation split, the first of the ranking first."""
    split, group = evidence.evaluation, _ranked(evidence, selection)
    first, second = split.first, split.second
    both = set(selection.second.tolist()) if selection.result.control_neurons else set()
    changes: tuple[FloatArray, ...] = (np.full(group.size, np.nan),) * 2
    if Channel.INFLUENCE in split.channels:
        of_group = split.delta_loss[:, group]
        changes = tuple(influence(of_group, rows) for rows in (first, second))
    means = tuple(
        split.activations[:, group][rows].mean(axis=0, dtype=np.float64) for rows in (first, second)
    )
    return tuple(
        Member(
            neuron=int(number),
            influence=(defined(changes[0][place]), defined(changes[1][place])),
            activation=(float(means[0][place]), float(means[1][place])),
            in_both=int(group[place]) in both,
        )
        for place, number in enumerate(evidence.layer_numbers(group).tolist())
    )


def column_of(evidence: Evidence, selection: Selection) -> dict[int, int]:
    """Number in the layer of each neuron of the group -> its column in the evidence."""
    numbers = evidence.layer_numbers(selection.group).tolist()
    return dict(zip(numbers, selection.group.tolist(), strict=True))


def _ranked(evidence: Evidence, selection: Selection) -> NDArray[np.int64]:
    """Columns of the group in the order of its ranking."""
    columns = column_of(evidence, selection)
    return np.array([columns[number] for number in selection.result.neurons], dtype=np.int64)


def layer_influence(evidence: Evidence, selection: Selection) -> LayerInfluence | None:
    """Influence of the others on both conditions; None where nothing was ablated, or there are none."""
    split = evidence.evaluation
    others = np.setdiff1d(np.arange(evidence.n_neurons), selection.group)
    if Channel.INFLUENCE not in split.channels or not others.size:
        return None
    first, second = (influence(split.delta_loss, rows)[others] for rows in (split.first, split.second))
    known = np.flatnonzero(np.isfinite(first) & np.isfinite(second))
    if not known.size:
        return None
    ranked = known[np.argsort(-first[known], kind="stable")]
    step = max(1, -(-ranked.size // MOST_OTHERS))
    shown = ranked[::step]
    return LayerInfluence(tuple(first[shown].tolist()), tuple(second[shown].tolist()), int(known.size))


def describe_damage(evidence: Evidence, selection: Selection) -> Damage | None:
    """The group lesioned at once, on rows of either condition and of neither; None where it was not."""
    split = evidence.evaluation
    lesions = split.lesions
    column = None if lesions is None else lesions.column(evidence.layer_numbers(selection.group))
    if lesions is None or column is None:
        return None
    alike = [
        place
        for place, group in enumerate(lesions.groups)
        if lesions.random[place] and len(group) == selection.group.size
    ]
    places = (lesions.change[split.first], lesions.change[split.second], lesions.neither)
    means = [_column_means(rows) for rows in places]
    drawn = [mean[alike] for mean in means]
    return Damage(
        group=_triple([mean[column] for mean in means]),
        random=_triple([values.mean() if values.size else np.nan for values in drawn]),
        random_sd=_triple([values.std(ddof=1) if values.size > 1 else np.nan for values in drawn]),
        n_random=len(alike),
        rows=(len(places[0]), len(places[1]), len(places[2])),
    )


def _column_means(rows: FloatArray) -> NDArray[np.float64]:
    if not len(rows):
        return np.full(rows.shape[1], np.nan)
    return np.asarray(rows.mean(axis=0, dtype=np.float64))


def _triple(values: list[float]) -> tuple[float | None, float | None, float | None]:
    first, second, neither = map(defined, values)
    return first, second, neither
