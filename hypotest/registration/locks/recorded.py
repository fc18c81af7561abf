"""The plan of a run that is kept, also where packages that it used are gone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypotest.measures.registry import CHOICES, MEASURES
from hypotest.nulls.registry import NULLS
from hypotest.predicates.registry import PREDICATES
from hypotest.records.protocol.choices import SHARED_CHOICES
from hypotest.records.protocol.protocol import Protocol


def stored_plan(data: Any) -> Protocol:
    """The plan that results hold, where all that it uses is installed.

    Args:
        data: ``results.protocol``.

    Raises:
        ValueError: If it is none of this version.
    """
    return Protocol.model_validate_json(json.dumps(data), strict=True)


def without_predicates(manifest: Mapping[str, Any]) -> str:
    """Predicates that a run took from a package that is not here, and what to do; empty where all are here.

    Without them its plan cannot be read: what its conditions are only they know.

    Args:
        manifest: Of the run.
    """
    used = manifest.get("predicates")
    gone = sorted(set(used) - set(PREDICATES)) if isinstance(used, Mapping) else []
    if not isinstance(used, Mapping) or not gone:
        return ""
    packages = ", ".join(dict.fromkeys(str(used[name]) for name in gone))
    return f"no predicate {', '.join(gone)} here: install {packages}"


@dataclass(frozen=True, slots=True)
class Recorded:
    """A plan as far as this installation can read it."""

    plan: Protocol
    """Without the nulls and choices that are not known here."""
    measures: tuple[str, ...]
    """That no installed package brings."""
    nulls: tuple[str, ...]
    """The same of nulls."""

    @property
    def missing(self) -> str:
        """What to install, or nothing: ``no measure kurtosis here: install the package that brings it``."""
        parts = [
            f"no {what} {', '.join(names)} here"
            for what, names in (("measure", self.measures), ("null", self.nulls))
            if names
        ]
        return f"{' and '.join(parts)}: install the package that brings it" if parts else ""


def recorded_plan(data: Mapping[str, Any]) -> Recorded:
    """Read the plan in ``results.json``.

    Args:
        data: Its ``protocol``.

    Raises:
        ValidationError: If it is no plan of this version, whatever is installed.
    """
    content = dict(data)
    unknown = []
    if isinstance(nulls := content.get("nulls"), Mapping):
        unknown = [name for name, options in nulls.items() if name not in NULLS and options is not None]
        content["nulls"] = {name: options for name, options in nulls.items() if name in NULLS}
    if isinstance(choices := content.get("multiverse"), Mapping):
        known = {*SHARED_CHOICES, *CHOICES, "draws"}
        content["multiverse"] = {name: value for name, value in choices.items() if name in known}
    plan = Protocol.model_validate(content)
    measures = {item.measure for item in plan.predictions} - set(MEASURES)
    return Recorded(plan, tuple(sorted(measures)), tuple(unknown))
