"""What was computed of networks of known organisation, kept in the report: a record a line, with its key.

A cache is lost with its machine, a committed report is not. A record says what it is of, and the key of the
code, network and protocol that it was computed with; one of another key stays, and is shown, until it is
computed again. Files of several machines are joined record by record.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from pydantic import TypeAdapter

from hypotest.errors import OutputError
from hypotest.records.stored.files import write_whole
from hypotest.report.results_file import json_line

SCHEMA_VERSION = 2
WRITTEN_EVERY = 20.0
"""Seconds of work that a kill may cost, beside the network that was in work."""


class KeptRecord(Protocol):
    """One record of a file."""

    @property
    def key(self) -> str:
        """Of what it was computed with."""

    @property
    def identity(self) -> Hashable:
        """What it is of; one record of each."""


Record = TypeVar("Record", bound=KeptRecord)


class KeptRecords(Generic[Record]):
    """The records of one file.

    Args:
        place: The file; it need not be there yet.
        kind: The records' class.
        key_of: The key that a record of the same would have today; None if there is no such network or
            measure any more, whose records are left out.

    Raises:
        OutputError: If the file is there, and is not such a file.
    """

    def __init__(self, place: Path, kind: type[Record], key_of: Callable[[Record], str | None]) -> None:
        self.place = place
        # mypy takes no class from a variable; pydantic does
        self._adapter = TypeAdapter(tuple[kind, ...])  # type: ignore[valid-type]
        self._key_of = key_of
        self._records: dict[Hashable, Record] = {}
        self._written = time.monotonic()
        if place.exists():
            self.merge(place)

    def __iter__(self) -> Iterator[Record]:
        return iter(self._records.values())

    def fresh(self, identity: Hashable) -> Record | None:
        """A record that would be the same if it were computed now; None if there is none."""
        record = self._records.get(identity)
        return None if record is None or self.is_stale(record) else record

    def is_stale(self, record: Record) -> bool:
        """Whether code, network or protocol have changed since."""
        return record.key != self._key_of(record)

    def merge(self, place: Path) -> None:
        """Take over the records of another file, but where there is a fresh one, or theirs is no better.

        Raises:
            OutputError: If it is not such a file.
        """
        for record in read_records(place, self._adapter):
            if self._key_of(record) is None:
                continue
            known = self._records.get(record.identity)
            if known is None or (self.is_stale(known) and not self.is_stale(record)):
                self._records[record.identity] = record

    def add(self, record: Record) -> None:
        """Take over a new record, and write the file where the last time is a while ago."""
        self._records[record.identity] = record
        if time.monotonic() - self._written > WRITTEN_EVERY:
            self.write()

    def write(self) -> None:
        """Write the file, with what another process has added to it since.

        Raises:
            OutputError: If it cannot be written.
        """
        if self.place.exists():
            self.merge(self.place)
        records = sorted(self, key=lambda item: str(item.identity))
        lines = ",\n".join(json_line(item) for item in records)
        write_whole(self.place, f'{{"schema_version": {SCHEMA_VERSION}, "records": [\n{lines}\n]}}\n')
        self._written = time.monotonic()


def read_records(place: Path, adapter: TypeAdapter[tuple[Any, ...]]) -> tuple[Any, ...]:
    """The records of a file.

    Raises:
        OutputError: If it is no such file.
    """
    try:
        data = json.loads(place.read_text(encoding="utf-8"))
        if not isinstance(data, dict) or data.get("schema_version") != SCHEMA_VERSION:
            raise ValueError(f"schema_version must be {SCHEMA_VERSION}")
        return adapter.validate_python(data.get("records"))
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise OutputError(
            f"{place}: holds no records of `hypotest controls`: {reason}; move it away, or choose another "
            "folder by out="
        ) from None
