"""Ranges of frequency: by hand, the elbow, and what is said where no type is left."""

from types import SimpleNamespace

import numpy as np
import pytest

from hypotest.corpora.frequencies import fit_to_vocabulary, read_frequency_table
from hypotest.errors import CorpusError
from hypotest.estimators.elbow import find_elbow, frequency_curve
from hypotest.predicates.frequency import PREDICATE, Frequency, curve_of, types_in


def conditions(elbow="drop", below=15.0, of="types"):
    return (
        Frequency(below_percentile=below, of=of, elbow=elbow),
        Frequency(from_percentile=below, of=of, elbow=elbow),
    )


def cut_frequencies(counts, both):
    """Types of two ranges, and the elbow."""
    (rare, elbow), (common, _) = (types_in(counts, one) for one in both)
    dropped = np.zeros(counts.size, dtype=bool)
    if elbow is not None:
        dropped[np.argsort(-counts, kind="stable")[elbow : (counts > 0).sum()]] = True
    return SimpleNamespace(rare=rare, common=common, dropped=dropped, elbow_rank=elbow)


def zipf(n, exponent=1.0, scale=1e6):
    return np.round(scale / np.arange(1, n + 1) ** exponent).astype(np.int64)


def test_pure_power_law_has_no_elbow():
    assert find_elbow(*frequency_curve(zipf(2000, scale=1e9))) is None


def test_elbow_is_found_where_the_curve_falls_off():
    counts = 1e9 / np.arange(1.0, 3001.0)
    counts[2000:] *= np.arange(1, 1001) ** -1.0 * 1.0  # a second power law on top, from rank 2001
    elbow = find_elbow(*frequency_curve(np.sort(np.round(counts).astype(np.int64))[::-1]))
    assert elbow is not None
    # the window of 0.15 decades blurs the place by at most its width
    assert 2000 / 10**0.15 <= elbow <= 2000 * 10**0.15


def test_a_steep_stretch_that_ends_before_the_rarest_types_is_no_elbow():
    counts = 1e9 / np.arange(1.0, 3001.0)
    counts[1000:1100] /= np.linspace(1, 50, 100)
    counts[1100:] /= 50
    assert find_elbow(*frequency_curve(np.round(counts).astype(np.int64))) is None


def test_percentile_of_types_by_hand():
    # 200 types with counts 1..200: the 15th percentile is 1 + 0.15 * 199 = 30.85, so counts 1..30 are rare
    counts = np.arange(1, 201)
    cuts = cut_frequencies(counts, conditions(elbow="keep"))
    assert counts[cuts.rare].tolist() == list(range(1, 31))
    assert (cuts.rare ^ cuts.common).all()
    assert not cuts.dropped.any()


def test_percentile_of_occurrences_by_hand():
    # counts 1..200 sum to 20,100; 15 % is 3,015; 1 + ... + 77 = 3,003 and 78 more would exceed it
    counts = np.arange(1, 201)
    cuts = cut_frequencies(counts, conditions(elbow="keep", of="occurrences"))
    assert counts[cuts.rare].max() == 77
    assert counts[cuts.rare].sum() <= 0.15 * counts.sum()


def test_absent_types_belong_to_no_condition():
    counts = np.concatenate([np.zeros(50, dtype=np.int64), np.arange(1, 201)])
    cuts = cut_frequencies(counts, conditions(elbow="keep"))
    assert not (cuts.rare | cuts.common | cuts.dropped)[:50].any()


def test_types_beyond_the_elbow_are_dropped_before_the_percentiles():
    counts = 1e9 / np.arange(1.0, 3001.0)
    counts[2000:] *= np.arange(1, 1001) ** -1.0
    counts = np.sort(np.round(counts).astype(np.int64))[::-1]
    cuts = cut_frequencies(counts, conditions())
    assert cuts.elbow_rank is not None
    assert cuts.dropped.sum() == 3000 - cuts.elbow_rank
    assert not (cuts.dropped & (cuts.rare | cuts.common)).any()
    kept = 3000 - cuts.dropped.sum()
    assert abs(cuts.rare.sum() - 0.15 * kept) <= 1


def test_a_published_table_that_is_shorter_than_the_padded_vocabulary(tmp_path):
    # as the counts of Pythia's training text: int64, one for each of 50,277 ids, and 50,304 rows in the model
    np.save(tmp_path / "counts.npy", np.arange(1, 51))
    counts = read_frequency_table(tmp_path / "counts.npy")
    padded = np.concatenate([fit_to_vocabulary(counts, 55), np.arange(1, 201)])
    cuts = cut_frequencies(padded, conditions(elbow="keep"))
    assert curve_of(padded, cuts.rare, None, 5).n_unlisted_types == 5
    assert not (cuts.rare | cuts.common | cuts.dropped)[50:55].any()


def test_too_few_types_are_refused():
    with pytest.raises(CorpusError, match="at least 100"):
        cut_frequencies(np.arange(1, 50), conditions())


def test_tied_low_counts_are_explained_with_a_percentile_that_works():
    counts = np.array([1] * 150 + [100] * 50)
    # of 200 types the 150 rarest occur once; percentile 75 lies behind them, 74 among them
    message = (
        r"no token type is in this range: 150 of the 200 types that are left \(75 %\) share the lowest "
        r"count, once each, .*Write at least 75, or"
    )
    with pytest.raises(CorpusError, match=message):
        cut_frequencies(counts, conditions(elbow="keep"))
    assert cut_frequencies(counts, conditions(elbow="keep", below=75.0)).rare.sum() == 150
    with pytest.raises(CorpusError, match="no token type is in this range"):
        cut_frequencies(counts, conditions(elbow="keep", below=74.0))


def test_equal_counts_have_no_percentile_that_works():
    with pytest.raises(CorpusError, match=r"7 times each.*lies none\. count a longer text"):
        cut_frequencies(np.full(200, 7), conditions(elbow="keep"))


def test_a_band_between_two_percentiles_by_hand():
    # counts 1..200: percentiles 15 and 50 are 30.85 and 100.5
    counts = np.arange(1, 201)
    mask, _ = types_in(counts, Frequency(from_percentile=15, below_percentile=50, elbow="keep"))
    assert counts[mask].tolist() == list(range(31, 101))
    with pytest.raises(ValueError, match="lies below its below_percentile"):
        Frequency(from_percentile=50, below_percentile=15)


@pytest.mark.parametrize(
    ("below", "start", "said"), [(15, 15, ""), (15, 20, ""), (30, 15, "between percentiles 15 and 30")]
)
def test_ranges_that_share_types_are_known_beforehand(below, start, said):
    one, other = Frequency(below_percentile=below), Frequency(from_percentile=start)
    assert said in PREDICATE.overlaps(one, other) and bool(said) == bool(PREDICATE.overlaps(one, other))


def test_the_curve_says_where_the_range_begins():
    counts = np.arange(1, 201)
    mask, elbow = types_in(counts, Frequency(below_percentile=15, elbow="keep"))
    curve = curve_of(counts, mask, elbow)
    assert (curve.first_rank, curve.n_in_range, curve.count_range, curve.n_types) == (171, 30, (1, 30), 200)


def test_narrower_ranges_lie_within():
    counts = np.arange(1, 2001)
    declared = Frequency(below_percentile=15, elbow="keep")
    whole, _ = types_in(counts, declared)
    narrower = list(PREDICATE.narrower(declared))
    assert [words for words, _ in narrower] == [
        "below percentile 10 instead of 15",
        "below percentile 5 instead of 15",
    ]
    for _, options in narrower:
        part, _ = types_in(counts, options)
        assert part.any() and (whole & part).sum() == part.sum() < whole.sum()
