"""How labels lie among rows, where shuffled ones do not lie so: what limits a null of shuffled labels."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hypotest.predicates.units import EXCHANGES
from hypotest.records.evidence.split import SplitEvidence
from hypotest.records.protocol.design import Unit

LIKE_NEIGHBOURS = 0.02
"""Share of neighbouring pairs with one label, beyond chance, from which runs of labels are mentioned."""
LIKE_TYPES = 0.1
"""Share of pairs of rows of one type with one label, beyond chance, from which that is mentioned."""


def limits_of_labels(split: SplitEvidence, unit: Unit) -> Iterator[str]:
    """Runs of labels, and labels that follow types, where they are not shuffled so.

    Args:
        split: Whose rows.
        unit: What is shuffled.
    """
    if unit in ("type", "token", "within_type", "document_type", "position"):
        yield from runs_of_labels(split)
    if unit not in ("type", "within_type"):
        yield from labels_of_types(split, unit)


def labels_of_types(split: SplitEvidence, unit: Unit) -> Iterator[str]:
    """Labels that follow token types, which are not what is shuffled."""
    first, kinds = split.first, np.unique(split.targets, return_inverse=True)[1]
    rows, own = np.bincount(kinds), np.bincount(kinds, first)
    pairs = rows * (rows - 1)
    if not pairs.any():
        return
    alike = float((own * (own - 1) + (rows - own) * (rows - own - 1)).sum() / pairs.sum())
    share = first.mean()
    by_chance = float(share**2 + (1 - share) ** 2)
    if alike - by_chance >= LIKE_TYPES:
        yield (
            f"Positions that predict the same token carry the same label in {alike:.0%} of pairs "
            f"({by_chance:.0%} by chance), and labels are shuffled {EXCHANGES[unit].over}: the conclusion is "
            f"about these tokens. It does not reach to other tokens of either kind: for them, labels without "
            "a meaning are rejected in up to 0.6 of simulated layers where every token belongs to one label "
            "(match on target_frequency, or compare tokens that both conditions have)."
        )


def runs_of_labels(split: SplitEvidence) -> Iterator[str]:
    """Positions of one condition that come in runs, which shuffled labels do not keep."""
    first = split.first
    same_document = split.documents[1:] == split.documents[:-1]
    if not same_document.any():
        return
    alike = float(np.mean((first[1:] == first[:-1])[same_document]))
    share = first.mean()
    by_chance = float(share**2 + (1 - share) ** 2)
    if alike - by_chance >= LIKE_NEIGHBOURS:
        yield (
            f"Neighbouring sampled positions carry the same label in {alike:.0%} of pairs ({by_chance:.0%} "
            "by chance). Shuffled labels do not keep such runs; where neighbouring positions also have like "
            f"activations, shuffled labels reject too often (`hypotest calibrate`, `runs`)."
        )
