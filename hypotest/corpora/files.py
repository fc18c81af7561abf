"""Files that a protocol names, read whole or refused."""

from __future__ import annotations

from pathlib import Path

from hypotest.errors import CorpusError
from hypotest.records.stored.files import MAX_BYTES, file_obstacle


def require_file(path: Path, where: str, most: int = MAX_BYTES) -> None:
    """Refuse what is no regular file of bounded size.

    Args:
        path: The file; links are followed.
        where: How an error begins: the key and the name in the protocol.
        most: Bytes that it may have.

    Raises:
        CorpusError: If it is missing, a folder, a device, a pipe, unreadable, or larger than `most`.
    """
    obstacle = file_obstacle(path, most)
    if obstacle:
        raise CorpusError(f"{where}: {obstacle}")


def read_bytes(path: Path, where: str, most: int = MAX_BYTES) -> bytes:
    """Content of a regular file.

    Raises:
        CorpusError: As `require_file`; also if it holds more than its size says, as files of a kernel may.
    """
    require_file(path, where, most)
    try:
        with path.open("rb") as stream:
            content = stream.read(most + 1)
    except OSError as error:
        raise CorpusError(f"{where}: cannot be read: {error.strerror or error}") from None
    if len(content) > most:
        raise CorpusError(f"{where}: must have at most {most / 2**20:,.0f} MiB")
    return content
