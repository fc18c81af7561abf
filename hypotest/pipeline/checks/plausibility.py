"""Is the model what it claims to be? Its cross-entropy on the text, beside what needs no model."""

from __future__ import annotations

import hashlib
import math

import numpy as np
from numpy.typing import NDArray

from hypotest.collect.cross_entropy import mean_cross_entropy
from hypotest.collect.store import evidence_key, kept
from hypotest.corpora.sampling import blocks_for_heads
from hypotest.engine.session import Session
from hypotest.errors import SubjectError
from hypotest.pipeline.prepare import Prepared
from hypotest.pipeline.texts.beginning import FORCE
from hypotest.records.results.corpus_result import CrossEntropy
from hypotest.subjects.network.row_subject import RowSubject

_BLOCKS = 32
"""Of the selection split, spread over its documents."""
_VERSION = 1


def measure_cross_entropy(prepared: Prepared, session: Session, *, force: bool) -> CrossEntropy | None:
    """Measure how well the subject predicts the sampled text, and compare with two that know nothing of it.

    Nothing of the evaluation split is run through the model.

    Args:
        prepared: From `hypotest.pipeline.prepare.prepare`.
        session: Random streams, for the choice of blocks; the cache, in which what was measured is kept.
        force: Whether to go on where the model is worse than chance.

    Returns:
        None of a network that predicts no text.

    Raises:
        SubjectError: If it is, and `force` is not set; lists likely causes.
    """
    subject = prepared.subject
    if isinstance(subject, RowSubject):
        return None
    step = session.stage("cross-entropy of the text", 1)
    whole, lengths = prepared.blocks.tokens, prepared.blocks.lengths
    chosen = blocks_for_heads(
        prepared.samples["selection"].positions, _BLOCKS, session.streams("cross-entropy", "blocks")
    )
    first = 1 if prepared.bos is None else 2
    settings = {
        "version": _VERSION,
        "subject": subject.fingerprint,
        "settings": subject.settings_fingerprint,
        "tokens": hashlib.sha256(np.ascontiguousarray(whole[chosen]).data).hexdigest(),
        "first": first,
        "lengths": lengths[chosen].tolist(),
    }

    def measure() -> dict[str, NDArray[np.float64]]:
        return {"found": np.array(mean_cross_entropy(subject, whole[chosen], first, lengths[chosen]))}

    place = session.cache / "cross_entropy" / evidence_key(settings)
    arrays = measure() if session.anew else kept(place, ("found",), measure)
    nats, count = arrays["found"].tolist()
    step()
    cross_entropy = CrossEntropy(
        nats=nats,
        unigram=None
        if prepared.text.table
        else unigram_entropy(whole[:, first - 1 :][prepared.blocks.is_text[:, first - 1 :]]),
        chance=math.log(subject.vocab_size),
        n_tokens=int(count),
        n_blocks=len(chosen),
    )
    if not nats <= cross_entropy.chance and not force:
        raise SubjectError(_worse_than_chance(subject.name, subject.vocab_size, cross_entropy, prepared))
    return cross_entropy


def unigram_entropy(tokens: NDArray[np.int32]) -> float:
    """Entropy of the distribution of token types in a text, in nats.

    H = -sum over types of p log p, p the share of a type among all tokens.

    Examples:
        >>> round(unigram_entropy(np.array([[5, 5, 7, 9]], dtype=np.int32)) / math.log(2), 6)
        1.5
    """
    counts = np.bincount(tokens.ravel())
    shares = counts[counts > 0] / tokens.size
    return float(-(shares * np.log(shares)).sum())


def _worse_than_chance(name: str, vocab_size: int, loss: CrossEntropy, prepared: Prepared) -> str:
    subject = prepared.subject
    without = (
        prepared.bos is None and not isinstance(subject, RowSubject) and subject.beginning.token is not None
    )
    causes = [
        "the tokenizer belongs to another model",
        "the weights are damaged, of another configuration, or were never trained",
        *(["it expects a beginning-of-sequence token (corpus.bos: true)"] if without else []),
        "the text is of a kind that it has never seen",
    ]
    return (
        f"subject.model: {name} predicts this text worse than chance: a cross-entropy of {loss.nats:.2f} "
        f"nats over {loss.n_tokens:,} tokens of the selection split, and guessing among its {vocab_size:,} "
        f"tokens costs {loss.chance:.2f}. Likely causes: {'; '.join(causes)}. {FORCE}"
    )
