"""An encoder in a folder, from the protocol to a verified report: rows are masked positions."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers

from hypotest.collect.evidence_folder import EvidenceKeys, read_evidence
from hypotest.records.evidence.channels import Channel
from hypotest.report.run import Run
from tests.collect.encoders import PAD, Plain, small_tokenizer

pytestmark = pytest.mark.usefixtures("no_figures")
VOCAB = 160
PROTOCOL = """\
hypotest: 1
id: encoder
title: Are there neurons for rare words, and are they a module?
subject: {model: MODEL}
corpus: {text: {files: [FILES]}, context: 24}
frequencies: {count: {files: [FILES]}}
conditions:
  rare: {target: {frequency: {below_percentile: 60, of: types, elbow: keep}}}
  common: {target: {frequency: {from_percentile: 60, of: types, elbow: keep}}}
sample: {positions: 60, max_per_document: 8}
group: {select: {top_fraction: 0.2}}
placebos: 2
nulls:
  size_matched: {draws: 599}
  label_shuffled: {draws: 99}
predictions:
  - {id: specialization, role: premise, measure: selectivity, contrast: {null: label_shuffled},
     modular: greater, distributed: greater}
  - {id: coordination, measure: effective_dimension, contrast: {null: size_matched}, margin: {null_sd: 2},
     modular: any, distributed: less}
  - {id: one-head, measure: top_head_share, contrast: {reference: 0.5}, modular: greater, distributed: less}
  - {id: lesion, measure: dissociation_index, contrast: {reference: 0}, margin: {raw: 0.5},
     role: descriptive}
seed: 5
"""


@pytest.fixture(scope="module")
def protocol(tmp_path_factory):
    """A protocol with a random BERT and a text of its words, some documents shorter than a block."""
    folder = tmp_path_factory.mktemp("encoder")
    config = transformers.BertConfig(
        vocab_size=VOCAB,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=48,
        max_position_embeddings=32,
        pad_token_id=PAD,
    )
    torch.manual_seed(3)
    model = transformers.BertForMaskedLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.2 * torch.randn_like(parameter))
    model.save_pretrained(folder / "model")
    small_tokenizer(VOCAB).save_pretrained(folder / "model")
    rng = np.random.default_rng(2)
    shares = 1 / np.arange(1, VOCAB - 4)
    names = []
    for number in range(50):
        words = rng.choice(np.arange(5, VOCAB), size=int(rng.integers(14, 60)), p=shares / shares.sum())
        names.append(f"{folder}/{number}.txt")
        Path(names[-1]).write_text(" ".join(f"w{word}" for word in words), encoding="utf-8")
    path = folder / "encoder.yaml"
    text = PROTOCOL.replace("MODEL", str(folder / "model")).replace("FILES", ", ".join(names))
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module", params=["last", 0])
def finished(request, hypotest, protocol, tmp_path_factory):
    """The folder of a run, and its cache."""
    out = tmp_path_factory.mktemp("out")
    text = protocol.read_text(encoding="utf-8")
    path = protocol.parent / f"encoder-{request.param}.yaml"
    path.write_text(re.sub("(subject: .*)}", rf"\1, layer: {request.param}}}", text), encoding="utf-8")
    ended = hypotest("run", path, "--out", out, "--force", HYPOTEST_CACHE=str(out / "cache"))
    assert ended.returncode == 0, ended.stderr
    (folder,) = (out / "encoder").iterdir()
    return folder, out / "cache"


def test_the_report_says_that_rows_are_masked_positions(finished):
    folder, _ = finished
    run = Run.open(folder)
    report = (folder / "report.md").read_text(encoding="utf-8")
    assert run.results.corpus.mask == "<mask>"
    assert run.results.corpus.bos == "<s>"
    assert run.results.subject["mask"] == "<mask>"
    assert "Rows are masked positions" in report
    assert "the masked token's cross-entropy" in report
    assert "next token" not in report
    assert run.results.ablation.engine == "interventions"
    assert run.results.corpus.padded_blocks > 0
    impacts = [head.impact for head in run.results.figures.heads]
    assert len(impacts) >= 4 and None not in impacts
    assert all(head.gini_first is None for head in run.results.figures.heads)
    json.loads((folder / "results.json").read_text(encoding="utf-8"))


def test_the_evidence_is_that_of_plain_hooks(finished, protocol):
    from hypotest.corpora.blocks import cut_blocks
    from hypotest.subjects.loading.loading import load_language_model
    from hypotest.subjects.masking import PADDING

    folder, cache = finished
    run = Run.open(folder)
    keys = EvidenceKeys(*(run.manifest["evidence"][split] for split in ("selection", "evaluation")))
    split = read_evidence(cache / "evidence", keys).evaluation
    subject = load_language_model(str(protocol.parent / "model"), layer=run.results.subject["layer"])
    texts = [(protocol.parent / f"{number}.txt").read_text(encoding="utf-8") for number in range(50)]
    tokens = cut_blocks(subject.encode(texts), 24, 2, padded=True, padding=PADDING).tokens
    rows = np.arange(0, split.positions.height, 7)
    loss, neurons = Plain(subject).rows(tokens, split.blocks[rows], split.indices[rows])
    np.testing.assert_array_equal(tokens[split.blocks, split.indices + 1], split.targets)
    np.testing.assert_allclose(split.activations[rows], neurons, atol=1e-5)
    np.testing.assert_allclose(split.loss[rows], loss, atol=1e-4)
    assert Channel.ATTENTION not in split.channels


def test_it_is_verified_by_collecting_again(finished, hypotest):
    folder, cache = finished
    verified = hypotest("verify", folder, "--recollect", HYPOTEST_CACHE=str(cache))
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_what_is_said_before_a_run_is_said_of_masked_tokens(hypotest, protocol, tmp_path):
    """Its configuration lies here."""
    path = protocol.with_name("said.yaml")
    text = protocol.read_text(encoding="utf-8")
    conditions = "  rare: {target: {matches: '^ ?w1..$'}}\n  common: {target: {matches: '^ ?w..$'}}\n"
    path.write_text(re.sub(r"  rare: .*\n  common: .*\n", conditions, text), encoding="utf-8")
    for command in (("explain",), ("export",), ("corpus", "check")):
        more = ("--out", tmp_path) if command[0] == "corpus" else ()
        ended = hypotest(*command, path, *more, HYPOTEST_CACHE=str(tmp_path / "cache"))
        said = " ".join(ended.stdout.split())
        assert "the masked token matches" in said, (command, ended.stdout + ended.stderr)
        assert "next token" not in said, command


def test_measures_of_attention_are_refused_by_name(hypotest, protocol, tmp_path):
    text = protocol.read_text(encoding="utf-8").replace(
        "  - {id: one-head",
        "  - {id: looks, measure: attention_gini, contrast: {conditions: [rare, common], by: document},\n"
        "     margin: {raw: 0.05}, modular: greater, distributed: equivalent}\n  - {id: one-head",
    )
    path = protocol.parent / "looks.yaml"
    path.write_text(text, encoding="utf-8")
    ended = hypotest("run", path, "--out", tmp_path, "--force", HYPOTEST_CACHE=str(tmp_path / "cache"))
    assert ended.returncode == 2
    words = " ".join(ended.stderr.split())
    assert "predictions.looks: attention_gini reads attention" in words
    assert not (tmp_path / "cache" / "evidence").exists()
