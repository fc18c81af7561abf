"""Names, paths and times in the strings of a run, and in every format of file."""

from __future__ import annotations

import io
import struct
import zlib
from datetime import datetime

import numpy as np
import polars as pl
import pytest
from matplotlib.figure import Figure

from hypotest.studies.bundle.disguise import HIDDEN, Disguise, own_names
from hypotest.studies.bundle.traces import find_traces

NAME, FOLDER = "Jane Doe", "/home/jdoe/our models/final"


@pytest.fixture
def disguise():
    made = Disguise([NAME, "jdoe", "box-17"])
    made.see_paths([FOLDER, "read from /scratch/jdoe/a.txt, twice", r"C:\Users\jdoe\b.npy", "~/secret/c"])
    return made


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("by jane doe of BOX-17", f"by {HIDDEN} of {HIDDEN}"),
        (FOLDER, "path-1"),
        (f"found '{FOLDER}'; fine", "found 'path-1'; fine"),
        ("/scratch/jdoe/a.txt", "path-2.txt"),
        (r"C:\Users\jdoe\b.npy", "path-3.npy"),
        ("~/secret/c", "path-4"),
        ("janedoe, jdoes and 7jdoe9", "janedoe, jdoes and 7jdoe9"),  # other words, and hashes
        ("and/or, 1/2, https://a.b/c/d", "and/or, 1/2, https://a.b/c/d"),
        ("EleutherAI/pythia-70m", "EleutherAI/pythia-70m"),
    ],
)
def test_texts(disguise, text, shown):
    assert disguise(text) == shown
    assert list(disguise.traces(shown)) == []


def test_keys_and_lists_are_texts_and_numbers_stay(disguise):
    assert disguise({FOLDER: ["jdoe", 3, None, 0.5, True]}) == {"path-1": [HIDDEN, 3, None, 0.5, True]}


def test_of_times_the_order_is_left():
    made = Disguise([])
    data = {
        "started": "2026-11-29T23:39:09.440267+00:00",
        "registered": "2026-11-30T00:39:01+01:00",
        "why": "seen on 2026-11-29T20:00:00, and 2026-11-29T23:39:01+00:00",
    }
    made.see_times(data)
    shown = made(data, times=True)
    assert "2026" not in str(shown)
    first, same, later = (
        datetime.fromisoformat(shown[key]) for key in ("registered", "registered", "started")
    )
    assert first == same < later
    assert shown["why"] == "seen on 2000-01-01T00:00:00, and 2000-01-01T00:00:01+00:00"
    assert shown["registered"] == "2000-01-01T00:00:01+00:00"  # one moment, however it is written
    assert made(data) == data  # only where it is asked for


def test_roots_are_no_names(disguise):
    disguise.see_paths(["/", "~", "//"])
    assert disguise("a / b") == "a / b"


def test_the_names_of_user_and_machine(monkeypatch):
    monkeypatch.setenv("USER", "planted-user")
    monkeypatch.setattr("socket.gethostname", lambda: "planted-host.example.org")
    assert {"planted-user", "planted-host", "planted-host.example.org"} <= set(own_names())
    monkeypatch.setenv("USER", "root")
    assert "root" not in own_names()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def picture(**metadata) -> bytes:
    with io.BytesIO() as stream:
        Figure(figsize=(1, 1)).savefig(stream, format="png", metadata=metadata)
        return stream.getvalue()


def table(**columns) -> bytes:
    with io.BytesIO() as stream:
        pl.DataFrame(columns).write_parquet(stream)
        return stream.getvalue()


def with_metadata() -> bytes:
    with io.BytesIO() as stream:
        pl.DataFrame({"a": [1]}).write_parquet(stream, metadata={"author": NAME})
        return stream.getvalue()


PNG = picture()
HIDING = {
    "a.json": b'{"by": "Jane Doe"}',
    "a.svg": f"<svg><!-- {FOLDER} --></svg>".encode(),
    "jdoe.txt": b"nothing",
    "plain.png": picture(Author=NAME),
    "packed.png": PNG[:33] + chunk(b"zTXt", b"Author\0\0" + zlib.compress(NAME.encode())) + PNG[33:],
    "international.png": PNG[:33] + chunk(b"iTXt", b"A\0\1\0\0\0" + zlib.compress(NAME.encode())) + PNG[33:],
    "cells.parquet": table(by=["x", NAME]),
    "columns.parquet": table(**{"box-17": [1.0]}),
    "metadata.parquet": with_metadata(),
    "page.html": b"<p>by Jane Doe</p>",
}


@pytest.mark.parametrize("name", HIDING)
def test_nothing_is_overlooked_in_any_format(disguise, name):
    assert {file for file, _ in find_traces({name: HIDING[name]}, disguise)} == {name}


def test_what_holds_nothing_is_left_alone(disguise):
    array = io.BytesIO()
    np.save(array, np.arange(10))
    clean = {
        "a.png": picture(),
        "a.parquet": table(by=["x"], number=[1.0]),
        "a.npy": array.getvalue(),
        "a.html": b'<img src="data:image/png;base64,aGFsbG8jdoe=="> and text',
    }
    assert list(find_traces(clean, disguise)) == []
