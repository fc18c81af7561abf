"""From a table of examples to rows: each prompt with its target as a block of its own.

A block is padded behind its target; what a causal model computes before does not depend on it, and forward
passes run up to the last token that is read (`hypotest.collect.extent`), prompts of like length together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hypotest.corpora.blocks import Blocks
from hypotest.corpora.examples import KEY, Example, ExampleTable
from hypotest.corpora.pairing import PAIR
from hypotest.corpora.sampling import Candidates
from hypotest.errors import CorpusError
from hypotest.pipeline.texts.reader import BATCH, TextReader, padding_for, require_known
from hypotest.predicates.rows import Rows
from hypotest.records.evidence.rows import CLUSTER
from hypotest.records.protocol.examples import Outcome

_NAMED = 3
"""Examples that a message names; the rest are counted."""


@dataclass(frozen=True, slots=True, eq=False)
class ExampleRows:
    """Examples as rows, and what a reader should know of their tokens."""

    rows: Rows
    notes: tuple[str, ...]


def rows_of_examples(
    table: ExampleTable, reader: TextReader, bos: int | None, outcome: Outcome
) -> ExampleRows:
    """Tokenize examples.

    A target is what follows the prompt: its tokens are those of prompt and target together, behind those of
    the prompt alone.

    Args:
        table: The examples.
        reader: The subject, or its tokenizer.
        bos: Token that every prompt begins with.
        outcome: What is computed of an example.

    Raises:
        CorpusError: If a prompt is too short or too long, or joined with its target by the tokenizer, or
            target and foil begin with the same token; says where. If an encoder is asked for whole targets.
    """
    before = [] if bos is None else [bos]
    prompts = [before + ids for ids in _encoded(reader, [item.prompt for item in table.examples])]
    targets = list(_continuations(table.examples, prompts, before, reader, "target"))
    lengths = np.array([len(ids) for ids in targets], dtype=np.int32)
    columns = {CLUSTER: _clusters(table)}
    notes = list(_spaces(table.examples))
    if outcome == "sequence":
        if reader.is_masked:
            raise CorpusError(
                f"outcome: sequence sums losses of tokens that each follow the ones before, and "
                f"{reader.name} is an encoder, which predicts one masked token; write loss or "
                "logit_difference"
            )
        columns["length"] = lengths
    else:
        whole = "" if reader.is_masked else "the losses of all with `outcome: sequence`"
        notes += _note(table.examples, lengths, "target", whole)
        targets = [ids[:1] for ids in targets]
    if outcome == "logit_difference":
        foils = list(_continuations(table.examples, prompts, before, reader, "foil"))
        sizes = np.array([len(ids) for ids in foils], dtype=np.int32)
        notes += _note(table.examples, sizes, "foil", "")
        columns["foil"] = np.array([ids[0] for ids in foils], dtype=np.int32)
        _require_contrast(table.examples, targets, foils)
    _require_length(table.examples, prompts, targets, reader)
    if table.examples[0].pair is not None:
        number: dict[str | None, int] = {}
        numbers = [number.setdefault(item.pair, len(number)) for item in table.examples]
        columns[PAIR] = np.array(numbers, dtype=np.int32)
    blocks = _blocks(table, prompts, targets, columns, padding_for(reader))
    require_known(blocks.tokens, reader)
    index = np.array([len(ids) - 1 for ids in prompts], dtype=np.int32)
    rows = Rows.of_examples(blocks, index, [item.fields for item in table.examples], len(before))
    return ExampleRows(rows, tuple(notes))


def require_apart(table: ExampleTable, rows: Rows, candidates: Candidates) -> None:
    """Refuse pairs without one example in each condition.

    Args:
        table: The examples.
        rows: Theirs.
        candidates: Which of them belong to which condition.

    Raises:
        CorpusError: If a pair that has an example in a condition has not exactly one in each; says where.
    """
    names = candidates.names
    first, second = (mask[rows.block, rows.index] for mask in (candidates.first, candidates.second))
    pairs: dict[str, list[int]] = {}
    for place, item in enumerate(table.examples):
        if item.pair is not None and (first[place] or second[place]):
            pairs.setdefault(item.pair, []).append(place)
    wrong = {name: of for name, of in pairs.items() if (first[of].sum(), second[of].sum()) != (1, 1)}
    if wrong:
        name, of = next(iter(wrong.items()))
        rest = f"; so are {len(wrong) - 1:,} more pairs" if len(wrong) > 1 else ""
        raise CorpusError(
            f"{table.examples[of[0]].place}: the pair {name!r} must have one example in each condition; "
            "found "
            f"{int(first[of].sum())} of {names.first} and {int(second[of].sum())} of {names.second}{rest}"
        )


def _encoded(reader: TextReader, texts: Sequence[str]) -> list[list[int]]:
    return [
        ids for start in range(0, len(texts), BATCH) for ids in reader.encode(texts[start : start + BATCH])
    ]


def _continuations(
    examples: Sequence[Example],
    prompts: Sequence[list[int]],
    before: list[int],
    reader: TextReader,
    what: str,
) -> Iterator[list[int]]:
    """Tokens of target or foil behind those of the prompt."""
    texts = [f"{item.prompt}{getattr(item, what)}" for item in examples]
    for item, prompt, ids in zip(examples, prompts, _encoded(reader, texts), strict=True):
        both = before + ids
        if both[: len(prompt)] != prompt or len(both) == len(prompt):
            raise CorpusError(
                f"{item.place}: the tokenizer of {reader.name} joins the end of the prompt with the {what} "
                f"{getattr(item, what)!r}: let the prompt end with a whole word, and the {what} begin with "
                "the space between them"
            )
        yield both[len(prompt) :]


def _note(examples: Sequence[Example], sizes: NDArray[np.int32], what: str, instead: str) -> Iterator[str]:
    several = np.flatnonzero(sizes > 1)
    if several.size:
        named = ", ".join(repr(text) for text in _different(examples, several, what)[:_NAMED])
        rest = f"; {instead}" if instead else ""
        yield (
            f"{KEY}.{what}: {several.size:,} of {len(examples):,} have several tokens ({named}), of which "
            f"the first one counts{rest}"
        )


def _spaces(examples: Sequence[Example]) -> Iterator[str]:
    """Where prompt and target run into each other, or leave two spaces between them."""
    for what, alike, advice in (
        ("run into the prompt", str.isalnum, "begin with a space"),
        ("leave two spaces", str.isspace, "have one of them only"),
    ):
        such = [item for item in examples if alike(item.prompt[-1]) and alike(item.target[0])]
        if such:
            joint = f"{such[0].prompt[-12:]}{such[0].target}"
            yield (
                f"{KEY}.target: {len(such):,} of {len(examples):,} {what}, such as {joint!r}: if that is not "
                f"meant, let them {advice}"
            )


def _different(examples: Sequence[Example], places: NDArray[np.intp], what: str) -> list[str]:
    return list(dict.fromkeys(getattr(examples[place], what) for place in places.tolist()))


def _require_contrast(
    examples: Sequence[Example], targets: Sequence[list[int]], foils: Sequence[list[int]]
) -> None:
    for item, target, foil in zip(examples, targets, foils, strict=True):
        if target[0] == foil[0]:
            raise CorpusError(
                f"{item.place}: target {item.target!r} and foil {item.foil!r} begin with the same token, so "
                "that "
                "their logits do not differ: choose others"
            )


def _require_length(
    examples: Sequence[Example],
    prompts: Sequence[list[int]],
    targets: Sequence[list[int]],
    reader: TextReader,
) -> None:
    for item, prompt, target in zip(examples, prompts, targets, strict=True):
        if len(prompt) < 2:
            raise CorpusError(
                f"{item.place}: the prompt {item.prompt!r} is one token, before which there is nothing to "
                "look "
                "at: make it longer"
            )
        if len(prompt) + len(target) > reader.context:
            raise CorpusError(
                f"{item.place}: prompt and target have {len(prompt) + len(target):,} tokens, and "
                f"{reader.name} "
                f"takes at most {reader.context:,}: shorten the prompt {item.prompt!r:.60}"
            )


def _clusters(table: ExampleTable) -> NDArray[np.int32]:
    """Number of each example's cluster, ascending."""
    number: dict[str, int] = {}
    numbers = [number.setdefault(item.cluster, len(number)) for item in table.examples]
    return np.array(numbers, dtype=np.int32)


def _blocks(
    table: ExampleTable,
    prompts: Sequence[list[int]],
    targets: Sequence[list[int]],
    columns: dict[str, NDArray[np.int32]],
    padding: int,
) -> Blocks:
    whole = [prompt + target for prompt, target in zip(prompts, targets, strict=True)]
    lengths = np.array([len(ids) for ids in whole], dtype=np.int32)
    tokens = np.full((len(whole), int(lengths.max())), padding, dtype=np.int32)
    for row, ids in enumerate(whole):
        tokens[row, : len(ids)] = ids
    document = columns[CLUSTER]
    return Blocks(tokens, document, int(document[-1]) + 1, lengths, int(lengths.sum()), columns)
