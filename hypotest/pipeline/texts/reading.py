"""The text that a protocol names; what was streamed from the Hub stays in the cache.

A text is kept under the commit of its data set. Beside it stands which commit a request last came to, so
that a machine without a network finds it again although the protocol names a branch.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from hypotest.collect.store import Arrays, evidence_key, read_shard, write_shard
from hypotest.corpora.docstrings import EVALUATION_PACKAGES, PACKAGE_COLUMNS
from hypotest.corpora.hub import EXTRA, Kind, Row, can_stream, data_folder, hub_source, stream_rows
from hypotest.corpora.text import read_files
from hypotest.engine.progress import StartStage
from hypotest.engine.session import cache_folder
from hypotest.errors import CorpusError, OutputError
from hypotest.pipeline.texts.kept_text import documents_of_packages
from hypotest.records.corpus import CorpusDocument, TextSource
from hypotest.records.protocol.texts import CorpusFiles, CorpusHub, CorpusPackages, Text
from hypotest.records.stored.files import write_whole
from hypotest.records.stored.hub import HubAnswer, is_commit
from hypotest.subjects.loading.asking import ask_hub

_VERSION = 3
"""Of the reading; raised when the same rows give other documents."""
_BATCH = 256
"""Documents in a step of progress."""
_Streamed = tuple[list[Row], int, int]
"""Rows, and how many were left out: without text, and copies."""
_FOLDER = "texts"
"""Within the cache."""


def read_text(
    text: Text, base: Path, key: str, start_stage: StartStage, columns: Sequence[str] = ()
) -> tuple[list[CorpusDocument], list[TextSource]]:
    """Read the docstrings of installed packages, files, or a data set.

    Args:
        text: As a protocol names it.
        base: Folder that relative paths start from.
        key: Of the protocol, for errors.
        start_stage: Told of the streaming, for progress.
        columns: Beside the text, read for conditions.

    Raises:
        CorpusError: As `hypotest.corpora.text.read_files` and `hypotest.corpora.hub.stream_rows`; if a data
            set is neither in the cache nor within reach.
        EvidenceError: If the cached text is damaged.
        OutputError: If the text cannot be kept.
    """
    if isinstance(text, CorpusFiles):
        return read_files(text, base, key, columns)
    if isinstance(text, CorpusPackages):
        unknown = sorted(set(columns) - set(PACKAGE_COLUMNS))
        if unknown:
            raise CorpusError(
                f"{key}: texts of packages have the columns {' and '.join(PACKAGE_COLUMNS)}; conditions ask "
                f"for {', '.join(unknown)}"
            )
        return documents_of_packages(text.packages, text.parts)
    if text == "reference":
        if columns:
            raise CorpusError(
                f"{key}: conditions read the columns {', '.join(columns)}, and docstrings of packages have "
                "none: name files (.jsonl, .csv, .parquet) or a data set"
            )
        return documents_of_packages(EVALUATION_PACKAGES)
    where = f"{key}.hub {text.hub!r}"
    folder = data_folder(text, base, where)
    if folder is not None:
        commit, streamed = None, _stream(text, where, start_stage, columns, folder=folder)
    else:
        commit, streamed = _kept(text, where, start_stage, columns)
    documents, source = hub_source(text, commit, *streamed)
    return documents, [source]


def describe_source(text: Text, sources: Sequence[TextSource]) -> str:
    """What a report says of where the text comes from; of a data set also the commit that was read."""
    if isinstance(text, CorpusPackages):
        return f"{' and '.join(text.parts)} of installed packages"
    if not isinstance(text, CorpusHub):
        return "docstrings of installed packages" if text == "reference" else "text files"
    (source,) = sources
    commit = f" at commit {source.version}" if source.version else ""
    return f"the data set {source.name}{commit}, up to {text.documents:,} documents from its start"


def _stream(
    text: CorpusHub,
    where: str,
    start_stage: StartStage,
    columns: Sequence[str],
    *,
    folder: Path | None = None,
    commit: str | None = None,
) -> _Streamed:
    n_steps = -(-text.documents // _BATCH)
    step = start_stage(f"documents of {text.hub}", n_steps)
    read: Counter[Kind] = Counter()

    def on_row(kind: Kind) -> None:
        read[kind] += 1
        if read.total() % _BATCH == 0:
            step()

    rows = list(stream_rows(text, where, folder=folder, commit=commit, columns=columns, on_row=on_row))
    for _ in range(n_steps - read.total() // _BATCH):  # the last documents, or a split with fewer
        step()
    if not rows:
        raise CorpusError(f"{where}: the first {text.documents:,} documents are empty: raise documents")
    return rows, read["empty"], read["copy"]


def _kept(
    text: CorpusHub, where: str, start_stage: StartStage, columns: Sequence[str]
) -> tuple[str, _Streamed]:
    """The commit and the rows of a data set of the Hub, from the cache if they are there."""
    if text.revision is not None and is_commit(text.revision) and _is_there(text, text.revision, columns):
        return text.revision, _rows(read_shard(_shard(text, text.revision, columns)))
    answer = ask_hub("dataset", text.hub, text.revision)
    commit = answer.commit or _last_commit(text)
    if commit is None or not _is_there(text, commit, columns):
        if not can_stream():
            raise CorpusError(f"{where}: is read with the package datasets, which is missing: {EXTRA}")
        if answer.commit is None:
            raise CorpusError(f"{where}: {_absence(text, answer)}")
        write_shard(
            _shard(text, answer.commit, columns),
            _arrays(*_stream(text, where, start_stage, columns, commit=answer.commit)),
        )
        commit = answer.commit
    _remember(text, commit)
    return commit, _rows(read_shard(_shard(text, commit, columns)))


def _absence(text: CorpusHub, answer: HubAnswer) -> str:
    missing = f"is not in the cache ({cache_folder() / _FOLDER}), and {answer.obstacle}"
    if answer.reached:
        return missing
    download = f"hf download --repo-type dataset {text.hub}"
    if text.revision:
        download += f" --revision {text.revision}"
    return (
        f"{missing}. Where there is a network, run `hypotest corpus check` with this protocol and copy "
        f"the folder {_FOLDER} of its cache; or run `{download} --local-dir FOLDER`, copy that and name it "
        "in hub"
    )


def _settings(text: CorpusHub) -> dict[str, object]:
    return {"version": _VERSION, **text.model_dump(mode="json", exclude={"revision"})}


def _shard(text: CorpusHub, commit: str, columns: Sequence[str]) -> Path:
    also = {"columns": sorted(columns)} if columns else {}
    return cache_folder() / _FOLDER / evidence_key({**_settings(text), "commit": commit, **also})


def _is_there(text: CorpusHub, commit: str, columns: Sequence[str]) -> bool:
    return _shard(text, commit, columns).is_dir()


def _note(text: CorpusHub) -> Path:
    key = evidence_key({**_settings(text), "revision": text.revision})
    return cache_folder() / _FOLDER / f"{key}.json"


def _last_commit(text: CorpusHub) -> str | None:
    try:
        note = json.loads(_note(text).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None  # never asked here, or a damaged note: then the Hub must answer
    commit = note.get("commit") if isinstance(note, dict) else None
    return commit if isinstance(commit, str) and is_commit(commit) else None


def _remember(text: CorpusHub, commit: str) -> None:
    if _last_commit(text) == commit:
        return
    with suppress(OutputError):  # of a cache that can only be read; the next run asks the Hub again
        write_whole(_note(text), json.dumps({"commit": commit}))


def _arrays(rows: list[Row], n_empty: int, n_copies: int) -> Arrays:
    numbers, lengths = np.empty(len(rows), dtype=np.int64), np.empty(len(rows), dtype=np.int64)
    joined = bytearray()  # filled bit by bit: a list of parts would hold a large text once more
    for place, (number, content, _) in enumerate(rows):
        encoded = content.encode()
        joined += encoded
        numbers[place], lengths[place] = number, len(encoded)
    fields = json.dumps([row[2] for row in rows]) if any(row[2] for row in rows) else ""
    return {
        "number": numbers,
        "length": lengths,
        "text": np.frombuffer(joined, dtype=np.uint8),
        "left_out": np.array([n_empty, n_copies]),
        **({"fields": np.frombuffer(fields.encode(), dtype=np.uint8)} if fields else {}),
    }


def _rows(arrays: Arrays) -> _Streamed:
    content = arrays["text"].data
    ends = np.cumsum(arrays["length"]).tolist()
    numbers = arrays["number"].tolist()
    fields = json.loads(arrays["fields"].tobytes()) if "fields" in arrays else [{}] * len(numbers)
    rows = [
        (number, str(content[end - length : end], "utf-8"), own)
        for number, length, end, own in zip(numbers, arrays["length"].tolist(), ends, fields, strict=True)
    ]
    n_empty, n_copies = arrays["left_out"].tolist()
    return rows, n_empty, n_copies
