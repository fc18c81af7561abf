"""Tokenizers of SentencePiece in GGUF files, as those of Llama 2, Mistral and TinyLlama are."""

from __future__ import annotations

import functools
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers

from hypotest.errors import SubjectError
from hypotest.subjects.loading.loading import load_language_model, load_reader
from tests.subjects.gguf_files import BYTES, PIECES, SCORES, add_pieces, tiny_llama, write_gguf

TEXTS = [
    "the cat and the abc",
    " the cat",
    "  the   cat\nthe\tcat ",
    "naïve 名 é 12.12",
    "",
    " ",
    "aaaa abcab thethe",
    "<0x0A> <s>",
]


@pytest.fixture(scope="module")
def write(tmp_path_factory):
    """Writes a file whose tokenizer has some properties."""
    folder, model = tmp_path_factory.mktemp("pieces"), tiny_llama(vocab_size=len(PIECES))

    @functools.cache
    def writing(**properties):
        path = folder / f"{len(list(folder.iterdir()))}.gguf"
        architecture = properties.pop("architecture", "llama")
        add = functools.partial(add_pieces, **properties)
        return str(write_gguf(path, model, architecture=architecture, add_tokens=add))

    return writing


def by_hand(text, space=True):
    """SentencePiece's own rule: the best of neighbours is joined first, the leftmost of equals."""
    if not text:
        return []
    scores = dict(zip(PIECES, SCORES, strict=True))
    parts = list((" " + text if space else text).replace(" ", "▁"))
    while True:
        joined = [(scores[a + b], -at) for at, (a, b) in enumerate(pairwise(parts)) if a + b in scores]
        if not joined:
            break
        at = -max(joined)[1]
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    ids = []
    for part in parts:
        known = [PIECES.index(part)] if part in PIECES else [3 + byte for byte in part.encode()]
        ids.extend(known)
    return ids


@pytest.mark.parametrize("space", [None, True, False])
def test_pieces_are_those_of_sentencepiece(write, space):
    reader = load_reader(write(space=space))
    for text in TEXTS[:-1]:
        (ids,) = reader.encode([text])
        assert ids == by_hand(text, space is not False), text
        assert reader.tokenizer.decode(ids) == text


def test_they_are_what_a_saved_tokenizer_of_such_a_model_gives(write):
    """Llama 2's tokenizer.json: spaces are replaced and one comes first, whatever the text begins with."""
    vocab = {piece: number for number, piece in enumerate(PIECES)}
    rank = {piece: SCORES[number] for piece, number in vocab.items()}
    pairs = [(a, b) for a in PIECES[3 + 256 :] for b in PIECES[3 + 256 :] if a + b in vocab]
    merges = sorted(pairs, key=lambda pair: -rank["".join(pair)])
    saved = Tokenizer(models.BPE(vocab, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    saved.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    saved.add_special_tokens(["<unk>", "<s>", "</s>"])
    reader = load_reader(write())
    for text in TEXTS:
        assert reader.encode([text]) == [saved.encode(text).ids], text


@settings(max_examples=60, deadline=None)
@given(text=st.text(alphabet="the cabnd12é名 \n<>", max_size=20))
def test_any_text(write, text):
    reader = load_reader(write())
    (ids,) = reader.encode([text])
    assert ids == by_hand(text)
    assert reader.tokenizer.decode(ids) == text


def test_control_tokens_stay_whole_and_bytes_are_text(write):
    reader = load_reader(write())
    (ids,) = reader.encode(["<s><0x0A>"])
    assert ids[0] == 1 and 3 + 0x0A not in ids
    assert [PIECES[i] for i in ids[1:]] == ["▁", "<", "<0x30>", "x", "<0x30>", "<0x41>", ">"]


@pytest.mark.parametrize(("add_bos", "expected"), [(None, 1), (True, 1), (False, None)])
def test_the_beginning_of_a_sequence(write, add_bos, expected):
    """Files without the flag are older than it, and their texts begin with the token."""
    reader = load_reader(write(add_bos=add_bos))
    assert reader.beginning.by_itself == expected and reader.beginning.token == 1


def test_tokens_in_reports_keep_their_spaces(write):
    subject = load_language_model(write(), device="cpu")
    names = {piece: subject.token(number) for number, piece in enumerate(PIECES)}
    assert (names["▁the"], names["the"], names["▁▁"]) == (" the", "the", "  ")
    assert (names["<0x0A>"], names["<0xE5>"], names["<s>"]) == ("\n", "\N{REPLACEMENT CHARACTER}", "<s>")


def test_characters_without_bytes_are_the_unknown_token(write):
    kept = tuple(piece for piece in PIECES if piece not in BYTES[128:])
    scores = tuple(SCORES[PIECES.index(piece)] for piece in kept)
    reader = load_reader(write(pieces=kept, scores=scores))
    (ids,) = reader.encode(["a名b"])
    assert [kept[i] for i in ids] == ["▁a", "<unk>", "b"]
    with pytest.raises(SubjectError, match="characters would be dropped"):
        load_reader(write(pieces=kept, scores=scores, unknown=None))


@pytest.mark.parametrize("kind", ["t5", "bert", "rwkv", "none"])
def test_kinds_that_are_not_read(write, kind):
    with pytest.raises(
        SubjectError, match=rf"tokenizer of .* is of the kind '{kind}' \(tokenizer\.ggml\.model"
    ):
        load_reader(write(kind=kind))


def test_pieces_without_an_order(write):
    with pytest.raises(SubjectError, match=r"neither merges nor scores"):
        load_reader(write(scores=None))
