"""Data sets that are streamed: from folders, which the library reads as it reads the Hub."""

from __future__ import annotations

import gzip
import json
import sys

import polars as pl
import pytest

from hypotest.corpora import hub as module
from hypotest.corpora.hub import data_folder, hub_source, stream_rows
from hypotest.errors import CorpusError
from hypotest.records.protocol.texts import CorpusHub

WHERE = "corpus.text.hub 'data'"
CARD = """\
---
configs:
- {config_name: en, data_files: [{split: train, path: en/*.parquet}]}
- {config_name: de, data_files: [{split: train, path: de/*.parquet}]}
---
"""


@pytest.fixture(autouse=True)
def no_network(monkeypatch, tmp_path):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "library"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "data"
    made.mkdir()
    return made


def write_lines(path, texts):
    path.write_text("".join(json.dumps({"text": text, "n": 1}) + "\n" for text in texts), encoding="utf-8")


def read(folder, **keys):
    text = CorpusHub(**{"hub": "data", "split": "train", **keys})
    return [row[:2] for row in stream_rows(text, WHERE, folder=folder)]


def test_rows_come_in_order_without_empty_and_repeated_ones(folder):
    write_lines(folder / "train-0.jsonl", ["one", " \n", "two", "one"])
    write_lines(folder / "train-1.jsonl", ["three", "two", "four"])
    write_lines(folder / "validation.jsonl", ["other"])
    assert read(folder) == [(1, "one"), (3, "two"), (5, "three"), (7, "four")]
    kinds = []
    list(stream_rows(CorpusHub(hub="data", split="train"), WHERE, folder=folder, on_row=kinds.append))
    assert kinds == ["document", "empty", "document", "copy", "document", "copy", "document"]
    assert read(folder, documents=5) == [(1, "one"), (3, "two"), (5, "three")]
    assert read(folder, split="validation") == [(1, "other")]


def test_no_more_is_read_than_asked_for(folder):
    write_lines(folder / "train.jsonl", [f"text {number}" for number in range(50)])
    calls = []
    rows = list(
        stream_rows(
            CorpusHub(hub="data", split="train", documents=7),
            WHERE,
            folder=folder,
            on_row=calls.append,
        )
    )
    assert len(rows) == len(calls) == 7


def test_columns_that_conditions_read_come_along(folder):
    rows = {"text": ["eins", "two", "trois"], "language": ["de", "en", None], "tags": [["a"], ["b"], ["c"]]}
    (folder / "data").mkdir()
    pl.DataFrame(rows).write_parquet(folder / "data" / "train-00000-of-00001.parquet")
    text = CorpusHub(hub="data", split="train")
    streamed = list(stream_rows(text, WHERE, folder=folder, columns=("language", "tags")))
    assert streamed == [
        (1, "eins", {"language": "de", "tags": '["a"]'}),
        (2, "two", {"language": "en", "tags": '["b"]'}),
        (3, "trois", {"tags": '["c"]'}),
    ]
    documents, source = hub_source(text, None, streamed)
    assert [item.fields.get("language") for item in documents] == ["de", "en", None]
    assert source.sha256 != hub_source(text, None, [(*row[:2], {}) for row in streamed])[1].sha256
    with pytest.raises(
        CorpusError, match="has no column 'author', which conditions read; it has 'text', 'lang"
    ):
        list(stream_rows(text, WHERE, folder=folder, columns=("author",)))


def test_other_kinds_of_files(folder):
    pl.DataFrame({"content": ["a", None, "ä\r\nb"]}).write_parquet(folder / "train.parquet")
    assert read(folder, column="content") == [(1, "a"), (3, "ä\r\nb")]
    (folder / "train.parquet").unlink()
    (folder / "train.jsonl.gz").write_bytes(gzip.compress(b'{"text": "packed"}\n'))
    assert read(folder) == [(1, "packed")]


def test_a_configuration_is_chosen(folder):
    for name in ("en", "de"):
        (folder / name).mkdir()
        pl.DataFrame({"text": [f"in {name}"]}).write_parquet(folder / name / "0.parquet")
    (folder / "README.md").write_text(CARD)
    assert read(folder, config="de") == [(1, "in de")]
    with pytest.raises(
        CorpusError, match=r"several configurations: choose one with config; it has 'en', 'de'"
    ):
        read(folder)
    with pytest.raises(
        CorpusError, match=r"^corpus.text.hub 'data': has no configuration 'fr'; it has 'en', 'de'"
    ):
        read(folder, config="fr")


def test_what_is_not_there_is_named_with_what_is(folder):
    write_lines(folder / "train.jsonl", ["one"])
    write_lines(folder / "test.jsonl", ["two"])
    with pytest.raises(CorpusError, match=r"has no split 'validation'; it has 'train', 'test'"):
        read(folder, split="validation")
    with pytest.raises(
        CorpusError, match=r"has no column 'content'; it has 'text', 'n': choose one with col"
    ):
        read(folder, column="content")
    with pytest.raises(CorpusError, match=r"document 1: the column 'n' must hold text; found 1"):
        read(folder, column="n")


def test_code_of_a_data_set_is_refused(folder, tmp_path):
    (folder / "data.py").write_text(f"open({str(tmp_path / 'executed')!r}, 'w')")
    with pytest.raises(CorpusError, match="consists of a script, and hypotest runs no code of a data set"):
        read(folder)
    assert not (tmp_path / "executed").exists()


def test_an_empty_folder(folder):
    with pytest.raises(CorpusError, match="holds no files that the datasets library reads"):
        read(folder)


def test_damaged_files(folder):
    (folder / "train.parquet").write_bytes(b"PAR1 and nothing else")
    with pytest.raises(CorpusError, match=r"^corpus.text.hub 'data': cannot be loaded: Parquet magic bytes"):
        read(folder)
    (folder / "train.parquet").unlink()
    (folder / "train.jsonl").write_text('{"text": "one"}\n{"text": broken\n')
    with pytest.raises(CorpusError, match=r"^corpus.text.hub 'data': cannot be read to the end: "):
        read(folder)


def test_the_text_is_bounded(folder, monkeypatch):
    write_lines(folder / "train.jsonl", ["x" * 600_000, "y" * 600_000])
    monkeypatch.setattr(module, "MAX_BYTES", 2**20)
    assert len(read(folder, documents=1)) == 1
    with pytest.raises(
        CorpusError, match=r"at most 1 MiB of text, which document 2 exceeds: lower documents"
    ):
        read(folder)


def test_halves_of_surrogate_pairs(folder):
    (folder / "train.jsonl").write_text('{"text": "a\\ud800b"}\n')
    try:
        rows = read(folder)
    except CorpusError as error:  # the library may refuse them
        assert "cannot be read to the end" in str(error)
    else:
        assert rows[0][1].encode().decode() == rows[0][1]


def test_without_the_library(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "datasets", None)
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    with pytest.raises(
        CorpusError, match=r"the package datasets, which is missing: pip install 'hypotest-nn\["
    ):
        read(folder)


def test_the_hub_is_read_at_its_commit(monkeypatch):
    asked = []

    def load_dataset(path, name=None, revision=None, streaming=False):
        asked.append((path, name, revision, streaming))
        return {"train": iter([{"text": "one"}])}

    monkeypatch.setattr("datasets.load_dataset", load_dataset)
    text = CorpusHub(hub="allenai/c4", config="en", split="train", revision="main")
    assert list(stream_rows(text, WHERE, commit="c" * 40)) == [(1, "one", {})]
    assert asked == [("allenai/c4", "en", "c" * 40, True)]


def test_a_network_that_fails_half_way(monkeypatch):
    def rows():
        yield {"text": "one"}
        raise ConnectionError("Server Disconnected\nand more")

    monkeypatch.setattr("datasets.load_dataset", lambda *_, **__: {"train": rows()})
    with pytest.raises(CorpusError, match=r"cannot be read to the end: Server Disconnected$"):
        list(stream_rows(CorpusHub(hub="allenai/c4", split="train"), WHERE, commit="c" * 40))


def test_progress_bars_of_the_library_stay_as_they_were(folder):
    import datasets

    write_lines(folder / "train.jsonl", ["one"])
    for change in (datasets.disable_progress_bars, datasets.enable_progress_bars):
        change()
        before = datasets.are_progress_bars_disabled()
        read(folder)
        assert datasets.are_progress_bars_disabled() == before


def test_folders_and_names(tmp_path, folder):
    assert data_folder(CorpusHub(hub="data", split="x"), tmp_path, WHERE) == folder
    assert data_folder(CorpusHub(hub="allenai/c4", split="x"), tmp_path, WHERE) is None
    with pytest.raises(CorpusError, match="is a folder, which has no revision: remove it"):
        data_folder(CorpusHub(hub="data", split="x", revision="main"), tmp_path, WHERE)
    for name in ("../nowhere", "a/b/c", "a\0b", "\x1b[31m", "x" * 4000):
        with pytest.raises(CorpusError, match="no name of the Hugging Face Hub") as caught:
            data_folder(CorpusHub(hub=name, split="x"), tmp_path, WHERE)
        assert str(caught.value).isprintable()


def test_documents_are_known_by_their_place_and_the_source_by_its_hash():
    text = CorpusHub(hub="allenai/c4", config="en", split="validation")
    documents, source = hub_source(text, "c" * 40, [(1, "one", {}), (4, "two", {})])
    assert [(item.id, item.text) for item in documents] == [
        ("allenai/c4 en validation:1", "one"), ("allenai/c4 en validation:4", "two"),
    ]  # fmt: skip
    assert (source.name, source.version, source.n_documents) == ("allenai/c4 en validation", "c" * 40, 2)
    assert str(source) == "allenai/c4 en validation " + "c" * 40
    assert hub_source(text, None, [(1, "onet", {}), (4, "wo", {})])[1].sha256 != source.sha256
    assert str(hub_source(text, None, [(1, "one", {})])[1]) == "allenai/c4 en validation"
