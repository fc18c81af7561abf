"""Parts of the evidence; apart from its arrays, so that a protocol is checked without numpy."""

from __future__ import annotations

from enum import StrEnum


class Channel(StrEnum):
    """What a measure of a group reads, beside the weights and what the group is selected by."""

    ACTIVATIONS = "activations"
    """Of the whole layer, on the evaluation split."""
    INFLUENCE = "influence"
    """Changes of loss of the group's neurons, on the evaluation split."""
    HEADS = "heads"
    """The ablation of attention heads, on both splits."""
