"""Text in the forms that take long to make, kept in the cache: cleaned, in blocks of tokens, positions drawn.

Everything that a form depends on is in its name there: the bytes of the text, the tokenizer, the numbers
that positions are drawn with, and the code that makes it. What is damaged is made again; with and without the
cache the result is the same.
"""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from hypotest import corpora
from hypotest.collect.store import evidence_key, kept
from hypotest.corpora.blocks import Blocks, cut_blocks
from hypotest.corpora.docstrings import documents_by_part, package_documents, source_hashes
from hypotest.corpora.sampling import SPLITS, Candidates, SampledPositions
from hypotest.engine.session import cache_folder
from hypotest.pipeline.texts.reader import TextReader, encoded_batches, padding_for
from hypotest.records.corpus import CorpusDocument, TextSource
from hypotest.records.evidence.rows import condition_type
from hypotest.records.stored.files import python_hash

_FOLDER = "prepared"
"""Within the cache."""
_NUMBERS = ("document", "block", "index", "target")


def documents_of_packages(
    distributions: Sequence[str], parts: Sequence[str] = ()
) -> tuple[list[CorpusDocument], list[TextSource]]:
    """As `hypotest.corpora.docstrings.package_documents`; parsing thousands of files is what takes long.

    Args:
        distributions: Names as pip knows them.
        parts: If given, as `hypotest.corpora.docstrings.documents_by_part`.

    Raises:
        CorpusError: If a distribution is not installed, or a file of it cannot be read.
    """
    settings: dict[str, object] = {
        "sources": source_hashes(distributions),
        "python": platform.python_version(),
        **({"parts": list(parts)} if parts else {}),
    }

    def read() -> dict[str, NDArray[Any]]:
        if parts:
            documents, sources = documents_by_part(distributions, parts)
        else:
            documents, sources = package_documents(distributions)
        content = {
            "documents": [[item.id, item.text, dict(item.fields)] for item in documents],
            "sources": [[item.name, item.version, item.sha256, item.n_documents] for item in sources],
        }
        return {"json": np.frombuffer(json.dumps(content).encode(), dtype=np.uint8)}

    contents = json.loads(kept(_place("documents", settings), ("json",), read)["json"].tobytes())
    return [CorpusDocument(*item) for item in contents["documents"]], [
        TextSource(*item) for item in contents["sources"]
    ]


def blocks_of(
    documents: Sequence[CorpusDocument],
    reader: TextReader,
    context: int,
    first: int | None = None,
    *,
    padded: bool = False,
) -> Blocks:
    """Tokens of documents, cut into blocks of one length.

    Args:
        documents: The text.
        reader: Whose tokens they become.
        context: Tokens of a block.
        first: Token that every block begins with, if any.
        padded: Whether documents shorter than a block are padded, and not left out.

    Raises:
        CorpusError: If no document gives a block.
    """
    digest, padding = hashlib.sha256(), padding_for(reader)
    for document in documents:
        encoded = document.text.encode()
        digest.update(len(encoded).to_bytes(8, "little"))
        digest.update(encoded)
    settings = {
        "text": digest.hexdigest(),
        "tokenizer": reader.tokenizer_fingerprint,
        "tokenizers": metadata.version("tokenizers"),
        "context": context,
        "first": first,
        "padded": padded,
        **({"padding": padding} if padding else {}),
    }

    def tokenize() -> dict[str, NDArray[Any]]:
        ids = (item for batch in encoded_batches(documents, reader) for item in batch)
        blocks = cut_blocks(ids, context, first, padded=padded, padding=padding)
        return {
            "tokens": blocks.tokens,
            "document": blocks.document,
            "lengths": blocks.lengths,
            "numbers": np.array([blocks.n_documents, blocks.text_tokens]),
        }

    arrays = kept(_place("blocks", settings), ("tokens", "document", "lengths", "numbers"), tokenize)
    n_documents, text_tokens = arrays["numbers"].tolist()
    return Blocks(arrays["tokens"], arrays["document"], n_documents, arrays["lengths"], text_tokens)


def positions_in(
    blocks: Blocks,
    candidates: Candidates,
    drawn_with: Mapping[str, Any],
    drawing: Callable[[], SampledPositions],
) -> SampledPositions:
    """Positions that were drawn before from the same blocks with the same numbers, or are drawn now.

    Args:
        blocks: The text.
        candidates: Which positions belong to which condition.
        drawn_with: Everything else that decides what is drawn.
        drawing: Draws them.

    Raises:
        CorpusError: If the text holds fewer than asked for.
    """
    further = tuple(blocks.columns)
    arrays = (
        *(blocks.tokens, blocks.document, blocks.lengths, candidates.first, candidates.second),
        *blocks.columns.values(),
    )
    settings = {
        **drawn_with,
        "arrays": [hashlib.sha256(np.ascontiguousarray(array).data).hexdigest() for array in arrays],
        "shape": blocks.tokens.shape,
        "numpy": np.__version__,
    }
    names = candidates.names

    def drawn() -> dict[str, NDArray[Any]]:
        sampled = drawing()
        rows = sampled.positions
        return {
            **{name: rows[name].to_numpy() for name in (*_NUMBERS, *further)},
            "first": (rows["condition"] == names.first).to_numpy(),
            "selection": (rows["split"] == SPLITS[0]).to_numpy(),
            "eligible": np.array([sampled.eligible[split] for split in SPLITS]),
            "available": np.array([sampled.available[name] for name in names]),
        }

    kinds = (*_NUMBERS, *further, "first", "selection", "eligible", "available")
    stored = kept(_place("positions", settings), kinds, drawn)
    return SampledPositions(
        pl.DataFrame(
            {
                **{name: stored[name] for name in (*_NUMBERS, *further)},
                "condition": pl.Series(
                    np.where(stored["first"], *names).tolist(), dtype=condition_type(names)
                ),
                "split": np.where(stored["selection"], *SPLITS).tolist(),
            }
        ),
        dict(zip(SPLITS, stored["eligible"].tolist(), strict=True)),
        dict(zip(names, stored["available"].tolist(), strict=True)),
    )


def _place(form: str, settings: Mapping[str, Any]) -> Path:
    return cache_folder() / _FOLDER / form / evidence_key({**settings, "code": _code()})


@cache
def _code() -> str:
    """Of what reads, cleans, cuts and draws: a corrected line there must not find what the old one made."""
    return python_hash(Path(corpora.__file__).parent)
