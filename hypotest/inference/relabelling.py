"""Relabellings: what moves together when labels are shuffled, and how many distinct ways there are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

from hypotest.records.evidence.arrays import IntArray
from hypotest.records.protocol.design import PermutationUnit

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Relabellings:
    """Labels, shuffled many times; ``of_positions`` reads them per position."""

    labels: BoolArray
    """Label of each unit, shape (n_draws, n_units): of a token type, a type in a document, or a position."""
    units: NDArray[np.intp]
    """Column of ``labels`` to which each position belongs, shape (n_positions,)."""
    log10_distinct: float
    """log10 of the number of distinct relabellings."""
    n_informative: int
    """Strata of types, or documents, in which both labels occur; the others contribute nothing."""

    def of_positions(self, draws: int | slice) -> BoolArray:
        """Labels of the positions in one draw, shape (n_positions,); in several, one row each."""
        return np.asarray(self.labels[draws][..., self.units])


def relabel(
    labels: BoolArray,
    documents: IntArray,
    types: IntArray,
    unit: PermutationUnit,
    n_draws: int,
    rng: np.random.Generator,
) -> Relabellings:
    """Shuffle labels over the given unit: types, types within documents, or positions within documents.

    Args:
        labels: Label of each position, shape ``(n_positions,)``.
        documents: Document of each position, shape ``(n_positions,)``.
        types: Token type of each position, shape ``(n_positions,)``.
        unit: What keeps its label together.
        n_draws: Number of draws.
        rng: Source of the permutations.

    Raises:
        ValueError: If shapes differ or are empty, or a unit has both labels.
    """
    if unit == "type":
        return permute_types(labels, types, n_draws, rng)
    if unit == "document_type":
        return permute_document_types(labels, documents, types, n_draws, rng)
    return permute_within_documents(labels, documents, n_draws, rng)


def permute_types(labels: BoolArray, types: IntArray, n_draws: int, rng: np.random.Generator) -> Relabellings:
    """Shuffle a label that belongs to token types, such as rare or not.

    The label moves with all positions of a type. Types are permuted within strata of
    floor(log2(positions of the type)), so that a draw has about as many positions per label as the
    data. Distinct relabellings: product over strata of (n choose m), with n types of which m are
    labelled.

    Args:
        labels: Label of each position, shape ``(n_positions,)``; equal for all positions of a type.
        types: Token type of each position, shape ``(n_positions,)``.
        n_draws: Number of draws.
        rng: Source of the permutations.

    Returns:
        Relabellings whose units are the types, in the order of ``np.unique(types)``.

    Raises:
        ValueError: If shapes differ or are empty, or a type has both labels.
    """
    labels, types = _vectors(labels, types)
    distinct, first, units, counts = np.unique(
        types, return_index=True, return_inverse=True, return_counts=True
    )
    of_type = labels[first]
    mixed = np.unique(units[labels != of_type[units]])
    if mixed.size:
        raise ValueError(
            f"{mixed.size} token types have both labels (such as {distinct[mixed[0]]}); "
            "a label that is permuted over types must be the same at every position of a type"
        )
    shuffled, log10_distinct, n_informative = _permute_within(of_type, type_strata(counts), n_draws, rng)
    return Relabellings(shuffled, units, log10_distinct, n_informative)


def type_strata(counts: IntArray) -> NDArray[np.intc]:
    """Stratum of each type, within which labels of types are dealt out: exactly floor(log2(count)).

    Examples:
        >>> type_strata(np.array([1, 2, 3, 4])).tolist()
        [0, 1, 1, 2]
    """
    return np.asarray(np.frexp(counts)[1] - 1)


def permute_within_documents(
    labels: BoolArray, documents: IntArray, n_draws: int, rng: np.random.Generator
) -> Relabellings:
    """Shuffle the labels of single positions within their documents.

    Each draw is a uniform permutation within every document, so the number of positions per label
    and document stays. Distinct relabellings: product over documents of (n choose m).

    Args:
        labels: Label of each position, shape ``(n_positions,)``.
        documents: Document of each position, shape ``(n_positions,)``.
        n_draws: Number of draws.
        rng: Source of the permutations.

    Returns:
        Relabellings whose units are the positions, in their order.

    Raises:
        ValueError: If shapes differ or are empty.
    """
    labels, documents = _vectors(labels, documents)
    shuffled, log10_distinct, n_informative = _permute_within(labels, documents, n_draws, rng)
    return Relabellings(shuffled, np.arange(labels.size), log10_distinct, n_informative)


def permute_document_types(
    labels: BoolArray, documents: IntArray, types: IntArray, n_draws: int, rng: np.random.Generator
) -> Relabellings:
    """Shuffle labels over the token types of each document; a type's positions there move together.

    Each draw is a uniform permutation of the labels of a document's types. A type may so have
    another label in another document. Distinct relabellings: product over documents of (n choose
    m), with n types of which m are labelled.

    Args:
        labels: Label of each position, shape ``(n_positions,)``; equal for all positions of a type
            in a document.
        documents: Document of each position, shape ``(n_positions,)``.
        types: Token type of each position, shape ``(n_positions,)``.
        n_draws: Number of draws.
        rng: Source of the permutations.

    Returns:
        Relabellings whose units are the pairs of document and type, sorted.

    Raises:
        ValueError: If shapes differ or are empty, or a type has both labels in one document.
    """
    labels, documents = _vectors(labels, documents)
    labels, types = _vectors(labels, types)
    pairs, first, units = np.unique(
        np.stack([documents, types], axis=1), axis=0, return_index=True, return_inverse=True
    )
    of_pair = labels[first]
    mixed = np.unique(units[labels != of_pair[units]])
    if mixed.size:
        document, token = pairs[mixed[0]].tolist()
        raise ValueError(f"token type {token} has both labels in document {document}")
    shuffled, log10_distinct, n_informative = _permute_within(of_pair, pairs[:, 0], n_draws, rng)
    return Relabellings(shuffled, units, log10_distinct, n_informative)


def _permute_within(
    labels: BoolArray, strata: NDArray[Any], n_draws: int, rng: np.random.Generator
) -> tuple[BoolArray, float, int]:
    shuffled = np.repeat(labels[np.newaxis], n_draws, axis=0)
    order = np.argsort(strata, kind="stable")
    borders = np.flatnonzero(np.diff(strata[order])) + 1
    log_distinct, n_informative = 0.0, 0
    for members in np.split(order, borders):
        n, m = members.size, int(np.count_nonzero(labels[members]))
        if m in (0, n):
            continue
        shuffled[:, members] = rng.permuted(shuffled[:, members], axis=1)
        log_distinct += float(gammaln(n + 1) - gammaln(m + 1) - gammaln(n - m + 1))
        n_informative += 1
    return shuffled, log_distinct / float(np.log(10)), n_informative


def _vectors(labels: BoolArray, keys: IntArray) -> tuple[BoolArray, NDArray[Any]]:
    labels, keys = np.asarray(labels), np.asarray(keys)
    if labels.dtype != np.bool_:
        raise ValueError(f"labels must be boolean, found {labels.dtype}")
    if labels.ndim != 1 or labels.size == 0 or labels.shape != keys.shape:
        raise ValueError(
            f"labels and their units must be non-empty vectors of one length, "
            f"found shapes {labels.shape} and {keys.shape}"
        )
    return labels, keys
