"""Putting other words in the place of names, folders and times, the same everywhere."""

from __future__ import annotations

import getpass
import os
import re
import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any

_PIECE = r"[^\s/\\'\"`,;:<>|()\[\]{}]+"
_PATHS = re.compile(
    rf"(?<![\w/:.\\])(?:/{_PIECE}(?:/{_PIECE})+|~\w*(?:/{_PIECE})+|[A-Za-z]:[\\/](?:{_PIECE}[\\/])*{_PIECE}"
    rf"|\\\\{_PIECE}(?:\\{_PIECE})+)"
)
"""Absolute paths within a text, of any system."""
_WHOLE = re.compile(r"(?:/|~\w*/|[A-Za-z]:[\\/]|\\\\)[^\n]*[^\n/\\]")
"""A text that is a path as a whole, spaces and all."""
_ENDING = re.compile(r"\.[A-Za-z0-9]{1,8}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?P<zone>Z|[+-]\d\d:\d\d)?")
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_NOBODY = frozenset(
    {
        "root", "admin", "administrator", "user", "users", "ubuntu", "debian", "runner", "build", "builder",
        "home", "localhost", "docker", "test", "jovyan", "nobody", "default", "guest",
    }
)  # fmt: skip
"""Names of users and machines that name nobody, and may stand in any text."""
_SHORTEST = 3
HIDDEN = "anonymous"
"""What stands in the place of a name."""


class Disguise:
    """What is taken out of a run's files; knows paths and times once it has seen them.

    Args:
        names: Of people, groups and machines; capitals do not matter.
    """

    def __init__(self, names: Iterable[str]) -> None:
        ordered = sorted({name.strip() for name in names if name.strip()}, key=len, reverse=True)
        self._names = (
            re.compile(rf"(?<![^\W_])(?:{'|'.join(map(re.escape, ordered))})(?![^\W_])", re.IGNORECASE)
            if ordered
            else None
        )
        self.paths: dict[str, str] = {}
        self._compiled = 0, re.compile("")
        self._times: dict[datetime, str] = {}

    def see_times(self, *values: Any) -> None:
        """Learn the times in some plain data: what is kept of them is their order."""
        seen = {_moment(match) for text in _texts(values) for match in _TIME.finditer(text)}
        self._times = {
            time: (_EPOCH + timedelta(seconds=place)).isoformat() for place, time in enumerate(sorted(seen))
        }

    def see_paths(self, *values: Any) -> None:
        """Learn the paths in some plain data."""
        for text in _texts(values):
            whole = [text] if _WHOLE.fullmatch(text) else [match.group() for match in _PATHS.finditer(text)]
            for path in whole:
                if path not in self.paths and path.strip("/\\~") != "":
                    ending = PurePosixPath(path.replace("\\", "/")).suffix
                    number = len(self.paths) + 1
                    kept = ending if _ENDING.fullmatch(ending) and not self._is_name(ending[1:]) else ""
                    self.paths[path] = f"path-{number}{kept}"

    def __call__(self, value: Any, *, times: bool = False) -> Any:
        """The same data with other words; keys count as text.

        Args:
            value: What JSON can hold.
            times: Whether times are changed as well.
        """
        if isinstance(value, dict):
            return {self._text(str(key), times): self(item, times=times) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self(item, times=times) for item in value]
        return self._text(value, times) if isinstance(value, str) else value

    def traces(self, text: str) -> Iterator[str]:
        """What is still in a text of what was to be taken out."""
        if self._names is not None and (match := self._names.search(text)):
            yield match.group()
        if self.paths and (match := self._of_paths().search(text)):
            yield match.group()

    def _is_name(self, text: str) -> bool:
        return self._names is not None and self._names.search(text) is not None

    def _of_paths(self) -> re.Pattern[str]:
        """Every path that was seen, the longest first, not within a longer name."""
        if len(self.paths) != self._compiled[0]:
            longest = sorted(self.paths, key=len, reverse=True)
            pattern = rf"(?<![\w/:.])(?:{'|'.join(map(re.escape, longest))})(?![\w-])"
            self._compiled = len(self.paths), re.compile(pattern)
        return self._compiled[1]

    def _text(self, text: str, times: bool) -> str:
        if self.paths:
            text = self._of_paths().sub(lambda match: self.paths[match.group()], text)
        if times:
            text = _TIME.sub(self._time, text)
        return text if self._names is None else self._names.sub(HIDDEN, text)

    def _time(self, match: re.Match[str]) -> str:
        time = self._times[_moment(match)]
        return time if match["zone"] else time[:19]


def own_names() -> tuple[str, ...]:
    """Names by which this user and this machine are known to it, but for those that name nobody."""
    names = {os.environ.get(name, "") for name in ("USER", "LOGNAME", "USERNAME", "HOSTNAME", "COMPUTERNAME")}
    names |= {Path.home().name, socket.gethostname(), socket.gethostname().partition(".")[0]}
    with suppress(KeyError, OSError):  # no entry for this user
        names.add(getpass.getuser())
    return tuple(sorted(item for item in names if len(item) >= _SHORTEST and item.lower() not in _NOBODY))


def _texts(values: Any) -> Iterator[str]:
    if isinstance(values, str):
        yield values
    elif isinstance(values, dict):
        for key, item in values.items():
            yield str(key)
            yield from _texts(item)
    elif isinstance(values, list | tuple):
        for item in values:
            yield from _texts(item)


def _moment(match: re.Match[str]) -> datetime:
    """To the second, as registrations have it; UTC where no zone is named."""
    time = datetime.fromisoformat(match.group())
    return (
        (time if time.tzinfo is not None else time.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)
    )
