"""A finished run as an appendix of a paper, with its figures beside it; needs no model."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hypotest.engine.progress import StartStage, silent
from hypotest.errors import ProtocolError
from hypotest.pages.registry import page_of
from hypotest.records.stored.folders import errors_name
from hypotest.report.appendix_page import SECTIONS, appendix_page
from hypotest.report.run import Run
from hypotest.report.text import file_slug
from hypotest.studies.export.study import write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = {"latex": ".pdf", "word": ".png"}
"""Page format -> ending of its figures."""


def export_appendix(
    run: str | Path,
    page: str,
    out: str | Path | None = None,
    *,
    start_stage: StartStage = silent,
) -> Path:
    """Write verdicts, predictions, ladder, methods and limitations of a run for a paper.

    The same run gives the same bytes. Figures lie in a folder beside the file, which it is called after.

    Args:
        run: Folder of a finished run.
        page: ``latex``, which LaTeX takes in and which compiles by itself; or ``word``, HTML that word
            processors open, with tables as tables.
        out: The file, in the place of what it held; default ``appendix`` with the ending of the format.
        start_stage: Told of each figure.

    Returns:
        The file.

    Raises:
        ProtocolError: If there is no such format.
        OutputError: If the folder is not a run's, is damaged, or something cannot be written.
    """
    if page not in FORMATS:
        raise ProtocolError(f"page={page}: must be one of {', '.join(FORMATS)}")
    written, opened = page_of(page), Run.open(run)
    file = Path(out or f"appendix{written.suffix}")
    folder = f"{file_slug(file.stem)}-figures"
    # Imported here: what has no figures needs no matplotlib.
    from hypotest.report.figures.figures import Figures

    figures = Figures(opened.results, opened.nulls)
    pictures = figures.pictures(*SECTIONS)
    text = written.render(appendix_page(opened.results, opened.manifest, pictures, folder), file.parent)
    write_text(text, file)
    with errors_name(file.parent / folder):
        (file.parent / folder).mkdir(exist_ok=True)
        step = start_stage("figures", len(pictures))
        for picture in pictures:
            _save(figures[picture.name], file.parent / folder / f"{picture.name}{FORMATS[page]}")
            step()
    return file


def _save(figure: Figure, file: Path) -> None:
    from hypotest.report.figures.style import house_style, png_of, save_pdf

    with house_style():
        if file.suffix == ".pdf":
            save_pdf(figure, file)
        else:
            file.write_bytes(png_of(figure))
