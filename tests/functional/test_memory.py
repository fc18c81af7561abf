"""What a run holds in memory while it tests."""

from __future__ import annotations

import gc

from torch import nn

import hypotest
from hypotest.pipeline import run_plan as module


def embeddings() -> list[object]:
    gc.collect()
    return [item for item in gc.get_objects() if issubclass(type(item), nn.Embedding)]


def test_the_model_is_gone_before_anything_is_tested(small_protocol, cache, tmp_path, monkeypatch):
    """A billion parameters are 4 GB, and tests need gigabytes of their own."""
    monkeypatch.setenv("HYPOTEST_CACHE", str(cache))
    before = {id(item) for item in embeddings()}
    test, alive = module.analyse_every_split, []

    def watched(*args, **keywords):
        alive.append([item for item in embeddings() if id(item) not in before])
        return test(*args, **keywords)

    monkeypatch.setattr(module, "analyse_every_split", watched)
    hypotest.run(small_protocol, out=tmp_path)
    assert alive == [[]]
