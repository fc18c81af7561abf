"""A protocol and its lock, as a document for a registry; needs no model."""

from __future__ import annotations

from pathlib import Path

from hypotest.errors import OutputError
from hypotest.pages.markdown import PAGE
from hypotest.registration import load_protocol
from hypotest.registration.built import protocol_file
from hypotest.registration.checks.configuration import predicted_token
from hypotest.registration.locks.lock import lock_data, lock_file, read_lock
from hypotest.studies.export.osf import osf_page


def export_registration(protocol: str | Path, out: str | Path | None = None) -> str:
    """The registration under the headings of the OSF preregistration form.

    Args:
        protocol: Path of the protocol; ``NAME.lock.json`` beside it is read if it exists.
        out: File that gets the text, in the place of what it held.

    Returns:
        Markdown.

    Raises:
        ProtocolError: If the protocol is not valid.
        OutputError: If the lock is no lock, or the file cannot be written.
    """
    path = protocol_file(protocol)
    plan, file = load_protocol(path, subject=False), lock_file(path)
    lock = lock_data(read_lock(file)) if file.exists() else None
    text = PAGE.render(osf_page(plan, lock, predicted_token(plan, path.parent)))
    write_text(text, out)
    return text


def write_text(text: str, out: str | Path | None) -> None:
    """Write a document, in the place of what the file held; nothing where `out` is None.

    Raises:
        OutputError: If it cannot be written.
    """
    if out is not None:
        target = Path(out)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise OutputError(f"{target}: cannot be written: {error.strerror or error}") from error
