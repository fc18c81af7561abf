"""Networks of the subject's architecture that have learned nothing: what they show is not learning.

A fresh initialisation is the one that ``transformers`` gives the family; what the subject's training began
with may have been another. Permuted weights keep the entries that training gave every matrix, heavy tails
included, and lose their arrangement; vectors (biases, gains of norms) stay.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import torch

from hypotest.errors import SubjectError
from hypotest.subjects.language_model import LanguageModel
from hypotest.subjects.masking import model_class

UntrainedWeights = Literal["fresh", "permuted"]


def untrained_model(
    subject: LanguageModel, number: int, weights: UntrainedWeights, seed: int
) -> LanguageModel:
    """One of a series of untrained networks: architecture, tokenizer, layer and device of the subject.

    PyTorch's own random numbers stay where they are. Initial weights are drawn on the CPU, so that a series
    is the same on every device.

    Args:
        subject: The trained network; it is not changed.
        number: Of the network within its series, counted from 0.
        weights: ``fresh``: initialised from the configuration. ``permuted``: the entries of each of the
            `matrices`, input embedding and unembedding included, permuted within it; tied ones stay tied.
        seed: Of the series, at least 0.

    Raises:
        SubjectError: If a fresh network would have other parameters than the subject, which then is not what
            its configuration says (adapters, exchanged modules).
    """
    if weights not in ("fresh", "permuted"):
        raise ValueError(f"weights must be 'fresh' or 'permuted', got {weights!r}")
    model = _fresh(subject, number, seed) if weights == "fresh" else _permuted(subject, number, seed)
    return replace(
        subject,
        model=model.eval().requires_grad_(False),
        name=f"{subject.name} ({weights} weights, network {number})",
        revision=None,
        file=None,
    )


def matrices(subject: LanguageModel) -> tuple[str, ...]:
    """Names of the parameters with two or more axes, tied ones once: all that ``permuted`` permutes."""
    return tuple(name for name, parameter in subject.model.named_parameters() if parameter.ndim >= 2)


def _fresh(subject: LanguageModel, number: int, seed: int) -> Any:
    config = copy.deepcopy(subject.model.config)  # from_config writes into what it gets
    dtype = next(subject.model.parameters()).dtype
    # the CPU's generator alone: torch.manual_seed would also set those of other devices, which are not forked
    with torch.random.fork_rng(devices=[]), torch.device("cpu"):
        torch.default_generator.manual_seed(_generator_seed(number, seed))
        model = model_class(config).from_config(config, attn_implementation="eager", dtype=dtype)
    shapes, expected = _shapes(model), _shapes(subject.model)
    if shapes != expected:
        odd = sorted(name for name in {*shapes, *expected} if shapes.get(name) != expected.get(name))
        raise SubjectError(
            f"nulls.untrained: {subject.name} is not what its configuration says (parameter {odd[0]!r} is in "
            f"one alone, or of another shape; {len(odd)} such), so that no fresh network is its like; "
            "merge adapters into the weights, or write `weights: permuted`"
        )
    return model.to(subject.device)


def _permuted(subject: LanguageModel, number: int, seed: int) -> Any:
    model = copy.deepcopy(subject.model)
    rng = np.random.default_rng([seed, number])
    with torch.no_grad():
        for parameter in model.parameters():  # which yields tied ones once
            if parameter.ndim >= 2:
                entries = parameter.detach().cpu().flatten().numpy().copy()
                rng.shuffle(entries)
                parameter.copy_(torch.from_numpy(entries).view(parameter.shape))
    return model


def _generator_seed(number: int, seed: int) -> int:
    """Of PyTorch's generator, which reads 32 bits: no two networks of a series have the same."""
    first = int(np.random.SeedSequence(seed).generate_state(1)[0])
    return (first + number) % 2**32


def _shapes(model: Any) -> dict[str, tuple[int, ...]]:
    return {name: tuple(parameter.shape) for name, parameter in model.named_parameters()}
