"""The same protocol on networks that learned nothing: their evidence, one network at a time.

Of each only what its measures read is collected (`hypotest.collect.measured`). Positions, replacement and
tolerance are the subject's, and so is the engine, which anatomy decides. The
tolerance need not shrink, since the effects hardly do: the final norm divides by the residual, which is small
in a fresh network. On the reference model's architecture, at a tolerance of 1e-4 nats,

    weights     influence: median    SD over neurons    largest error of a neuron's
    fresh                  1.7e-3             3.7e-4                         3.6e-7
    permuted               1.6e-2             8.6e-3                         3.6e-5

and each network's own SD and error go into the manifest.

Interventions in the whole model check the ablation of the subject alone: the path they check is the
architecture's.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

import numpy as np

from hypotest.collect.evidence_folder import EvidenceKeys, evidence_digests, is_collected
from hypotest.collect.measured import Wanted, collect_measured
from hypotest.collect.sample import evidence_keys
from hypotest.engine.session import Session
from hypotest.nulls.form import Form
from hypotest.nulls.registry import declared
from hypotest.pipeline.analysis.analysis import group_and_heads, group_needs
from hypotest.pipeline.prepare import Prepared
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.group import SELECTIVITY
from hypotest.records.protocol.protocol import Protocol
from hypotest.subjects.language_model import LanguageModel
from hypotest.subjects.untrained import matrices, untrained_model

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class UntrainedNetwork(Generic[T]):
    """One untrained network, and what was made of its evidence."""

    number: int
    """Within the series, counted from 0."""
    fingerprint: str
    """SHA-256 of its weights."""
    keys: EvidenceKeys
    sha256: dict[str, str]
    """Split -> digest of its evidence."""
    was_cached: bool
    """Whether the cache held all of its evidence."""
    influence_sd: float
    """SD over neurons of the influence by which they are selected, in nats."""
    influence_error: float | None
    """Largest error of any neuron's influence, proven, in nats: far below the SD, or the ranking is noise;
    None where changes come from forward passes."""
    value: T


@dataclass(frozen=True, slots=True)
class AskedNetworks:
    """The other networks that a protocol asks for."""

    number: int
    weights: Literal["fresh", "permuted"]


def networks_of(protocol: Protocol) -> AskedNetworks | None:
    """Which other networks a protocol asks for; None if it asks for none."""
    null = next(declared(protocol, Form.NETWORKS), None)
    return None if null is None else AskedNetworks(null.n_draws, null.options.weights)


def collect_untrained(
    protocol: Protocol,
    prepared: Prepared,
    session: Session,
    use: Callable[[Evidence], T],
) -> tuple[UntrainedNetwork[T], ...]:
    """Collect, or read from the cache, the evidence of each untrained network, and make something of it.

    One network's evidence is held at a time, and its weights no longer than it takes to collect it.

    Args:
        protocol: With a null of other networks; without, there is nothing to do.
        prepared: From `hypotest.pipeline.prepare.prepare`.
        session: Cache, memory and progress: one stage, with a step per network.
        use: What to make of a network's evidence; should not keep its arrays.

    Raises:
        SubjectError: If the subject is not what its configuration says.
        EvidenceError: If activations are not finite or cached arrays are damaged.
        OutputError: If the cache cannot be written.
    """
    asked = networks_of(protocol)
    if asked is None:
        return ()
    step = session.stage(f"untrained networks ({asked.weights} weights)", asked.number)
    networks = {}
    for number in session.share.order(asked.number, lambda number: True):  # the others' come last
        networks[number] = _network(number, asked.weights, protocol, prepared, session, use)
        step()
    return tuple(networks[number] for number in range(asked.number))


def describe_untrained(
    protocol: Protocol, prepared: Prepared, networks: Sequence[UntrainedNetwork[Any]]
) -> dict[str, Any]:
    """What the manifest says of the untrained networks; empty without any."""
    asked = networks_of(protocol)
    if asked is None:
        return {}
    return {
        "weights": asked.weights,
        "matrices": list(matrices(trained(prepared))),
        "networks": [
            {
                "number": network.number,
                "weights_sha256": network.fingerprint,
                "selection": network.keys.selection,
                "evaluation": network.keys.evaluation,
                "evidence_sha256": network.sha256,
                "was_cached": network.was_cached,
                "influence_sd_nats": network.influence_sd,
                "influence_error_bound_nats": network.influence_error,
            }
            for network in networks
        ],
    }


def trained(prepared: Prepared) -> LanguageModel:
    """The subject, which a protocol with such networks says is a language model."""
    assert isinstance(prepared.subject, LanguageModel)  # or the null is refused
    return prepared.subject


def _network(
    number: int,
    weights: Literal["fresh", "permuted"],
    protocol: Protocol,
    prepared: Prepared,
    session: Session,
    use: Callable[[Evidence], T],
) -> UntrainedNetwork[T]:
    subject = untrained_model(trained(prepared), number, weights, protocol.seed)
    fingerprint = subject.fingerprint
    rule = protocol.group
    wanted = Wanted(
        group_needs(protocol), f"{rule.model_dump_json()}, seed {protocol.seed}", both=rule.by == SELECTIVITY
    )
    keys = evidence_keys(subject, prepared.samples, prepared.ablation, wanted.words)
    cached = is_collected(session.networks, keys.selection, keys.evaluation)
    evidence = collect_measured(
        subject,
        prepared.samples,
        keys,
        prepared.ablation,
        wanted,
        lambda selection: group_and_heads(protocol, selection),
        session.networks,
        session,
    )
    del subject
    gc.collect()  # nnsight leaves cycles that hold the model and the locals of every function up to here
    influence_sd, influence_error = influence_spread(protocol, evidence)
    return UntrainedNetwork(
        number=number,
        fingerprint=fingerprint,
        keys=keys,
        sha256=evidence_digests(session.networks, keys),
        was_cached=cached,
        influence_sd=influence_sd,
        influence_error=influence_error,
        value=use(evidence),
    )


def influence_spread(protocol: Protocol, evidence: Evidence) -> tuple[float, float | None]:
    """SD over neurons of the influence that selects them, and the largest proven error of any, in nats."""
    split = evidence.selection
    rows = split.first
    influence = np.abs(split.delta_loss[rows]).mean(axis=0, dtype=np.float64)
    error = float(split.error_bound[rows].mean(axis=0, dtype=np.float64).max())
    return float(influence.std(ddof=1)), None if np.isnan(error) else error
