"""What `hypotest explore` leaves behind: ``explore.md``, figures, ``explore.json``, ``neurons.parquet``."""

from __future__ import annotations

from hypotest.pages.markdown import write_markdown
from hypotest.records.stored.folders import replace_folder
from hypotest.report.results_file import fields_without, json_text
from hypotest.studies.explore.page import exploration_page
from hypotest.studies.explore.record import Exploration


def write_exploration(result: Exploration) -> None:
    """Write everything into the result's folder, in the place of what an earlier call left there.

    Raises:
        OutputError: If it cannot be written.
    """
    # Imported here: everything else answers without matplotlib.
    from hypotest.studies.explore.figures import CAPTIONS, explored_in_words, save_exploration

    plain = fields_without(result, "neurons", "folder")
    with replace_folder(result.folder) as folder:
        (folder / "explore.json").write_text(json_text(plain), encoding="utf-8", newline="\n")
        page = exploration_page(result, CAPTIONS, explored_in_words(result))
        write_markdown(folder / "explore.md", page)
        result.neurons.write_parquet(folder / "neurons.parquet")
        save_exploration(result, folder)
