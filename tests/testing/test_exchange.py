"""Labels that mean nothing: how often shuffles over the right and over wrong units reject, and crossed t.

Simulations of `tests.reference.exchange`, few of them, on what a run uses; its script has more.
"""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from hypotest.inference.crossed_means import MeanContrast, mean_contrast, permuted_contrasts
from hypotest.predicates.units import EXCHANGES
from hypotest.records.evidence.rows import condition_type
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.protocol.design import Unit
from hypotest.testing.relabelled import shuffled_labels, units_in
from tests.reference.exchange import Rows, draw_rows, effects, shuffled_p

SIMULATIONS, LEVEL = 80, 0.05
MOST = int(stats.binom.ppf(0.999, SIMULATIONS, LEVEL))


def frame(rows: Rows, labels: str, evaluation: np.ndarray) -> pl.DataFrame:
    """As a run has them; stretches of text are halves of documents where labels belong to places."""
    names = Conditions("one", "other")
    return pl.DataFrame(
        {
            "document": rows.document,
            "target": rows.type,
            "token": rows.type,
            "span": rows.first.astype(int) if labels == "index" else rows.span,
            "condition": pl.Series(np.where(rows.first, *names), dtype=condition_type(names)),
            "split": np.where(evaluation, "evaluation", "selection"),
        }
    )


def rejections(labels: str, units: tuple[Unit, ...], runs: float = 0.0, documents: float = 0.7) -> list[int]:
    """How often the premise is accepted, by unit, where document and type effects mean nothing."""
    counts = [0] * len(units)
    for number in range(SIMULATIONS):
        rng = np.random.default_rng((19, number))
        rows = draw_rows(labels, 40, True, rng)
        evaluation = (rng.permutation(40) % 2 == 0)[rows.document]
        influence = np.exp(0.7 * effects(rows, 24, documents, 0.7, rng, runs))
        if labels == "pair":  # clusters differ in what their two sides do
            influence *= np.exp(0.5 * rng.standard_normal((40, 2, 24))[rows.document, rows.first.astype(int)])
        positions = frame(rows, labels, evaluation)
        for place, unit in enumerate(units):
            drawn = shuffled_labels(positions, rows.first, unit, 39, rng)
            p_value = shuffled_p(influence, rows.first, evaluation, drawn.units, drawn.labels, 4)
            counts[place] += p_value <= LEVEL
    return counts


@pytest.mark.parametrize(
    ("labels", "own", "finer", "runs"),
    [
        ("document", "document", None, 0.0),
        ("document", "cluster", None, 0.0),
        ("span", "span", "position", 0.9),
        ("index", "span", "position", 0.9),
        ("pair", "pair", "position", 0.5),
        ("seen", "within_type", "position", 0.0),
        ("type", "type", "position", 0.0),
        ("type", "token", "document_type", 0.0),
    ],
)
def test_the_labels_own_unit_keeps_the_level_and_finer_ones_do_not(
    labels: str, own: Unit, finer: Unit | None, runs: float
) -> None:
    assert EXCHANGES[own].calibrated
    units: tuple[Unit, ...] = (own,) if finer is None else (own, finer)
    counts = rejections(labels, units, runs)
    assert counts[0] <= MOST
    if finer is not None:
        assert not EXCHANGES[finer].calibrated
        assert counts[1] > MOST


def test_single_rows_of_labelled_documents_reject_too_often() -> None:
    """Shuffled among all rows of a split: what documents have in common looks like what labels do."""
    count = 0
    for number in range(SIMULATIONS):
        rng = np.random.default_rng((20, number))
        rows = draw_rows("document", 40, False, rng)
        evaluation = (rng.permutation(40) % 2 == 0)[rows.document]
        influence = np.exp(0.7 * effects(rows, 24, 0.7, 0.0, rng))
        every = frame(rows, "document", evaluation).with_columns(document=pl.col("split").rank("dense"))
        drawn = shuffled_labels(every, rows.first, "position", 39, rng)
        count += shuffled_p(influence, rows.first, evaluation, drawn.units, drawn.labels, 4) <= LEVEL
    assert count > MOST


def contrasts(labels: str, number: int, sds: tuple[float, float] = (0.5, 0.5)) -> tuple[Rows, MeanContrast]:
    rng = np.random.default_rng((21, number))
    rows = draw_rows(labels, 50, True, rng)
    values = effects(rows, 1, *sds, rng)[:, 0]
    return rows, mean_contrast(values, rows.first, rows.document, rows.type)


@pytest.mark.parametrize("labels", ["document", "topic", "span", "index", "seen", "pair"])
def test_t_over_documents_and_types_keeps_its_level(labels: str) -> None:
    rejected = covered = 0
    for number in range(SIMULATIONS):
        _, contrast = contrasts(labels, number, (0.3, 0.6))
        assert contrast.variances.shared
        t = abs(contrast.estimate) / np.sqrt(contrast.variances.total)
        freedom = contrast.variances.degrees_of_freedom  # types of a few large counts may be effectively 19
        rejected += t > stats.t.ppf(1 - LEVEL / 2, freedom)
        covered += t <= stats.t.ppf(0.95, freedom)
    assert rejected <= MOST
    assert covered >= stats.binom.ppf(0.001, SIMULATIONS, 0.90)


def test_documents_alone_reject_too_often_where_types_differ_in_what_was_seen() -> None:
    count = 0
    for number in range(SIMULATIONS):
        _, contrast = contrasts("seen", number, (0.0, 0.6))
        documents = contrast.variances.documents
        t = abs(contrast.estimate) / np.sqrt(documents.variance)
        count += t > stats.t.ppf(1 - LEVEL / 2, documents.units - 1)
    assert count > MOST


def test_errors_of_shared_types_are_no_sum_over_conditions() -> None:
    """What a type does to both conditions cancels."""
    ratios = []
    for number in range(30):
        rows, contrast = contrasts("index", number, (0.0, 1.0))
        side = rows.first
        rng = np.random.default_rng((21, number))
        values = effects(draw_rows("index", 50, True, rng), 1, 0.0, 1.0, rng)[:, 0]
        apart = [
            mean_contrast(values[rows_], side[rows_] | True, rows.document[rows_], rows.type[rows_])
            for rows_ in (side, ~side)
        ]
        ratios.append(contrast.variances.over_types / sum(item.variances.over_types for item in apart))
    assert np.mean(ratios) < 0.5


@pytest.mark.parametrize(
    ("labels", "unit"), [("document", "document"), ("pair", "pair"), ("seen", "within_type")]
)
def test_permuted_contrasts_are_those_of_their_labels(labels: str, unit: Unit) -> None:
    rng = np.random.default_rng(5)
    rows = draw_rows(labels, 40, True, rng)
    values = effects(rows, 1, 0.3, 0.3, rng)[:, 0]
    positions = frame(rows, labels, np.zeros(rows.first.size, dtype=bool))
    drawn = permuted_contrasts(
        values,
        rows.first,
        rows.document,
        rows.type,
        70,
        np.random.default_rng(7),
        units_in(positions, unit),
    )
    relabelled = shuffled_labels(positions, rows.first, unit, 70, np.random.default_rng(7))
    for draw in (0, 69):
        labels_of = relabelled.of_positions(draw)
        expected = mean_contrast(values, labels_of, rows.document, rows.type).statistic
        assert drawn[draw] == pytest.approx(expected)


def test_rows_must_say_what_the_unit_is() -> None:
    rows = draw_rows("pair", 4, False, np.random.default_rng(0))
    positions = frame(rows, "pair", np.zeros(rows.first.size, dtype=bool)).drop("span")
    with pytest.raises(ValueError, match="by span, and the rows have no column span"):
        shuffled_labels(positions, rows.first, "span", 3, np.random.default_rng(0))
    with pytest.raises(ValueError, match="cannot be shuffled over documents: 4 of 4 units have both labels"):
        shuffled_labels(positions, rows.first, "document", 3, np.random.default_rng(0))
