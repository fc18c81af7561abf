"""A record of every block of text that a model is shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hypotest.collect.stages import forward as forward_stage
from hypotest.collect.stages import heads as head_stage
from hypotest.engine.session import Session
from hypotest.pipeline.prepare import Prepared, prepare
from hypotest.registration import load_protocol


def watch_model(protocol: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Prepared, set[bytes], set[bytes]]:
    """Record the blocks that go through the model from now on.

    Returns:
        What a run of the protocol prepares, the blocks seen so far (filled as they come), and the blocks of
        the evaluation split, whole and cut anywhere behind their sixteenth token: none is run shorter.
    """
    plan = load_protocol(protocol)
    prepared = prepare(plan, protocol.parent, Session.start(plan.seed, device="cpu"), kept_out=())
    sample = prepared.samples["evaluation"]
    blocks = np.union1d(sample.positions["block"].to_numpy(), sample.head_blocks)
    context = sample.tokens.shape[1]
    forbidden = {row[:end].tobytes() for row in sample.tokens[blocks] for end in range(16, context + 1)}
    seen: set[bytes] = set()

    def spied(function):
        def call(subject, tokens, *arguments, **options):
            seen.update(np.ascontiguousarray(row).tobytes() for row in np.atleast_2d(tokens))
            return function(subject, tokens, *arguments, **options)

        return call

    for module, name in ((forward_stage, "forward_arrays"), (head_stage, "head_ablation_arrays")):
        monkeypatch.setattr(module, name, spied(getattr(module, name)))
    inside = prepared.subject.model.__class__.forward

    def forward(self, input_ids=None, *arguments, **options):
        seen.update(np.ascontiguousarray(row.numpy(), np.int32).tobytes() for row in input_ids)
        return inside(self, input_ids, *arguments, **options)

    monkeypatch.setattr(prepared.subject.model.__class__, "forward", forward)
    return prepared, seen, forbidden
