import os
import random

import numpy as np
import polars as pl
import pytest

from hypotest.corpora.frequencies import (
    cut_frequencies,
    find_elbow,
    fit_to_vocabulary,
    frequency_curve,
    read_frequency_table,
)
from hypotest.errors import CorpusError
from hypotest.records.material import Conditions


def conditions(elbow="drop", below=15.0, of="types"):
    return Conditions.model_validate(
        {
            "elbow": elbow,
            "rare": {"target_frequency": {"below_percentile": below, "of": of}},
            "common": {"target_frequency": {"from_percentile": below, "of": of}},
        }
    )


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


@pytest.mark.parametrize("suffix", [".npy", ".csv", ".parquet"])
def test_tables_of_every_kind_read_alike(tmp_path, suffix):
    counts = np.array([5, 0, 7], dtype=np.int64)
    path = tmp_path / f"counts{suffix}"
    frame = pl.DataFrame({"token": [2, 0], "count": [7, 5]})
    if suffix == ".npy":
        np.save(path, counts)
    elif suffix == ".csv":
        frame.write_csv(path)
    else:
        frame.write_parquet(path)
    assert read_frequency_table(path).tolist() == counts.tolist()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.npy", None, "no such file"),
        ("counts.txt", b"1 2 3", "must be .npy, .parquet or .csv"),
        ("bad.npy", b"not an array", "cannot be read"),
        ("bad.csv", b"id,n\n1,2\n", "columns token and count"),
        ("negative.csv", b"token,count\n1,-2\n", "non-negative"),
    ],
)
def test_unusable_tables_are_clear_errors(tmp_path, name, content, message):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        read_frequency_table(path)


def test_pickled_arrays_are_never_loaded(tmp_path):
    np.save(tmp_path / "objects.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(CorpusError, match="cannot be read"):
        read_frequency_table(tmp_path / "objects.npy")


def test_table_is_padded_to_the_vocabulary_or_refused():
    assert fit_to_vocabulary(np.array([1, 2]), 4).tolist() == [1, 2, 0, 0]
    assert fit_to_vocabulary(np.array([1, 2, 0]), 2).tolist() == [1, 2]
    with pytest.raises(
        CorpusError, match=r"counts token id 2, but the model has only 2, from 0.*another tokenizer"
    ):
        fit_to_vocabulary(np.array([1, 2, 3]), 2)


def test_a_published_table_that_is_shorter_than_the_padded_vocabulary(tmp_path):
    # as the counts of Pythia's training text: int64, one for each of 50,277 ids, and 50,304 rows in the model
    np.save(tmp_path / "counts.npy", np.arange(1, 51))
    counts = read_frequency_table(tmp_path / "counts.npy")
    padded = np.concatenate([fit_to_vocabulary(counts, 55), np.arange(1, 201)])
    cuts = cut_frequencies(padded, conditions(elbow="keep"), n_unlisted=5)
    assert cuts.n_unlisted == 5
    assert not (cuts.rare | cuts.common | cuts.dropped)[50:55].any()


def test_too_few_types_are_refused():
    with pytest.raises(CorpusError, match="at least 100"):
        cut_frequencies(np.arange(1, 50), conditions())


NUMPY = b"\x93NUMPY\x01\x00"
TEXT = pl.DataFrame({"token": ["a"], "count": [1]})


def archive(path):
    with path.open("wb") as stream:
        np.savez(stream, counts=np.arange(3))


def promises(path):
    """A header that promises 8 TB, and no data."""
    header = {"descr": "<i8", "fortran_order": False, "shape": (10**12,)}
    with path.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)


@pytest.mark.parametrize(
    ("name", "write", "message"),
    [
        ("objects.npy", lambda path: np.save(path, np.array([{}]), allow_pickle=True), "cannot be read"),
        ("pickle.npy", lambda path: path.write_bytes(b"\x80\x04cos\nsystem\n."), "cannot be read"),
        ("archive.npy", archive, "cannot be read"),
        ("promises.npy", promises, "cannot be read"),
        ("empty.npy", lambda path: path.touch(), "cannot be read"),
        ("header.npy", lambda path: path.write_bytes(NUMPY + b"\x0a\x00{'descr': ("), "cannot be read"),
        ("nested.npy", lambda path: path.write_bytes(NUMPY + b"\x80\x20" + b"(" * 8320), "cannot be read"),
        ("empty.parquet", lambda path: path.touch(), "cannot be read"),
        ("empty.csv", lambda path: path.touch(), "cannot be read"),
        ("folder.csv", lambda path: path.mkdir(), "found a folder"),
        ("loop.csv", lambda path: path.symlink_to(path), "symbolic links"),
        ("pipe.csv", os.mkfifo, "device or pipe"),
        ("far.csv", lambda path: path.write_text(f"token,count\n{2**60},1\n"), "ids must be below"),
        ("twice.csv", lambda path: path.write_text("token,count\n1,1\n1,2\n"), "each id once"),
        ("many.csv", lambda path: path.write_text(f"token,count\n1,{2**62}\n2,{2**62}\n"), "at most"),
        ("text.parquet", lambda path: TEXT.write_parquet(path), "integers"),
    ],
)  # fmt: skip
def test_hostile_tables_are_clear_errors(tmp_path, name, write, message):
    path = tmp_path / name
    write(path)
    with pytest.raises(CorpusError, match=message) as caught:
        read_frequency_table(path)
    assert str(caught.value).startswith(f"frequencies: '{path}': ")


def test_damaged_tables_are_never_another_error(tmp_path):
    rng = random.Random(4)
    frame = pl.DataFrame({"token": range(300), "count": range(300)})
    np.save(tmp_path / "whole.npy", np.arange(300))
    frame.write_csv(tmp_path / "whole.csv")
    frame.write_parquet(tmp_path / "whole.parquet")
    refused = 0
    for number in range(300):
        whole = tmp_path / ("whole.npy", "whole.csv", "whole.parquet")[number % 3]
        content = bytearray(whole.read_bytes())
        for _ in range(rng.choice([1, 2, 5])):
            # headers are where it hurts: at the beginning, of parquet files at the end
            place = rng.randrange(min(len(content), 400))
            place = len(content) - 1 - place if whole.suffix == ".parquet" else place
            if rng.random() < 0.5:
                content[place] = rng.randrange(256)
            else:
                del content[place : place + rng.choice([1, 5, 50])]
        damaged = whole.with_stem("damaged")
        damaged.write_bytes(bytes(content))
        try:
            read_frequency_table(damaged)
        except CorpusError:
            refused += 1
    assert refused > 150


def test_tied_low_counts_are_explained_with_a_percentile_that_works():
    counts = np.array([1] * 150 + [100] * 50)
    # of 200 types the 150 rarest occur once; percentile 75 lies behind them, 74 among them
    message = (
        r"no token type is rare under .*: 150 of the 200 types that are left \(75 %\) share the lowest "
        r"count, once each, .*Write at least 75, or"
    )
    with pytest.raises(CorpusError, match=message):
        cut_frequencies(counts, conditions(elbow="keep"))
    assert cut_frequencies(counts, conditions(elbow="keep", below=75.0)).rare.sum() == 150
    with pytest.raises(CorpusError, match="no token type is rare"):
        cut_frequencies(counts, conditions(elbow="keep", below=74.0))


def test_equal_counts_have_no_percentile_that_works():
    with pytest.raises(CorpusError, match=r"7 times each.*lies none\. count a longer text"):
        cut_frequencies(np.full(200, 7), conditions(elbow="keep"))
