"""README and the pages of docs: what stands between marks there, such as ``<!-- verdict: begin -->``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCS = ROOT / "docs"


def pages() -> Iterator[Path]:
    """README, and what somebody wrote for docs; pages made from the package are not among them."""
    yield README
    made = (DOCS / ".gitignore").read_text(encoding="utf-8").split()
    for path in sorted(DOCS.rglob("*.md")):
        if not any(f"/{path.relative_to(DOCS)}".startswith(item) for item in made):
            yield path


def page_with(text: str, mark: str, page: str) -> str:
    """A page with a text between two marks."""
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    before, rest = page.split(begin)
    return f"{before}{begin}\n{text}\n{end}{rest.split(end)[1]}"


def marked(mark: str) -> dict[Path, str]:
    """The pages that have these marks, with what they say.

    Raises:
        LookupError: If there is none.
    """
    texts = {path: path.read_text(encoding="utf-8") for path in pages()}
    having = {path: text for path, text in texts.items() if f"<!-- {mark}: begin -->" in text}
    if not having:
        raise LookupError(f"no page has the marks {mark!r}")
    return having


def put(text: str, mark: str) -> None:
    """Write a text between the marks, wherever they stand."""
    for path, page in marked(mark).items():
        path.write_text(page_with(text, mark, page), encoding="utf-8")


def stands(text: str, mark: str) -> bool:
    """Whether it is what stands between the marks, wherever they are."""
    return all(page_with(text, mark, page) == page for page in marked(mark).values())


def fenced(kind: str, page: Path) -> list[str]:
    """The blocks of a kind, such as ``yaml``, on a page."""
    return re.findall(rf"^```{kind}\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.S | re.M)
