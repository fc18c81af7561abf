"""The sections of a look at the selection split."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hypotest.estimators.regimes import FALL_SPAN, FLAT, HEAD_SHARE, SMALLEST_FALL, SMALLEST_PLATEAU
from hypotest.pages.document import (
    Table,
    table,
)
from hypotest.records.protocol.design import LARGEST_IMBALANCE
from hypotest.records.results.figure_data import FrequencyCurve
from hypotest.records.results.sentences import sentence_list
from hypotest.report.numbers import UNDEFINED, count_text, fixed, p_text, share_text, significant
from hypotest.studies.explore.record import Exploration, ExploredCurve


@dataclass(frozen=True, slots=True)
class TitledTable:
    """A table with its title and what its columns mean."""

    title: str
    table: Table
    legend: str
    figure: str | None = None
    """Name of the figure that belongs to it."""


def sections(result: Exploration) -> Iterator[TitledTable]:
    """The tables, in the order of the report."""
    yield _curves(result)
    if result.covariates:
        yield _covariates(result)
    yield _conditions(result)
    if result.others:
        yield _others(result)
    yield _preferences(result)


def _curves(result: Exploration) -> TitledTable:
    last = int(HEAD_SHARE * result.group.n_neurons)
    return TitledTable(
        "Rank-influence curves",
        _table(
            ("targets", "slopes", "breaks at rank", "kappa", "flatness", "plateau", "lognormal: z (p)"),
            tuple(_curve_cells(curve) for curve in result.curves),
        ),
        f"A plateau is flatter than {1 - FLAT:g} (1 - |left slope| / kappa), ends by rank "
        f"{count_text(last)}, {HEAD_SHARE:.0%} of the layer, holds at least {SMALLEST_PLATEAU} neurons and "
        f"ends in a cliff: the log influence falls by {SMALLEST_FALL:g} or more from {FALL_SPAN[0]:g} to "
        f"{FALL_SPAN[1]:g} times its last rank. Ranked on one half of the documents, read on the other. Last "
        "column: power law against lognormal; negative favours the lognormal.",
        "curves",
    )


def _curve_cells(curve: ExploredCurve) -> tuple[str, ...]:
    fit = curve.fit
    compared = UNDEFINED
    if curve.lognormal_ratio is not None:
        compared = f"{fixed(curve.lognormal_ratio, 1)} ({p_text(curve.lognormal_p)})"
    return (
        fit.condition,
        ", ".join(fixed(slope, 2) for slope in fit.slopes),
        ", ".join(f"{value:,.0f}" for value in fit.breakpoints) or "none",
        fixed(fit.kappa, 2),
        fixed(fit.plateau_flatness, 2),
        f"{count_text(curve.end_of_plateau)} neurons" if fit.plateau else "none",
        compared,
    )


def _covariates(result: Exploration) -> TitledTable:
    apart = [
        item.covariate for item in result.covariates if item.matched and abs(item.left) > LARGEST_IMBALANCE
    ]
    verdict = (
        f"Matching leaves more than {LARGEST_IMBALANCE:g} in {sentence_list(apart)}: a contrast with matched "
        "groups would be inconclusive."
        if apart
        else f"No covariate that is matched on keeps more than {LARGEST_IMBALANCE:g}, the most allowed."
    )
    declared = "declares" if result.matching_declared else "does not declare"
    return TitledTable(
        "Covariates of the group and of the layer",
        _table(
            ("covariate", "group (SD)", "layer (SD)", "difference", "left after matching"),
            tuple(
                (
                    item.covariate + ("" if item.matched else " *"),
                    f"{fixed(item.group_mean, 2)} ({fixed(item.group_sd, 2)})",
                    f"{fixed(item.layer_mean, 2)} ({fixed(item.layer_sd, 2)})",
                    fixed(item.difference, 2),
                    fixed(item.left, 2),
                )
                for item in result.covariates
            ),
        ),
        "activation_rate is a share, the others are natural logarithms. Differences in SDs of the layer. "
        f"*: not matched on. Matched on {sentence_list(result.matched_on)}, which the protocol {declared}. "
        f"{verdict}",
        "covariates",
    )


def _conditions(result: Exploration) -> TitledTable:
    return TitledTable(
        "Positions of the selection split",
        _table(
            (
                "targets",
                "positions",
                "documents",
                "effective",
                "types",
                "effective",
                "top type",
                "index",
                "loss",
            ),
            tuple(
                (
                    item.condition,
                    count_text(item.positions),
                    count_text(item.documents),
                    fixed(item.effective_documents, 0),
                    count_text(item.types),
                    fixed(item.effective_types, 0),
                    share_text(item.top_type_share),
                    fixed(item.mean_index, 1),
                    fixed(item.mean_loss, 2),
                )
                for item in result.conditions
            ),
        ),
        f"Drawn from {count_text(result.eligible)} pairs that the limits allow. effective: documents, and "
        "types, of equal size that would weigh as much. index: mean place in the block. loss: mean "
        "cross-entropy in nats."
        f"{_ranked(result.frequencies)}",
    )


def _ranked(curve: FrequencyCurve | None) -> str:
    if curve is None:
        return ""
    low, high = curve.count_range
    return (
        f" {curve.condition.capitalize()} are {count_text(curve.n_in_range)} of "
        f"{count_text(curve.n_types)} types, "
        f"seen {count_text(low)} to {count_text(high)} times each; {count_text(curve.n_dropped_types)} "
        "beyond the "
        "elbow are dropped."
    )


def _others(result: Exploration) -> TitledTable:
    size = len(result.group.neurons)
    positions = result.conditions[0].positions
    as_declared = ("as declared", count_text(positions), count_text(size), count_text(size), "")
    return TitledTable(
        "The group under other thresholds",
        _table(
            ("threshold", "positions", "neurons", "shared", "by chance"),
            (
                as_declared,
                *(
                    (
                        item.change,
                        count_text(item.positions),
                        count_text(item.size),
                        count_text(item.shared),
                        significant(item.by_chance, 2),
                    )
                    for item in result.others
                ),
            ),
        ),
        "shared: neurons that are also in the declared group; by chance: of two random groups.",
    )


def _preferences(result: Exploration) -> TitledTable:
    own, other = result.names
    return TitledTable(
        "Neurons that prefer a condition",
        _table(
            ("at least", own, "on each half", other, "on each half", f"group: {own}", f"group: {other}"),
            tuple(
                (
                    f"{item.threshold:g}",
                    count_text(item.first),
                    count_text(item.first_twice),
                    count_text(item.second),
                    count_text(item.second_twice),
                    count_text(item.group_first),
                    count_text(item.group_second),
                )
                for item in result.preferences
            ),
        ),
        f"Of {count_text(result.group.n_neurons)} neurons, those with |influence on {own} - on {other}| "
        "/ sum "
        "of at least so much; on each half: on both halves of the documents.",
        "neurons",
    )


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Table:
    return table(head, rows, numeric=range(1, len(head)))
