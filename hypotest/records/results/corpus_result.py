"""The text of a run, how well the subject predicts it, and where in it the tested neurons matter."""

from __future__ import annotations

from dataclasses import dataclass

from hypotest.records.protocol.examples import Outcome
from hypotest.records.protocol.wording import OF_TEXT, MaterialWords
from hypotest.records.results.row_balance import RowBalance


@dataclass(frozen=True, slots=True)
class CorpusResult:
    """The text and the positions that were sampled from it."""

    source: str
    documents: int
    blocks: int
    tokens: int
    """Of the text that lie in blocks; padding and the token that blocks begin with are none of them."""
    conditions: tuple[str, str]
    """Names of both, the first one first; keys of what follows."""
    available: dict[str, int]
    """Condition -> positions in the text, before the cap and the sample."""
    per_thousand: dict[str, float]
    """The same per 1,000 tokens."""
    positions: dict[str, int]
    """Split and condition, ``selection rare`` -> number."""
    documents_used: dict[str, int]
    """Split -> documents that carry positions."""
    types_used: dict[str, int]
    """Condition -> different targets that were sampled."""
    frequent: dict[str, tuple[tuple[str, int], ...]]
    """Condition -> its 20 most frequent targets among those that were sampled."""
    balance: tuple[RowBalance, ...]
    """How alike the evaluation split's positions are in what could explain a difference away, matched or
    not."""
    text_differs: tuple[str, ...]
    """Packages whose installed version is not the pinned one."""
    bos: str | None = None
    """Token that every block begins with, beside ``tokens``; None for none."""
    mask: str | None = None
    """Token that stands in the place of each target, one at a time, where the network is an encoder."""
    text_tokens: int | None = None
    """Of the whole text; None in runs of versions that did not count them."""
    padded_blocks: int = 0
    """Blocks that hold a document shorter than they are."""
    padded_tokens: int = 0
    """Those of ``tokens`` that lie in them."""
    empty: int = 0
    """Files and rows without text, left out."""
    copies: int = 0
    """Documents left out because the same one was there before."""
    words: MaterialWords = OF_TEXT
    """What positions and documents are called."""
    outcome: Outcome = "loss"
    """What an ablation changes."""
    correct: dict[str, float] | None = None
    """Condition -> share of examples in the evaluation split whose target has a larger logit than the foil;
    None where there are no foils."""


@dataclass(frozen=True, slots=True)
class CrossEntropy:
    """How well the subject predicts the text, beside what needs no model; nats per token."""

    nats: float
    """Mean cross-entropy of the next token, or of a masked one."""
    unigram: float | None
    """Entropy of the distribution of token types in the whole text; None of examples, whose few words are no
    text to know."""
    chance: float
    """Logarithm of the size of the vocabulary."""
    n_tokens: int
    """Targets, in blocks of the selection split."""
    n_blocks: int


@dataclass(frozen=True, slots=True)
class Context:
    """One row of the evaluation split in its text."""

    block: int
    index: int
    """Place in the block."""
    condition: str
    before: str
    """Text up to the target, of the same block."""
    target: str
    after: str
    loss: float
    """Outcome of the network as it is, in nats."""


@dataclass(frozen=True, slots=True)
class ContextOfNeuron:
    """What one neuron has to do with one context."""

    context: int
    """Place among the contexts."""
    activation: float
    change: float
    """Of the outcome with the neuron ablated; positive: it hurts."""


@dataclass(frozen=True, slots=True)
class NeuronContexts:
    """Contexts of one neuron, at most one of a document."""

    neuron: int
    """Number in the layer."""
    activating: tuple[ContextOfNeuron, ...]
    """Where it is most active, most first."""
    affected: tuple[ContextOfNeuron, ...]
    """Where ablating it changes the outcome most, whichever way, most first."""


@dataclass(frozen=True, slots=True)
class Contexts:
    """Contexts of the first members of the group."""

    contexts: tuple[Context, ...]
    neurons: tuple[NeuronContexts, ...]
    """In the order of the group's ranking."""
