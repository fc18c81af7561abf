"""The text of language.yaml: manual pages that exist in German and in French, as plain text.

Example:
    apt-get download manpages-de=4.18.1-1 manpages-fr=4.18.1-1
    dpkg -x manpages-de_4.18.1-1_all.deb pages && dpkg -x manpages-fr_4.18.1-1_all.deb pages
    python protocols/registered/manual_pages.py pages/usr/share/man

Writes protocols/registered/german and french, one file a page, of those that both languages have. The pages
are translations by the project manpages-l10n under the licences of their originals (mostly GPL-2+, GPL-3+ and
Verbatim; /usr/share/doc/manpages-de/copyright lists them); they are not part of this repository.

What is left of a page: paragraphs of prose of at least 60 characters, without requests, examples, tables and
the translators' last section.
"""

from __future__ import annotations

import gzip
import re
import sys
from collections.abc import Iterator
from pathlib import Path

LANGUAGES = {"de": "german", "fr": "french"}
SHORTEST = 60
"""Characters of a paragraph; shorter ones are headings, options and names."""
_TRANSLATION = re.compile(r"^\.SH\s+\"?(ÜBERSETZUNG|TRADUCTION)")
_SPECIAL = {
    r"\-": "-", r"\(aq": "'", r"\(dq": '"', r"\(bu": "", r"\(co": "(c)", r"\(rs": "\\", r"\e": "\\",
    r"\(em": "-", r"\(en": "-", r"\(lq": '"', r"\(rq": '"', r"\(Fo": '"', r"\(Fc": '"', r"\&": "",
    r"\~": " ", r"\ ": " ", r"\/": "", r"\,": "", r"\:": "", r"\%": "", r"\|": "", r"\^": "",
}  # fmt: skip


def plain(line: str) -> str:
    """A line without fonts, sizes and escapes."""
    line = re.sub(r"\\f(\[[^]]*\]|\(..|.)", "", line)
    line = re.sub(r"\\s[-+]?\d+", "", line)
    for escape, text in _SPECIAL.items():
        line = line.replace(escape, text)
    line = re.sub(r"\\\[[^]]*\]|\\\(..|\\\*\[[^]]*\]", "", line)
    return line.replace("\u00a0", " ").replace("\u202f", " ")


def paragraphs(source: str) -> Iterator[str]:
    """Prose of a page; lines between two requests that break it are one paragraph."""
    words: list[str] = []
    skipping = ""
    for line in source.splitlines():
        if _TRANSLATION.match(line):
            break
        request = re.match(r"^[.']\s*([A-Za-z]+)?(.*)$", line)
        name = (request[1] or "") if request else ""
        if skipping:
            skipping = "" if name == skipping else skipping
            continue
        if name in ("EX", "nf", "TS"):
            skipping = {"EX": "EE", "nf": "fi", "TS": "TE"}[name]
        if request and name in ("B", "I", "BR", "IR", "RB", "RI", "BI", "IB", "SM", "SB", "MR"):
            parts = re.findall(r'"([^"]*)"|(\S+)', request[2])
            text = [plain(quoted or bare) for quoted, bare in parts]
            words.append((" " if name in ("B", "I", "SM", "SB") else "").join(text))
        elif request:
            yield " ".join(words)
            words = []
        elif line.strip():
            words.append(plain(line.strip()))
        else:
            yield " ".join(words)
            words = []
    yield " ".join(words)


def text_of(page: Path) -> str:
    """The prose of a page; empty for an alias."""
    source = gzip.decompress(page.read_bytes()).decode("utf-8")
    kept = (re.sub(r"\s+", " ", item).strip() for item in paragraphs(source))
    return "\n\n".join(item for item in kept if len(item) >= SHORTEST)


def pages(folder: Path) -> dict[str, Path]:
    """Section and name -> file."""
    files = (path for path in folder.glob("man*/*.gz") if not path.is_symlink())
    return {f"{path.parent.name}/{path.name}": path for path in files}


def main() -> None:
    """Write the pages of both languages."""
    source, here = Path(sys.argv[1]), Path(__file__).parent
    by_language = {name: pages(source / code) for code, name in LANGUAGES.items()}
    both = sorted(set.intersection(*(set(item) for item in by_language.values())))
    texts = {name: {page: text_of(files[page]) for page in both} for name, files in by_language.items()}
    kept = [page for page in both if all(texts[name][page] for name in texts)]
    for name in texts:
        (here / name).mkdir(exist_ok=True)
        for page in kept:
            file = here / name / (page.removesuffix(".gz").replace("/", "-") + ".txt")
            file.write_text(texts[name][page] + "\n", encoding="utf-8")
    print(f"{len(kept)} pages in {' and '.join(texts)}")


if __name__ == "__main__":
    main()
