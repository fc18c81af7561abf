"""Whether what is about to be collected has room: known before anything is run, or fills a disk."""

from __future__ import annotations

from hypotest.collect.evidence_folder import is_collected
from hypotest.collect.sample import Sample
from hypotest.engine.session import Session
from hypotest.errors import OutputError
from hypotest.pipeline.cache.contents import free_bytes, size_of
from hypotest.pipeline.cache.full import would_free
from hypotest.pipeline.cache.quota import QUOTA, quota_bytes
from hypotest.pipeline.prepare import Prepared
from hypotest.records.evidence.channels import Channel
from hypotest.report.numbers import bytes_text
from hypotest.subjects.kinds import Subject
from hypotest.subjects.language_model import LanguageModel

_SINGLE, _HALF = 4, 2
"""Bytes of float32 and float16."""


def require_room(prepared: Prepared, session: Session, *splits: str, networks: int = 0) -> None:
    """Refuse to collect what the quota does not allow, or the disk has no room for.

    What lies in the cache already needs none. Lesions of groups, which take rows times groups times 4 bytes,
    are not counted.

    Args:
        prepared: Subject and positions.
        session: Its cache.
        splits: Those that are about to be collected.
        networks: Untrained networks that are collected besides.

    Raises:
        OutputError: If there is no room; says what is needed, what is there, and what pruning would free.
        ProtocolError: If the quota is none.
    """
    quota = quota_bytes()
    if session.anew is not None:
        return  # beside the cache, and gone afterwards
    keys = {"selection": prepared.keys.selection, "evaluation": prepared.keys.evaluation}
    needed = sum(
        max(
            0,
            split_bytes(prepared.subject, prepared.samples[split]) - size_of(session.evidence / keys[split]),
        )
        for split in splits
        if not is_collected(session.evidence, keys[split])
    )
    if not needed:
        return
    needed += networks * sum(
        split_bytes(prepared.subject, prepared.samples[split], attention=False) for split in splits
    )
    free = free_bytes(session.cache)
    there = size_of(session.cache) if quota is not None else 0
    if quota is not None and there + needed > quota:
        limit = f"{session.cache} holds {bytes_text(there)} of the {bytes_text(quota)} of {QUOTA}"
    elif needed > free:
        limit = f"the disk of {session.cache} has {bytes_text(free)}"
    else:
        return
    raise OutputError(
        f"no room for the evidence, which takes about {bytes_text(needed)}: {limit}. "
        f"{'; '.join(would_free(session.cache))}. Nothing was run"
    )


def split_bytes(subject: Subject, sample: Sample, *, attention: bool = True) -> int:
    """What the evidence of a split takes on disk, about.

    Per row activations (N), the residual (d), attention (heads that reach the layer, times context), change
    of loss (N) and its error (N, half precision); where heads are ablated, N for each head and layer, and
    once more. The output and input weights come with the selection split.

    Args:
        subject: The network.
        sample: The rows.
        attention: Whether attention is kept.
    """
    n_rows, n_units = sample.positions.height, subject.n_neurons
    per_row = n_units * (2 * _SINGLE + _HALF) + 8 * _SINGLE
    if not isinstance(subject, LanguageModel):
        return n_rows * per_row
    layers = len(subject.reaching_layers)
    heads, width = layers * subject.n_heads, subject.d_model
    per_row += width * _SINGLE
    if attention and Channel.ATTENTION in subject.channels:
        per_row += heads * sample.tokens.shape[1] * _SINGLE
    total = n_rows * per_row
    if Channel.HEADS in subject.channels:
        total += sample.head_positions.height * (heads + layers + 1) * n_units * _SINGLE
    return total + (2 * n_units * width * _SINGLE if sample.split == "selection" else 0)
