import pytest

from hypotest.subjects.reference import REFERENCE
from hypotest.subjects.tokenizing import encode, tokenizer_fingerprint


@pytest.mark.parametrize(
    "call",
    [
        {"truncation": True, "max_length": 8},
        {"padding": "max_length", "max_length": 400},
        {"split_special_tokens": True},
    ],
)
def test_what_a_tokenizer_was_used_for_changes_nothing(tmp_path, call):
    import transformers

    folder = str(REFERENCE)
    text = "one two three " * 50 + "<|endoftext|>"
    fresh = transformers.AutoTokenizer.from_pretrained(folder)
    used = transformers.AutoTokenizer.from_pretrained(folder)
    used.pad_token = used.pad_token or used.eos_token
    fresh.pad_token = used.pad_token
    expected = (encode(fresh, [text]), tokenizer_fingerprint(fresh))
    called = used(["a b"], **call)["input_ids"]
    assert (encode(used, [text]), tokenizer_fingerprint(used)) == expected
    assert used(["a b"], **call)["input_ids"] == called
    before = (used.backend_tokenizer.truncation, used.backend_tokenizer.padding)
    encode(used, [text])
    assert (used.backend_tokenizer.truncation, used.backend_tokenizer.padding) == before
    used.save_pretrained(tmp_path)
    saved = transformers.AutoTokenizer.from_pretrained(tmp_path)
    assert (encode(saved, [text]), tokenizer_fingerprint(saved)) == expected
