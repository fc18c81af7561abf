from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import polars as pl
import pytest
import torch

from hypotest.collect.cross_entropy import mean_cross_entropy
from hypotest.collect.sample import Sample
from hypotest.corpora.blocks import whole_blocks
from hypotest.engine.session import Session
from hypotest.errors import SubjectError
from hypotest.pipeline.analysis.limitations import unlike_a_language_model
from hypotest.pipeline.checks.plausibility import measure_cross_entropy, unigram_entropy
from hypotest.records.results.corpus_result import CrossEntropy


def session(cache=None):
    """Whose cache is a folder; without one, what was measured is not kept."""
    return replace(Session.start(1), cache=cache) if cache else replace(Session.start(1), anew=Path("none"))


def prepared(subject, tokens, bos=None):
    rows = pl.DataFrame(
        {
            "document": range(40),
            "block": range(40),
            "condition": pl.Series(["rare"] * 40, dtype=pl.Enum(["rare", "common"])),
            "split": ["selection"] * 40,
        }
    )
    sample = Sample(tokens, rows, np.arange(40))
    return SimpleNamespace(
        subject=subject,
        blocks=whole_blocks(tokens, np.arange(len(tokens)), len(tokens), tokens.size),
        samples={"selection": sample},
        bos=bos,
        text=SimpleNamespace(table=None),
    )


def test_cross_entropy_beside_what_needs_no_model(small_subject, small_tokens, tmp_path):
    cross_entropy = measure_cross_entropy(
        prepared(small_subject, small_tokens), session(tmp_path), force=False
    )
    assert cross_entropy.n_blocks == 32 and cross_entropy.n_tokens == 32 * 31
    assert cross_entropy.chance == pytest.approx(math.log(400))
    shares = np.unique(small_tokens, return_counts=True)[1] / small_tokens.size
    assert cross_entropy.unigram == pytest.approx(-sum(share * math.log(share) for share in shares))
    with torch.no_grad():
        ids = torch.from_numpy(small_tokens[:40].astype(np.int64))
        whole = float(small_subject.model(ids, labels=ids).loss)
    assert cross_entropy.nats == pytest.approx(whole, abs=0.2)  # over 32 of these 40 blocks


def test_it_is_kept_and_with_a_token_of_its_own_measured_apart(small_subject, small_tokens, tmp_path):
    here = prepared(small_subject, small_tokens)
    one = measure_cross_entropy(here, session(tmp_path), force=False)
    stub = SimpleNamespace(
        name="kept",
        vocab_size=small_subject.vocab_size,
        fingerprint=small_subject.fingerprint,
        settings_fingerprint=small_subject.settings_fingerprint,
    )
    again = measure_cross_entropy(prepared(stub, small_tokens), session(tmp_path), force=False)
    assert again == one
    other = measure_cross_entropy(
        prepared(small_subject, small_tokens, bos=0), session(tmp_path), force=False
    )
    assert other.n_tokens == 32 * 30


def test_worse_than_chance_is_refused_unless_forced(small_subject, small_tokens):
    shuffled = np.random.default_rng(0).permutation(400).astype(np.int32)[small_tokens]
    here = prepared(small_subject, shuffled)  # the tokens of another tokenizer
    with pytest.raises(SubjectError) as caught:
        measure_cross_entropy(here, session(), force=False)
    words = str(caught.value)
    assert "worse than chance" in words and "guessing among its 400 tokens costs 5.99" in words
    assert "the tokenizer belongs to another model" in words and "With force=True" in words
    cross_entropy = measure_cross_entropy(here, session(), force=True)
    assert cross_entropy.nats > cross_entropy.chance
    (limitation,) = unlike_a_language_model(cross_entropy)
    assert limitation.startswith("THIS MODEL DOES NOT PREDICT THIS TEXT") and "(5.99)" in limitation


@pytest.mark.parametrize(
    ("nats", "expected"), [(3.0, None), (4.0, "how frequent each token is (4.00)"), (6.5, "(6.00)")]
)
def test_what_is_said(nats, expected):
    said = list(unlike_a_language_model(CrossEntropy(nats, 4.0, 6.0, 100, 2)))
    assert (expected in said[0]) if expected else said == []
    assert list(unlike_a_language_model(None)) == []


def test_entropy_of_a_uniform_and_of_a_single_token():
    assert unigram_entropy(np.arange(8, dtype=np.int32)[None]) == pytest.approx(math.log(8))
    assert unigram_entropy(np.zeros((2, 5), dtype=np.int32)) == 0


def test_padding_is_no_target(small_subject, small_tokens):
    lengths = np.full(4, 32, dtype=np.int32)
    lengths[1] = 7
    changed = small_tokens[:4].copy()
    changed[1, 7:] = 0
    nats, count = mean_cross_entropy(small_subject, changed, 1, lengths)
    assert count == 3 * 31 + 6
    parts = [
        mean_cross_entropy(small_subject, small_tokens[row : row + 1, :size], 1)
        for row, size in enumerate(lengths)
    ]
    assert nats == pytest.approx(sum(one * n for one, n in parts) / count)
