"""Trained weights of controls in the cache: made once for a seed and a state of the code."""

from __future__ import annotations

import ast
import functools
import hashlib
import inspect
import json
import os
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from hypotest.engine.session import cache_folder
from hypotest.errors import OutputError
from hypotest.records.stored.files import write_whole
from hypotest.subjects.controls.recipe import LogRow, Recipe

NOT_CODE = "CONTROLS"
"""What a file says about its networks, and not how they are made."""
NO_NETWORKS = frozenset(f"{__package__}.{name}" for name in ("control", "recipe"))
"""Imported wherever there are networks, and no part of how one is made."""


def weights_place(recipe: Recipe, seed: int) -> Path:
    """The file of a recipe's weights at a seed; its log lies beside it as ``.json``."""
    return cache_folder() / "controls" / recipe.name / f"{seed:03d}-{code_digest(recipe)[:12]}.safetensors"


def trained_weights(recipe: Recipe, seed: int, module: nn.Module, data: Any) -> list[LogRow]:
    """Give a fresh module the weights of its training, which is done now if the cache has none.

    Args:
        recipe: How it is trained.
        seed: Of the training.
        module: Fresh; changed in place.
        data: Of the recipe at this seed.

    Returns:
        The log of the training.

    Raises:
        OutputError: If the cache cannot be written.
    """
    place = weights_place(recipe, seed)
    log: list[LogRow] = []
    try:
        module.load_state_dict(load_file(place))
        log = json.loads(place.with_suffix(".json").read_text(encoding="utf-8"))
        return log
    except (OSError, ValueError, SafetensorError, RuntimeError):
        pass  # not there yet, or damaged: trained anew
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        recipe.train(module.train(), data, seed, log.append)
    write_whole(place.with_suffix(".json"), json.dumps(log, indent=1) + "\n")
    temporary = place.with_name(f".{place.name}.{uuid.uuid4().hex}")
    try:
        save_file({name: item.contiguous() for name, item in module.state_dict().items()}, temporary)
        os.replace(temporary, place)
    except (OSError, SafetensorError) as error:
        raise OutputError(
            f"the trained network cannot be written to {place.parent}: {error}; free some space or set "
            "HYPOTEST_CACHE to a folder elsewhere"
        ) from None
    finally:
        temporary.unlink(missing_ok=True)
    return log


def code_digest(recipe: Recipe, *others: Callable[..., Any]) -> str:
    """SHA-256 of the code that trains: syntax trees, without docstrings and what is said of the network.

    Args:
        recipe: How a network is trained.
        others: Functions whose files count as well.
    """
    digest = hashlib.sha256(repr(sorted(recipe.settings.items())).encode())
    functions: list[Callable[..., Any]] = [recipe.data, recipe.module, recipe.train, *others]
    for name in sorted(_with_imports({_home(item) for item in functions})):
        digest.update(_code_of(name).encode())
    return digest.hexdigest()


def _home(function: Callable[..., Any]) -> str:
    """The module that a function, or a partial one, was written in."""
    bare: Any = function
    while isinstance(bare, functools.partial):
        bare = bare.func
    return str(bare.__module__)


def _with_imports(names: set[str]) -> set[str]:
    """Modules, and those of this folder that they import."""
    reached: set[str] = set()
    while names:
        reached |= names
        names = {item for name in names for item in _imported(name)} - reached
    return reached


@functools.cache
def _imported(name: str) -> frozenset[str]:
    tree = ast.parse(inspect.getsource(sys.modules[name]))
    named = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    return frozenset(item for item in named if item.startswith(f"{__package__}.") and item not in NO_NETWORKS)


@functools.cache
def _code_of(name: str) -> str:
    tree = ast.parse(inspect.getsource(sys.modules[name]))
    tree.body = [node for node in tree.body if NOT_CODE not in _assigned(node)]
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
            and ast.get_docstring(node) is not None
        ):
            node.body = node.body[1:]
    return ast.dump(tree)


def _assigned(node: ast.stmt) -> list[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [item.id for item in targets if isinstance(item, ast.Name)]
