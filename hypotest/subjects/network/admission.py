"""What must hold of a network before anything is collected: found by running it over a few rows."""

from __future__ import annotations

import difflib
from typing import Any

import torch
from torch import Tensor, nn

from hypotest.errors import SubjectError
from hypotest.subjects.network.trees import leaves

_NAMED = 5
_RELATIVE, _ABSOLUTE = 1e-3, 1e-4
"""Differences of a row's output that rounding may cause when other rows run beside it."""


def require_module(module: Any, path: str, name: str) -> nn.Module:
    """The submodule that units belong to.

    Raises:
        SubjectError: If there is none of this path; names the nearest.
    """
    known = [item for item, _ in module.named_modules() if item]
    if path in known:
        return module.get_submodule(path)  # type: ignore[no-any-return]
    if not known:
        raise SubjectError(
            f"{name}: units must name a module within the network; {type(module).__name__} has none: wrap it "
            "in torch.nn.Sequential"
        )
    near = difflib.get_close_matches(path, known, _NAMED, 0.5)
    last = path.rpartition(".")[2]
    near += [item for item in known if item.rpartition(".")[2] == last and item not in near]
    hint = f"did you mean {' or '.join(near[:_NAMED])}?" if near else f"it has {_listed(known)}"
    raise SubjectError(f"{name}: units {path!r}: there is no such module; {hint}")


def require_evaluating(module: nn.Module, name: str) -> None:
    """Refuse norms that look at other rows, before a pass would change what they have counted.

    Raises:
        SubjectError: If a batch norm is in training mode.
    """
    for path, item in module.named_modules():
        if isinstance(item, nn.modules.batchnorm._BatchNorm) and item.training and item.track_running_stats:
            raise SubjectError(
                f"{name}: {path or 'the module'} is a batch norm in training mode, in which each row depends "
                "on the others: call module.eval()"
            )


def require_same(one: Any, other: Any, module: nn.Module, name: str) -> None:
    """Refuse a network that gives two answers to one question.

    Args:
        one: Its output.
        other: Its output again.
        module: The network.
        name: Of it.

    Raises:
        SubjectError: If they differ; names modules that draw at random.
    """
    pairs = list(zip(leaves(one), leaves(other), strict=True))
    if all(torch.equal(a, b) or _both_nan(a, b) for a, b in pairs):
        return
    random = [
        path for path, item in module.named_modules() if item.training and "Dropout" in type(item).__name__
    ]
    cause = (
        f"dropout is on in {_listed(random)}: call module.eval()"
        if random
        else ("call module.eval(), and leave out of its forward whatever draws at random")
    )
    raise SubjectError(
        f"{name}: the network must be deterministic, and run twice over the same rows it gave two outputs; "
        f"{cause}"
    )


def require_rows(axes: tuple[int | None, ...], output: Any, name: str) -> None:
    """Refuse a network whose output holds no rows.

    Args:
        axes: The axis of rows of each tensor of its output.
        output: The output.
        name: Of the network.

    Raises:
        SubjectError: If none has one.
    """
    shapes = [tuple(item.shape) for item in leaves(output)]
    if not shapes:
        raise SubjectError(f"{name}: the network must give a tensor; found {type(output).__name__}")
    if all(axis is None for axis in axes):
        raise SubjectError(
            f"{name}: the network's output must hold a row for each row of its input, along one axis; found "
            f"shape {', '.join(map(str, shapes))}"
        )


def require_independent(alone: Any, together: Any, axes: tuple[int | None, ...], name: str) -> None:
    """Refuse a network in which a row's output depends on the rows beside it.

    Args:
        alone: Output of a pass over the first row or rows.
        together: Output of one over more rows.
        axes: The axis of rows of each tensor.
        name: Of the network.

    Raises:
        SubjectError: If they differ by more than rounding.
    """
    for one, every, axis in zip(leaves(alone), leaves(together), axes, strict=True):
        if axis is None or not one.is_floating_point():
            continue
        same = every.narrow(axis, 0, one.shape[axis])
        if not torch.allclose(one, same, rtol=_RELATIVE, atol=_ABSOLUTE, equal_nan=True):
            raise SubjectError(
                f"{name}: each row's output must be its own, and it changed by "
                f"{float((one - same).abs().max()):.3g} with other rows beside it: norms over a batch, or "
                "attention across rows?"
            )


def require_name(name: Any) -> str:
    """A network's name, which reports show.

    Raises:
        SubjectError: If it is no line of text.
    """
    if isinstance(name, str) and name.strip() and name.isprintable():
        return name
    raise SubjectError(f"name must be a line of text that can be printed; found {name!r:.80}")


def require_precision(module: nn.Module, name: str) -> None:
    """Refuse half precision, which rounds an outcome by more than most units change it.

    Raises:
        SubjectError: If a parameter has it.
    """
    for path, item in module.named_parameters():
        if item.is_floating_point() and torch.finfo(item.dtype).bits < 32:
            raise SubjectError(
                f"{name}: parameters must be float32 or float64, since half precision rounds an outcome by "
                f"more than most units change it; {path} is {item.dtype}: call module.float()"
            )


def require_outcome(loss: Tensor, again: Tensor, fewer: Tensor, name: str) -> None:
    """Refuse outcomes that are no numbers, or others each time, or not of one row each.

    Args:
        loss: Of some rows.
        again: Of the same rows, from the same output.
        fewer: Of the first ones alone.
        name: Of the network.

    Raises:
        SubjectError: If one is not finite, or they differ.
    """
    if not torch.equal(loss, again) and not _both_nan(loss, again):
        raise SubjectError(
            f"{name}: the outcome must be deterministic, and computed twice from the same output it gave two "
            "results: leave out whatever draws at random or remembers what it was given"
        )
    wrong = torch.nonzero(~torch.isfinite(loss)).flatten()
    if wrong.numel():
        row = int(wrong[0])
        raise SubjectError(f"{name}: the outcome must be finite; at row {row} it is {float(loss[row])}")
    first = loss[: len(fewer)]
    if not torch.allclose(fewer, first, rtol=_RELATIVE, atol=_ABSOLUTE):
        row = int((fewer - first).abs().nan_to_num(torch.inf).argmax())
        raise SubjectError(
            f"{name}: each row's outcome must be its own, and that of row {row} is "
            f"{float(fewer[row]):.6g} with {len(fewer)} rows and {float(first[row]):.6g} with {len(loss)}: "
            "leave out means, norms and softmax over the rows"
        )


def _both_nan(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.allclose(one, other, rtol=0, atol=0, equal_nan=True)


def _listed(paths: list[str]) -> str:
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    return ", ".join(paths[:_NAMED]) + more
