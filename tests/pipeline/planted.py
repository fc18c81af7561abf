"""Evidence with a known truth: documents, token types, and neurons that prefer rare targets or do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl

from hypotest.engine.session import Session
from hypotest.engine.streams import Streams
from hypotest.ladder.against_nulls import prepare
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.evidence import AblationMethod, Evidence, Weights
from hypotest.records.evidence.heads import Head, HeadAblation
from hypotest.records.evidence.partition import Partition
from hypotest.records.evidence.split import SplitEvidence
from hypotest.records.protocol.protocol import Protocol
from hypotest.testing.selection import select
from hypotest.testing.task import Task

N_NEURONS = 200
GROUP = 20  # the planted neurons are the first ones


def make_split(
    name: str,
    rng: np.random.Generator,
    effect: float,
    shared: float,
    loud: float,
    quirks: np.ndarray,
) -> SplitEvidence:
    """40 documents of 10 rare and 10 common positions; neurons 0 to 19 carry what is planted.

    Args:
        effect: Factor by which rare targets raise the planted neurons' influence, minus 1.
        shared: Loading of the planted neurons on one common factor.
        loud: Factor of the planted neurons' influence on every target.
        quirks: Log factor of each neuron's influence on each token type, shape (160, N_NEURONS).
    """
    n_documents, per = 40, 20
    n = n_documents * per
    rare = np.tile(np.arange(per) % 2 == 0, n_documents)
    target = np.where(rare, rng.integers(0, 60, n), 100 + rng.integers(0, 60, n))
    delta = rng.exponential(size=(n, N_NEURONS))
    delta[:, :GROUP] *= loud
    delta *= np.exp(quirks[target])
    delta[:, :GROUP] *= 1 + effect * rare[:, None]
    activations = rng.normal(size=(n, N_NEURONS))
    activations[:, :GROUP] += shared * rng.normal(size=(n, 1))
    attention = rng.dirichlet(np.ones(16), size=(n, 4))
    documents = np.repeat(np.arange(n_documents), per)
    first_rare = np.array([np.flatnonzero(rare & (documents == number))[0] for number in range(n_documents)])
    change = rng.exponential(size=(n_documents, 4, N_NEURONS))
    change[:, 1, :GROUP] *= 3
    frame = pl.DataFrame(
        {
            "document": documents,
            "block": documents,
            "index": np.full(n, 15),
            "target": target,
            "condition": pl.Series(np.where(rare, "rare", "common"), dtype=pl.Enum(["rare", "common"])),
            "split": np.full(n, name),
        }
    )
    ablation = HeadAblation(
        documents=np.arange(n_documents),
        targets=target[first_rare],
        base=np.full((n_documents, N_NEURONS), 10.0),
        single=change,
        layer=np.stack([change[:, :2].sum(axis=1), change[:, 2:].sum(axis=1)], axis=1),
    )
    return SplitEvidence(
        positions=frame,
        channels={
            Channel.ACTIVATIONS: activations,
            Channel.INFLUENCE: delta * rng.choice([-1, 1], size=delta.shape),
            Channel.LOSS: rng.exponential(size=n),
            Channel.ATTENTION: attention,
        },
        heads=ablation,
    )


def make_evidence(
    seed: int,
    effect: float = 0.0,
    shared: float = 0.0,
    loud: float = 1.0,
    quirks: float = 0.0,
) -> Evidence:
    """Both splits from one truth."""
    rng = np.random.default_rng(seed)
    table = quirks * np.random.default_rng([seed, 1]).normal(size=(160, N_NEURONS))
    return Evidence(
        selection=make_split("selection", rng, effect, shared, loud, table),
        evaluation=make_split("evaluation", rng, effect, shared, loud, table),
        weights=Weights(output=rng.normal(size=(N_NEURONS, 48)), input=rng.normal(size=(N_NEURONS, 48))),
        heads=(Head(1, 0), Head(1, 1), Head(2, 0), Head(2, 1)),
        mean_activation=np.zeros(N_NEURONS),
        ablation=AblationMethod("mean", 1e-4, 0, "identity", "planted"),
        decomposition=None,
        partition=Partition.of(np.arange(N_NEURONS) // 7 % 4),
    )


def certified(evidence: Evidence) -> Evidence:
    """The same with what the certified engine says of its ablations, as a run collects."""

    def of(split: SplitEvidence) -> SplitEvidence:
        bounds = np.zeros(split.delta_loss.shape, dtype=np.float16)
        return split.with_channels(error_bound=bounds, n_exact=np.zeros(len(bounds), dtype=np.int32))

    return replace(evidence, selection=of(evidence.selection), evaluation=of(evidence.evaluation))


def make_protocol(
    prediction: dict, draws: int = 399, select: object = None, nulls: dict | None = None
) -> Protocol:
    """A protocol of one prediction; with more nulls than random groups and shuffled labels, if given."""
    frequency = {"below_percentile": 15}
    return Protocol.model_validate(
        {
            "hypotest": 1,
            "id": "planted",
            "title": "planted",
            "conditions": {
                "rare": {"target": {"frequency": frequency}},
                "common": {"target": {"frequency": {"from_percentile": 15}}},
            },
            "group": {"select": select or {"top_fraction": 0.1}, "otherwise": {"top_fraction": 0.1}},
            "nulls": {
                "size_matched": {"draws": draws},
                "label_shuffled": {"draws": draws},
                **(nulls or {}),
            },
            "predictions": [{"id": "one", **prediction}],
            "seed": 1,
        }
    )


def make_task(protocol: Protocol, evidence: Evidence) -> Task:
    """What its measures are tested with, as an analysis makes it."""
    streams = Streams(protocol.seed)
    selection = select(protocol, evidence, streams)
    return prepare(Task(protocol, evidence, selection, Session(streams)))
