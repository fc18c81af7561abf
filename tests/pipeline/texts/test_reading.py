"""Texts of the Hub are streamed once and then come from the cache, with or without a network."""

from __future__ import annotations

import json

import numpy as np
import pytest

from hypotest.engine.progress import silent
from hypotest.errors import CorpusError, EvidenceError
from hypotest.pipeline.texts import reading as module
from hypotest.pipeline.texts.reading import describe_source, read_text
from hypotest.records.corpus import TextSource
from hypotest.records.protocol.texts import CorpusFiles, CorpusHub, CorpusPackages
from hypotest.records.stored.hub import HubAnswer

COMMITS = ["a" * 40, "b" * 40]
UNREACHED = HubAnswer(None, "the Hub (https://hub.test) did not answer: no route", reached=False)


class Hub:
    """Stands for the network: what it answers, and what was asked of it."""

    def __init__(self):
        self.answer = HubAnswer(COMMITS[0])
        self.questions, self.loaded = [], []
        self.rows = [{"text": f"document {number} ä"} for number in range(600)]

    def ask(self, kind, name, revision):
        self.questions.append((kind, name, revision))
        return self.answer

    def load(self, path, name=None, revision=None, streaming=False):
        self.loaded.append((path, name, revision))
        return {"validation": self.rows}


@pytest.fixture
def hub(monkeypatch, tmp_path):
    made = Hub()
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "ask_hub", made.ask)
    monkeypatch.setattr("datasets.load_dataset", made.load)
    return made


def c4(**keys):
    return CorpusHub(**{"hub": "allenai/c4", "config": "en", "split": "validation", "documents": 500, **keys})


def read(text, base, start_stage=silent):
    documents, (source,) = read_text(text, base, "corpus.text", start_stage)
    return documents, source


def test_a_text_is_streamed_once(hub, tmp_path):
    steps = []
    documents, source = read(c4(), tmp_path, lambda stage, n: lambda: steps.append((stage, n)))
    assert [item.text for item in documents] == [row["text"] for row in hub.rows[:500]]
    assert (source.name, source.version, source.n_documents) == ("allenai/c4 en validation", COMMITS[0], 500)
    assert hub.loaded == [("allenai/c4", "en", COMMITS[0])]
    assert steps == 2 * [("documents of allenai/c4", 2)]  # in steps of 256
    assert (source.n_empty, source.n_copies) == (0, 0)
    assert read(c4(), tmp_path) == (documents, source)
    assert len(hub.loaded) == 1
    assert hub.questions == 2 * [("dataset", "allenai/c4", None)]


def test_columns_are_kept_beside_the_text(hub, tmp_path):
    hub.rows = [
        {"text": f"document {number}", "language": "de" if number % 2 else "en"} for number in range(9)
    ]
    for _ in range(2):
        documents, _ = read_text(c4(), tmp_path, "corpus.text", silent, ("language",))
        assert [item.fields["language"] for item in documents] == ["en", "de"] * 4 + ["en"]
    assert len(hub.loaded) == 1
    documents, _ = read(c4(), tmp_path)  # without columns it is another text of the cache
    assert not documents[0].fields and len(hub.loaded) == 2


def test_rows_that_were_left_out_are_known_from_the_cache_too(hub, tmp_path):
    hub.rows[3], hub.rows[7], hub.rows[8] = {"text": None}, hub.rows[0], hub.rows[0]
    for _ in range(2):
        documents, source = read(c4(), tmp_path)
        assert len(documents) == source.n_documents == 497
        assert (source.n_empty, source.n_copies) == (1, 2)
    assert len(hub.loaded) == 1


def test_progress_ends_where_the_split_does(hub, tmp_path):
    steps = []
    documents, _ = read(c4(documents=5000), tmp_path, lambda stage, n: lambda: steps.append(n))
    assert len(documents) == 600
    assert steps == 20 * [20]


@pytest.mark.parametrize(
    "other", [{"config": "de"}, {"documents": 499}, {"column": "text"}, {"hub": "allenai/c5"}], ids=str
)
def test_another_text_is_streamed_anew(hub, tmp_path, other):
    read(c4(), tmp_path)
    read(c4(**other), tmp_path)
    assert len(hub.loaded) == 2


def test_a_branch_that_moved_is_read_anew(hub, tmp_path):
    read(c4(), tmp_path)
    hub.answer, hub.rows = HubAnswer(COMMITS[1]), [{"text": "new"}]
    documents, source = read(c4(), tmp_path)
    assert ([item.text for item in documents], source.version) == (["new"], COMMITS[1])
    hub.answer = UNREACHED  # then the last one counts
    assert read(c4(), tmp_path)[1].version == COMMITS[1]
    hub.answer = HubAnswer(COMMITS[0])  # moved back
    assert read(c4(), tmp_path)[1].version == COMMITS[0]
    hub.answer = UNREACHED
    assert read(c4(), tmp_path)[1].version == COMMITS[0]
    assert len(hub.loaded) == 2


def test_without_a_network_the_last_commit_of_the_same_request_counts(hub, tmp_path):
    expected = read(c4(), tmp_path)
    hub.answer = UNREACHED
    assert read(c4(), tmp_path) == expected
    with pytest.raises(CorpusError, match=r"^corpus.text.hub 'allenai/c4': is not in the cache"):
        read(c4(revision="v2"), tmp_path)


def test_a_whole_commit_is_not_asked_for_again(hub, tmp_path):
    expected = read(c4(revision=COMMITS[0]), tmp_path)
    assert read(c4(revision=COMMITS[0]), tmp_path) == expected
    assert len(hub.questions) == 1


def test_a_text_that_was_cached_under_a_branch_answers_for_its_commit(hub, tmp_path):
    expected = read(c4(), tmp_path)
    hub.answer = UNREACHED
    assert read(c4(revision=COMMITS[0]), tmp_path) == expected


def test_the_cache_answers_without_the_library(hub, tmp_path, monkeypatch):
    expected = read(c4(), tmp_path)
    monkeypatch.setattr(module, "can_stream", lambda: False)
    assert read(c4(), tmp_path) == expected
    with pytest.raises(CorpusError, match=r"pip install 'hypotest-nn\[datasets\]'"):
        read(c4(documents=3), tmp_path)


def test_no_network_and_no_cache_says_what_to_do(hub, tmp_path):
    hub.answer = UNREACHED
    with pytest.raises(CorpusError) as caught:
        read(c4(revision="v2"), tmp_path)
    message = str(caught.value)
    for part in (str(tmp_path / "cache" / "texts"), "did not answer: no route", "hypotest corpus check",
                 "hf download --repo-type dataset allenai/c4 --revision v2 --local-dir FOLDER"):  # fmt: skip
        assert part in message
    assert hub.loaded == []


def test_what_the_hub_does_not_have_is_said_without_advice_about_networks(hub, tmp_path):
    hub.answer = HubAnswer(None, "the Hub has the data set, but no revision 'v9' of it")
    with pytest.raises(CorpusError, match=r"but no revision 'v9' of it$"):
        read(c4(revision="v9"), tmp_path)


def test_a_damaged_text_is_found(hub, tmp_path):
    read(c4(), tmp_path)
    (file,) = (tmp_path / "cache" / "texts").rglob("text.npy")
    content = np.load(file)
    content[0] ^= 1
    np.save(file, content)
    with pytest.raises(EvidenceError, match="damaged"):
        read(c4(), tmp_path)


def test_a_damaged_note_counts_as_none(hub, tmp_path):
    read(c4(), tmp_path)
    (note,) = (tmp_path / "cache" / "texts").glob("*.json")
    hub.answer = UNREACHED
    for content in ("{", "[]", '{"commit": 3}', '{"commit": "main"}'):
        note.write_text(content)
        with pytest.raises(CorpusError, match="is not in the cache"):
            read(c4(), tmp_path)
    note.write_text(json.dumps({"commit": COMMITS[0]}))
    assert read(c4(), tmp_path)[1].version == COMMITS[0]


def test_nothing_is_kept_of_a_text_that_broke_off(hub, tmp_path):
    def rows():
        yield {"text": "one"}
        raise ConnectionError("gone")

    hub.rows = rows()
    with pytest.raises(CorpusError, match="cannot be read to the end: gone"):
        read(c4(), tmp_path)
    assert not list((tmp_path / "cache").rglob("*.npy"))
    hub.rows = [{"text": "one"}, {"text": "two"}]
    assert len(read(c4(), tmp_path)[0]) == 2


def test_a_text_without_documents(hub, tmp_path):
    hub.rows = [{"text": " "}, {"text": ""}]
    with pytest.raises(CorpusError, match="the first 500 documents are empty: raise documents"):
        read(c4(), tmp_path)


def test_a_folder_is_read_each_time_and_has_no_commit(hub, tmp_path, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "library"))
    (tmp_path / "own").mkdir()
    for content in ("first", "second"):
        (tmp_path / "own" / "train.txt").write_text(content + "\n")
        documents, source = read(CorpusHub(hub="own", split="train"), tmp_path)
        assert [(item.id, item.text) for item in documents] == [("own train:1", content)]
        assert (source.name, source.version) == ("own train", "")
    assert not (tmp_path / "cache").exists()


def test_reports_name_the_commit():
    source = TextSource("allenai/c4 en validation", COMMITS[0], "0" * 64, 499)
    assert describe_source(c4(), [source]) == (
        f"the data set allenai/c4 en validation at commit {COMMITS[0]}, up to 500 documents from its start"
    )
    own = TextSource("own train", "", "0" * 64, 1)
    assert describe_source(CorpusHub(hub="own", split="train"), [own]) == (
        "the data set own train, up to 10,000 documents from its start"
    )
    assert describe_source("reference", [own]) == "docstrings of installed packages"
    assert describe_source(CorpusFiles(files=("a.txt",)), [own]) == "text files"


def test_texts_of_packages_have_two_columns(tmp_path, monkeypatch):
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path))
    text = CorpusPackages(packages=("pingouin",), parts=("docstrings", "code"))
    documents, sources = read_text(text, tmp_path, "corpus.text", silent, ["part"])
    again, _ = read_text(text, tmp_path, "corpus.text", silent, ["part"])
    assert documents == again  # from the cache
    assert {item.fields["part"] for item in documents} == {"docstrings", "code"}
    assert describe_source(text, sources) == "docstrings and code of installed packages"
    with pytest.raises(CorpusError, match=r"have the columns part and package; conditions ask for year"):
        read_text(text, tmp_path, "corpus.text", silent, ["year"])
    with pytest.raises(CorpusError, match="pip install nosuchpackage"):
        read_text(CorpusPackages(packages=("nosuchpackage",)), tmp_path, "corpus.text", silent)
