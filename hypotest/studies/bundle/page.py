"""What `hypotest bundle` prints."""

from __future__ import annotations

from collections.abc import Iterator

from hypotest.pages.document import Document, Items, Part, document
from hypotest.pages.inline import code, path, strong
from hypotest.report.numbers import bytes_text, count_text
from hypotest.studies.bundle.record import Bundled


def bundled_page(bundled: Bundled) -> Document:
    """What `hypotest bundle` prints."""
    return document(_parts(bundled))


def _parts(bundled: Bundled) -> Iterator[Part]:
    content = "run, protocol and evidence" if bundled.evidence else "run and protocol, without evidence"
    yield (
        path(bundled.file),
        f": {content}, {count_text(bundled.n_files)} files, {bytes_text(bundled.n_bytes)}. ",
        code(f"hypotest verify {bundled.file.name}"),
        " checks it anywhere.",
    )
    if bundled.left_out:
        yield strong("Left out")
        yield Items(bundled.left_out)
    if bundled.taken_out:
        yield strong("Made anonymous: read the report in it before you send it")
        yield Items(bundled.taken_out)
