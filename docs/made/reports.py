"""Finished runs on the site: their reports lie in it, and a link to one opens it there."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS, REPORTS = ROOT / "docs", ROOT / "reports"
_LINK = re.compile(r"(?<!!)\[([^\]]+)\]\(([^):#\s]+)\)")
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title><style>
body {{ max-width: 70rem; margin: 2rem auto; padding: 0 1rem; font: 1rem/1.5 system-ui, sans-serif; }}
table {{ display: block; overflow-x: auto; border-collapse: collapse; }}
th, td {{ padding: 0.2rem 0.6rem; border-bottom: 1px solid #ccc; text-align: left; vertical-align: top; }}
img {{ max-width: 100%; }}
</style></head><body>
{body}</body></html>
"""


def linked_outwards(source: str, page: str) -> str:
    """A page's text as the site has it: links to reports open there, other Markdown outside docs is a
    file, and other folders are none of its places.

    Args:
        source: Markdown, or a notebook.
        page: Its place below docs, without ending.
    """
    folder, up = (DOCS / page).parent, "../" * page.count("/")

    def linked(link: re.Match[str]) -> str:
        words, place = link.groups()
        to = (folder / place).resolve()
        if opened := opened_page(to):
            return f"<a href='{up}{opened.as_posix()}'>{words}</a>"
        if to.is_dir():
            return words
        outside = place.endswith(".md") and not to.is_relative_to(DOCS)
        return f"[{words}](path:{place})" if outside else link[0]

    return _LINK.sub(linked, source)


def opened_page(file: Path) -> Path | None:
    """What opens for a file or folder of the reports: a page below the site's root; None for anything else."""
    if not file.is_relative_to(REPORTS):
        return None
    if file.is_dir():
        found = sorted(file.rglob("report.html"))
        return found[-1].relative_to(ROOT) if found else None
    return file.relative_to(ROOT).with_suffix(".html") if file.suffix in (".html", ".md") else None


def copy_reports(site: Path) -> None:
    """Put every report into the site: those of runs as they are, those in Markdown alone as pages.

    Args:
        site: Its root.
    """
    for file in _files("*/example/report.html", "registered/*/*/report.html"):
        _place(site, file.relative_to(ROOT)).write_bytes(file.read_bytes())
    for file in _files("*/*.md", "*/series/*.md", "smollm2/multiverse/*.md"):
        opened, text = file.with_suffix(".html").relative_to(ROOT), file.read_text(encoding="utf-8")
        _place(site, opened).write_text(_as_page(text), encoding="utf-8")
        for figure in re.findall(r"\]\((figures/[^)]+)\)", text):
            shutil.copy(file.parent / figure, _place(site, opened.parent / figure))


def _files(*patterns: str) -> Iterator[Path]:
    """Committed ones: whatever else was run here lies in folders of other names."""
    return (file for pattern in patterns for file in sorted(REPORTS.glob(pattern)))


def _place(site: Path, file: Path) -> Path:
    place = site / file
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def _as_page(text: str) -> str:
    from markdown_it import MarkdownIt

    title = text.partition("\n")[0].lstrip("# ")
    plain = re.sub(r"^> \[!(\w+)\]$", lambda kind: f"> **{kind[1].capitalize()}**  ", text, flags=re.M)
    return _PAGE.format(title=escape(title), body=MarkdownIt("commonmark").enable("table").render(plain))
