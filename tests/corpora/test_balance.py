"""The balance table against arithmetic, and where it must see what was planted."""

from __future__ import annotations

import numpy as np
import pytest

from hypotest.corpora.balance import balance_of, covariates_of, number_balance, shared_balance
from hypotest.corpora.blocks import Blocks
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.results.row_balance import RowBalance
from hypotest.report.sections.row_balance import imbalances

NAMES = Conditions("number", "word")


def test_a_standardised_difference_by_hand():
    # first: 0, 2 (mean 1, variance 2); second: 4, 4, 10 (mean 6, variance 12); -5 / sqrt((2 + 12) / 2)
    row = number_balance("index", np.array([0.0, 2.0, 4.0, 4.0, 10.0]), np.array([1, 1, 0, 0, 0], dtype=bool))
    assert row.first == (1.0, pytest.approx(np.sqrt(2)))
    assert row.second == (6.0, pytest.approx(np.sqrt(12)))
    assert row.difference == pytest.approx(-5 / np.sqrt(7))
    assert row.is_apart


@pytest.mark.parametrize(("second", "difference", "apart"), [(3.0, 0.0, False), (4.0, None, True)])
def test_constants(second, difference, apart):
    row = number_balance("length", np.array([3.0, 3.0, second, second]), np.array([1, 1, 0, 0], dtype=bool))
    assert (row.difference, row.is_apart) == (difference, apart)


def test_the_shared_share_is_one_less_the_total_variation():
    rng = np.random.default_rng(0)
    values, first = rng.integers(0, 9, 400).astype(float), rng.random(400) < 0.3
    row = shared_balance("token", values, first, rng)
    shares = [np.array([(values[rows] == value).mean() for value in range(9)]) for rows in (first, ~first)]
    assert row.shared == pytest.approx(1 - np.abs(shares[0] - shares[1]).sum() / 2)
    assert abs(row.shared - row.by_chance) < 0.05 and not row.is_apart


def test_few_positions_of_many_tokens_are_not_apart_by_chance():
    rng = np.random.default_rng(1)
    values, first = rng.integers(0, 1000, 300).astype(float), np.arange(300) < 150
    row = shared_balance("token", values, first, rng)
    assert row.shared < 0.3 and not row.is_apart  # total variation alone would call them apart
    split = shared_balance("token", np.where(first, 0.0, 1.0 + rng.integers(0, 2, 300)), first, rng)
    assert split.shared == 0 and split.is_apart


def test_covariates_of_a_text():
    tokens = np.array([[5, 6, 6, 7], [5, 6, 8, 0], [9, 6, 6, 6]])
    blocks = Blocks(tokens, np.array([0, 1, 1]), 2, np.array([4, 3, 4]), 11)
    covariates = covariates_of(blocks, np.array([0, 1, 2]), np.array([1, 1, 2]), None)
    # the targets behind them: 6, 8, 6, which the text has 6, 1 and 6 times; padding is none of it
    np.testing.assert_allclose(covariates["target_frequency"], np.log2([7, 2, 7]))
    np.testing.assert_allclose(covariates["length"], np.log2([5, 8, 8]))  # tokens of documents 0 and 1
    assert covariates["token"].tolist() == [6, 6, 6] and covariates["document"].tolist() == [0, 1, 1]
    assert covariates["target"].tolist() == [6, 8, 6]
    counted = covariates_of(blocks, np.array([0, 1, 2]), np.array([1, 1, 2]), np.arange(10))
    np.testing.assert_allclose(counted["target_frequency"], np.log2([7, 9, 7]))


def test_a_planted_confound_is_seen_and_named():
    rng = np.random.default_rng(2)
    first = np.arange(600) < 300
    covariates = {
        "index": rng.normal(40, 10, 600) + 8 * first,
        "target_frequency": rng.normal(9, 2, 600),
        "length": rng.normal(9, 1, 600) - 2 * first,
        "document": np.where(first, rng.integers(0, 40, 600), rng.integers(20, 60, 600)).astype(float),
    }
    rows = {row.covariate: row for row in balance_of(covariates, first, rng)}
    assert [name for name, row in rows.items() if row.is_apart] == ["index", "length", "document"]
    (said,) = imbalances(tuple(rows.values()), NAMES)
    assert said.startswith("number and word positions also differ in place in the block (+0.")
    assert "document's length, log2 (-2." in said and "and document (" in said
    assert said.endswith("`sample.match` can pair positions on index, length and document.")


def test_what_conditions_are_defined_by_is_no_confound():
    row = RowBalance("target_frequency", (1.0, 1.0), (9.0, 1.0), -8.0, None, None, defining=True)
    assert row.is_apart and list(imbalances([row], NAMES)) == []
    target = RowBalance("target", None, None, None, 0.0, 0.9)  # as of labels that follow what is predicted
    confounded, more = imbalances([target], NAMES)
    assert "also differ in target (0 % shared, 90 % by chance)" in confounded
    assert more.startswith(
        "number and word targets are largely different tokens. Shuffled labels cannot tell"
    )
    loss = RowBalance("loss", (9.0, 1.0), (1.0, 1.0), 8.0, None, None)
    assert next(imbalances([loss], NAMES)).endswith("may follow from that.")
