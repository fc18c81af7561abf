"""Evidence against the same evidence collected anew.

On the same machine with the same versions every array must be equal, to the last bit. Elsewhere, sums of a
forward pass in float32 are taken in another order. A sum of K products then moves by about sqrt(K) 2^-24 of
its size (Higham & Mary 2019, doi:10.1137/18M1226312), through L blocks by L times that: 9e-5 for K = 8,192
and L = 16. Ten times that is allowed, `FORWARD_RELATIVE` of the array's largest value; losses may move by
what two forward passes of the self-check may, `FORWARD_ROUNDING` nats.

Changes of loss under ablation carry certificates: each lies within its own ``error_bound`` of the truth, so
that two of them lie within the sum of their bounds, plus `FORWARD_ROUNDING`. Weights, positions and counts
must be equal everywhere. Which changes were evaluated over the whole vocabulary (``n_exact``) depends on
rounding and is not compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from hypotest.collect.self_check import FORWARD_ROUNDING
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.evidence.lesions import Lesions
from hypotest.records.evidence.split import SplitEvidence
from hypotest.studies.verify.record import Check, Difference

FORWARD_RELATIVE = 1e-3
"""Of an array's largest value."""
_FLOAT16 = 2.0**-10
"""Relative rounding of error bounds, which are stored in half precision."""
_SAME = ("documents", "targets")
_EXACTLY = "bit for bit"
_NATS = ("total", "through_norm", "direct", "entropy")


def compare_evidence(cached: Evidence, fresh: Evidence, exact: bool, what: str) -> Iterator[Check]:
    """One check for each split, and one for the rest.

    Args:
        cached: From the cache.
        fresh: Collected anew.
        exact: Whether every bit must be equal.
        what: Begins the checks' names.
    """
    how = _EXACTLY if exact else "within the tolerances of other hardware"
    for name in ("selection", "evaluation"):
        one, two = getattr(cached, name), getattr(fresh, name)
        yield _check(f"{what}: {name}", list(_of_split(one, two, cached.ablation.tolerance, exact)), how)
    yield _check(f"{what}: weights and means", list(_of_the_rest(cached, fresh, exact)), how)


def _of_split(one: SplitEvidence, two: SplitEvidence, tolerance: float, exact: bool) -> Iterator[Difference]:
    if not one.positions.equals(two.positions):
        yield Difference("positions", f"{one.positions.height} positions", "others")
        return
    arrays = _by_name(one), _by_name(two)
    for name in dict.fromkeys((*arrays[0], *arrays[1])):
        if name == Channel.N_EXACT and not exact:
            continue
        if any(name not in side for side in arrays):
            yield Difference(name, *("there" if name in side else "none" for side in arrays))
            continue
        before, after = (side[name] for side in arrays)
        allowed: float | NDArray[np.float64] = _allowed(before, exact)
        if name == Channel.LOSS and not exact:
            allowed = FORWARD_ROUNDING
        elif name == Channel.INFLUENCE and not exact:
            bounds = np.nan_to_num(one.error_bound.astype(np.float64)) + np.nan_to_num(two.error_bound)
            allowed = (1 + _FLOAT16) * bounds + FORWARD_ROUNDING
        elif name == Channel.ERROR_BOUND and not exact:
            allowed = tolerance * (1 + _FLOAT16)
        yield from _array(name, before, after, allowed)
    if (one.heads is None) != (two.heads is None):
        yield Difference("heads", *("none" if side.heads is None else "there" for side in (one, two)))
    yield from _of_lesions(one.lesions, two.lesions, exact)
    if one.heads is None or two.heads is None:
        return
    for item in fields(one.head_ablation):
        before, after = getattr(one.head_ablation, item.name), getattr(two.head_ablation, item.name)
        yield from _array(item.name, before, after, _allowed(before, exact or item.name in _SAME))


def _of_lesions(one: Lesions | None, two: Lesions | None, exact: bool) -> Iterator[Difference]:
    if one is None or two is None:
        if one is not two:
            yield Difference("lesions", *("none" if side is None else "there" for side in (one, two)))
        return
    if [group.tolist() for group in one.groups] != [group.tolist() for group in two.groups]:
        yield Difference("lesions", f"{len(one.groups)} groups", "others")
        return
    for name in ("change", "neither"):
        allowed = 0.0 if exact else FORWARD_ROUNDING
        yield from _array(f"lesions, {name}", getattr(one, name), getattr(two, name), allowed)


def _by_name(split: SplitEvidence) -> dict[str, NDArray[np.generic]]:
    """All arrays of a split's rows, and the windows of heads."""
    windows = {} if split.windows is None else {"windows": np.asarray(split.windows)}
    return {**{str(name): array for name, array in split.channels.items()}, **windows}


def _of_the_rest(one: Evidence, two: Evidence, exact: bool) -> Iterator[Difference]:
    if one.weights is not None and two.weights is not None:
        yield from _array("output weights", one.weights.output, two.weights.output, 0.0)
        yield from _array("input weights", one.weights.input, two.weights.input, 0.0)
    elif one.weights is not two.weights:
        yield Difference("weights", *("none" if of.weights is None else "there" for of in (one, two)))
    if one.heads != two.heads:
        yield Difference("heads", f"{len(one.heads)} heads", "others")
    means = (one.mean_activation, two.mean_activation)
    yield from _array("mean_activation", *means, _allowed(means[0], exact))
    if (one.decomposition is None) != (two.decomposition is None):
        yield Difference(
            "decomposition", *("none" if of.decomposition is None else "there" for of in (one, two))
        )
    elif one.decomposition is not None:
        nats = 0.0 if exact else one.ablation.tolerance + FORWARD_ROUNDING
        for name in _NATS:
            yield from _array(name, getattr(one.decomposition, name), getattr(two.decomposition, name), nats)


def _array(
    name: str, one: NDArray[np.generic], two: NDArray[np.generic], allowed: float | NDArray[np.float64]
) -> Iterator[Difference]:
    if one.shape != two.shape or one.dtype != two.dtype:
        yield Difference(name, f"{one.dtype} {one.shape}", f"{two.dtype} {two.shape}")
        return
    before, after = one.astype(np.float64), two.astype(np.float64)
    distance = np.abs(before - after)
    wrong = ~((distance <= allowed) | (np.isnan(before) & np.isnan(after)))
    if wrong.any():
        worst = np.unravel_index(
            int(np.argmax(np.where(wrong, np.nan_to_num(distance, nan=np.inf), -1))), wrong.shape
        )
        yield Difference(
            f"{name}{[int(place) for place in worst]}, one of {int(wrong.sum()):,} of {wrong.size:,}",
            repr(float(before[worst])),
            repr(float(after[worst])),
        )


def _allowed(values: NDArray[np.generic], exact: bool) -> float:
    known = values[
        ~np.isnan(values.astype(np.float64))
    ]  # what an untrained network need not have is not a number
    if exact or not known.size:
        return 0.0
    return FORWARD_RELATIVE * float(np.abs(known.astype(np.float64)).max())


def _check(name: str, differing: list[Difference], how: str) -> Check:
    if not differing:
        return Check(name, "agrees", f"every array, {how}", deviation=0.0 if how == _EXACTLY else None)
    return Check(name, "differs", f"arrays differ (compared {how})", tuple(differing))
