"""Constants of the design that texts speak of: who computes with one and who writes of it read it here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

MINIMUM_UNITS = 20
"""Documents, or effective documents or types; with fewer there is no interval: they say too little of
their spread."""
LARGEST_IMBALANCE = 0.25
"""SDs of the layer by which the mean of the draws may miss the group's in a covariate; with more, no
conclusion is drawn (Rubin 2001, doi:10.1023/A:1020363010465)."""
HEAD_BLOCKS = 256
"""Of text, at most, in which attention heads are ablated, in each split."""
HEAD_POSITIONS = 512
"""Rare positions, at most, at which attention heads are ablated, in each split: each of them keeps what every
head changes in every neuron."""
CALIPER = 16
"""Tokens; query positions of a matched pair lie at most this far apart if possible."""
PERMUTATIONS = 1999
"""Draws in which the labels of token types are permuted, beside a test by t."""
FEWEST_MOVABLE = 5
"""Members that can change places with their neighbours, without which nothing is concluded from those."""
MatchFactor = Literal["block", "document", "index", "target_frequency", "token", "length"]
"""What a pair of positions can agree in: exactly (block, document, current token), by its power of 2
(occurrences of the target, tokens of the document), or as nearly as can be (index)."""
Covariate = MatchFactor | Literal["target"]
"""What both conditions are compared in: that, and which token is to be predicted."""
FACTOR_WORDS: Mapping[str, str] = {
    "block": "block of text",
    "document": "document",
    "index": "place in the block",
    "target_frequency": "frequency of the target (its power of 2)",
    "token": "current token",
    "length": "length of the document (its power of 2)",
}
Unit = Literal[
    "type",
    "token",
    "document",
    "cluster",
    "pair",
    "span",
    "within_type",
    "document_type",
    "position",
]
"""What keeps its label together, or within what labels change places; see `hypotest.predicates.units`."""
PERMUTED = "types permuted"
"""The comparison in which the labels of whole token types are permuted, among types of like count."""
