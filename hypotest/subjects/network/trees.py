"""What modules take and give: a tensor, or tuples, lists and mappings that hold some."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor


def mapped(value: Any, change: Callable[[Tensor], Any]) -> Any:
    """The same with every tensor changed; what holds no tensor is left as it is."""
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, tuple):
        items = [mapped(item, change) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else tuple(items)
    if isinstance(value, list):
        return [mapped(item, change) for item in value]
    if isinstance(value, dict):
        made = {name: mapped(item, change) for name, item in value.items()}
        return made if type(value) is dict else type(value)(**made)
    return value


def leaves(value: Any) -> Iterator[Tensor]:
    """Every tensor, in the order of `mapped`."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from leaves(item)
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from leaves(item)


def row_axis(one: Tensor, other: Tensor, n_one: int, n_other: int) -> int | None:
    """The axis that holds rows: the only one whose size follows the number of rows.

    Args:
        one: From a pass over `n_one` rows.
        other: The same from one over `n_other`.
        n_one: Rows of the first.
        n_other: Rows of the second, another number.

    Returns:
        None where no axis, or more than one, follows; or another axis changes beside it.
    """
    if one.ndim != other.ndim:
        return None
    changed = [axis for axis in range(one.ndim) if one.shape[axis] != other.shape[axis]]
    if len(changed) != 1:
        return None
    (axis,) = changed
    return axis if (one.shape[axis], other.shape[axis]) == (n_one, n_other) else None


def repeated(value: Any, axes: Iterator[int | None], n: int) -> Any:
    """The same with the rows of every tensor repeated n times, one copy of all behind the other.

    Args:
        value: Any tree.
        axes: The axis of rows of each of its tensors, in order; None: left alone.
        n: Copies.
    """

    def copied(tensor: Tensor) -> Tensor:
        axis = next(axes)
        if axis is None:
            return tensor
        return tensor.repeat([n if place == axis else 1 for place in range(tensor.ndim)])

    return mapped(value, copied)
