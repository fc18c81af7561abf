"""What a finished run did otherwise than registered, as the table that registries ask for; needs no model."""

from __future__ import annotations

from pathlib import Path

from hypotest.errors import OutputError, ProtocolError, one_line
from hypotest.pages.markdown import PAGE
from hypotest.pipeline.registered.manifest import recorded_fingerprint
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.registration import Deviation, Fingerprint, Lock
from hypotest.records.stored.files import file_obstacle
from hypotest.registration.built import protocol_file
from hypotest.registration.locks.deviations import find_deviations
from hypotest.registration.locks.later import expected_of
from hypotest.registration.locks.lock import lock_file, lock_hash, read_lock
from hypotest.report.run import Run
from hypotest.studies.export.deviations_page import deviations_page
from hypotest.studies.export.study import write_text


def export_deviations(protocol: str | Path, run: str | Path, out: str | Path | None = None) -> str:
    """The table of what a run did otherwise than its protocol's registration says.

    Args:
        protocol: Path of the protocol; ``NAME.lock.json`` beside it is what the run is compared with.
        run: Folder of a finished run.
        out: As for `export_registration`.

    Returns:
        Markdown: registered, done and what it can reach filled in; reasons left to the author.

    Raises:
        ProtocolError: If there is no such protocol.
        OutputError: If the lock is no lock, the folder is no run's or damaged, or the file cannot be written.
    """
    path, opened = protocol_file(protocol), Run.open(run)
    if obstacle := file_obstacle(path):
        raise ProtocolError(f"{path}: {obstacle}")
    lock = read_lock(lock_file(path)) if lock_file(path).exists() else None
    registration = opened.results.registration
    page = deviations_page(
        opened.results.title,
        str(opened.folder),
        lock,
        registration,
        () if lock is None else _deviations(lock, _done(opened)),
        lock is not None and registration is not None and registration.lock == lock_hash(lock),
    )
    text = PAGE.render(page)
    write_text(text, out)
    return text


def _deviations(lock: Lock, run: Fingerprint) -> tuple[Deviation, ...]:
    return find_deviations(expected_of(lock, run), run)


def _done(run: Run) -> Fingerprint:
    try:
        return recorded_fingerprint(Protocol.model_validate(run.results.protocol), run.manifest)
    except ValueError as error:
        reason = one_line(error, 200)
        raise OutputError(f"{run.folder}: what the run did cannot be read: {reason}") from None
