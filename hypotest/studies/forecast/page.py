"""What ``hypotest run --plan`` prints."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hypotest.pages.document import Document, Part, document, table, together
from hypotest.pages.inline import aside, strong
from hypotest.registration.titles import as_asked
from hypotest.report.numbers import UNDEFINED, bytes_text, duration_text
from hypotest.report.text import capital
from hypotest.studies.forecast.record import Forecast, RunsAlike

_FEW = 3
"""Layers that are listed."""


def forecast_page(forecast: Forecast) -> Document:
    """Runs, hours and gigabytes: a row for each kind of run, and all together."""
    return document(_parts(forecast))


def _parts(forecast: Forecast) -> Iterator[Part]:
    n = forecast.n_runs
    yield together(
        strong(as_asked(forecast.title)),
        strong(
            f"{n:,} run{'' if n == 1 else 's'}, about {duration_text(forecast.seconds)} on this machine"
            + (" one after another" if n > 1 else "")
            + f", {bytes_text(forecast.evidence_bytes)} of evidence"
        ),
        *_workers(forecast),
        f"The disk of the cache has {bytes_text(forecast.free_bytes)} left.",
    )
    yield table(
        ["model", "layers", "runs", "collect", "test", "all runs", "on disk", "model"],
        [_row(item) for item in forecast.kinds],
        numeric=(2, 3, 4, 5, 6, 7),
    )
    if forecast.missing:
        yield together(
            *(strong(f"Not to be had: {item}", "bad") for item in forecast.missing),
            "A run goes on without these, and they are not counted here.",
        )
    yield together(*map(aside, _notes(forecast)))


def _workers(forecast: Forecast) -> Iterator[str]:
    if forecast.workers > 1:
        at_once = min(forecast.workers, forecast.n_runs)
        yield (
            f"With {forecast.workers} workers at best about {duration_text(forecast.side_by_side)}: members "
            f"side by side, at most {at_once} at once. Workers divide the cores: where one run keeps all "
            "of them busy, several gain nothing."
        )


def _row(item: RunsAlike) -> tuple[str, ...]:
    return (
        item.model,
        _layers(item.layers),
        f"{item.n_runs:,}",
        duration_text(item.collecting),
        duration_text(item.testing) if item.testing else UNDEFINED,
        duration_text(item.n_runs * item.seconds),
        bytes_text(item.n_runs * item.evidence_bytes),
        bytes_text(item.model_bytes),
    )


def _layers(layers: Sequence[int]) -> str:
    if not layers:
        return UNDEFINED
    if len(layers) <= _FEW:
        return ", ".join(map(str, layers))
    return f"{layers[0]} to {layers[-1]} ({len(layers)})"


def _notes(forecast: Forecast) -> Iterator[str]:
    yield (
        f"Collect and test: of one run, extrapolated from {forecast.timed_at}, at the first checkpoint "
        "of each model and in the middle of its layers, and rather too long than too short. On disk: of all "
        "runs, in float32."
    )
    yield "What the cache holds already, and runs on other machines at the same time, make it shorter."
    said = dict.fromkeys(note for item in forecast.kinds for note in item.notes)
    yield from (f"{capital(note)}." for note in said)
