"""The positions of a split at which a network is looked at, and the name of what is collected there."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hypotest.collect.evidence_folder import EvidenceKeys
from hypotest.collect.store import evidence_key
from hypotest.records.evidence.evidence import AblationMethod
from hypotest.records.evidence.rows import Positioned, extra_columns
from hypotest.records.protocol.design import HEAD_POSITIONS
from hypotest.subjects.kinds import Subject
from hypotest.subjects.network.row_subject import RowSubject

COLLECTION_VERSION = 7
"""Raised when collection changes what it stores, so that older evidence is not reused."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample(Positioned):
    """What to collect: the positions of one split and the blocks for head ablation."""

    tokens: NDArray[np.int32]
    """All blocks of the text, shape (n_blocks, context)."""
    positions: pl.DataFrame
    """Rows of one split, sorted by block and index."""
    head_blocks: NDArray[np.int64]
    """Blocks in which heads are ablated, sorted."""

    @property
    def head_positions(self) -> pl.DataFrame:
        """Where heads are ablated: the first condition's positions in `head_blocks`, if they are few.

        Else so many of each block as `HEAD_POSITIONS` allows, evenly spaced among its own.
        """
        own = self.positions.filter(pl.Series(self.first))
        own = own.filter(pl.col("block").is_in(self.head_blocks.tolist()))
        if own.height <= HEAD_POSITIONS:
            return own
        most = max(1, HEAD_POSITIONS // self.head_blocks.size)
        _, first, counts = np.unique(own["block"].to_numpy(), return_index=True, return_counts=True)
        rows = [
            start + np.linspace(0, count - 1, min(most, count)).astype(np.int64)
            for start, count in zip(first, counts, strict=True)
        ]
        return own[np.concatenate(rows)]

    @property
    def split(self) -> str:
        """``selection`` or ``evaluation``."""
        return str(self.positions["split"][0])

    def where(self, rows: NDArray[np.bool_]) -> Sample:
        """Some of the positions."""
        return replace(self, positions=self.positions.filter(pl.Series(rows)))


def evidence_keys(
    subject: Subject,
    samples: Mapping[str, Sample],
    ablation: AblationMethod,
    wanted: Sequence[str] = (),
) -> EvidenceKeys:
    """The keys follow from the weights, the model's settings, the tokens, the positions and the ablation.

    The evaluation split's key depends on the selection split's too: ablated neurons are set to their mean
    over the selection split. So does what is wanted, where it is not everything: a few words that say it.
    """
    selection = _key(subject, "selection", samples["selection"], ablation, after="", wanted=wanted)
    return EvidenceKeys(
        selection,
        _key(subject, "evaluation", samples["evaluation"], ablation, after=selection, wanted=wanted),
    )


def selection_key(subject: Subject, sample: Sample, ablation: AblationMethod) -> str:
    """The key of a selection split, which depends on no other."""
    return _key(subject, "selection", sample, ablation, after="")


def _key(
    subject: Subject,
    split: str,
    sample: Sample,
    ablation: AblationMethod,
    after: str,
    wanted: Sequence[str] = (),
) -> str:
    own = subject.own_anatomy
    used = np.union1d(sample.blocks, sample.head_blocks)
    return evidence_key(
        {
            "version": COLLECTION_VERSION,
            "subject": subject.fingerprint,
            "settings": subject.settings_fingerprint,
            "layer": subject.layer,
            **({"anatomy": own} if own else {}),
            **({"units": subject.unit_settings} if subject.unit_settings else {}),
            **({"rows": subject.digest_of(sample.blocks)} if isinstance(subject, RowSubject) else {}),
            "split": split,
            "tokens": _digest(sample.tokens[used]),
            "positions": _digest(
                sample.positions.select(
                    "document", "block", "index", *extra_columns(sample.positions)
                ).to_numpy()
            ),
            "conditions": [*sample.conditions, _digest(sample.first)],
            "heads": _digest(sample.head_positions.select("block", "index").to_numpy()),
            "ablation": [ablation.engine, ablation.replacement, ablation.tolerance]
            + ([ablation.seed] if ablation.replacement == "resample" else [])
            + ([ablation.outcome] if ablation.outcome != "loss" else []),
            "after": after,
            **({"wanted": list(wanted)} if wanted else {}),
        }
    )


def _digest(array: NDArray[Any]) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
