"""How often each token type occurs.

Counts are taken from a reference text (for Pythia: its training data), not from the text under study.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hypotest.corpora.files import require_file
from hypotest.errors import CorpusError

MAX_TYPES = 2**24
"""Token types that a table may count; the largest vocabularies hold a sixtieth of that."""
MAX_TOTAL = 2.0**62
"""Tokens that a table may count, so that sums stay integers of 64 bits."""


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
