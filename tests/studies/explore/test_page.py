import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from rich.console import Console

from hypotest.pages.console import shown
from hypotest.pages.markdown import PAGE
from hypotest.records.protocol.wording import OF_TEXT
from hypotest.studies.explore.export import write_exploration
from hypotest.studies.explore.figures import CAPTIONS, explored_in_words
from hypotest.studies.explore.page import exploration_page, exploration_summary
from hypotest.studies.explore.record import (
    Blind,
    ConditionCounts,
    CovariateComparison,
    Exploration,
    ExploredCurve,
    OtherGroup,
    PreferenceCount,
)


def exploration_of(results):
    """A large layer, long names, a title that is markup."""
    rng = np.random.default_rng(0)
    influences = np.exp(rng.normal(size=(2, 300)))
    influences[0, 7] = 0.0
    curves = tuple(
        ExploredCurve(fit, 41 if fit.plateau else 0, ratio, None if ratio is None else 0.0004)
        for fit, ratio in zip(results.figures.regimes, (-3.21, None), strict=True)
    )
    return Exploration(
        protocol_id="one",
        protocol_hash="ab" * 32,
        words=OF_TEXT,
        title="Is *it* a [bold]module[/bold]?\x1b[31m",
        group=results.group,
        curves=curves,
        halves_shared=30,
        halves_by_chance=0.82,
        covariates=(
            CovariateComparison("activation_mean", -1.52, 0.62, -1.95, 0.29, 1.47, 0.31, True),
            CovariateComparison("activation_rate", 0.2, 0.15, 0.14, 0.06, 0.98, -0.38, False),
        ),
        matched_on=("activation_mean",),
        matching_declared=False,
        conditions=(
            ConditionCounts("rare", 1_250_000, 210_000, 198_765.4, 12_345, 9_876.5, 0.031, 8001.5, 10.25),
            ConditionCounts("common", 1_250_000, 210_000, 198_765.4, 45_678, 34_567.8, 0.08, 8001.5, 4.5),
        ),
        eligible=5386,
        frequencies=results.figures.frequencies,
        others=(OtherGroup("rare below percentile 10 instead of 15", 823_456, 41, 40, 0.82),),
        preferences=(PreferenceCount(0.25, 147, 19, 103, 12, 27, 0),),
        blind=Blind(4096, 410, 0, True, ("specialization", "clustering")),
        notes=("a note with *stars*",),
        neurons=pl.DataFrame(
            {
                "neuron": np.arange(300),
                "influence_rare": influences[0],
                "influence_common": influences[1],
                "in_group": np.arange(300) < 41,
            }
        ),
        folder=Path("nowhere"),
    )


@pytest.fixture
def explored(results):
    return exploration_of(results)


def printed(item, width=80):
    console = Console(file=io.StringIO(), width=width)
    console.print(shown(exploration_summary(item)))
    return console.file.getvalue()


def test_the_tables_are_legible_at_80_columns(explored):
    text = printed(explored)
    assert max(map(len, text.splitlines())) <= 80
    assert "[bold]module[/bold]" in text and "\x1b" not in text
    for words in (
        "-3.2 (0.0004)",
        "n/a",
        "-1.52 (0.62)",
        "activation_rate *",
        "1,250,000",
        "198,765",
        "0.82",
    ):
        assert words in text
    words = " ".join(text.split())
    assert (
        "Matching leaves more than 0.25 in activation_mean" in words
    )  # 0.31; the unmatched one is not meant
    assert "which the protocol does not declare" in words
    assert "already lies in the cache" in words
    clean = dataclasses.replace(explored, blind=dataclasses.replace(explored.blind, was_collected=False))
    assert "The cache holds no evidence of it" in " ".join(printed(clean).split())


def test_the_report_escapes_names_and_links_its_figures(explored):
    text = PAGE.render(exploration_page(explored, CAPTIONS, explored_in_words(explored)))
    assert r"Is \*it\* a [bold]module" in text and "\x1b" not in text
    assert r"a note with \*stars\*" in text
    for name in ("curves", "covariates", "neurons"):
        assert f"]({name}.svg)" in text and f"[png]({name}.png)" in text
    assert text.index("What remains blind") < text.index("## The group")
    assert ", ".join(map(str, explored.group.neurons)) in text


@pytest.mark.slow
def test_everything_is_written_and_replaced_as_a_whole(explored, tmp_path):
    result = dataclasses.replace(explored, folder=tmp_path / "one" / "explore")
    write_exploration(result)
    first = {path.name: path.read_bytes() for path in result.folder.iterdir()}
    assert len(first) == 9
    (result.folder / "stray").touch()
    write_exploration(result)
    assert {path.name: path.read_bytes() for path in result.folder.iterdir()} == first
    record = json.loads(first["explore.json"])
    assert record["group"]["neurons"] == list(explored.group.neurons)
    assert record["curves"][1]["lognormal_ratio"] is None
    assert pl.read_parquet(result.folder / "neurons.parquet").equals(explored.neurons)
