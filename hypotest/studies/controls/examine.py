"""One network at one seed: its evidence, the verdict of its protocol, and the lesions that tell the truth."""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from hypotest.collect.store import evidence_key
from hypotest.engine.session import Session
from hypotest.engine.streams import Streams
from hypotest.pipeline.analysis.analysis import analyse
from hypotest.pipeline.many import evidence_of
from hypotest.pipeline.registered.fence import code_hash, code_of
from hypotest.records.evidence.arrays import FloatArray
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.records.stored.files import write_whole
from hypotest.registration import load_protocol, protocol_hash
from hypotest.registration.template import control_protocol
from hypotest.report.results_file import json_text
from hypotest.studies.controls.record import Examined, LesionTruth, Predicted, Verdict
from hypotest.subjects.controls.control import Control, Trained
from hypotest.subjects.controls.lesions import interactions, single_changes
from hypotest.subjects.controls.store import code_digest
from hypotest.subjects.network.network import Network

PAIRED_ROWS, MOST_PAIRED = 300, 128
"""Rows over which every two units are lesioned, in layers of at most so many units."""
DRAWN, LOGGED = 4, 6
"""Significant digits of changes by lesions, and of the numbers of a training."""
_TRUTH = TypeAdapter(LesionTruth)


def plan_of(control: Control) -> tuple[Protocol, Path]:
    """A control's protocol, with the control as its subject, and the file that it comes from."""
    path = control_protocol(control.protocol)
    plan = load_protocol(path, subject=False, network=control.name)
    subject = plan.subject.model_copy(update={"network": control.name})
    return plan.model_copy(update={"title": control.title, "subject": subject}), path


def examine(control: Control, seed: int, trained: bool, session: Session, *, pairs: bool = False) -> Examined:
    """Train a control, or take its weights from the cache, and put it to its protocol.

    Args:
        control: The network.
        seed: Of data, weights and training.
        trained: Or as it was before training.
        session: Cache, memory and progress; random streams are those of the protocol.
        pairs: Whether every two units are lesioned as well, where the layer is small.

    Raises:
        RunError: If the network cannot be trained or examined.
    """
    plan, path = plan_of(control)
    session = dataclasses.replace(session, streams=Streams(plan.seed))
    network = control.trained(seed) if trained else control.without_training(seed)
    truth = truth_of(network, pairs and _is_quick(network.network), session)
    verdict = _verdict(plan, evidence_of(plan, path, network.network, session), session)
    return Examined(control.name, seed, trained, key_of(plan, control), truth, verdict)


def _is_quick(network: Network) -> bool:
    """Whether thousands of lesions are made in a minute."""
    return network.n_neurons <= MOST_PAIRED and network.layout.n_calls == 1


def key_of(plan: Protocol, control: Control) -> str:
    """Of what a number of a plan about a control depends on, whatever its seed."""
    code = [_own_code(), code_of(plan, places=())]
    return evidence_key({"code": code, "network": code_of_network(control), "plan": protocol_hash(plan)})


@cache
def _own_code() -> str:
    """Read once: there are hundreds of networks, and it takes a second."""
    return code_hash()


def code_of_network(control: Control) -> str:
    """Hash of the code that makes a network, and of its lesions."""
    return code_digest(control.recipe, control.subject, single_changes)


def truth_of(network: Trained, pairs: bool, session: Session) -> LesionTruth:
    """What lesions say, from the cache where they were made; of pairs only if asked for."""
    control, kind = network.control, "trained" if network.log else "fresh"
    key = {"network": code_of_network(control), "pairs": pairs, "replacement": control.replacement}
    name = f"{network.seed:03d}-{kind}-truth-{evidence_key(key)[:16]}.json"
    place = session.cache / "controls" / control.name / name
    try:
        return _TRUTH.validate_json(place.read_bytes())
    except (OSError, ValidationError):  # not there yet, or damaged
        pass
    singles = single_changes(network)
    partition = network.network.partition
    truth = LesionTruth(
        changes=(_rounded(singles.one), _rounded(singles.two)),
        distance=singles.distance,
        pairs=interactions(network, PAIRED_ROWS).distance if pairs else None,
        parts=() if partition is None else tuple(partition.names[part] for part in partition.parts.tolist()),
        log=tuple({name: _significant(value, LOGGED) for name, value in row.items()} for row in network.log),
    )
    write_whole(place, json_text(truth))
    return truth


def _verdict(plan: Protocol, evidence: Evidence, session: Session) -> Verdict:
    """What the protocol says of evidence."""
    analysis = analyse(plan, evidence, session=session)
    return Verdict(
        statuses={item.hypothesis: item.status for item in analysis.verdicts},
        reasons={item.hypothesis: item.reason for item in analysis.verdicts},
        predictions=tuple(map(_predicted, analysis.predictions)),
        groups=(analysis.group.neurons, analysis.group.control_neurons),
        plan=protocol_hash(plan),
    )


def _rounded(values: FloatArray) -> tuple[float, ...]:
    return tuple(_significant(float(value), DRAWN) for value in values)


def _significant(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}")


def _predicted(item: PredictionResult) -> Predicted:
    interval = item.interval_95
    base = item.reference_value or 0.0
    around = None if interval is None else (base + interval.low, base + interval.high)
    note = " ".join(item.notes) if item.outcome in ("undefined", "inconclusive") else ""
    return Predicted(item.id, item.role, item.measure, item.outcome, item.observed, around, note)
