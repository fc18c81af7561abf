"""Examples as rows of an encoder, whose target is masked."""

from __future__ import annotations

import pytest

from hypotest.corpora.examples import Example, ExampleTable
from hypotest.errors import CorpusError
from hypotest.pipeline.texts.examples import rows_of_examples
from hypotest.subjects.masking import PADDING


class Numbers:
    """A tokenizer whose tokens are the numbers that stand in the text."""

    name, context, vocab_size = "numbers", 64, 150

    def __init__(self, is_masked):
        self.is_masked = is_masked

    def encode(self, texts):
        return [[int(word) for word in text.split()] for text in texts]


def table(*targets):
    prompts = ("7 8 9", "7 8")
    examples = [
        Example(f"row {n}", prompt, target, " 30", str(n), None, {})
        for n, (prompt, target) in enumerate(zip(prompts, targets, strict=True))
    ]
    return ExampleTable(tuple(examples), ())


@pytest.mark.parametrize(("is_masked", "padding"), [(True, PADDING), (False, 0)])
def test_short_prompts_are_padded_with_what_is_no_token_of_an_encoder(is_masked, padding):
    rows = rows_of_examples(table(" 20", " 21"), Numbers(is_masked), 2, "logit_difference").rows
    assert rows.blocks.tokens.tolist() == [[2, 7, 8, 9, 20], [2, 7, 8, 21, padding]]
    assert rows.index.tolist() == [3, 2]


def test_whole_targets_are_refused_of_an_encoder():
    with pytest.raises(CorpusError, match=r"numbers is an encoder, .* write loss or logit_difference"):
        rows_of_examples(table(" 20 22", " 21"), Numbers(True), None, "sequence")
    notes = rows_of_examples(table(" 20 22", " 21"), Numbers(True), None, "loss").notes
    assert "the first one counts" in notes[0]
    assert "sequence" not in notes[0]
    assert "sequence" in rows_of_examples(table(" 20 22", " 21"), Numbers(False), None, "loss").notes[0]
