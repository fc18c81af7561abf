"""All figures of a run: which there are, what they are called, what stands beneath them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import polars as pl
from joblib import Parallel, delayed, effective_n_jobs
from matplotlib.figure import Figure

from hypotest.engine.progress import StartStage, silent
from hypotest.measures.registry import MEASURES
from hypotest.records.results.figure_data import FrequencyCurve
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.records.results.results import Results
from hypotest.report.figures.captions import spectrum_caption
from hypotest.report.figures.curves import (
    ELBOW_WINDOW,
    draw_frequencies,
    draw_regimes,
    draw_spectrum,
    sharpest_bend,
)
from hypotest.report.figures.effects import draw_effects, effects_in_words
from hypotest.report.figures.estimate import draw_estimate
from hypotest.report.figures.group import any_on_edge, draw_group
from hypotest.report.figures.heads import draw_attention, draw_head_impacts, draw_routing
from hypotest.report.figures.ladder import draw_ladder_grid
from hypotest.report.figures.nulls import draw_ladder, draws_of, is_framed
from hypotest.report.figures.style import house_style, save
from hypotest.report.figures.words import (
    attention_in_words,
    estimate_in_words,
    frequencies_in_words,
    group_in_words,
    impacts_in_words,
    ladder_in_words,
    nulls_in_words,
    regimes_in_words,
    routing_in_words,
    spectrum_in_words,
)
from hypotest.report.ladder import LADDER_SECTION
from hypotest.report.numbers import count_text
from hypotest.report.picture import Picture, prediction_picture
from hypotest.report.text import capital

_LIKE = ", like every head's"
"""Said of the mean's interval where single heads have some too."""


@dataclass(frozen=True, slots=True)
class _Plan:
    picture: Picture
    draw: Callable[[], Figure]
    """A partial of a function and what it draws, which another process can be given."""


def draw_figures(
    results: Results, nulls: pl.DataFrame, folder: Path, start_stage: StartStage = silent
) -> tuple[Picture, ...]:
    """Draw every figure of a run into a folder, each as ``.svg`` and ``.png``, on all cores.

    The same data give the same bytes. Matplotlib draws in Python, one figure at a time: cores need processes.

    Args:
        results: The run.
        nulls: Columns prediction, null, draw, value.
        folder: An existing folder.
        start_stage: Told of the number of figures, for progress.

    Returns:
        What was drawn, in the order of the report.
    """
    plans = _plans(results, nulls)
    step = start_stage("report and figures", len(plans))
    n_processes = min(effective_n_jobs(-1), len(plans))
    place = folder.absolute()  # processes are kept, and stay in the folder in which the first call found them
    saved = Parallel(n_jobs=n_processes, backend="loky", batch_size=1, return_as="generator_unordered")(
        delayed(_save)(plan, place) for plan in plans
    )
    for _ in saved:
        step()
    return tuple(plan.picture for plan in plans)


def _save(plan: _Plan, folder: Path) -> None:
    with house_style():
        save(plan.draw(), folder, plan.picture.name)


class Figures(Mapping[str, Figure]):
    """Every figure of a run by its name, drawn when it is asked for."""

    def __init__(self, results: Results, nulls: pl.DataFrame) -> None:
        """Args are those of `draw_figures`."""
        self._plans = {plan.picture.name: plan for plan in _plans(results, nulls)}

    def __getitem__(self, name: str) -> Figure:
        """Draw one.

        Raises:
            KeyError: If there is none of that name; the message names them.
        """
        if name not in self._plans:
            raise KeyError(f"no figure {name!r}; there are {', '.join(self._plans)}")
        with house_style():
            return self._plans[name].draw()

    def pictures(self, *sections: str) -> tuple[Picture, ...]:
        """What belongs to these sections of the report, in its order."""
        every = (plan.picture for plan in self._plans.values())
        return tuple(picture for picture in every if picture.section in sections)

    def __iter__(self) -> Iterator[str]:
        """In the order of the report."""
        return iter(self._plans)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._plans)


def _plans(results: Results, nulls: pl.DataFrame) -> list[_Plan]:
    data = results.figures
    plans = [
        _Plan(
            Picture(
                "effects",
                "verdict",
                "Effects of all predictions: above in SDs of the null or of the paired differences, below in "
                "the measure's own unit, where there is no SD. Marks show the outcome, lines the interval "
                "over documents and target types, bands the margin inside which an effect counts as "
                "equivalent to none.",
                effects_in_words(results),
            ),
            partial(draw_effects, results),
        )
    ]
    others = data.influence
    if others is not None and any(None not in item.influence for item in results.members):
        first, second = results.corpus.conditions
        said = (
            f"Influence of neurons on {first} and on {second} targets, on the evaluation split, with the "
            f"group marked; what lies below the line matters more for {first} targets"
        )
        if any_on_edge(others, results.members):
            said += (
                ", and what stands on an edge has less than a thousandth of the largest influence there, "
                "or none"
            )
        plans.append(
            _Plan(
                Picture(
                    "group",
                    "group",
                    f"{said}.",
                    group_in_words(others, results.members, results.corpus.conditions),
                ),
                partial(draw_group, others, results.members, results.corpus.conditions, results.corpus.words),
            )
        )
    if any(item.ladder for item in results.predictions):
        plans.append(
            _Plan(
                Picture(
                    "ladder",
                    LADDER_SECTION,
                    "Every prediction against every opponent that was drawn. A claim survives wherever its "
                    "sign appears; the framed opponent decides.",
                    ladder_in_words(results),
                ),
                partial(draw_ladder_grid, results),
            )
        )
    for number, item in enumerate(results.predictions, start=1):
        plans += _prediction_plans(results, nulls, number, item)
    if (curve := data.frequencies) is not None:
        picture = Picture("frequencies", "corpus", _frequency_caption(curve), frequencies_in_words(curve))
        plans.append(_Plan(picture, partial(draw_frequencies, curve)))
    measures = [MEASURES[item.measure] for item in results.predictions if item.measure in MEASURES]
    ablated = any(head.impact is not None for head in data.heads)
    if ablated and not any(measure.level == "heads" for measure in measures):
        plans.append(_heads_plan(results, "heads"))
    return plans


def _prediction_plans(
    results: Results, nulls: pl.DataFrame, number: int, item: PredictionResult
) -> list[_Plan]:
    name = prediction_picture(number, item.id)
    data, both = results.figures, " and ".join(results.corpus.conditions)
    plans = []
    special: tuple[str, str, str, Callable[[], Figure]] | None = None
    measure = MEASURES.get(item.measure)
    figure = None if measure is None else measure.figure
    if figure == "regimes" and data.regimes:
        special = (
            "curves",
            "Influence of neurons by rank on log-log axes, with the fitted piecewise line. "
            "Ranks and influences come from different documents.",
            regimes_in_words(data.regimes),
            partial(draw_regimes, data.regimes),
        )
    elif figure == "spectrum" and data.spectrum is not None:
        spectrum, variance = data.spectrum, _variance(results, item.id)
        special = (
            "eigenvalues",
            spectrum_caption(spectrum, item, variance),
            spectrum_in_words(spectrum, variance),
            partial(draw_spectrum, spectrum, variance),
        )
    elif figure == "attention" and data.heads:
        single = any(head.gini_first_interval for head in data.heads)
        special = (
            "heads",
            f"Attention concentration of each head for {both} targets, sorted, and the mean over heads with "
            f"its 95 % interval{_LIKE if single else '; a single head has none'}.",
            attention_in_words(data.heads, results.corpus.conditions, item),
            partial(draw_attention, data.heads, results.corpus.conditions, item),
        )
    elif figure == "routing" and data.heads:
        single = any(head.routing_interval for head in data.heads)
        mean = item.secondary.get("spearman")
        special = (
            "heads",
            f"Similarity of each head's attention profile for {both} targets, sorted, and the mean over "
            f"heads with its 95 % interval{_LIKE if single else '; correlations of single heads have none'}. "
            "Noise alone keeps them below 1; the prediction's own value is what halves of the data reach, as "
            "a share of their noise ceiling.",
            routing_in_words(data.heads, mean),
            partial(draw_routing, data.heads, results.corpus.conditions, mean),
        )
    if special is not None:
        end, caption, said, draw = special
        plans.append(_Plan(Picture(f"{name}-{end}", item.id, caption, said), draw))
    elif figure == "heads" and data.heads:
        plans.append(_heads_plan(results, item.id, f"{name}-heads", item))
    draws = draws_of(item, nulls)
    measured = capital(item.title)
    if draws:
        caption = f"{measured}: the observed value (line) among each null's draws (grey)"
        framed = any(is_framed(item, rung) for rung in item.ladder if rung.key in draws)
        caption += "; what decides is framed." if framed else "."
        picture = Picture(name, item.id, caption, nulls_in_words(item, draws))
        plans.append(_Plan(picture, partial(draw_ladder, item, draws)))
    elif item.observed is not None and item.reference_value is not None:
        caption = f"{measured}, with its interval, and what it is compared with."
        said = estimate_in_words(item, item.observed, item.reference_value)
        draw = partial(draw_estimate, item, item.observed, item.reference_value)
        plans.append(_Plan(Picture(name, item.id, caption, said), draw))
    return plans


def _heads_plan(
    results: Results, section: str, name: str = "heads", top: PredictionResult | None = None
) -> _Plan:
    data = results.figures
    interval = ", the top head with its 95 % interval" if top and top.own_intervals.observed else ""
    if any(head.impact_interval for head in data.heads):
        interval = ", with 95 % intervals over documents and target types"
    return _Plan(
        Picture(
            name,
            section,
            "Relative change of activations when attention heads are ablated: above each head for this group "
            f"and for random groups, sorted{interval}; below, per layer, the top head, a random head, and "
            "all heads at once.",
            impacts_in_words(data.heads, data.layer_impacts),
        ),
        partial(draw_head_impacts, data.heads, data.layer_impacts, top),
    )


def _frequency_caption(curve: FrequencyCurve) -> str:
    """Says how the elbow is found: a slope over a range of ranks bends before the curve does."""
    said = f"Token counts by rank, with the range that counts as {curve.condition}."
    if curve.elbow_rank is None:
        return said
    bend = sharpest_bend(curve)
    itself = "" if bend is None else f"; the curve bends most at rank {count_text(round(bend))} (dotted)"
    return (
        f"{said} The slope at each rank is taken over {ELBOW_WINDOW:g} decades of ranks, as marked; the "
        "elbow is where it begins to stay steeper than twice its median, up to half that range before the "
        f"curve is{itself}."
    )


def _variance(results: Results, prediction: str) -> float:
    for item in results.protocol.get("predictions", ()):
        if item.get("id") == prediction:
            return float(item.get("options", {}).get("variance", 0.95))
    return 0.95
