"""What it takes to run this again: hashes, versions, seeds, durations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from hypotest.pages.document import Heading, Part, table
from hypotest.pages.inline import prose, quote
from hypotest.records.results.results import Results
from hypotest.report.numbers import UNDEFINED, duration_text

_OF_FILES = ("files", "manifest_sha256")
"""Keys of the manifest that are not known while the report is written: its own hash is among them."""


def provenance_section(results: Results, manifest: Mapping[str, Any]) -> Iterable[Part]:
    """Hashes, versions, seeds, durations: what it takes to run this again."""
    yield Heading("Provenance")
    yield prose(
        "The numbers of this page are in `results.json`, every null draw in `nulls.parquet`, the rest in "
        "`manifest.json`."
    )
    check, words = results.self_check, results.corpus.words
    if check is not None:
        place = words.row if words.names else "block"
        yield (
            f"Self-check: the ablation was compared with interventions in the whole model for "
            f"{check.n_pairs:,} pairs of neuron and {place} ({check.n_values:,} values); the largest "
            f"difference is {check.largest_difference:.1e} nats, the tolerance {check.tolerance:.1e}."
        )
    rows = [[f"subject: {key}", _cell(value)] for key, value in results.subject.items()]
    for key, value in manifest.items():
        if key not in _OF_FILES:
            rows += _flat(str(key), value, durations=key == "durations")
    yield table(["", ""], [tuple(map(quote, row)) for row in rows])


def _flat(name: str, value: Any, durations: bool) -> list[list[str]]:
    if isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
        value = {str(number): item for number, item in enumerate(value)}
    if isinstance(value, list | tuple) and not value:
        return []
    if isinstance(value, Mapping):
        return [row for key, item in value.items() for row in _flat(f"{name}: {key}", item, durations)]
    if durations and isinstance(value, int | float):
        return [[name, duration_text(float(value))]]
    return [[name, _cell(value)]]


def _cell(value: Any) -> str:
    if value is None:
        return UNDEFINED
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value))
    return str(value)
