"""The selection split divided: select on one half of its documents, measure on the other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hypotest.engine.streams import Streams
from hypotest.errors import CorpusError
from hypotest.records.evidence.evidence import Evidence, SelectionEvidence

FEWEST_DOCUMENTS = 4
"""Neurons are ranked on one half of a half and read on the other."""


def divide(selection: SelectionEvidence, streams: Streams) -> Evidence:
    """Evidence whose two splits are the two halves of the selection split's documents.

    Raises:
        CorpusError: If there are too few documents to divide.
    """
    documents = np.unique(selection.split.documents)
    if documents.size < FEWEST_DOCUMENTS:
        raise CorpusError(
            f"the selection split's documents are divided in two, and {documents.size} are too few "
            f"({FEWEST_DOCUMENTS} are needed): take more positions, or text with more documents"
        )
    shuffled = streams("halves of the selection split").permutation(documents)
    half = documents.size // 2
    return replace(
        whole(selection),
        selection=selection.split.of_documents(shuffled[:half]),
        evaluation=selection.split.of_documents(shuffled[half:]),
    )


def whole(selection: SelectionEvidence) -> Evidence:
    """Evidence in which the selection split stands for both."""
    return Evidence(
        selection=selection.split,
        evaluation=selection.split,
        weights=selection.weights,
        heads=selection.heads,
        mean_activation=selection.mean_activation,
        ablation=selection.ablation,
        decomposition=None,
        partition=selection.partition,
    )
