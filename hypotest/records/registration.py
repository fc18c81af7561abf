"""A registration: what was fixed before the evaluation data were looked at, and what a run changed of it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Literal

from hypotest.records.seen import Seen

RunStatus = Literal["confirmatory", "exploratory"]

LOCK_VERSION = 2
"""Version of the lock file; raised when a field changes its meaning or goes."""


@dataclass(frozen=True, slots=True)
class Hashes:
    """SHA-256 of everything that a run's numbers depend on, 64 hexadecimal digits each."""

    protocol: str
    """Of the canonical form of the plan: comments and formatting do not count."""
    weights: str
    """Names, shapes and float32 values of all parameters."""
    tokenizer: str
    frequencies: str
    """Counts per token id, padded to the vocabulary."""
    positions: str
    """Every sampled position with its document, target, condition and split."""
    code: str
    """Of hypotest's own code that numbers come from, and of the plug-ins that the plan uses."""
    text: dict[str, str]
    """Package and version, or file -> hash of its documents."""
    weights_file: str | None = None
    """Of a GGUF file, all of it, tokenizer and metadata included; None where weights come otherwise."""
    autoencoder: str | None = None
    """Of a sparse autoencoder whose latents are tested, configuration and weights; None without one."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What a protocol comes to on this machine, before the model runs."""

    protocol_id: str
    plan: dict[str, Any]
    """Canonical form of the protocol."""
    hashes: Hashes
    revision: str | None
    """Commit that the Hub resolved; None for a folder and for the reference model."""
    layer: int | str
    """Block whose MLP is tested, counted from 0; of any network the module of its units."""
    versions: dict[str, str]
    """Python, hypotest and the libraries -> version."""
    seed: int
    split: dict[str, int]
    """``selection_documents`` and ``evaluation_documents``: how many carry positions."""
    evidence: dict[str, str]
    """``selection`` and ``evaluation`` -> key of the evidence in the cache."""
    kept_out: tuple[str, ...]
    """Hashes of documents of the text that were kept out of the evaluation split, since they were seen before
    (``register(..., fresh_documents=True)``), sorted; empty where the protocol's own split is kept."""


@dataclass(frozen=True, slots=True)
class GitState:
    """A protocol's place in a git repository at the time of registration."""

    commit: str
    """The commit that was checked out, 40 or 64 hexadecimal digits."""
    branch: str | None
    """None when no branch was checked out."""
    clean: bool
    """Whether that commit holds the protocol as it was registered, and no other tracked file differed from it
    (but for locks and registry beside the protocol, which registering itself writes)."""
    pushed: bool
    """Whether a remote-tracking branch held the commit: what this clone knew, no statement of the server."""


@dataclass(frozen=True, slots=True)
class Later:
    """Of a registration whose subject comes later: which network will do, and when one was bound."""

    criterion: str
    """In words, for readers to judge."""
    families: tuple[str, ...]
    """Values of ``config.model_type`` that will do, sorted; any if empty."""
    parameters: tuple[int, int] | None
    """Fewest and most parameters; None for any number."""
    frequencies: dict[str, str]
    """What token counts are taken from: table or text -> hash, or package -> version."""
    bound: str | None
    """When the first run under it bound its network, UTC; None while it waits."""
    waited: str | None
    """SHA-256 of the lock that waited; None while it waits."""


@dataclass(frozen=True, slots=True)
class RegisteredMember:
    """What one run of a series comes to, where it differs from the others."""

    subject: dict[str, int | str]
    """What it is called in the plan: ``layer`` or ``revision`` -> which."""
    weights: str
    tokenizer: str
    frequencies: str
    positions: str
    """SHA-256, as in `Hashes`."""
    revision: str | None
    layer: int | str
    split: dict[str, int]
    evidence: dict[str, str]


@dataclass(frozen=True, slots=True)
class Lock(Fingerprint):
    """A registration, as it stands in ``PROTOCOL.lock.json`` and in the registry."""

    lock: int
    """Version of this form."""
    file: str
    """Name of the protocol's file."""
    registered: str
    """UTC, ISO 8601, to the second; of the plan, where the subject was bound later."""
    later: Later | None
    """None where the subject was there."""
    seen: Seen
    """What was known of evaluation documents having been seen; runs are exploratory if any was."""
    git: GitState | None
    """None outside a repository, without a commit, or without git."""
    previous: str
    """Hash of the registry's previous entry; 64 zeros for the first."""
    members: tuple[RegisteredMember, ...] = ()
    """Of a series, in its order; the lock's own hashes of weights, tokenizer, counts and positions are over
    theirs. A single run has none, and its lock does not speak of them."""

    @property
    def fingerprint(self) -> Fingerprint:
        """What a run must agree with."""
        return Fingerprint(**{item.name: getattr(self, item.name) for item in fields(Fingerprint)})


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the registry."""

    entry: int
    """Counted from 1."""
    previous: str
    """Hash of the previous entry; 64 zeros for the first."""
    lock: Lock
    hash: str
    """SHA-256 of the other three as canonical JSON."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """Something that a run did otherwise than registered."""

    key: str
    """Dotted path: of the protocol, predictions by their id, or of the lock, such as ``hashes.weights``."""
    registered: Any
    """Plain data; None where the key was absent."""
    run: Any
    """Plain data; None where the key is absent."""


@dataclass(frozen=True, slots=True)
class Registration:
    """What a run is: confirmatory, or exploratory and why."""

    status: RunStatus
    reasons: tuple[str, ...]
    """Why it is exploratory, in plain words; empty for a confirmatory run."""
    registered: str | None = None
    """When the lock was written, UTC; None without a readable lock."""
    lock: str | None = None
    """SHA-256 of the lock as canonical JSON; None without a readable lock."""
    deviations: tuple[Deviation, ...] = ()
    """Everything that differs from the lock."""
    subject_later: str | None = None
    """Of a registration before its subject was there: which network would do, in words."""
