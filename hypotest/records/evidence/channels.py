"""Parts of the evidence; apart from its arrays, so that a protocol is checked without numpy."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Channel(StrEnum):
    """What evidence may hold of each row, and measures may read."""

    ACTIVATIONS = "activations"
    """Input of the tested MLP's down-projection, shape (n_rows, n_neurons); of a mixture of experts, times
    the weight with which the row is sent to the neuron's expert, zero where it is not. How active units of
    another kind are."""
    COORDINATES = "coordinates"
    """What ablation sets, where a unit is several numbers: an attention head its slice of the input of the
    output projection, shape (n_rows, n_units x numbers of each)."""
    INFLUENCE = "influence"
    """Change of the target's cross-entropy in nats with each neuron ablated, shape (n_rows, n_neurons);
    positive: the ablation hurts."""
    LOSS = "loss"
    """Cross-entropy of the target in nats, shape (n_rows,)."""
    ERROR_BOUND = "error_bound"
    """Largest error of each influence in nats, proven, shape (n_rows, n_neurons), float16; NaN where it comes
    from forward passes, whose rounding nothing bounds."""
    N_EXACT = "n_exact"
    """Neurons whose influence was evaluated over the whole vocabulary, shape (n_rows,)."""
    RESIDUAL = "residual"
    """Input of the final norm, shape (n_rows, d_model); without columns where changes come from forward
    passes, which do not need it."""
    ATTENTION = "attention"
    """Attention of the query at each row, shape (n_rows, n_heads, context); keys that it cannot see hold
    zero: those behind it, and those before its window."""
    HEADS = "heads"
    """How the layer changes when attention heads are ablated, on both splits, document by document
    (`hypotest.records.evidence.heads.HeadAblation`)."""
    WEIGHTS = "weights"
    """By which each unit is read in, and what it adds to what follows
    (`hypotest.records.evidence.evidence.Weights`)."""
    LESIONS = "lesions"
    """Change of the loss with all neurons of a group ablated at once, at each row and at rows of neither
    condition (`hypotest.records.evidence.lesions.Lesions`)."""
    PARTITION = "partition"
    """The declared part of each neuron: experts, branches, modalities
    (`hypotest.records.evidence.partition.Partition`)."""
    ROUTER = "router"
    """Of a mixture of experts, how probable each expert is at each row by its router's logits, shape
    (n_rows, n_experts); rows sum to one, also of a router that weighs experts by sigmoids."""


UNITS_LACK: Mapping[str, frozenset[Channel]] = MappingProxyType(
    {
        "heads": frozenset({Channel.HEADS, Channel.WEIGHTS}),
        "residual": frozenset({Channel.WEIGHTS}),
        "experts": frozenset({Channel.WEIGHTS}),
    }
)
"""Kind of units of a language model -> channels that its neurons have and such units have not."""
