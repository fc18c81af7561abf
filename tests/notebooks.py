"""The tutorials, run as a reader runs them.

python -m tests.notebooks [NAME ...]     run them, and keep what their cells gave in their files
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests.texts import DOCS, ROOT

TUTORIALS = DOCS / "tutorials"
NOTEBOOKS = sorted(TUTORIALS.glob("*.ipynb"))
PROGRESS = "<progress"
_VARIES = re.compile(
    r"\d{8}T\d{6}Z-[0-9a-f]{8}|\d{4}-\d\d-\d\d[T ][\d:.]+(?:\+00:00|Z| UTC)?|\b[0-9a-f]{8,64}\b"
)
"""Times and hashes: those of the code are others with every change."""


def executed(path: Path, place: Path) -> Any:
    """A notebook after it was run in a kernel of its own, with an empty cache.

    Args:
        path: The notebook.
        place: An empty folder, which stands for a checkout; the cell's files go there.
    """
    import nbformat
    from nbclient import NotebookClient

    folder = place / "docs" / "tutorials"
    folder.mkdir(parents=True)
    for name in ("reports", "protocols"):
        (place / name).symlink_to(ROOT / name)
    notebook = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": str(folder)}}
    own = {"PYTHONPATH": str(ROOT), "HYPOTEST_CACHE": str(place / "cache"), "COLUMNS": "100"}
    with patch.dict(os.environ, own):
        NotebookClient(notebook, timeout=600, kernel_name="python3", resources=where).execute()
    return notebook


def outputs(notebook: Any) -> Iterator[Any]:
    """What its cells gave, in order."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            yield from cell.outputs


def shown(output: Any) -> str:
    """The text of an output, as a page shows it where it has no better form."""
    return str(output.text if output.output_type == "stream" else output.data.get("text/plain", ""))


def is_progress(output: Any) -> bool:
    """Whether it is the line that moves while something works."""
    return PROGRESS in output.get("data", {}).get("text/html", "")


def said(notebook: Any) -> list[str]:
    """What its cells say, without progress, times and hashes."""
    return [_VARIES.sub("...", shown(item)) for item in outputs(notebook) if not is_progress(item)]


def keep(path: Path) -> None:
    """Run a notebook and keep what its cells gave, in its file."""
    import nbformat

    with tempfile.TemporaryDirectory() as place:
        notebook = executed(path, Path(place))
    for cell in notebook.cells:
        cell.metadata = {}  # when each cell began and ended
    notebook.metadata = {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }
    nbformat.write(notebook, path)


if __name__ == "__main__":
    for chosen in NOTEBOOKS:
        if not sys.argv[1:] or chosen.stem in sys.argv[1:]:
            keep(chosen)
            print(chosen.name)
