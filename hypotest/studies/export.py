"""A protocol and its lock, as a document for a registry; needs no model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from hypotest.errors import OutputError, Problem, ProtocolError
from hypotest.registration import load_protocol
from hypotest.report.osf import render_osf

LARGEST_LOCK = 16 * 2**20
"""Bytes; a lock is a few kilobytes."""


def export_registration(protocol: str | Path, out: str | Path | None = None) -> str:
    """The registration under the headings of the OSF preregistration form.

    Args:
        protocol: Path of the protocol; ``NAME.lock.json`` beside it is read if it exists.
        out: File that gets the text, in the place of what it held.

    Returns:
        Markdown.

    Raises:
        ProtocolError: If the protocol is not valid, or the lock is no lock.
        OutputError: If the file cannot be written.
    """
    path = Path(protocol)
    text = render_osf(load_protocol(path), read_lock(path.with_suffix(".lock.json")))
    if out is not None:
        target = Path(out)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8", newline="\n")
        except OSError as error:
            raise OutputError(f"{target}: cannot be written: {error.strerror or error}") from error
    return text


def read_lock(path: Path) -> dict[str, Any] | None:
    """What a lock file holds; None if there is none.

    Raises:
        ProtocolError: If it cannot be read, or is not a JSON object with the hashes of a registration.
    """
    try:
        if path.stat().st_size > LARGEST_LOCK:
            raise _no_lock(path, f"more than {LARGEST_LOCK:,} bytes")
        lock = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _no_lock(path, f"nothing that can be read ({error.strerror or error})") from None
    except (ValueError, RecursionError) as error:
        raise _no_lock(path, f"no JSON ({error})") from None
    if not isinstance(lock, dict) or not isinstance(lock.get("hashes"), dict):
        raise _no_lock(path, "no object with `hashes`")
    return lock


def _no_lock(path: Path, found: str) -> ProtocolError:
    return ProtocolError(
        [
            Problem(
                str(path),
                "",
                f"must be what `hypotest register` writes; found {found}. Restore it, or move it away",
            )
        ]
    )
