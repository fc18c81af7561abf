from __future__ import annotations

import numpy as np
import pytest
import torch

from hypotest.collect import cross_entropy
from tests.collect.families import VOCAB, small_model


@pytest.mark.parametrize("name", ["gpt2", "gemma2", "bloom"])
@pytest.mark.parametrize("first", [1, 2])
def test_it_is_the_loss_of_transformers(name, first):
    subject = small_model(name)
    tokens = np.random.default_rng(0).integers(0, VOCAB, (5, 12)).astype(np.int32)
    nats, count = cross_entropy.mean_cross_entropy(subject, tokens, first)
    ids = torch.from_numpy(tokens.astype(np.int64))
    labels = ids.clone()
    labels[:, :first] = -100  # which the loss of transformers leaves out
    with torch.no_grad():
        expected = float(subject.model(ids, labels=labels).loss)
    assert nats == pytest.approx(expected, rel=1e-5) and count == 5 * (12 - first)


def test_long_blocks_are_cut(monkeypatch):
    subject = small_model("gpt2")
    tokens = np.random.default_rng(1).integers(0, VOCAB, (3, 12)).astype(np.int32)
    whole = cross_entropy.mean_cross_entropy(subject, tokens[:, :5], 1)
    monkeypatch.setattr(cross_entropy, "_LOGITS", 5 * VOCAB)
    assert cross_entropy.mean_cross_entropy(subject, tokens, 1) == whole
