from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest

from hypotest.records.results.group_result import Member
from hypotest.records.results.results import Results
from hypotest.report.export import read_nulls, read_results
from hypotest.report.figures.figures import Figures
from hypotest.report.figures.words import (
    estimate_in_words,
    frequencies_in_words,
    group_in_words,
    ladder_in_words,
    regimes_in_words,
    spectrum_in_words,
)
from hypotest.report.ladder import LADDER_SECTION
from hypotest.report.picture import Picture
from tests.example import EXAMPLE, EXPERTS
from tests.figures import SMOLLM2


def pictures_of(folder: Path) -> tuple[Picture, ...]:
    results = read_results(folder / "results.json")
    sections = (
        "verdict",
        "group",
        LADDER_SECTION,
        "corpus",
        "heads",
        *(item.id for item in results.predictions),
    )
    figures = Figures(results, read_nulls(folder))
    pictures = figures.pictures(*sections)
    assert len(pictures) == len(figures)
    return pictures


@pytest.mark.parametrize("folder", [EXAMPLE, SMOLLM2, EXPERTS], ids=["example", "smollm2", "experts"])
def test_every_figure_has_words_with_numbers(folder: Path) -> None:
    pictures = pictures_of(folder)
    assert len(pictures) > 5
    for picture in pictures:
        assert picture.alternative != picture.caption and len(re.findall(r"\d", picture.alternative)) > 4, (
            picture.name
        )
        assert "nan" not in picture.alternative and "None" not in picture.alternative


def test_a_caption_speaks_only_of_what_is_drawn() -> None:
    captions = {item.name: item.caption for item in pictures_of(EXAMPLE)}
    assert "framed" in captions["04-coordination"]
    assert all("framed" not in captions[name] for name in ("02-regimes-rare", "06-attention"))
    assert "edge" not in captions["group"]
    assert "0.15 decades" in captions["frequencies"]
    assert (
        "below, their running sum and, dotted, the share up to which dimensions count (0.95)"
        in captions["04-coordination-eigenvalues"]
    )


def test_what_stands_on_the_edge_is_spoken_of(results: Results, nulls: object) -> None:
    members = [dataclasses.replace(item, influence=(item.influence[0], 0.0)) for item in results.members]
    (picture,) = Figures(dataclasses.replace(results, members=tuple(members)), nulls).pictures("group")
    assert "what stands on an edge" in picture.caption


def test_an_estimate_names_its_value_its_intervals_and_its_reference(results: Results) -> None:
    item = next(item for item in results.predictions if item.id == "single-head")
    said = estimate_in_words(item, item.observed, item.reference_value)
    assert re.fullmatch(
        r"single-head: observed 0\.\d+, 90 % interval \[0\.\d+, 0\.\d+\], 95 % interval \[0\.\d+, 0\.\d+\], "
        r"compared with the declared value, 0\.5\.",
        said,
    )


def test_curves_are_told_by_their_ends_breaks_and_slopes(results: Results) -> None:
    fit = dataclasses.replace(
        results.figures.regimes[0], condition="rare", ranks=(1.0, 10.0, 2000.0), influence=(0.2, 0.1, 0.001),
        breakpoints=(46.2, 68.0), slopes=(-0.25, -2.09, -0.85), plateau=True,
    )  # fmt: skip
    assert regimes_in_words((fit,)) == (
        "rare targets: influence goes from 0.200 at rank 1 to 0.00100 at rank 2,000; breaks at rank 46 and "
        "68, slopes -0.25, -2.09, -0.85; a plateau."
    )
    bare = dataclasses.replace(fit, breakpoints=(), slopes=(-1.0,), plateau=False)
    assert regimes_in_words((bare,)).endswith("no breaks, slopes -1.00; no plateau.")


def test_frequencies_are_told_with_the_elbow_and_its_range(results: Results) -> None:
    curve = dataclasses.replace(
        results.figures.frequencies, log10_rank=(0.0, 4.0), log10_count=(5.0, 0.0), n_types=10_000,
        elbow_rank=1000, n_dropped_types=9000, first_rank=800, n_in_range=200, count_range=(91, 111),
    )  # fmt: skip
    assert frequencies_in_words(curve) == (
        f"Counts fall from 100,000 at rank 1 to 1 at rank 10,000. {curve.condition}: 200 types of 91 to 111 "
        "occurrences, from rank 800 on. Elbow at rank 1,000, its slope taken from rank 841 to 1,189: 9,000 "
        "types beyond are dropped."
    )
    assert frequencies_in_words(dataclasses.replace(curve, elbow_rank=None)).endswith(
        "No elbow cuts the rarest."
    )


def test_eigenvalues_are_told_by_the_largest_by_how_many_are_needed_and_by_the_band(results: Results) -> None:
    spectrum = dataclasses.replace(
        results.figures.spectrum, observed=(0.6, 0.3, 0.08, 0.02), null="size_matched",
        null_low=(0.4, 0.1, 0.1, 0.01), null_median=(0.5, 0.3, 0.1, 0.1), null_high=(0.55, 0.4, 0.2, 0.1),
        cumulated_median=(0.5, 0.8, 0.9, 1.0),
    )  # fmt: skip
    assert spectrum_in_words(spectrum, 0.95) == (
        "Largest eigenvalue: 0.600 of the variance in the group, median 0.500 in size_matched groups. "
        "Eigenvalues for 95 % of the variance: 3 in the group, 4 by the median of size_matched groups. "
        "Outside their 95 % band: 2 of 4 eigenvalues."
    )


def test_the_group_is_told_by_medians(results: Results) -> None:
    members: list[Member] = [
        dataclasses.replace(results.members[0], influence=pair)
        for pair in ((3.0, 1.0), (2.0, 2.5), (1.0, 0.5))
    ]
    alone = dataclasses.replace(results.figures.influence, first=(), second=())
    assert group_in_words(alone, members, ("rare", "common")) == (
        "Group of 3: median influence 2.00 on rare and 1.00 on common targets; 2 matter more for rare "
        "targets."
    )


def test_the_ladder_names_each_opponent_once(results: Results) -> None:
    said = ladder_in_words(results)
    coordination = next(row for row in said.split(". ") if row.startswith("coordination: "))
    assert coordination.startswith("coordination: below local_matched, which decides (z -")
    item = next(item for item in results.predictions if item.id == "coordination")
    names = re.split(r"; |, ", coordination)
    assert all(sum(name.endswith(rung.id) for name in names) == 1 for rung in item.ladder)
    assert "too few draws of untrained" in coordination and "‡" not in said
