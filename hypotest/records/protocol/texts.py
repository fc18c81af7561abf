"""Where a text comes from: files, a data set of the Hub, installed packages."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Discriminator, Field, Tag

from hypotest.records.protocol.strict import Strict


class CorpusFiles(Strict):
    """Files with documents: text files are one each, JSON lines and tables hold many."""

    files: tuple[Annotated[str, Field(min_length=1)], ...] = Field(
        min_length=1,
        description="paths, seen from the protocol's folder, of files, of folders (.txt, .md, .rst and the "
        "following in them, at any depth), or patterns such as texts/**/*.txt: UTF-8 text, one document "
        "each, or with many .jsonl, .csv, .tsv or .parquet; all but the last also packed (.gz, .zst)",
    )
    column: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="key or column that holds the text, in .jsonl, .csv, .tsv and .parquet; `text` if not "
        "given",
    )


class CorpusHub(Strict):
    """The first documents of a data set of the Hugging Face Hub, streamed and then kept in the cache."""

    hub: str = Field(
        min_length=1,
        max_length=4096,
        description="id of a data set on the Hugging Face Hub, such as allenai/c4; or a folder that the "
        "datasets library can load, seen from the protocol's folder",
    )
    config: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="configuration (subset) of the data set, such as en, where it has several",
    )
    split: str = Field(min_length=1, max_length=200, description="split of the data set, such as validation")
    column: str | None = Field(
        default=None, min_length=1, max_length=200, description="column of the text; `text` if not given"
    )
    revision: str | None = Field(
        default=None,
        min_length=1,
        max_length=200,
        description="branch, tag or commit of the data set; its main branch if not given. The whole commit "
        "makes sure that everyone reads the same text",
    )
    documents: int = Field(
        default=10_000,
        ge=1,
        le=10**8,
        description="number of documents to read, from the start of the split; empty and repeated ones among "
        "them are left out",
    )

    @property
    def title(self) -> str:
        """What a reader needs to find the documents: data set, configuration, split, revision."""
        parts = ", ".join(filter(None, [self.config, self.split]))
        revision = f"; revision {self.revision}" if self.revision else ""
        return f"{self.hub} ({parts}{revision})"


class CorpusPackages(Strict):
    """What lies in the sources of installed Python packages: their prose, their code, or both."""

    packages: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(
        min_length=1,
        max_length=1000,
        description="names of installed distributions, as pip knows them: networkx, scikit-learn",
    )
    parts: tuple[Literal["docstrings", "code"], ...] = Field(
        default=("docstrings",),
        min_length=1,
        max_length=2,
        description="`docstrings`, their prose; `code`, the lines of their sources without docstrings and "
        "comments. A source file is one document for each. Conditions can ask for the columns `part` and "
        "`package` of a document",
    )

    @property
    def title(self) -> str:
        """What is read of which packages."""
        what = {"docstrings": "docstrings", "code": "lines of code"}
        parts = " and ".join(what[part] for part in self.parts)
        return f"the {parts} of the installed packages {', '.join(self.packages)}"


_KINDS: dict[str, type[Strict]] = {"files": CorpusFiles, "hub": CorpusHub, "packages": CorpusPackages}


def _kind(value: Any) -> str | None:
    """Which kind of text is meant; a mapping without the key of one is judged by its other keys."""
    if isinstance(value, BaseModel):
        return next((name for name, kind in _KINDS.items() if isinstance(value, kind)), None)
    if not isinstance(value, dict):
        return "word" if value == "reference" else None
    for name in _KINDS:
        if name in value:
            return name
    keys = {name: kind.model_fields.keys() & value.keys() for name, kind in _KINDS.items()}
    return max(keys, key=lambda name: len(keys[name]))


TEXTS = "{files: [paths of texts]}, {packages: [installed packages]}, or {hub: a data set, split: its part}"
Text = Annotated[
    Annotated[Literal["reference"], Tag("word")]
    | Annotated[CorpusFiles, Tag("files")]
    | Annotated[CorpusHub, Tag("hub")]
    | Annotated[CorpusPackages, Tag("packages")],
    Discriminator(
        _kind,
        custom_error_type="alternatives",
        custom_error_message=f"must be reference, or {TEXTS}",
    ),
]
"""Docstrings of installed packages, files, a data set of the Hub, or packages of one's own choice."""
