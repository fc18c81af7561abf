"""How often each token occurs: shipped, from a table, or counted in a text and kept in the cache."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypotest.collect.store import evidence_key, kept
from hypotest.corpora.docstrings import TRAINING_PACKAGES, installed, package_documents
from hypotest.corpora.frequencies import read_frequency_table
from hypotest.engine.progress import StartStage
from hypotest.engine.session import cache_folder
from hypotest.pipeline.texts.reader import BATCH, TextReader, encoded_batches, require_known
from hypotest.pipeline.texts.reading import read_text
from hypotest.records.corpus import CorpusDocument
from hypotest.records.protocol.material import CountedText
from hypotest.records.protocol.texts import Text
from hypotest.subjects.reference import reference_token_counts

_VERSION = 1
"""Of the counting; raised when the same text gives other counts."""


def token_counts(
    chosen: str | CountedText, base: Path, reader: TextReader, start_stage: StartStage
) -> NDArray[np.int64]:
    """Occurrences of each token id, as a protocol's ``frequencies`` says.

    ``reference`` is the reference model's training text. Its counts ship for that model's tokenizer; for
    another one they are counted, as is the text of ``{count: ...}``, and kept in the cache.

    Args:
        chosen: ``reference``, the path of a table, or a text to count.
        base: Folder that relative paths start from.
        reader: Whose tokens are counted.
        start_stage: Told of the counting, for progress.

    Returns:
        One integer per token id, possibly fewer than the vocabulary has.

    Raises:
        CorpusError: If a file or package cannot be read.
    """
    if isinstance(chosen, CountedText):
        return _counted(chosen.count, base, reader, start_stage)
    if chosen != "reference":
        return read_frequency_table(base / chosen)
    if reader.name == "reference":
        return reference_token_counts()
    return _counted("reference", base, reader, start_stage)


def _counted(text: Text, base: Path, reader: TextReader, start_stage: StartStage) -> NDArray[np.int64]:
    documents: list[CorpusDocument] | None = None
    if text == "reference":  # reading all docstrings takes longer than asking for versions
        identity: list[Any] = [[item.name, item.version] for item in installed(TRAINING_PACKAGES)]
    else:
        documents, sources = read_text(text, base, "frequencies.count", start_stage)
        identity = [[source.name, source.sha256] for source in sources]
    settings = {"version": _VERSION, "tokenizer": reader.tokenizer_fingerprint, "text": identity}

    def count() -> dict[str, NDArray[np.int64]]:
        read = documents or package_documents(TRAINING_PACKAGES)[0]
        return {"counts": _count(read, reader, start_stage)}

    shard = cache_folder() / "frequencies" / evidence_key(settings)
    counts: NDArray[np.int64] = kept(shard, ("counts",), count)["counts"]
    return counts


def _count(documents: list[CorpusDocument], reader: TextReader, start_stage: StartStage) -> NDArray[np.int64]:
    step = start_stage("tokens of the frequency text", -(-len(documents) // BATCH))
    counts = np.zeros(reader.vocab_size, dtype=np.int64)
    for batch in encoded_batches(documents, reader):
        for ids in batch:
            numbers = np.asarray(ids, dtype=np.int64)
            require_known(numbers, reader)
            counted = np.bincount(numbers)
            counts[: counted.size] += counted
        step()
    return counts
