"""What was asked for in the place of a template's model and text, and a group of neurons that fits."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from hypotest.errors import ProtocolError
from hypotest.predicates.alternatives import declared_value
from hypotest.predicates.combine import needs_counts
from hypotest.records.protocol.group import Rule
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.stored.text_files import is_many
from hypotest.studies.propose.record import ProposedChange

_SMALLEST_GROUP = 10
"""Neurons; a network of fewer has no communities to speak of."""


def material_of(
    plan: Protocol, base: Path, model: str, texts: Sequence[str], patterns: Sequence[str]
) -> Iterator[ProposedChange]:
    """The model and the texts that were asked for, in the place of the template's.

    Args:
        plan: The template.
        base: Folder of the protocol to write.
        model: As for `hypotest.studies.propose.study.propose`.
        texts: As there.
        patterns: Keys under which the patterns of the texts' files stand, one for each text, if any do.

    Raises:
        ProtocolError: If there are patterns, and other than so many texts.
    """
    if patterns and len(texts) != len(patterns):
        names = " and ".join(plan.names)
        raise ProtocolError(
            f"text=: must be given {len(patterns)} times, for {names} in this order, since the template "
            f"tells texts apart; found {len(texts)}"
        )
    if model != plan.subject.name:
        new = _from(base, model) if os.path.exists(model) else model
        yield ProposedChange("subject.model", plan.subject.name, new, "as asked for")
    if texts:
        files = [_from(base, name) for name in texts]
        old = plan.text.text
        yield ProposedChange(
            "corpus.text",
            old if isinstance(old, str) else old.model_dump(exclude_none=True),
            {"files": files},
            "as asked for",
        )
        for key, file in zip(patterns, files, strict=True) if patterns else ():
            pattern = f"{file.rstrip('/')}/*" if (base / file).is_dir() else file
            declared = declared_value(plan.conditions, key.partition(".")[2])
            yield ProposedChange(key, declared, pattern, "the files of this text")
        defined = needs_counts(*plan.conditions.values())
        if defined or "target_frequency" in plan.sample.match:
            why = (
                "rare is what is rare in your text" if defined else "pairs agree in how frequent it is there"
            )
            yield ProposedChange("frequencies", plan.frequencies, {"count": {"files": files}}, why)


def _from(base: Path, name: str) -> str:
    """A path of the current folder, seen from the protocol's."""
    if os.path.isabs(name):
        return name
    if os.path.exists(name) or is_many(name, Path()):
        return Path(os.path.relpath(name, base)).as_posix()
    return name


def group_of(plan: Protocol, n_neurons: int | None) -> Iterator[ProposedChange]:
    """A larger share of a layer that is so small that the template's would be a handful."""
    key = "otherwise" if plan.group.size_varies else "select"
    share = None if plan.group.declared is None else plan.group.declared.top_fraction
    if n_neurons is None or share is None or round(share * n_neurons) >= _SMALLEST_GROUP:
        return
    new = min(0.5, math.ceil(1000 * _SMALLEST_GROUP / n_neurons) / 1000)
    others = plan.multiverse.select if plan.multiverse is not None else ()
    if any(isinstance(item, Rule) and item.top_fraction == new for item in others):
        new += 0.001  # an alternative must be another one
    why = f"of {n_neurons} neurons that was a group of {round(share * n_neurons)}"
    yield ProposedChange(f"group.{key}.top_fraction", share, new, why)
