"""Cleaned text, blocks and positions: made once, the same from the cache, made again where it is damaged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hypotest.collect.store import read_shard
from hypotest.corpora import docstrings
from hypotest.engine.session import Session
from hypotest.engine.streams import Streams
from hypotest.errors import CorpusError, SubjectError
from hypotest.pipeline.texts import kept_text, positions
from hypotest.pipeline.texts.beginning import require_beginning
from hypotest.pipeline.texts.kept_text import blocks_of, documents_of_packages
from hypotest.pipeline.texts.positions import FoundPositions, find_positions
from hypotest.records.corpus import CorpusDocument
from hypotest.records.protocol.protocol import Protocol
from hypotest.subjects.beginning import Beginning

pytestmark = pytest.mark.slow


class Numbers:
    """A tokenizer whose tokens are the numbers that stand in the text."""

    name, context, vocab_size, is_masked = "numbers", 64, 150, False
    beginning = Beginning(by_itself=None, token=149, is_needed=False)

    def __init__(self, fingerprint: str = "abc") -> None:
        self.tokenizer_fingerprint, self.calls = fingerprint, 0

    def encode(self, texts):
        self.calls += 1
        return [[int(word) for word in text.split()] for text in texts]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "prepared"


@pytest.fixture
def plan(tmp_path: Path) -> Protocol:
    """Forty documents of numbers, the small ones frequent."""
    rng = np.random.default_rng(0)
    weights = 1 / np.arange(1, 151)
    for number in range(40):
        ids = rng.choice(150, size=200, p=weights / weights.sum())
        (tmp_path / f"{number}.txt").write_text(" ".join(map(str, ids)), encoding="utf-8")
    np.save(tmp_path / "counts.npy", (10_000 * weights).astype(np.int64))
    return Protocol.model_validate(
        {
            "hypotest": 1,
            "id": "numbers",
            "title": "Numbers",
            "subject": {"model": "reference"},
            "corpus": {"text": {"files": [f"{number}.txt" for number in range(40)]}, "context": 32},
            "frequencies": "counts.npy",
            "conditions": {
                "rare": {"target": {"frequency": {"below_percentile": 50, "elbow": "keep"}}},
                "common": {"target": {"frequency": {"from_percentile": 50, "elbow": "keep"}}},
            },
            "sample": {"positions": 60},
            "group": {"select": {"top_fraction": 0.1}},
            "predictions": [
                {
                    "id": "one",
                    "measure": "modularity",
                    "contrast": {"null": "size_matched"},
                    "role": "descriptive",
                }
            ],
            "nulls": {"size_matched": {"draws": 99}},
            "seed": 5,
        }
    )


def positions_of(plan: Protocol, base: Path, reader: Numbers | None = None, **others) -> FoundPositions:
    plan = plan.model_copy(update={"seed": others.pop("seed", plan.seed)})
    streams = Streams(plan.seed)
    kept_out = others.pop("kept_out", ())
    return find_positions(plan, base, reader or Numbers(), Session(streams), lambda: None, kept_out)


def same(one: FoundPositions, two: FoundPositions) -> bool:
    """Equal to the last bit, types included."""
    arrays = [
        (one.blocks.tokens, two.blocks.tokens),
        (one.blocks.document, two.blocks.document),
    ]
    return (
        all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in arrays)
        and one.blocks.n_documents == two.blocks.n_documents
        and one.sampled.positions.schema == two.sampled.positions.schema
        and one.sampled.positions.equals(two.sampled.positions)
        and one.sampled.eligible == two.sampled.eligible
        and one.sampled.available == two.sampled.available
        and one.documents == two.documents
        and one.sources == two.sources
        and one.kept_out == two.kept_out
    )


def refuse(*arguments, **keywords):
    raise AssertionError("made again")


def without_cache(plan: Protocol, base: Path, monkeypatch: pytest.MonkeyPatch) -> FoundPositions:
    with monkeypatch.context() as context:
        context.setattr(kept_text, "kept", lambda place, names, compute: compute())
        return positions_of(plan, base)


def test_the_second_time_nothing_is_made_again(plan, tmp_path, monkeypatch) -> None:
    bare = without_cache(plan, tmp_path, monkeypatch)
    first = positions_of(plan, tmp_path)
    monkeypatch.setattr(positions, "draw", refuse)
    monkeypatch.setattr(Numbers, "encode", refuse)
    assert same(first, bare)
    assert same(positions_of(plan, tmp_path), bare)


def test_what_a_form_depends_on_is_in_its_name(plan, tmp_path, cache, monkeypatch) -> None:
    def count(form: str) -> int:
        return len(list((cache / form).iterdir()))

    base = positions_of(plan, tmp_path)
    positions_of(plan, tmp_path, seed=plan.seed + 1)
    assert (count("blocks"), count("positions")) == (1, 2)
    out = base.documents[int(base.sampled.positions["document"][-1])]  # of the evaluation split
    moved = positions_of(plan, tmp_path, kept_out=[out])
    assert moved.kept_out == (out,) and (count("blocks"), count("positions")) == (1, 3)
    fewer = plan.model_copy(update={"sample": plan.sample.model_copy(update={"positions": 20})})
    some = positions_of(fewer, tmp_path)
    assert some.sampled.positions.height == 40
    assert (count("blocks"), count("positions")) == (1, 4)
    known = set((cache / "positions").iterdir())
    assert not same(some, positions_of(fewer, tmp_path, seed=plan.seed + 1))
    (of_other_seed,) = set((cache / "positions").iterdir()) - known
    shutil.rmtree(of_other_seed)
    shorter = plan.model_copy(update={"corpus": plan.corpus.model_copy(update={"context": 16})})
    assert positions_of(shorter, tmp_path).blocks.tokens.shape[1] == 16
    assert (count("blocks"), count("positions")) == (2, 5)
    positions_of(plan, tmp_path, Numbers("another tokenizer"))  # the same blocks, and so the same positions
    assert (count("blocks"), count("positions")) == (3, 5)
    monkeypatch.setattr(kept_text, "_code", lambda: "other code")
    positions_of(plan, tmp_path)
    assert (count("blocks"), count("positions")) == (4, 6)
    changed = tmp_path / "7.txt"
    changed.write_text(changed.read_text(encoding="utf-8").replace(" ", "  ", 1), encoding="utf-8")
    positions_of(plan, tmp_path)
    assert (count("blocks"), count("positions")) == (5, 6)


def test_where_one_document_ends_counts() -> None:
    def blocks(*texts: str):
        return blocks_of([CorpusDocument(str(place), text) for place, text in enumerate(texts)], Numbers(), 2)

    assert blocks("1 2 3", " 4 5").document.tolist() == [0, 1]
    assert blocks("1 2 ", "3 4 5").document.tolist() == [0, 1]
    assert blocks("1 2 3 4 5").document.tolist() == [0, 0]
    assert blocks("1 2 3", " 4 5").tokens.tolist() == [[1, 2], [4, 5]]
    assert blocks("1 2 ", "3 4 5").tokens.tolist() == [[1, 2], [3, 4]]


def truncate(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def truncate_arrays(shard: Path) -> None:
    for file in shard.glob("*.npy"):
        truncate(file)


def replace_by_a_file(shard: Path) -> None:
    shutil.rmtree(shard)
    shard.write_text("mine")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "truncated": truncate_arrays,
    "one bit": lambda shard: flip(next(shard.glob("*.npy"))),
    "an array gone": lambda shard: next(shard.glob("*.npy")).unlink(),
    "checksums truncated": lambda shard: truncate(shard / "sha256.json"),
    "checksums gone": lambda shard: (shard / "sha256.json").unlink(),
    "no checksums": lambda shard: (shard / "sha256.json").write_text("{}"),
    "a list of checksums": lambda shard: (shard / "sha256.json").write_text("[1]"),
    "checksums that are none": lambda shard: (shard / "sha256.json").write_text('{"tokens": 1}'),
    "a file": replace_by_a_file,
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_what_is_damaged_is_made_again(damage, plan, tmp_path, cache) -> None:
    whole = positions_of(plan, tmp_path)
    shards = [path for form in ("blocks", "positions") for path in (cache / form).iterdir()]
    for shard in shards:
        damage(shard)
    reader = Numbers()
    assert same(positions_of(plan, tmp_path, reader), whole) and reader.calls == 1
    for shard in shards:
        read_shard(shard)  # is whole again
    assert same(positions_of(plan, tmp_path, reader), whole) and reader.calls == 1


def test_a_cache_that_cannot_be_written_changes_nothing(plan, tmp_path, monkeypatch) -> None:
    bare = without_cache(plan, tmp_path, monkeypatch)
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert same(positions_of(plan, tmp_path), bare)


def test_a_text_with_too_few_positions_is_refused_each_time(plan, tmp_path, cache) -> None:
    more = plan.model_copy(update={"sample": plan.sample.model_copy(update={"positions": 10_000})})
    for _ in range(2):
        with pytest.raises(CorpusError, match="gives only"):
            positions_of(more, tmp_path)
    assert not (cache / "positions").exists()


def test_packages_are_parsed_once(cache, monkeypatch) -> None:
    expected = docstrings.package_documents(["pingouin"])
    assert documents_of_packages(["pingouin"]) == expected
    monkeypatch.setattr(kept_text, "package_documents", refuse)
    assert documents_of_packages(["pingouin"]) == expected
    (shard,) = (cache / "documents").iterdir()
    flip(shard / "json.npy")
    with pytest.raises(AssertionError, match="made again"):
        documents_of_packages(["pingouin"])


def test_a_package_that_was_changed_in_place_is_parsed_anew(monkeypatch) -> None:
    documents, _ = documents_of_packages(["pingouin"])
    monkeypatch.setattr(docstrings, "_source", lambda path: b'"""A docstring that stands in every file."""')
    monkeypatch.setattr(kept_text, "package_documents", lambda names: ([CorpusDocument("new", "text")], []))
    changed, _ = documents_of_packages(["pingouin"])
    assert changed != documents and json.dumps(changed[0].text) == '"text"'


def with_bos(plan: Protocol, bos: str | bool) -> Protocol:
    return plan.model_copy(update={"corpus": plan.corpus.model_copy(update={"bos": bos})})


def test_blocks_begin_as_the_protocol_and_the_tokenizer_say(plan: Protocol, tmp_path: Path) -> None:
    with_token, without = Numbers(), Numbers()
    with_token.beginning = Beginning(by_itself=149, token=149, is_needed=False)
    context = plan.corpus.context
    for reader, bos, expected in [
        (with_token, "auto", 149),
        (without, "auto", None),
        (without, True, 149),
        (with_token, False, None),
    ]:
        here = positions_of(with_bos(plan, bos), tmp_path, reader)
        assert here.bos == expected and here.blocks.tokens.shape[1] == context
        assert (here.blocks.tokens[:, 0] == 149).all() == (expected is not None)
        rows = here.sampled.positions
        assert rows["index"].min() >= 1  # neither that token nor the one behind it is a query without context
        block, index = rows["block"].to_numpy(), rows["index"].to_numpy()
        assert (here.blocks.tokens[block, index + 1] == rows["target"].to_numpy()).all()


def test_a_beginning_that_the_tokenizer_does_not_have(plan: Protocol, tmp_path: Path) -> None:
    reader = Numbers()
    reader.beginning = Beginning(by_itself=None, token=None, is_needed=False)
    with pytest.raises(CorpusError, match=r"corpus\.bos: found true, and the tokenizer of numbers has no"):
        positions_of(with_bos(plan, True), tmp_path, reader)


@pytest.mark.parametrize(
    ("bos", "by_itself", "refused"), [(False, 149, True), ("auto", None, True), (True, 149, False)]
)
def test_families_that_break_without_it(
    plan: Protocol, bos: str | bool, by_itself: int | None, refused: bool
) -> None:
    reader = Numbers()
    reader.beginning = Beginning(by_itself=by_itself, token=149, is_needed=True)
    if refused:
        with pytest.raises(SubjectError, match=r"corpus\.bos: .* Write true\. With force=True"):
            require_beginning(with_bos(plan, bos), reader)
    else:
        require_beginning(with_bos(plan, bos), reader)


def test_a_token_that_the_model_does_not_have(plan: Protocol, tmp_path: Path) -> None:
    positions_of(plan, tmp_path)  # now its blocks lie in the cache
    smaller = Numbers()
    smaller.vocab_size = 100
    with pytest.raises(
        CorpusError, match=r"tokenizer of numbers gives token 149, but its model has 100 tokens"
    ):
        positions_of(plan, tmp_path, smaller)
