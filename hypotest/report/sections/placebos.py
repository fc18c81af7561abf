"""What the same tests find in make-believe conditions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from statistics import mean

from hypotest.nulls.registry import NULLS
from hypotest.pages.document import Heading, Items, Part, table
from hypotest.pages.inline import Inline, strong
from hypotest.records.results.placebos import PlaceboResult, Placebos
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.records.results.results import Results
from hypotest.report.numbers import count_text, decimals_for, fixed, p_text, significant

CAVEAT = "Placebos can reveal a fault, not exclude one."


def placebo_line(results: Results) -> str:
    """``PLACEBO: coordination rejects in 9 of 20 make-believe conditions``; empty where none is marked."""
    if results.placebos is None:
        return ""
    level = results.placebos.level
    marked = [
        f"{item.prediction} rejects in {item.n_significant(level)} of {item.n_known}"
        for item in results.placebos.predictions
        if item.is_marked(level)
    ]
    return f"PLACEBO: {', '.join(marked)} make-believe conditions" if marked else ""


def placebo_section(results: Results) -> Iterable[Part]:
    """Effects of placebos beside the real ones; nothing where the protocol asks for none."""
    placebos = results.placebos
    if placebos is None:
        return
    level, by_id = placebos.level, {item.id: item for item in results.predictions}
    yield Heading("Placebos")
    yield " ".join(_introduction(placebos, selected=bool(results.group.control_neurons)))
    shown = [item for item in placebos.predictions if not item.reason]
    if shown:
        yield table(
            [
                "prediction",
                "real effect",
                "placebo effects: mean [lowest, highest]",
                f"at p <= {level:g}, {level * placebos.n_splits:.3g} expected",
                "high against low loss: effect",
                "p",
            ],
            [_row(item, by_id[item.prediction], level) for item in shown],
            numeric=(1, 2, 4, 5),
        )
        yield " ".join(_reading(placebos, shown))
    without = [item for item in placebos.predictions if item.reason]
    if without:
        yield "Without placebos:"
        yield Items(tuple(f"{item.prediction}: {item.reason}." for item in without))


def _introduction(placebos: Placebos, *, selected: bool) -> Iterator[str]:
    low, high = placebos.positions
    group = "the group was selected again on the first, and" if selected else "for the same, given group"
    yield (
        f"The second condition ({count_text(placebos.n_units)} {placebos.unit}) was divided at "
        "random into a "
        f"make-believe first and second condition, {count_text(placebos.n_splits)} times; {group} "
        "each prediction was tested by the null that decides it "
        f"({count_text(placebos.draws)} draws; {count_text(placebos.draws_of_labels)} relabellings: "
        "enough to "
        f"compare p with {placebos.level:g})."
    )
    yield (
        f"Make-believe conditions are smaller than real ones, {count_text(low)} to {count_text(high)} "
        "positions "
        f"against {count_text(placebos.real_positions[0])} and {count_text(placebos.real_positions[1])}."
    )
    if placebos.loss_ratio is not None and placebos.loss_ratio_reached is not None:
        yield (
            "One more division sets a high against a low loss: the mean losses "
            "have a ratio "
            f"of {significant(placebos.loss_ratio_reached, 3)}, those of the real conditions "
            f"{significant(placebos.loss_ratio, 3)}; no cut comes nearer."
        )
    elif placebos.loss_ratio is None:
        yield "There is no division by loss: the conditions' mean losses have no ratio."
    yield "None of this decides anything."


def _row(item: PlaceboResult, real: PredictionResult, level: float) -> list[Inline]:
    effects = [value for value in item.effects if value is not None]
    decimals = decimals_for(max(effects) - min(effects) if effects else None, tuple(effects))
    spread = "undefined"
    if effects:
        low, high = (fixed(value, decimals) for value in (min(effects), max(effects)))
        spread = f"{fixed(mean(effects), decimals)} [{low}, {high}]"
    counted = f"{item.n_significant(level)} of {item.n_known}"
    return [
        item.prediction,
        "undefined" if real.effect is None else fixed(real.effect, decimals),
        spread,
        strong(f"{counted} (!)") if item.is_marked(level) else counted,
        "undefined" if item.effect_by_loss is None else fixed(item.effect_by_loss, decimals),
        "no conclusion" if item.p_by_loss is None else p_text(item.p_by_loss),
    ]


def _reading(placebos: Placebos, shown: list[PlaceboResult]) -> Iterator[str]:
    level, n_splits = placebos.level, placebos.n_splits
    if any(item.n_known < n_splits for item in shown):
        yield "Where fewer are counted, the others allowed no conclusion."
    marked = [item.prediction for item in shown if item.is_marked(level)]
    if marked:
        yield (
            f"(!) marks five times as many or more: the test of {', '.join(marked)} finds differences "
            "here that have nothing to do with the conditions."
        )
    yield (
        f"{CAVEAT} Divisions share neurons, text and types, so that tests of groups reject in all or "
        "in none of them more often than independent ones would."
    )
    deciding = {item.null for item in shown}
    yield from (null.of_placebos for name, null in NULLS.items() if name in deciding and null.of_placebos)
