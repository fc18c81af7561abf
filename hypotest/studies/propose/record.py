"""What was changed in a template so that it fits a model and a text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class ProposedChange:
    """A value of a template that was changed."""

    key: str
    """Dotted, such as ``corpus.context``."""
    old: Any
    new: Any
    why: str
