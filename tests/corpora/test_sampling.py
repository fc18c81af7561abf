import numpy as np
import polars as pl
import pytest

from hypotest.corpora.blocks import PADDING, cut_blocks
from hypotest.corpora.sampling import Candidates, blocks_for_heads, count_positions, sample_positions
from hypotest.errors import CorpusError
from hypotest.records.protocol.conditions import Conditions

RARE = range(20)  # token ids


def candidates(blocks, rare=RARE):
    """Positions by whether their target is rare."""
    is_rare = np.isin(blocks.tokens[:, 1:], list(rare))
    inner = blocks.is_text[:, 1:].copy()
    inner[:, 0] = False
    return Candidates(Conditions("rare", "common"), is_rare & inner, ~is_rare & inner)


@pytest.fixture
def blocks():
    rng = np.random.default_rng(5)
    return cut_blocks([rng.integers(0, 200, size=int(rng.integers(100, 2000))) for _ in range(40)], 64)


def draw(blocks, n=200, cap=16, share=0.5, seed=1, kept_out=(), of_type=None):
    return sample_positions(
        blocks,
        candidates(blocks),
        n_positions=n,
        max_per_document=cap,
        max_per_type=of_type,
        selection_share=share,
        match=("block",),
        counts=None,
        rng=np.random.default_rng(seed),
        kept_out=kept_out,
    )


def test_numbers_labels_and_splits(blocks):
    positions = draw(blocks).positions
    counts = positions.group_by("split", "condition").len()
    assert counts["len"].to_list() == [100] * 4
    selection, evaluation = (
        set(positions.filter(pl.col("split") == split)["document"]) for split in ("selection", "evaluation")
    )
    assert not selection & evaluation
    is_rare = positions["target"].is_in(list(RARE))
    assert (is_rare == (positions["condition"] == "rare")).all()


def test_targets_and_documents_are_those_of_the_blocks(blocks):
    for row in draw(blocks).positions.iter_rows(named=True):
        assert blocks.tokens[row["block"], row["index"] + 1] == row["target"]
        assert blocks.document[row["block"]] == row["document"]
        assert 1 <= row["index"] <= 62


def test_every_rare_position_has_a_common_partner_nearby_in_its_block(blocks):
    positions = draw(blocks).positions
    for _, rows in positions.group_by("block"):
        rare = rows.filter(pl.col("condition") == "rare")["index"].sort()
        common = rows.filter(pl.col("condition") == "common")["index"].sort()
        assert len(rare) == len(common)
        # partners within 16 tokens: matching in order of index is at least as close
        assert (rare - common).abs().max() <= 16
    assert positions.select("block", "index").is_unique().all()


def test_cap_per_document_holds(blocks):
    positions = draw(blocks, n=60, cap=3).positions
    per_document = positions.filter(pl.col("condition") == "rare").group_by("document").len()
    assert per_document["len"].max() == 3


def test_cap_per_type_holds_in_each_split_and_condition_and_keeps_the_matching(blocks):
    plain, capped = draw(blocks, n=100), draw(blocks, n=100, of_type=4)
    per_type = capped.positions.group_by("split", "condition", "target").len()
    assert per_type["len"].max() == 4
    assert plain.positions.group_by("split", "condition", "target").len()["len"].max() > 4
    assert capped.positions.group_by("split", "condition").len()["len"].to_list() == [50] * 4
    for _, rows in capped.positions.group_by("block"):
        index = [rows.filter(pl.col("condition") == name)["index"].sort() for name in ("rare", "common")]
        assert (index[0] - index[1]).abs().max() <= 16
    # 20 rare types: no split can give more than four of each
    assert max(capped.eligible.values()) <= 80 < min(plain.eligible.values())
    assert (
        count_positions(capped.positions).effective_types > count_positions(plain.positions).effective_types
    )


def test_a_cap_per_type_is_named_where_it_leaves_too_few(blocks):
    with pytest.raises(CorpusError, match=r"and 2 of each type in a split\); .* or max_per_type"):
        draw(blocks, of_type=2)


def test_too_few_positions_say_how_many_there_are(blocks):
    with pytest.raises(CorpusError, match=r"asks for 100000 .* ask for at most \d+") as error:
        draw(blocks, n=100_000)
    possible = int(str(error.value).split("ask for at most ")[1].split(",")[0])
    assert draw(blocks, n=possible).positions.height == 2 * possible


def test_seed_decides_and_uneven_split_is_honoured(blocks):
    first, again, other = draw(blocks), draw(blocks), draw(blocks, seed=2)
    assert first.positions.equals(again.positions)
    assert not first.positions.equals(other.positions)
    uneven = draw(blocks, n=100, share=0.25).positions
    assert uneven.filter(pl.col("split") == "selection").height == 50


def test_blocks_for_heads_spread_over_documents(blocks):
    rows = draw(blocks, n=400).positions.filter(pl.col("split") == "evaluation")
    rare = rows.filter(pl.col("condition") == "rare")
    n_documents = rare["document"].n_unique()
    chosen = blocks_for_heads(rows, n_documents, np.random.default_rng(0))
    assert len(set(blocks.document[chosen])) == n_documents  # one block of each before a second of any
    everything = blocks_for_heads(rows, 10_000, np.random.default_rng(0))
    assert everything.tolist() == sorted(rare["block"].unique())


def test_documents_that_are_kept_out_come_to_the_selection_split(blocks):
    plain = draw(blocks)
    evaluation = set(plain.positions.filter(pl.col("split") == "evaluation")["document"].to_list())
    kept_out = sorted(evaluation)[:5]
    moved = draw(blocks, kept_out=kept_out).positions
    documents = {
        split: set(moved.filter(pl.col("split") == split)["document"].to_list())
        for split in ("selection", "evaluation")
    }
    assert not documents["evaluation"] & set(kept_out)
    assert not documents["evaluation"] & documents["selection"]
    assert moved.group_by("split", "condition").len()["len"].to_list() == [100] * 4
    assert draw(blocks, kept_out=[]).positions.equals(plain.positions)
    # more than the selection split's share: it becomes larger
    most = draw(blocks, n=100, kept_out=range(30)).positions
    assert set(most.filter(pl.col("split") == "evaluation")["document"].to_list()) <= set(range(30, 40))


def test_too_few_documents_left_are_named_with_their_numbers(blocks):
    with pytest.raises(
        CorpusError, match=r"38 of its 40 documents are kept out .*: 2 are left to evaluate on"
    ):
        draw(blocks, kept_out=range(38))


def test_nothing_behind_the_end_of_a_short_document_is_sampled():
    """Padding is a token that may be rare or common itself; it is neither query nor target."""
    rng = np.random.default_rng(5)
    documents = [rng.integers(0, 200, size=int(rng.integers(3, 64))) for _ in range(300)]
    blocks = cut_blocks(documents, 64, padded=True)
    for wanted in ("rare", "common"):
        rare = {*RARE, PADDING} if wanted == "rare" else set(RARE) - {PADDING}
        drawn = sample_positions(
            blocks, candidates(blocks, rare), n_positions=200, max_per_document=16, max_per_type=None,
            selection_share=0.5, match=("block",), counts=None, rng=np.random.default_rng(1),
        )  # fmt: skip
        positions = drawn.positions
        index, block = positions["index"].to_numpy(), positions["block"].to_numpy()
        assert (index + 1 < blocks.lengths[block]).all()
        for number, place, target in zip(block, index, positions["target"], strict=True):
            assert target == documents[blocks.document[number]][place + 1]
