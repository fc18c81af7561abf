"""How frequent a token type is in a reference text: rare ones, common ones, any range between.

Counts are taken from the protocol's ``frequencies`` (for Pythia: its training data), not from the text under
study. Types with count 0 are out. Types beyond the elbow of the frequency curve are dropped first, since they
are noisy and idiosyncratic (arXiv:2509.21163); percentiles refer to what remains.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from hypotest.errors import CorpusError
from hypotest.estimators.elbow import find_elbow, frequency_curve
from hypotest.predicates.predicate import Bound, Kind, Predicate, PredicateWords, Setting, of_types
from hypotest.predicates.rows import About, BoolArray
from hypotest.records.protocol.strict import Strict
from hypotest.records.results.figure_data import FrequencyCurve

FEWEST_TYPES = 100
"""Types that a table must count, to tell rare from common."""
SMALL_VOCABULARY = 20_000
"""Types, below which they are often pieces of words."""
STRICTER = (2 / 3, 1 / 3)
"""Shares of a declared percentile that narrower definitions take."""
_STEP = 5  # percent between the percentiles that are tried on a short text


class Frequency(Strict):
    """A range of the frequency distribution of token types."""

    below_percentile: float | None = Field(
        default=None, gt=0, lt=100, description="in percent: rarer than this"
    )
    from_percentile: float | None = Field(
        default=None, gt=0, lt=100, description="in percent: at least as frequent as this"
    )
    of: Literal["types", "occurrences"] = Field(
        default="types",
        description="what percentiles count: `types` (different tokens) or `occurrences` (running text)",
    )
    elbow: Literal["drop", "keep"] = Field(
        default="drop", description="the rarest token types, beyond the frequency curve's elbow"
    )

    @model_validator(mode="after")
    def _a_range(self) -> Frequency:
        if self.below_percentile is None and self.from_percentile is None:
            raise ValueError("must have below_percentile, from_percentile or both")
        if None not in (self.below_percentile, self.from_percentile) and (
            # both are numbers here: the line above says so
            self.from_percentile >= self.below_percentile  # type: ignore[operator]
        ):
            raise ValueError("must have a from_percentile that lies below its below_percentile")
        return self


def bind(options: Frequency, about: About | None, setting: Setting) -> Bound:
    """Cut the frequency table.

    Raises:
        CorpusError: If the table counts too few types, or none lies in the range.
    """
    counts, n_unlisted = setting.counts()
    mask, elbow = types_in(counts, options)
    low, high = int(counts[mask].min()), int(counts[mask].max())
    n_kept = int((counts > 0).sum()) if elbow is None else elbow
    remark = f"{int(mask.sum()):,} of {n_kept:,} types, {low:,} to {high:,} occurrences each"
    dropped = int((counts > 0).sum()) - n_kept
    if dropped:
        remark += f"; {dropped:,} beyond the elbow are dropped"
    if n_unlisted:
        ids = "the last token id" if n_unlisted == 1 else f"the last {n_unlisted:,} token ids"
        remark += f"; the table ends before {ids} of the model, which count as never seen"
    return of_types(mask, about, remark, curve_of(counts, mask, elbow, n_unlisted))


def types_in(counts: NDArray[np.int64], options: Frequency) -> tuple[BoolArray, int | None]:
    """Which types lie in the range, shape (vocab_size,), and the rank of the elbow.

    Args:
        counts: Occurrences per token id, shape (vocab_size,).
        options: The range.

    Returns:
        The types; and the rank beyond which types are dropped, 1 the most frequent, None if none are.

    Raises:
        CorpusError: If the table counts fewer than `FEWEST_TYPES`, or none lies in the range.
    """
    order = np.argsort(-counts, kind="stable")
    order = order[counts[order] > 0]
    if order.size < FEWEST_TYPES:
        raise CorpusError(
            f"the frequency table counts only {order.size} token types; at least {FEWEST_TYPES} are "
            "needed to "
            "tell rare from common"
        )
    elbow = find_elbow(*frequency_curve(counts[order])) if options.elbow == "drop" else None
    kept = order if elbow is None else order[:elbow]
    mask = np.zeros(counts.size, dtype=bool)
    mask[kept] = _in_range(counts[kept], options)
    if not mask.any():
        raise CorpusError(f"no token type is in this range: {_why_none(counts[kept], options)}")
    return mask, elbow


def curve_of(
    counts: NDArray[np.int64], mask: BoolArray, elbow: int | None, n_unlisted: int = 0
) -> FrequencyCurve:
    """The frequency curve with its cuts, for the figure."""
    descending = np.sort(counts[counts > 0])[::-1]
    log_rank, log_count = frequency_curve(descending)
    inside = counts[mask]
    return FrequencyCurve(
        log10_rank=tuple(log_rank.tolist()),
        log10_count=tuple(log_count.tolist()),
        elbow_rank=elbow,
        first_rank=int((counts > inside.max()).sum()) + 1,
        n_types=descending.size,
        n_in_range=int(mask.sum()),
        n_dropped_types=0 if elbow is None else descending.size - elbow,
        count_range=(int(inside.min()), int(inside.max())),
        n_unlisted_types=n_unlisted,
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
        if _in_range(counts, Frequency.model_construct(below_percentile=percentile, of=of)).any()
    )
    return next(fits, None)


def _why_none(counts: NDArray[np.int64], options: Frequency) -> str:
    """Why no type is in a range, and what to do."""
    low = int(counts.min())
    tied = int((counts == low).sum())
    times = "once" if low == 1 else f"{low:,} times"
    reason = (
        f"{tied:,} of the {counts.size:,} types that are left "
        f"({100 * tied / counts.size:.0f} %) share the lowest count, {times} each, and below percentile "
        f"{options.below_percentile or options.from_percentile:g} of {options.of} lies none"
    )
    least = least_percentile(counts, options.of)
    longer = "count a longer text (frequencies: {count: ...})"
    return f"{reason}. {'' if least is None else f'Write at least {least}, or '}{longer}"


def _in_range(counts: NDArray[np.int64], options: Frequency) -> BoolArray:
    """Which of the kept types lie in the range; counts of the kept types in any order."""
    inside = np.ones(counts.size, dtype=bool)
    if options.below_percentile is not None:
        inside &= counts < _threshold(counts, options.below_percentile, options.of)
    if options.from_percentile is not None:
        inside &= counts >= _threshold(counts, options.from_percentile, options.of)
    return inside


def _threshold(counts: NDArray[np.int64], percentile: float, of: str) -> float:
    if of == "types":
        return float(np.percentile(counts, percentile))
    ascending = np.sort(counts)
    share = np.cumsum(ascending) / ascending.sum()
    return float(ascending[np.searchsorted(share, percentile / 100, side="right")])


def _clause(options: Frequency, subject: str) -> str:
    low, high = options.from_percentile, options.below_percentile
    of = "token types" if options.of == "types" else "occurrences"
    if low is None:
        return f"{subject} is among the rarest {high:g} % of {of}"
    if high is None:
        return f"{subject} is among the most frequent {100 - low:g} % of {of}"
    return f"{subject} lies between {low:g} % and {high:g} % of {of}, counted from the rarest"


def _limits(options: Frequency, vocab_size: int, curve: FrequencyCurve | None) -> Iterator[str]:
    if options.below_percentile is not None and vocab_size < SMALL_VOCABULARY:
        yield f"With {vocab_size:,} token types, rare types are often pieces of words, not rare words."
    if options.elbow == "drop" and curve is not None and curve.elbow_rank is None:
        yield "The frequency curve has no elbow, so no types were dropped as too rare."


def _narrower(options: Frequency) -> Iterator[tuple[str, Frequency]]:
    """Lower percentiles, where there is no other bound."""
    if options.below_percentile is None or options.from_percentile is not None:
        return
    for share in STRICTER:
        percentile = round(share * options.below_percentile, 3)
        yield (
            f"below percentile {percentile:g} instead of {options.below_percentile:g}",
            options.model_copy(update={"below_percentile": percentile}),
        )


def _wider(one: Frequency, other: Frequency) -> tuple[Kind, ...]:
    """More types that are rare, by higher percentiles, or by those beyond the elbow."""
    low, high = one.below_percentile, other.from_percentile
    if low is None or high is None or one.from_percentile is not None or other.below_percentile is not None:
        return ()

    def percentiles() -> Iterator[tuple[Frequency, Frequency]]:
        for percent in (low, *range(_STEP * (math.floor(low / _STEP) + 1), 100, _STEP)):
            for border in sorted({max(percent, high), percent}, reverse=True):
                if (percent, border) != (low, high):
                    yield (
                        one.model_copy(update={"below_percentile": percent}),
                        other.model_copy(update={"from_percentile": border}),
                    )

    elbow = {"elbow": "keep" if one.elbow == "drop" else "drop"}
    return (
        ("fewer types are rare than the test needs, or they stand in the text too seldom", percentiles()),
        (
            "with so few types, those beyond the elbow are most of the rare ones",
            ((one.model_copy(update=elbow), other.model_copy(update=elbow)),),
        ),
    )


def _note(options: Frequency) -> str:
    if options.elbow == "keep":
        return ""
    return (
        "Token types beyond the elbow of the rank-frequency curve, the very rarest, are left out first; "
        "percentiles refer to the others."
    )


def _overlaps(one: Frequency, other: Frequency) -> str:
    """Ranges of one distribution that share types; of those counted differently it is not known."""
    if (one.of, one.elbow) != (other.of, other.elbow):
        return ""
    bounds = [(item.from_percentile or 0.0, item.below_percentile or 100.0) for item in (one, other)]
    low, high = max(low for low, _ in bounds), min(high for _, high in bounds)
    return f"both hold between percentiles {low:g} and {high:g}" if low < high else ""


PREDICATE = Predicate(
    name="frequency",
    about=("target", "token"),
    options=Frequency,
    words=PredicateWords(
        summary="the token's type is so frequent in the text that `frequencies` counts",
        clause=_clause,
        note=_note,
    ),
    defines=("target_frequency",),
    reads_counts=True,
    bind=bind,
    overlaps=_overlaps,
    limits=_limits,
    narrower=_narrower,
    wider=_wider,
)
