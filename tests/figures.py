"""Every kind of figure that hypotest draws, with names as they are or as long as can be."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from hypotest.records.results.results import Results
from hypotest.report.export import read_nulls, read_results
from hypotest.report.figures.curves import draw_regimes
from hypotest.report.figures.figures import Figures
from hypotest.report.figures.style import house_style
from hypotest.studies.compare.figure import draw_forest
from hypotest.studies.compare.record import ComparedPrediction
from hypotest.studies.compare.study import compare
from hypotest.studies.explore.figures import draw_covariates, draw_neurons
from hypotest.studies.multiverse.figures import draw_specification_curve
from hypotest.studies.power.figures import draw_power
from tests.example import EXAMPLE
from tests.runs import other_model
from tests.studies.explore.test_page import exploration_of
from tests.studies.multiverse.test_page import CLUSTERING
from tests.studies.power.test_page import prediction, result
from tests.texts import ROOT

SMOLLM2 = ROOT / "reports" / "smollm2" / "example"
"""Of a model whose curves, nulls and vocabulary are others than the example's."""
LONG = "no-plateau-of-common-tokens-in-the-layer"
"""A name of 40 letters."""
ONE_WORD = "W" * 40
"""A name that nothing breaks, of the widest letters."""


def of_a_run(folder: Path, long: bool) -> Iterator[tuple[str, Figure]]:
    """The figures of a committed run."""
    results, nulls = read_results(folder / "results.json"), read_nulls(folder)
    if long:
        ids = [item.id for item in results.predictions]
        results = with_long_names(results)
        nulls = nulls.with_columns(nulls["prediction"].replace({id: LONG[: -len(id)] + id for id in ids}))
    yield from Figures(results, nulls).items()


def with_long_names(results: Results) -> Results:
    """A run whose predictions, hypotheses and conditions have names of 40 letters."""
    named = {
        name: LONG[: -len(name)] + name for name in (*results.corpus.conditions, "modular", "distributed")
    }
    predictions = [
        dataclasses.replace(
            item,
            id=LONG[: -len(item.id)] + item.id,
            expects={named[name]: outcomes for name, outcomes in item.expects.items()},
            stances={named[name]: stance for name, stance in item.stances.items()},
        )
        for item in results.predictions
    ]
    first, second = results.corpus.conditions
    curves = [dataclasses.replace(item, condition=named[item.condition]) for item in results.figures.regimes]
    frequencies = results.figures.frequencies
    assert frequencies is not None
    figures = dataclasses.replace(
        results.figures,
        regimes=tuple(curves),
        frequencies=dataclasses.replace(frequencies, condition=named[frequencies.condition]),
    )
    corpus = dataclasses.replace(results.corpus, conditions=(named[first], named[second]))
    return dataclasses.replace(results, predictions=tuple(predictions), corpus=corpus, figures=figures)


def of_power(long: bool) -> Figure:
    """Of groups and of documents, with and without a margin, one that cannot be foreseen."""
    names = [LONG, ONE_WORD, "c", "d"] if long else ["head-specificity", "attention", "routing", "spectrum"]
    power = result()
    (planned, other) = power.curves
    third = dataclasses.replace(other, label="21 neurons", power=(0.05, 0.3, 0.7))
    documents = [
        dataclasses.replace(planned, label=f"{number:,} documents", planned=number == 410)
        for number in (205, 410, 820, 1640)
    ]
    curves = [dataclasses.replace(curve, prediction=names[0]) for curve in (planned, other, third)]
    curves += [dataclasses.replace(curve, prediction=name) for name in names[1:3] for curve in documents]
    predictions = [
        prediction(id=names[0]),
        prediction(id=names[1], margin=None),
        prediction(id=names[2], unit="standard error"),
        prediction(id=names[3], scale=None),
    ]
    return draw_power(dataclasses.replace(power, curves=tuple(curves), predictions=tuple(predictions)))


def of_exploration(long: bool) -> Iterator[tuple[str, Figure]]:
    """The three of `hypotest explore`."""
    explored = exploration_of(read_results(EXAMPLE / "results.json"))
    if long:
        covariates = [
            dataclasses.replace(item, covariate=name)
            for item, name in zip(explored.covariates, (LONG, ONE_WORD), strict=True)
        ]
        explored = dataclasses.replace(explored, covariates=tuple(covariates))
    yield "curves", draw_regimes(tuple(curve.fit for curve in explored.curves), {explored.names.first: 41})
    yield "covariates", draw_covariates(explored)
    yield "neurons", draw_neurons(explored)


def of_multiverse(long: bool) -> Iterator[tuple[str, Figure]]:
    """Few specifications and many; some have no value, some no interval."""
    tests = list(CLUSTERING)
    name = (
        f"{LONG}.target.frequency.below_percentile, {ONE_WORD}.target.frequency.from_percentile"
        if long
        else "rare.index.from"
    )

    def with_choice(item: Any, value: Any, **changes: Any) -> Any:
        specification = dataclasses.replace(
            item.specification,
            choices={**item.specification.choices, name: value},
            is_declared=item.specification.is_declared and value == 10,
        )
        return dataclasses.replace(
            item, specification=specification, result=dataclasses.replace(item.result, **changes)
        )

    both = [with_choice(item, value) for value in (10, 20) for item in tests]
    both[3] = with_choice(tests[3], 10, effect=None, observed=None, outcome="undefined", interval=None)
    both[2] = with_choice(tests[2], 10, interval=None, outcome="less")
    yield "few", draw_specification_curve(both)
    yield (
        "many",
        draw_specification_curve(
            [*both, *(with_choice(item, value) for value in range(11, 51) for item in tests)]
        ),
    )


def of_comparison(folder: Path, long: bool) -> Iterator[tuple[str, Figure]]:
    """Forest plots with and without a pooled effect, an interval, an effect."""
    comparison = compare(
        [*[other_model(folder / str(n), f"owner/model-{n}", n - 1.0) for n in range(3)], EXAMPLE],
        out=folder / "out",
    )
    names = {run.label: run.model for run in comparison.runs}
    if long:
        names = dict(zip(names, (LONG, ONE_WORD, *list(names.values())[2:]), strict=True))
    for item in comparison.predictions:
        if sum(effect.interval is not None for effect in item.runs) > 1:
            yield item.id, draw_forest(item, names)
            if item.id == "attention":
                yield "bare", draw_forest(without(item), names)


def without(item: ComparedPrediction) -> ComparedPrediction:
    """One run has no interval, one no effect, and nothing is pooled."""
    one, two, *others = item.runs
    runs = (
        dataclasses.replace(one, interval=None, weight=None),
        dataclasses.replace(two, interval=None, effect=None, outcome="undefined", weight=None),
        *others,
    )
    return dataclasses.replace(
        item, runs=runs, pooled=None, outcome=None, title=f"{item.title} of {LONG} and {LONG}"
    )


def every_figure(folder: Path, long: bool) -> Mapping[str, Figure]:
    """Name -> figure, as today's code draws it."""
    with house_style():
        drawn = {f"run/{name}": figure for name, figure in of_a_run(EXAMPLE, long)}
        drawn |= {f"smollm2/{name}": figure for name, figure in of_a_run(SMOLLM2, long)}
        drawn["power"] = of_power(long)
        drawn |= {f"explore/{name}": figure for name, figure in of_exploration(long)}
        drawn |= {f"multiverse/{name}": figure for name, figure in of_multiverse(long)}
        drawn |= {f"compare/{name}": figure for name, figure in of_comparison(folder, long)}
    return drawn
