"""What a study computes with, passed on as one object."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from hypotest.engine.progress import StartStage, named, silent
from hypotest.engine.share import ALONE, Share
from hypotest.engine.streams import Streams
from hypotest.engine.workers import Kept, Workers

MEMORY = 4.0
"""GB that ablation may take beside model and evidence, where nobody says otherwise."""


def cache_folder() -> Path:
    """``$HYPOTEST_CACHE``, else ``hypotest`` in the user's cache folder; ``~`` is the home folder in both.

    Shells leave the ``~`` of a quoted value, and that of a file of settings, as it is.
    """
    chosen = os.environ.get("HYPOTEST_CACHE")
    if chosen:
        return Path(os.path.expanduser(chosen))
    return Path(os.path.expanduser(os.environ.get("XDG_CACHE_HOME") or "~/.cache")) / "hypotest"


@dataclass(frozen=True, slots=True)
class Session:
    """Random streams, progress, cores, device, memory and cache of one study."""

    streams: Streams
    """All randomness of the study."""
    start_stage: StartStage = silent
    """Told of each stage and its number of steps."""
    workers: Workers = field(default_factory=Workers)
    """For pieces of long stages."""
    device: str = "auto"
    """``cpu``, ``cuda``, ``mps``, ``auto`` or ``balanced``."""
    memory: float = MEMORY
    """GB that ablation may take beside model and evidence."""
    cache: Path = field(default_factory=cache_folder)
    """Folder of all caches."""
    share: Share = ALONE
    """Of this process in the study, where several make it together."""
    anew: Path | None = None
    """Where evidence is collected although the cache may have it, to be compared with that."""

    @classmethod
    def start(
        cls, seed: int, start_stage: StartStage = silent, device: str = "auto", memory: float = MEMORY
    ) -> Session:
        """A study's session: seeded, and telling the same display of stages and of their pieces."""
        return cls(Streams(seed), start_stage, Workers(start_stage), device, memory)

    @property
    def evidence(self) -> Path:
        """Folder of the subject's evidence."""
        return self.anew or self.cache / "evidence"

    @property
    def networks(self) -> Path:
        """Folder of the evidence of other networks, of which no log of documents is kept."""
        return self.anew or self.cache / "other-networks"

    def stage(self, name: str, n_steps: int) -> Callable[[], None]:
        """Begin a stage; what is returned is called after each of its steps."""
        return self.start_stage(name, n_steps)

    def pieces(self, name: str, n_steps: int) -> Callable[[], None]:
        """The same for what lies within or around stages: shown, and not timed with them."""
        return self.workers.start_stage(name, n_steps)

    def telling(self, start_stage: StartStage) -> Session:
        """The same, telling another display of its stages; pieces are told to the one before."""
        return replace(self, start_stage=start_stage)

    def within(self, what: str) -> Session:
        """The same, telling of its stages and pieces as parts of something."""
        workers = self.workers.telling(named(self.workers.start_stage, what))
        return replace(self, start_stage=named(self.start_stage, what), workers=workers)

    def keeping(self, kept: Kept) -> Session:
        """The same, with finished pieces kept."""
        return replace(self, workers=self.workers.keeping(kept, self.share))
