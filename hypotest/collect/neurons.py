"""Every neuron of a layer ablated, without a protocol: the engines for those who only want the numbers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypotest.collect.engine import INTERVENTIONS, plan_ablation
from hypotest.collect.forward import forward_arrays
from hypotest.collect.interventions import intervention_arrays
from hypotest.collect.last_block.ablation import TOLERANCE, NeuronAblation
from hypotest.collect.last_block.decomposition import decompose
from hypotest.collect.last_block.readout import prepare_readout
from hypotest.collect.replacement import Replacement
from hypotest.collect.self_check import check_ablation
from hypotest.engine.session import MEMORY
from hypotest.records.protocol.choices import AblationKind
from hypotest.subjects.language_model import LanguageModel
from hypotest.subjects.loading.loading import load_language_model
from hypotest.subjects.wrapping import wrap_language_model

SELF_CHECK_PAIRS = 4
"""(neuron, block) pairs that are ablated by a real intervention on every call."""


@dataclass(frozen=True, slots=True, eq=False)
class ChangeParts:
    """What the changes of loss are made of (`hypotest.collect.last_block.decomposition`), in nats.

    Each has the shape of ``delta_loss``.
    """

    through_norm: NDArray[np.float32]
    """Change of loss through the scale of the final norm alone; as exact as ``delta_loss``, unless a neuron
    cancels most of the residual."""
    direct: NDArray[np.float32]
    """Through the logits that the neuron writes alone; as exact as ``delta_loss``."""
    entropy: NDArray[np.float32]
    """Change of the prediction's entropy; a few 1e-4 nats from the exact one, not certified."""


@dataclass(frozen=True, slots=True, eq=False)
class AblatedNeurons:
    """What happened to the loss."""

    block: NDArray[np.int64]
    """Row of the tokens of each position, shape (n_positions,)."""
    index: NDArray[np.int64]
    """Query position within the block; the target is the token behind it, shape (n_positions,)."""
    neurons: NDArray[np.int64]
    """Which neurons, shape (n_neurons,)."""
    delta_loss: NDArray[np.float32]
    """Change of the target's cross-entropy in nats, shape (n_positions, n_neurons); positive: it hurts."""
    error_bound: NDArray[np.float16]
    """Largest error of each change, in nats, same shape; NaN from forward passes. Proven for the activations,
    residuals and weights as the forward pass gave them; its own rounding, some 1e-6 nats, comes on top."""
    loss: NDArray[np.float32]
    """Cross-entropy without ablation in nats, shape (n_positions,)."""
    parts: ChangeParts | None
    """What each change is made of, if asked for."""
    engine: str
    """``identity`` (certified) or ``interventions`` (forward passes)."""
    reason: str
    """Why this engine."""


def ablate_neurons(
    model: Any,
    tokens: NDArray[np.integer],
    *,
    block: NDArray[np.integer] | None = None,
    index: NDArray[np.integer] | None = None,
    layer: str | int = "last",
    neurons: NDArray[np.integer] | None = None,
    replacement: AblationKind = "mean",
    tolerance: float = TOLERANCE,
    memory: float = MEMORY,
    seed: int = 0,
    parts: bool = False,
) -> AblatedNeurons:
    """Ablate every neuron of one layer, one at a time, and measure the loss at every position.

    The last MLP is ablated by an exact identity with a certificate for every entry, wherever that holds;
    other layers and families by forward passes that start at the layer. A few pairs of neuron and block are
    redone by interventions in the whole model. A model in memory stays as it is set up for this: evaluation
    mode, eager attention, no cache, no gradients.

    Args:
        model: A ``transformers`` causal language model in memory (float32, eager attention), a folder, a Hub
            id, or ``reference``.
        tokens: Packed blocks of text, shape (n_blocks, context).
        block: Rows of `tokens` to look at, ascending, shape (n_positions,); with `index`. All by default.
        index: Query positions, below context - 1, shape (n_positions,).
        layer: ``last``, or a block's number from 0.
        neurons: Which ones, shape (n_neurons,); all by default.
        replacement: What an ablated neuron is set to: its ``mean`` over the positions, ``zero``, or
            ``resample``, its activation at another of the positions.
        tolerance: Largest error of any change in nats, at least 1e-6; below 1e-5 rounding makes it slow.
        memory: GB that it may take beside model and results.
        seed: Of ``resample``.
        parts: Whether to split each change into norm scale and direct path, and to take that of the entropy;
            takes about twice as long, and needs the identity.

    Raises:
        SubjectError: If the model cannot be had, its family is unknown, or it has no such layer.
        SelfCheckError: If interventions in the whole model disagree: adapters or hooks, say, that the weights
            do not show.
        EvidenceError: If a value is not finite, or the memory too small.
        ValueError: If the positions do not fit the tokens, or parts are asked for where the identity does not
            hold.

    Examples:
        >>> tokens = np.arange(24).reshape(2, 12) + 1000
        >>> ablated = ablate_neurons("reference", tokens)
        >>> ablated.delta_loss.shape, ablated.engine
        ((22, 2048), 'identity')
        >>> bool(ablated.error_bound.max() <= 1e-4)
        True
    """
    if not memory > 0 or not np.isfinite(memory) or not 1e-6 <= tolerance < np.inf:
        raise ValueError(f"memory must be positive, tolerance at least 1e-6; got {memory!r}, {tolerance!r}")
    subject = _subject(model, layer)
    blocks = _tokens(tokens, subject)
    n_blocks, context = blocks.shape
    if (block is None) != (index is None):
        raise ValueError("block and index belong together: give both or neither")
    if block is None or index is None:
        block, index = (axis.ravel() for axis in np.indices((n_blocks, context - 1)))
    rows, places = _whole_numbers(block, "block"), _whole_numbers(index, "index")
    if rows.shape != places.shape:
        raise ValueError(f"block and index must be as long as each other, got {rows.shape}, {places.shape}")
    if rows.min() < 0 or rows.max() >= n_blocks or np.any(np.diff(rows) < 0):
        raise ValueError(f"block must ascend within 0 to {n_blocks - 1}")
    if places.min() < 0 or places.max() > context - 2:
        raise ValueError(f"index must lie within 0 to {context - 2}: the token behind it is predicted")
    chosen = np.arange(subject.n_neurons) if neurons is None else _whole_numbers(neurons, "neurons")
    if chosen.min() < 0 or chosen.max() >= subject.n_neurons:
        raise ValueError(f"neurons must lie within 0 to {subject.n_neurons - 1}")

    how = plan_ablation(subject, replacement, tolerance, seed)
    if parts and how.engine == INTERVENTIONS:
        raise ValueError(f"parts need the identity, which does not hold here: {how.reason}")
    seen = forward_arrays(subject, blocks, rows, places)
    after = Replacement.of(replacement, seen.get("coordinates", seen["activations"]), rows, places, seed)
    split = None
    if how.engine == INTERVENTIONS:
        arrays = intervention_arrays(
            subject, blocks, np.arange(n_blocks), rows, places, after, memory, chosen
        )
    else:
        certified = NeuronAblation(prepare_readout(subject), tolerance, memory)
        target = blocks[rows, places + 1].astype(np.int64)
        inputs = (seen["residual"], seen["activations"], after.at(rows, places, context), target)
        arrays = certified(*inputs)
        if parts:
            made_of = decompose(certified, *inputs)
            split = ChangeParts(**{name: values[:, chosen] for name, values in made_of.items()})
        if neurons is not None:  # the other columns were needed for nothing but speed
            arrays = {**arrays, **{name: arrays[name][:, chosen] for name in ("delta_loss", "error_bound")}}
    check_ablation(
        subject,
        blocks,
        rows,
        places,
        arrays["delta_loss"],
        after,
        how,
        SELF_CHECK_PAIRS,
        np.random.default_rng(seed),
        neurons=chosen,
    )
    return AblatedNeurons(
        block=rows,
        index=places,
        neurons=chosen,
        delta_loss=arrays["delta_loss"],
        error_bound=arrays["error_bound"],
        loss=arrays["loss"],
        parts=split,
        engine=how.engine,
        reason=how.reason,
    )


def _whole_numbers(values: Any, name: str) -> NDArray[np.int64]:
    array = np.asarray(values)
    if array.ndim != 1 or array.size == 0 or not np.issubdtype(array.dtype, np.integer):
        raise ValueError(
            f"{name} must be a list of whole numbers, got shape {array.shape} of type {array.dtype}"
        )
    return array.astype(np.int64)


def _tokens(tokens: Any, subject: LanguageModel) -> NDArray[np.int32]:
    array = np.asarray(tokens)
    if array.ndim != 2 or array.shape[0] < 1 or array.shape[1] < 2:
        raise ValueError(f"tokens must have shape (n_blocks, context of at least 2), got {array.shape}")
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"tokens must be whole numbers, got {array.dtype}")
    if array.min() < 0 or array.max() >= subject.vocab_size:
        raise ValueError(
            f"tokens must lie within 0 to {subject.vocab_size - 1}, the vocabulary of {subject.name}; got "
            f"{array.min()} to {array.max()}"
        )
    if array.shape[1] > subject.context:
        raise ValueError(f"{subject.name} takes at most {subject.context} tokens; got {array.shape[1]}")
    return np.ascontiguousarray(array, dtype=np.int32)


def _subject(model: Any, layer: str | int) -> LanguageModel:
    if isinstance(model, LanguageModel):
        return model
    if isinstance(model, str | Path):
        return load_language_model(str(model), layer=layer)
    return wrap_language_model(model, layer=layer)
