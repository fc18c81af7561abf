"""Small protocols made of the one that tests share."""

from __future__ import annotations

import re
from pathlib import Path


def with_predictions(text: str, *names: str) -> str:
    """A protocol with some of its predictions, which is all that a test needs and takes less time."""
    head, *rest = text.split("  - id: ")
    *kept, last = rest
    last, seed, tail = last.partition("seed:")
    blocks = [block for block in (*kept, last) if block.split("\n")[0] in names]
    assert len(blocks) == len(names)
    return "  - id: ".join([head, *blocks]) + seed + tail


def written(small_protocol: Path, name: str, subject: str, predictions: str | None = None) -> Path:
    """The protocol of another subject, in a file beside it.

    Args:
        small_protocol: That of the fixture.
        name: Of the file; without its end it is the protocol's id.
        subject: The line, such as ``subject: {model: folder, layer: all}``.
        predictions: Instead of its own, from ``predictions:`` on.
    """
    text = small_protocol.read_text(encoding="utf-8")
    text = re.sub(r"subject: \{.*\}", subject, text)
    if predictions is not None:
        text = re.sub(r"predictions:\n.*?(?=seed:)", lambda _: predictions, text, flags=re.DOTALL)
    path = small_protocol.with_name(name)
    path.write_text(text.replace("id: small", f"id: {path.stem}", 1), encoding="utf-8")
    return path
