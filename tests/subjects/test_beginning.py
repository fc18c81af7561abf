from __future__ import annotations

import pytest
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from hypotest.errors import SubjectError
from hypotest.subjects.beginning import Beginning, beginning_of


def tokenizer(template: str | None, bos: str | None = "<s>"):
    words = {"a": 0, "b": 1, "<s>": 2, "</s>": 3, "<t>": 4}
    backend = Tokenizer(models.WordLevel(words, unk_token="a"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    if template:
        backend.post_processor = processors.TemplateProcessing(
            single=template, special_tokens=[(name, words[name]) for name in ("<s>", "</s>", "<t>")]
        )
    return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token=bos, eos_token="</s>")


@pytest.mark.parametrize(
    ("template", "bos", "expected"),
    [
        (None, "<s>", (None, 2)),
        (None, None, (None, None)),
        ("$A", "<s>", (None, 2)),
        ("$A </s>", "<s>", (None, 2)),
        ("<s> $A", "<s>", (2, 2)),
        ("<s> $A </s>", None, (2, None)),
        ("<t> $A", "<s>", (4, 2)),
    ],
)
def test_what_the_tokenizer_does(template, bos, expected):
    beginning = beginning_of(tokenizer(template, bos), "llama", "m")
    assert beginning == Beginning(*expected, is_needed=False)


@pytest.mark.parametrize(("family", "needed"), [("gemma", True), ("gemma3_text", True), ("gpt2", False)])
def test_who_needs_it(family, needed):
    assert beginning_of(tokenizer("<s> $A"), family, "m").is_needed is needed


def test_several_tokens():
    with pytest.raises(SubjectError, match="puts 2 tokens before a text"):
        beginning_of(tokenizer("<t> <s> $A"), "glm", "m")
