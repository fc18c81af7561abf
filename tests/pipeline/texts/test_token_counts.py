"""Counts that ship, are read, or are counted once."""

import numpy as np
import pytest

from hypotest.engine.progress import silent
from hypotest.errors import CorpusError
from hypotest.pipeline.texts import token_counts as module
from hypotest.pipeline.texts.token_counts import token_counts
from hypotest.records.corpus import CorpusDocument, TextSource
from hypotest.records.protocol.material import CountedText
from hypotest.records.protocol.texts import CorpusFiles
from hypotest.subjects.reference import reference_token_counts


class Letters:
    """A tokenizer whose tokens are the letters."""

    name, context, tokenizer_fingerprint = "letters", 100, "abc"

    def __init__(self, vocab_size=30):
        self.vocab_size, self.calls = vocab_size, 0

    def encode(self, texts):
        self.calls += 1
        return [[ord(letter) - ord("a") for letter in text if letter.isalpha()] for text in texts]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "frequencies"


@pytest.fixture
def texts(tmp_path):
    (tmp_path / "one.txt").write_text("abba", encoding="utf-8")
    (tmp_path / "two.txt").write_text("a cab", encoding="utf-8")
    return CountedText(count=CorpusFiles(files=("one.txt", "two.txt")))


def test_a_text_is_counted_once(texts, tmp_path, cache):
    reader = Letters()
    counts = token_counts(texts, tmp_path, reader, silent)
    assert counts.tolist() == [4, 3, 1] + 27 * [0]
    assert counts.dtype == np.int64
    assert token_counts(texts, tmp_path, reader, silent).tolist() == counts.tolist()
    assert reader.calls == 1
    assert len(list(cache.iterdir())) == 1


def test_a_token_that_the_model_does_not_have(texts, tmp_path):
    with pytest.raises(CorpusError, match=r"tokenizer of letters gives token 2, but its model has 2 tokens"):
        token_counts(texts, tmp_path, Letters(vocab_size=2), silent)


def test_another_text_or_tokenizer_is_counted_anew(texts, tmp_path, cache):
    token_counts(texts, tmp_path, Letters(), silent)
    other = Letters()
    other.tokenizer_fingerprint = "abd"
    token_counts(texts, tmp_path, other, silent)
    (tmp_path / "two.txt").write_text("a cab!", encoding="utf-8")
    changed = token_counts(texts, tmp_path, Letters(), silent)
    assert changed.tolist()[:3] == [4, 3, 1]
    assert len(list(cache.iterdir())) == 3


def test_damaged_counts_are_found_and_made_again(texts, tmp_path, cache):
    whole = token_counts(texts, tmp_path, Letters(), silent)
    (file,) = cache.rglob("counts.npy")
    counts = np.load(file)
    counts[0] += 1
    np.save(file, counts)
    reader = Letters()
    for _ in range(2):
        assert token_counts(texts, tmp_path, reader, silent).tolist() == whole.tolist()
    assert reader.calls == 1


def test_a_tokenizer_with_more_tokens_than_the_model(texts, tmp_path):
    with pytest.raises(CorpusError, match="gives token 2, but its model has 2 tokens"):
        token_counts(texts, tmp_path, Letters(vocab_size=2), silent)


def test_batches_do_not_matter(tmp_path, monkeypatch):
    names = []
    for number in range(7):
        names.append(f"{number}.txt")
        (tmp_path / names[-1]).write_text("abc"[: number % 3 + 1] * (number + 1), encoding="utf-8")
    chosen = CountedText(count=CorpusFiles(files=tuple(names)))
    whole = token_counts(chosen, tmp_path, Letters(), silent)
    monkeypatch.setattr(module, "BATCH", 2)
    monkeypatch.setattr("hypotest.pipeline.texts.reader.BATCH", 2)
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "other"))
    steps = []
    parts = token_counts(chosen, tmp_path, Letters(), lambda stage, n: lambda: steps.append((stage, n)))
    assert parts.tolist() == whole.tolist()
    assert steps == 4 * [("tokens of the frequency text", 4)]


def test_reference_is_the_training_text_in_the_models_own_tokens(tmp_path, monkeypatch):
    asked = []

    def package_documents(packages):
        asked.append(packages)
        return [CorpusDocument("x", "cab")], [TextSource("x", "1", "0" * 64, 1)]

    monkeypatch.setattr(module, "package_documents", package_documents)
    for chosen in ("reference", CountedText(count="reference")):
        assert token_counts(chosen, tmp_path, Letters(), silent).tolist()[:4] == [1, 1, 1, 0]
    assert asked == [module.TRAINING_PACKAGES]  # the second time from the cache
    shipped = Letters()
    shipped.name = "reference"
    assert np.array_equal(token_counts("reference", tmp_path, shipped, silent), reference_token_counts())


def test_a_table_is_read(tmp_path):
    np.save(tmp_path / "counts.npy", np.arange(5))
    assert token_counts("counts.npy", tmp_path, Letters(), silent).tolist() == [0, 1, 2, 3, 4]


def test_a_package_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "TRAINING_PACKAGES", ("no-such-package",))
    with pytest.raises(CorpusError, match="pip install no-such-package"):
        token_counts("reference", tmp_path, Letters(), silent)
