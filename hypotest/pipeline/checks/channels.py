"""Does the subject have what the measures read? Asked before anything is collected."""

from __future__ import annotations

from pathlib import Path

from hypotest.errors import Problem, ProtocolError
from hypotest.measures.registry import measure_of
from hypotest.nulls.covariates import reads
from hypotest.nulls.registry import declared
from hypotest.records.evidence.channels import Channel
from hypotest.records.protocol.group import INFLUENCE, LOCALIZER, SELECTIVITY
from hypotest.records.protocol.protocol import Protocol

_INFLUENTIAL = (INFLUENCE, SELECTIVITY)
"""Ways of ranking units that rest on ablation."""


def check_channels(protocol: Protocol, channels: frozenset[Channel], name: str, path: Path) -> None:
    """Refuse measures, nulls and rankings that read what a subject does not have.

    Args:
        protocol: A valid protocol.
        channels: What the subject has.
        name: Of the subject.
        path: The protocol's file, for the message.

    Raises:
        ProtocolError: With one problem for each of them.
    """
    problems = []

    def refuse(key: str, what: str, needs: frozenset[Channel], instead: str) -> None:
        lacking = needs - channels
        if lacking:
            message = f"{what} reads {_listed(lacking)}, and {name} has {_listed(channels)}: {instead}"
            problems.append(Problem(str(path), key, message))

    if protocol.group.is_selected and protocol.group.by in _INFLUENTIAL:
        ranked = f"a group selected by {protocol.group.by}"
        instead = f"write `by: {LOCALIZER}`, or name the units"
        refuse("group.by", ranked, frozenset({Channel.INFLUENCE}), instead)
    for null in declared(protocol):
        needs = null.null.needs | reads(null.options)
        refuse(f"nulls.{null.name}", null.name, needs, "take it out, or compare with another null")
    for item in protocol.predictions:
        instead = "take the prediction out, or measure something else"
        refuse(f"predictions.{item.id}", item.measure, measure_of(item).needs, instead)
    if problems:
        raise ProtocolError(tuple(problems))


def require_influence(channels: frozenset[Channel], name: str, path: Path) -> None:
    """Refuse to explore what cannot be ablated: its curves are of influence.

    Arguments as for `check_channels`.

    Raises:
        ProtocolError: Names what is missing.
    """
    lacking = {Channel.INFLUENCE, Channel.LOSS} - channels
    if lacking:
        raise ProtocolError(
            f"{path}: explore shows {_listed(frozenset(lacking))}, and {name} has {_listed(channels)}: a "
            "trial (`hypotest run --limit 64`) looks at the selection split, too"
        )


def _listed(channels: frozenset[Channel]) -> str:
    return ", ".join(sorted(channels))
