"""Which documents a network was run over, by which plan, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Use = Literal["selection", "evaluation"]
"""What for: to select neurons (runs, trials, ``explore``, ``power``), or to measure them."""


@dataclass(frozen=True, slots=True)
class Viewing:
    """A line of the log: a network was run over documents."""

    time: str
    """UTC, ISO 8601; when it began."""
    use: Use
    plan: str
    """Id of the protocol."""
    protocol: str
    """SHA-256 of the plan in canonical form."""
    weights: str
    """SHA-256 of the network's weights."""
    layer: int | str
    """Block whose MLP was looked at, counted from 0; of any network the module of its units."""
    evidence: str
    """Key of the evidence in the cache."""
    documents: tuple[str, ...]
    """Hash of each document's content."""
    family: str = ""
    """``config.model_type`` of the network; empty where it is not known."""
    parameters: int = 0
    """Of the network; 0 where it is not known."""


@dataclass(frozen=True, slots=True)
class SeenBy:
    """What one plan saw of another plan's evaluation documents, before that was registered."""

    plan: str
    """Id of the protocol."""
    protocol: str
    """SHA-256 of the plan in canonical form."""
    layer: int | str
    """Block whose MLP was looked at, counted from 0; of any network the module of its units."""
    use: Use
    documents: int
    """How many of the evaluation documents."""
    times: int
    """How often the network was run over some of them, or evidence of it read."""
    first: str
    """UTC, ISO 8601."""
    last: str
    """UTC, ISO 8601."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known about a plan's evaluation documents having been seen, on one machine."""

    documents: int
    """Of them, how many the same network was run over."""
    by: tuple[SeenBy, ...]
    """Every plan that saw some, the earliest first."""
    unlogged_evidence: bool
    """Whether the cache held evidence of which the log says nothing: of any documents, of any network."""
    damaged_lines: int
    """Of the log: what they said is not known."""

    @property
    def nothing(self) -> bool:
        """Whether none was seen, as far as any tool can know; a log that cannot be read does not say so."""
        return self.documents == 0 and not self.unlogged_evidence and self.damaged_lines == 0
