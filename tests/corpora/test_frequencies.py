import os
import random

import numpy as np
import polars as pl
import pytest

from hypotest.corpora.frequencies import (
    fit_to_vocabulary,
    read_frequency_table,
)
from hypotest.errors import CorpusError


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
