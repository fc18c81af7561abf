"""Registrations whose subject comes later: what is fixed before it is there, what is bound then.

Plan, rule, text, code and seed are hashed as ever. What follows from the network (weights, tokenizer, token
counts, positions, layer) is bound by the first run under the lock, as an entry of the registry, before
anything is evaluated.

References:
    Registering before the model exists: arXiv:2606.27687.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from hypotest.errors import ProtocolError
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.registration import Fingerprint, Hashes, Later, Lock
from hypotest.registration.locks.canonical import canonical, canonical_hash, protocol_hash
from hypotest.registration.locks.series import expected_of_member

LATER = "later"
"""In the place of a hash that is not known yet."""
_LONGEST = 1000
_RANGE = re.compile(r"\s*(\d[\d_.]*(?:e\d+)?)\s*-\s*(\d[\d_.]*(?:e\d+)?)\s*", re.IGNORECASE)


def awaited(plan: Protocol, text: dict[str, str], code: str, versions: dict[str, str]) -> Fingerprint:
    """What is known of a plan before its subject is there.

    Args:
        plan: A valid protocol of one layer; its ``subject.model`` only says where the network will be.
        text: Each source of the text -> SHA-256 of its documents.
        code: SHA-256 of the code that produces numbers.
        versions: Python, hypotest and the libraries -> version.
    """
    layer = plan.subject.layer
    return Fingerprint(
        protocol_id=plan.id,
        plan=canonical(plan),
        hashes=Hashes(
            protocol=protocol_hash(plan),
            weights=LATER,
            tokenizer=LATER,
            frequencies=LATER,
            positions=LATER,
            code=code,
            text=text,
        ),
        revision=None,
        layer=layer if isinstance(layer, int) else -1,
        versions=versions,
        seed=plan.seed,
        split={},
        evidence={},
        kept_out=(),
    )


def is_waiting(lock: Lock) -> bool:
    """Whether a registration still waits for its subject."""
    return lock.later is not None and lock.later.bound is None


def expected_of(lock: Lock, run: Fingerprint) -> Fingerprint:
    """What a run must agree with.

    Of a registration that waits, what follows from the network is taken from the run, and so is where the
    network lies (``subject.model``, ``subject.revision``); all else must be as registered. Of a series it is
    the member's part.

    Args:
        lock: A registration.
        run: What is run.

    Raises:
        ValueError: If the plan of a series cannot be read here, since a plug-in is gone.
    """
    if lock.members:
        return expected_of_member(lock, run)
    known = lock.fingerprint
    if not is_waiting(lock):
        return known
    subject = {key: value for key, value in known.plan["subject"].items() if key not in _PLACE}
    place = {key: value for key, value in run.plan.get("subject", {}).items() if key in _PLACE}
    plan = {**known.plan, "subject": {**subject, **place}}
    return replace(
        run,
        protocol_id=known.protocol_id,
        plan=plan,
        hashes=replace(
            run.hashes, protocol=canonical_hash(plan), code=known.hashes.code, text=known.hashes.text
        ),
        versions=known.versions,
        seed=known.seed,
        kept_out=known.kept_out,
    )


def unmet(later: Later, family: str, n_parameters: int) -> Iterator[str]:
    """Which of the conditions that can be checked a network does not satisfy.

    Args:
        later: What was registered.
        family: ``config.model_type``.
        n_parameters: Of the whole network.
    """
    if later.families and family not in later.families:
        yield f"it is of the family {family}, registered was {' or '.join(later.families)}"
    if later.parameters is not None:
        least, most = later.parameters
        if not least <= n_parameters <= most:
            yield f"it has {n_parameters:,} parameters, registered were {least:,} to {most:,}"


def read_criterion(criterion: str, families: tuple[str, ...], parameters: str | None) -> Later:
    """Check what a command says of a later subject.

    Args:
        criterion: Which network will do, in words.
        families: Values of ``config.model_type`` that will do; any if empty.
        parameters: ``MIN-MAX``, such as ``1e8-5e8``; None for any number.

    Raises:
        ProtocolError: If it says nothing, or the range is none.

    Examples:
        >>> read_criterion("the next Pythia", ("gpt_neox",), "1e8-5e8").parameters
        (100000000, 500000000)
    """
    words = " ".join(criterion.split())
    if not words or len(words) > _LONGEST:
        raise ProtocolError(
            f"subject_later=: must say in 1 to {_LONGEST:,} characters which network will do; found "
            f"{len(words):,}"
        )
    bounds = None
    if parameters is not None:
        match = _RANGE.fullmatch(parameters)
        try:
            bounds = None if match is None else (int(float(match[1])), int(float(match[2])))
        except (ValueError, OverflowError):
            bounds = None
        if bounds is None or bounds[0] > bounds[1]:
            raise ProtocolError(f"parameters=: must be MIN-MAX, such as 1e8-5e8; found {parameters!r:.60}")
    return Later(words, tuple(sorted(set(families))), bounds, {}, None, None)


_PLACE = ("model", "revision")
"""Keys of ``subject:`` that say where a network lies, and not which it is."""
