"""Which of a plan's evaluation documents its network was run over before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from hypotest.records.seen import Seen, SeenBy, Viewing


def seen_before(
    log: Sequence[Viewing],
    weights: Collection[str],
    documents: Collection[str],
    *,
    damaged_lines: int = 0,
    unlogged_evidence: bool = False,
) -> Seen:
    """Find documents in the log, at any layer, under any plan and for any use.

    Documents on which another plan *selected* neurons count too: with another seed they come to the
    evaluation split, and what was selected on them, or tried on them, was looked at.

    Args:
        log: From `hypotest.pipeline.texts.document_log.read_log`; or a part of it.
        weights: SHA-256 of the weights of each network that is meant: one, or those of a series.
        documents: Hashes of the evaluation split's documents.
        damaged_lines: Of the log.
        unlogged_evidence: Whether evidence of them existed otherwise.
    """
    wanted = set(documents)
    viewings: dict[tuple[str, str, int | str, str], list[tuple[Viewing, set[str]]]] = {}
    for item in log:
        shared = wanted.intersection(item.documents) if item.weights in weights else set()
        if shared:
            key = (item.plan, item.protocol, item.layer, item.use)
            viewings.setdefault(key, []).append((item, shared))
    by = [_by(same) for same in viewings.values()]
    return Seen(
        documents=len(set().union(*(shared for same in viewings.values() for _, shared in same))),
        by=tuple(sorted(by, key=lambda item: item.first)),
        unlogged_evidence=unlogged_evidence,
        damaged_lines=damaged_lines,
    )


def documents_seen(log: Iterable[Viewing], weights: Collection[str]) -> frozenset[str]:
    """Every document that one of some networks was run over, whatever for."""
    return frozenset(name for item in log if item.weights in weights for name in item.documents)


def _by(same: list[tuple[Viewing, set[str]]]) -> SeenBy:
    one = same[0][0]
    times = sorted(item.time for item, _ in same)
    return SeenBy(
        plan=one.plan,
        protocol=one.protocol,
        layer=one.layer,
        use=one.use,
        documents=len(set().union(*(shared for _, shared in same))),
        times=len(same),
        first=times[0],
        last=times[-1],
    )
