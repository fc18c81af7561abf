"""A template for another model and text: values that fit, said, and accepted by what follows."""

import json
import shutil

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from hypotest.errors import CorpusError, ProtocolError
from hypotest.registration import load_protocol, read_protocol
from hypotest.registration.template import template_names
from hypotest.studies.corpus_check.study import check_corpus
from hypotest.studies.propose.study import propose

pytestmark = pytest.mark.slow


@pytest.fixture
def texts(tmp_path, small_documents):
    folder = tmp_path / "texts"
    folder.mkdir()
    for number, text in enumerate(small_documents):
        (folder / f"{number:03d}.txt").write_text(text)
    return folder


def changed(proposal):
    return {item.key: item.new for item in proposal.changes}


RARE = [name for name in template_names() if name == "minimal" or "rare" in name or name == "smollm2"]
"""Templates about rare tokens, which any text has."""


@pytest.mark.parametrize("template", RARE)
def test_what_is_written_is_accepted(template, tmp_path, texts, small_model_folder):
    path = tmp_path / "study" / "mine.yaml"
    path.parent.mkdir()
    proposal = propose(template, path, str(small_model_folder), [str(texts)])
    plan, problems = read_protocol(path)
    assert [item for item in problems if item.severity == "error"] == []
    assert plan.subject.model == str(small_model_folder)
    assert plan.corpus.text.files == (str(texts),) == plan.frequencies.count.files
    assert plan.corpus.context == 32  # all that the model takes
    assert plan.sample.positions == changed(proposal)["sample.positions"]
    check = check_corpus(path, out=tmp_path / "out")
    assert check.asked == plan.sample.positions
    assert all(item.why for item in proposal.changes)
    head = path.read_text().split("hypotest: 1")[0]
    assert all(f"{item.key}: {item.why}" in head for item in proposal.changes)


def test_two_texts_of_ones_own_are_told_apart_by_their_files(tmp_path, texts, small_model_folder):
    (tmp_path / "other").mkdir()
    for file in sorted(texts.iterdir())[::2]:
        file.rename(tmp_path / "other" / file.name)
    with pytest.raises(
        ProtocolError,
        match=r"text=: must be given 2 times, for german and english in this order, .*; found 1",
    ):
        propose("language", tmp_path / "a.yaml", str(small_model_folder), [str(texts)])
    proposal = propose(
        "language", tmp_path / "a.yaml", str(small_model_folder), [str(texts), str(tmp_path / "other")]
    )
    key = "conditions.english.document.path"
    assert changed(proposal)[key] == f"{tmp_path}/other/*"
    assert next(item.old for item in proposal.changes if item.key == key) == "english/*"
    plan, problems = read_protocol(tmp_path / "a.yaml")
    assert [item for item in problems if item.severity == "error"] == []
    assert plan.frequencies == "reference"  # nothing reads it
    check = check_corpus(tmp_path / "a.yaml", out=tmp_path / "out")
    assert check.asked == plan.sample.positions


def test_frequencies_that_pairs_agree_in_are_those_of_the_text(tmp_path, texts, small_model_folder):
    proposal = propose("induction", tmp_path / "a.yaml", str(small_model_folder), [str(texts)])
    assert changed(proposal)["frequencies"] == {"count": {"files": [str(texts)]}}
    assert (
        check_corpus(tmp_path / "a.yaml", out=tmp_path / "out").asked == changed(proposal)["sample.positions"]
    )


def test_a_template_with_examples_brings_them_and_reads_no_text(tmp_path, texts, small_model_folder):
    with pytest.raises(ProtocolError, match="the template agreement has examples, which it brings"):
        propose("agreement", tmp_path / "a.yaml", str(small_model_folder), [str(texts)])
    proposal = propose("agreement", tmp_path / "a.yaml", str(small_model_folder))
    assert (tmp_path / "agreement.jsonl").exists()
    assert 10 <= changed(proposal)["group.select.top_fraction"] * 96 < 11
    plan, problems = read_protocol(tmp_path / "a.yaml")
    assert [item for item in problems if item.severity == "error"] == []
    assert plan.subject.model == str(small_model_folder)
    (tmp_path / "same").mkdir()
    same = propose("agreement", tmp_path / "same" / "agreement.yaml", "reference")
    assert same.changes == ()
    assert "Changed" not in (tmp_path / "same" / "agreement.yaml").read_text("utf-8")


def test_a_small_layer_gets_a_group_of_ten(tmp_path, texts, small_model_folder):
    proposal = propose("rare-tokens", tmp_path / "a.yaml", str(small_model_folder), [str(texts)])
    share = changed(proposal)["group.otherwise.top_fraction"]  # of 96 neurons; 0.02 were 2
    assert 10 <= share * 96 < 11


def test_a_width_that_the_configuration_does_not_say(tmp_path, texts, small_model_folder):
    """GPT-2's is four times its residual stream: 20 of 1,000 neurons were asked for, of 64 it is one."""
    folder = tmp_path / "gpt2"
    config = GPT2Config(n_embd=16, n_layer=2, n_head=2, n_positions=32, vocab_size=400, n_inner=None)
    GPT2LMHeadModel(config).save_pretrained(folder)
    for file in small_model_folder.glob("tokenizer*"):
        shutil.copy(file, folder)
    assert json.loads((folder / "config.json").read_text())["n_inner"] is None
    proposal = propose("rare-tokens", tmp_path / "a.yaml", str(folder), [str(texts)])
    share = changed(proposal)["group.otherwise.top_fraction"]
    assert 10 <= share * 64 < 11
    (change,) = [item for item in proposal.changes if item.key == "group.otherwise.top_fraction"]
    assert change.why == "of 64 neurons that was a group of 1"


def test_types_that_cannot_change_places_need_another_text(tmp_path):
    """A hundred words four times each, and two thousands of times: rare types are never as many as common."""
    words = [f"w{number}" for number in range(110)]
    tokenizer = Tokenizer(WordLevel({word: number for number, word in enumerate(words)}, unk_token="w0"))
    tokenizer.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="w0").save_pretrained(tmp_path / "model")
    GPT2Config(n_embd=64, n_layer=2, n_head=2, n_positions=32, vocab_size=110).save_pretrained(
        tmp_path / "model"
    )
    rng = np.random.default_rng(0)
    drawn = rng.permutation(np.concatenate([np.repeat(np.arange(10, 110), 4), rng.integers(0, 2, 10_000)]))
    for number, part in enumerate(np.array_split(drawn, 80)):
        (tmp_path / f"{number}.txt").write_text(" ".join(words[i] for i in part))
    path = tmp_path / "a.yaml"
    with pytest.raises(CorpusError, match="no values that were tried fit this text"):
        propose("rare-tokens", path, str(tmp_path / "model"), [str(tmp_path / "*.txt")])
    assert not path.exists()


def test_paths_are_seen_from_the_protocol(tmp_path, texts, small_model_folder, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study").mkdir()
    propose("minimal", "study/a.yaml", str(small_model_folder), ["texts", "texts/*.txt"])
    assert load_protocol("study/a.yaml").corpus.text.files == ("../texts", "../texts/*.txt")


def test_one_document_is_refused_with_what_to_do(tmp_path, texts, small_model_folder):
    (tmp_path / "one.txt").write_text(" ".join(item.read_text() for item in texts.iterdir()))
    with pytest.raises(CorpusError, match=r"the text is one document, .* give several files, or one with"):
        propose("minimal", tmp_path / "a.yaml", str(small_model_folder), [str(tmp_path / "one.txt")])
    assert not (tmp_path / "a.yaml").exists()


def test_nothing_is_overwritten(tmp_path, texts, small_model_folder):
    (tmp_path / "a.yaml").write_text("mine")
    with pytest.raises(ProtocolError, match="exists and is left as it is"):
        propose("minimal", tmp_path / "a.yaml", str(small_model_folder), [str(texts)])
    assert (tmp_path / "a.yaml").read_text() == "mine"


def test_a_text_of_ones_own_with_other_counts_is_warned_of(tmp_path, texts, small_model_folder):
    path = tmp_path / "a.yaml"
    propose("minimal", path, str(small_model_folder), [str(texts)])
    assert not [item for item in read_protocol(path)[1] if item.key == "frequencies"]
    text = path.read_text()
    (line,) = [item for item in text.splitlines() if item.startswith("frequencies:")]
    path.write_text(text.replace(line, "frequencies: reference"))
    (warning,) = [item for item in read_protocol(path)[1] if item.key == "frequencies"]
    assert warning.severity == "warning"
    assert f'`frequencies: {{count: {{files: ["{texts}"]}}}}`' in warning.message
