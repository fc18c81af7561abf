"""A finished run, opened: its results, its null draws, its verdict."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment

from hypotest.pages.console import shown
from hypotest.pages.notebook import image_html, notebook_html
from hypotest.records.results.prediction_result import Interval, PredictionResult
from hypotest.records.results.results import Results
from hypotest.report.export import read_manifest, read_nulls, read_results, render_again
from hypotest.report.run_summary import run_summary

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Run", "render_again"]


class Run:
    """The folder that a run left behind.

    Print it with rich for the verdict table.

    Attributes:
        folder: Where it lies.
        results: Everything that was found.
        manifest: Hashes, versions, seeds, durations, hardware.
    """

    def __init__(self, folder: Path, results: Results, manifest: dict[str, Any]) -> None:
        self.folder = folder
        self.results = results
        self.manifest = manifest

    @classmethod
    def open(cls, folder: str | Path) -> Run:
        """Open a run's folder.

        Args:
            folder: Holds ``results.json``, ``nulls.parquet`` and ``manifest.json``.

        Raises:
            OutputError: If it is not a run's folder, or is damaged.
        """
        path = Path(folder)
        return cls(path, read_results(path / "results.json"), read_manifest(path))

    @property
    def verdict_line(self) -> str:
        """``distributed: supported; modular: refuted``."""
        return self.results.verdict_line

    @cached_property
    def predictions(self) -> pl.DataFrame:
        """One row per prediction, in protocol order; a column ``stance_<hypothesis>`` for each."""
        results = self.results.predictions
        hypotheses = tuple(dict.fromkeys(name for item in results for name in item.stances))
        stances = {f"stance_{name}": pl.String for name in hypotheses}
        rows = [
            {**_row(item), **{f"stance_{name}": item.stances.get(name) for name in hypotheses}}
            for item in results
        ]
        return pl.DataFrame(rows, schema={**_COLUMNS, **stances}, orient="row")

    @cached_property
    def nulls(self) -> pl.DataFrame:
        """Every null draw: columns prediction, null, draw, value. Read on first use.

        Raises:
            OutputError: If ``nulls.parquet`` is missing or damaged.
        """
        return read_nulls(self.folder)

    @cached_property
    def communities(self) -> pl.DataFrame:
        """One row per neuron of the group and prediction that detects communities: which it is in, from 0."""
        rows = [
            (item.id, neuron, place)
            for item in self.results.predictions
            for place, neurons in enumerate(item.communities)
            for neuron in neurons
        ]
        schema = {"prediction": pl.String, "neuron": pl.Int64, "community": pl.Int64}
        return pl.DataFrame(rows, schema=schema, orient="row")

    @cached_property
    def verdicts(self) -> pl.DataFrame:
        """One row per hypothesis: status, reason, and which predictions contradict or refute it."""
        return pl.DataFrame(
            [
                {
                    "hypothesis": item.hypothesis,
                    "status": item.status,
                    "reason": item.reason,
                    "contradicted_by": list(item.contradicted_by),
                    "refuted_by": list(item.refuted_by),
                }
                for item in self.results.verdicts
            ],
            schema=_VERDICTS,
        )

    @cached_property
    def figures(self) -> Mapping[str, Figure]:
        """Every figure of the report by its name, such as ``run.figures["ladder"]``; drawn when asked for."""
        from hypotest.report.figures.figures import Figures

        return Figures(self.results, self.nulls)

    def plot(self, name: str = "ladder") -> Figure:
        """One of `figures`.

        Raises:
            KeyError: If there is none of that name; the message names them.
        """
        return self.figures[name]

    def _repr_html_(self) -> str:
        """The verdict table and the figure of all effects, for notebooks."""
        # Imported here: reading a run and printing its verdict need no matplotlib.
        from hypotest.report.figures.effects import draw_effects, effects_in_words
        from hypotest.report.figures.style import house_style, png_of

        with house_style():
            effects = png_of(draw_effects(self.results))
        table = notebook_html(run_summary(self.results, self.folder))
        return table + image_html(effects, effects_in_words(self.results))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Print the verdict table, the verdict line, and where the report lies.

        Characters that the output cannot take, of a title for instance, are replaced: a script that prints
        what it has waited for must not fail there.
        """
        for part in console.render(shown(run_summary(self.results, self.folder)), options):
            text = part.text.encode(options.encoding, errors="replace").decode(options.encoding)
            yield Segment(text, part.style, part.control)

    def __repr__(self) -> str:
        """In ASCII, so that it can be printed anywhere."""
        return f"Run({str(self.folder)!a}, {self.verdict_line})"


_VERDICTS: dict[str, pl.DataType | type[pl.DataType]] = {
    "hypothesis": pl.String,
    "status": pl.String,
    "reason": pl.String,
    "contradicted_by": pl.List(pl.String),
    "refuted_by": pl.List(pl.String),
}
_TEXT = ("id", "role", "measure", "title", "outcome", "reference")
_NUMBERS = (
    "observed",
    "reference_value",
    "reference_sd",
    "effect",
    "ratio",
    "standardized",
    "equivalence_ceiling",
    "p_value",
    "p_error",
    "p_adjusted",
    "p_equivalence",
    "p_equivalence_adjusted",
    "p_beyond",
    "p_beyond_adjusted",
    "smallest_effect",
)
_BOUNDS = (
    "interval_low",
    "interval_high",
    "interval_95_low",
    "interval_95_high",
    "margin_low",
    "margin_high",
    "reselection_95_low",
    "reselection_95_high",
)
_FIRST = ("id", "outcome", "effect", "p_value")
"""What a printed table shows: polars leaves out columns of the middle."""
_COLUMNS: dict[str, type[pl.String] | type[pl.Float64]] = {
    **{name: pl.String if name in _TEXT else pl.Float64 for name in _FIRST},
    **dict.fromkeys(_TEXT, pl.String),
    **dict.fromkeys((*_NUMBERS, *_BOUNDS), pl.Float64),
}


def _row(item: PredictionResult) -> dict[str, Any]:
    row: dict[str, Any] = {name: getattr(item, name) for name in (*_TEXT, *_NUMBERS)}
    again = None if item.reselection is None else item.reselection.interval_95
    none = (None, None)
    pairs = (_bounds(item.interval), _bounds(item.interval_95), item.margin or none, again or none)
    bounds = [bound for pair in pairs for bound in pair]
    return {**row, **dict(zip(_BOUNDS, bounds, strict=True))}


def _bounds(interval: Interval | None) -> tuple[float | None, float | None]:
    return (None, None) if interval is None else (interval.low, interval.high)
