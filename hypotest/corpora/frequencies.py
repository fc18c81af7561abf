"""How often each token type occurs, and which types count as rare.

Counts are taken from a reference text (for Pythia: its training data), not from the text under study.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hypotest.corpora.files import require_file
from hypotest.errors import CorpusError
from hypotest.records.material import Condition, Conditions, TargetFrequency

MAX_TYPES = 2**24
"""Token types that a table may count; the largest vocabularies hold a sixtieth of that."""
MAX_TOTAL = 2.0**62
"""Tokens that a table may count, so that sums stay integers of 64 bits."""
_GRID_POINTS = 400
_WINDOW_DECADES = 0.15
_STEEPER = 2.0  # times the median slope


@dataclass(frozen=True, slots=True, eq=False)
class FrequencyCuts:
    """Which types are rare, common, dropped; boolean arrays over token ids, shape (vocab_size,)."""

    counts: NDArray[np.int64]
    rare: NDArray[np.bool_]
    common: NDArray[np.bool_]
    dropped: NDArray[np.bool_]
    """Types beyond the elbow."""
    log10_rank: NDArray[np.float64]
    """The frequency curve on 400 points, even in log rank."""
    log10_count: NDArray[np.float64]
    elbow_rank: int | None
    """Rank beyond which types are dropped, 1 the most frequent; None if nothing is dropped."""
    n_unlisted: int = 0
    """Token ids beyond the end of the table."""


def read_frequency_table(path: Path) -> NDArray[np.int64]:
    """Read counts per token id from ``.npy`` (one integer per id), ``.parquet`` or ``.csv``.

    Tables need the integer columns ``token`` and ``count``; ids that are absent count 0. Nothing is
    unpickled, and no more is read than the file holds, whatever its header says.

    Raises:
        CorpusError: If the file is missing, no regular file, of another kind, or holds anything but counts.
    """
    where = f"frequencies: {str(path)!r}"
    suffix = path.suffix.lower()
    if suffix not in {".npy", ".parquet", ".csv"}:
        raise CorpusError(f"{where}: must be .npy, .parquet or .csv")
    require_file(path, where)
    try:
        if suffix == ".npy":
            # Mapped, so that a header that promises more than there is fails instead of filling the memory.
            counts: NDArray[Any] = np.lib.format.open_memmap(path, mode="r")
        else:
            counts = _counts_of(_table(path, suffix), where)
    except pl.exceptions.ColumnNotFoundError:
        raise CorpusError(f"{where}: needs the columns token and count") from None
    except CorpusError:
        raise
    except (Exception, pl.exceptions.PanicException) as error:
        # On damaged headers numpy raises what Python's tokenizer does, and polars may panic, which is no
        # Exception; whatever they raise, the file is no table.
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise CorpusError(f"{where}: cannot be read as a frequency table: {reason}") from None
    if counts.ndim != 1 or not np.issubdtype(counts.dtype, np.integer) or (counts < 0).any():
        raise CorpusError(
            f"{where}: needs one non-negative integer per token id, found {counts.dtype} of shape "
            f"{counts.shape}"
        )
    if counts.size > MAX_TYPES or counts.sum(dtype=np.float64) > MAX_TOTAL:
        raise CorpusError(
            f"{where}: must count at most {MAX_TYPES:,} token types and {MAX_TOTAL:.1g} tokens; found "
            f"{counts.size:,} and {counts.sum(dtype=np.float64):.3g}"
        )
    return np.array(counts, dtype=np.int64)


def _table(path: Path, suffix: str) -> pl.DataFrame:
    """The two columns; of a packed file no more rows than there can be token types."""
    columns = ["token", "count"]
    if suffix == ".csv":
        return pl.read_csv(path, columns=columns, glob=False)
    rows = pl.scan_parquet(path, glob=False).select(columns)
    other = [str(dtype) for dtype in rows.collect_schema().dtypes() if not dtype.is_integer()]
    if other:
        raise ValueError(f"token and count must be integers, found {', '.join(other)}")
    return rows.head(MAX_TYPES + 1).collect()


def _counts_of(table: pl.DataFrame, where: str) -> NDArray[Any]:
    tokens, values = table["token"].to_numpy(), table["count"].to_numpy()
    if not np.issubdtype(tokens.dtype, np.integer) or tokens.min(initial=0) < 0:
        raise CorpusError(f"{where}: the column token must hold ids of 0 or more")
    if tokens.max(initial=0) >= MAX_TYPES:
        raise CorpusError(f"{where}: token ids must be below {MAX_TYPES:,}; found {tokens.max():,}")
    if np.unique(tokens).size < tokens.size:
        raise CorpusError(f"{where}: the column token must hold each id once; found one again")
    counts = np.zeros(int(tokens.max(initial=-1)) + 1, dtype=values.dtype)
    counts[tokens] = values
    return counts


def fit_to_vocabulary(counts: NDArray[np.int64], vocab_size: int) -> NDArray[np.int64]:
    """Pad a table to a (padded) vocabulary; published tables are sometimes shorter.

    Raises:
        CorpusError: If the table counts ids that the model does not have.
    """
    if counts[vocab_size:].any():
        raise CorpusError(
            f"the frequency table counts token id {int(np.flatnonzero(counts)[-1])}, but the model has "
            f"only {vocab_size}, from 0: the table belongs to another tokenizer; give that of this one, or "
            "{count: a text}"
        )
    padded = np.zeros(vocab_size, dtype=np.int64)
    padded[: min(vocab_size, counts.size)] = counts[:vocab_size]
    return padded


def cut_frequencies(counts: NDArray[np.int64], conditions: Conditions, n_unlisted: int = 0) -> FrequencyCuts:
    """Apply the elbow and the percentiles of a protocol to a frequency table.

    Types with count 0 are out. Types beyond the elbow are dropped first, if the protocol says so; both
    percentiles refer to what remains.

    Args:
        counts: Occurrences per token id, shape (vocab_size,).
        conditions: The protocol's definition of rare and common.
        n_unlisted: How many of the last counts are none of the table's, but padding.

    Raises:
        CorpusError: If no type is left in a condition.
    """
    order = np.argsort(-counts, kind="stable")
    order = order[counts[order] > 0]
    if order.size < 100:
        raise CorpusError(
            f"the frequency table counts only {order.size} token types; at least 100 are needed to tell "
            "rare from common"
        )
    log_rank, log_count = frequency_curve(counts[order])
    elbow = find_elbow(log_rank, log_count) if conditions.elbow == "drop" else None
    kept = order if elbow is None else order[:elbow]
    dropped = np.zeros(counts.size, dtype=bool)
    dropped[order[kept.size :]] = True
    masks = {}
    for name, condition in (("rare", conditions.rare), ("common", conditions.common)):
        mask = np.zeros(counts.size, dtype=bool)
        mask[kept] = _in_range(counts[kept], condition.target_frequency)
        if not mask.any():
            raise CorpusError(
                f"no token type is {name} under conditions.{name}.target_frequency: "
                f"{_why_none(counts[kept], condition)}"
            )
        masks[name] = mask
    return FrequencyCuts(
        counts, masks["rare"], masks["common"], dropped, log_rank, log_count, elbow, n_unlisted
    )


def least_percentile(counts: NDArray[np.int64], of: str) -> int | None:
    """The lowest whole percentile below which some type lies; None if all types are equally frequent.

    Where many types share the lowest count, the percentiles up to their share are that count, and no type
    lies below it.

    Args:
        counts: Of the types that are left, positive, shape (n_types,).
        of: ``types`` or ``occurrences``, as percentiles count them.

    Examples:
        >>> least_percentile(np.array([1, 1, 1, 5]), "types"), least_percentile(np.array([2, 2]), "types")
        (67, None)
    """
    fits = (
        percentile
        for percentile in range(1, 100)
        if _in_range(counts, TargetFrequency.model_construct(below_percentile=percentile, of=of)).any()
    )
    return next(fits, None)


def _why_none(counts: NDArray[np.int64], condition: Condition) -> str:
    """Why no type is in a condition, and what to do."""
    asked = condition.target_frequency
    low = int(counts.min())
    tied = int((counts == low).sum())
    times = "once" if low == 1 else f"{low:,} times"
    found = (
        f"{tied:,} of the {counts.size:,} types that are left "
        f"({100 * tied / counts.size:.0f} %) share the lowest count, {times} each, and below percentile "
        f"{asked.below_percentile or asked.from_percentile:g} of {asked.of} lies none"
    )
    least = least_percentile(counts, asked.of)
    longer = "count a longer text (frequencies: {count: ...})"
    return f"{found}. {'' if least is None else f'Write at least {least}, or '}{longer}"


def frequency_curve(
    descending: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """log10 rank and log10 count on 400 points even in log rank.

    Args:
        descending: Positive counts, most frequent first, shape (n_types,).
    """
    log_rank = np.linspace(0.0, np.log10(descending.size), _GRID_POINTS)
    exact = np.log10(np.arange(1, descending.size + 1))
    return log_rank, np.interp(log_rank, exact, np.log10(descending))


def find_elbow(log_rank: NDArray[np.float64], log_count: NDArray[np.float64]) -> int | None:
    """Rank where the curve begins to fall off for good, towards the rarest types.

    The slope is taken in a sliding window of 0.15 decades. The elbow is where it becomes, and up to
    the rarest type stays, steeper than twice its median over the middle 80 % of log ranks.

    Args:
        log_rank: log10 rank, even, shape (n_points,).
        log_count: log10 count, shape (n_points,).

    Returns:
        The rank of the elbow (types of higher rank lie beyond it), or None if there is none.
    """
    half = _WINDOW_DECADES / 2
    slopes = np.empty(log_rank.size)
    for i, centre in enumerate(log_rank):
        # the window keeps its width at both ends, where half of it would hold too few points
        middle = min(max(centre, log_rank[0] + half), log_rank[-1] - half)
        inside = np.abs(log_rank - middle) <= half + 1e-12
        slopes[i] = np.polyfit(log_rank[inside], log_count[inside], 1)[0]
    span = log_rank[-1] - log_rank[0]
    middle_part = np.abs(log_rank - log_rank[0] - span / 2) <= 0.4 * span
    steep = slopes < _STEEPER * np.median(slopes[middle_part])
    if not steep[-1]:
        return None
    shallow = np.flatnonzero(~steep)
    if shallow.size == 0:
        return None
    return int(np.floor(10 ** log_rank[shallow[-1] + 1]))


def _in_range(counts: NDArray[np.int64], bounds: TargetFrequency) -> NDArray[np.bool_]:
    """Which of the kept types lie in the range; counts of the kept types in any order."""
    percentile = bounds.below_percentile or bounds.from_percentile
    assert percentile is not None  # the protocol's schema: exactly one of the two
    if bounds.of == "types":
        threshold = float(np.percentile(counts, percentile))
    else:
        ascending = np.sort(counts)
        share = np.cumsum(ascending) / ascending.sum()
        threshold = float(ascending[np.searchsorted(share, percentile / 100, side="right")])
    below = counts < threshold
    return below if bounds.below_percentile is not None else ~below
