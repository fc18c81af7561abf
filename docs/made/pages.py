"""All pages that are made, written where Sphinx reads them; each is a function that returns its text."""

from __future__ import annotations

from pathlib import Path

from docs.made import errors, glossary, language, measures, nulls, predicates


def made_pages() -> dict[str, str]:
    """File below docs -> its text."""
    return {
        **measures.pages(),
        **nulls.pages(),
        **predicates.pages(),
        "reference/protocol.md": language.page(),
        "reference/glossary.md": glossary.page(),
        "reference/errors.md": errors.page(),
    }


def write_pages(folder: Path) -> None:
    """Write those that changed, and remove those of nouns that are gone."""
    made = made_pages()
    for kind in ("measures", "nulls", "predicates"):
        for path in (folder / kind).glob("*.md"):
            if f"{kind}/{path.name}" not in made:
                path.unlink()
    for name, text in made.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
