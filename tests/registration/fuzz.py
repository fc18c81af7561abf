"""Protocols damaged at random, and what must hold for each of them.

    python -m tests.registration.fuzz --mutations 10000 --seed 1

A failure can be had again: ``--seed 1 --first 4711 --mutations 1``.
"""

from __future__ import annotations

import argparse
import pathlib
import re
import resource
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass, field

from hypotest.records.protocol.protocol import Protocol
from hypotest.registration import canonical, protocol_hash, read_protocol
from tests.registration.mutations import Mutations

LONGEST_SECONDS = 10.0
"""Of the processor, for one file."""
LARGEST_ANSWER = 4_000_000
"""Characters of all messages together."""


@dataclass(slots=True)
class Failure:
    """One mutation after which something did not hold."""

    number: int
    kinds: str
    content: bytes
    what: str


@dataclass(slots=True)
class Report:
    """What a run of the fuzzer saw."""

    mutations: int = 0
    valid: int = 0
    problems: int = 0
    seconds: float = 0.0
    slowest: tuple[float, int, str] = (0.0, -1, "")
    """Seconds, number and kinds of the mutation that took longest."""
    kinds: dict[str, int] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)


def check(path: pathlib.Path, content: bytes) -> tuple[bool, int]:
    """Read a damaged protocol.

    Returns:
        Whether it is valid, and how many problems there are.

    Raises:
        AssertionError: If something does not hold that must hold for every file.
    """
    path.write_bytes(content)
    started = time.process_time()
    protocol, problems = read_protocol(path)
    seconds = time.process_time() - started
    assert seconds < LONGEST_SECONDS, f"took {seconds:.1f} s"
    assert sum(len(str(item)) for item in problems) < LARGEST_ANSWER, "says too much"
    failed = any(item.severity == "error" for item in problems)
    assert (protocol is None) is failed, "a protocol without an error, or an error without its protocol"
    n_lines = len(re.findall(rb"\r\n|\r|\n|\xc2\x85|\xe2\x80[\xa8\xa9]", content)) + 2
    for item in problems:
        match = re.fullmatch(re.escape(str(path)) + r"(?::(\d+):(\d+))?", item.where)
        assert match, f"no place: {item}"
        line, column = int(match[1] or 1), int(match[2] or 1)
        assert 1 <= line <= n_lines and 1 <= column <= len(content) + 1, f"a place outside the file: {item}"
        assert item.severity in ("error", "warning", "note")
        assert item.message and str(item).isprintable(), f"not printable: {item!r}"
        for word in ("Traceback", "Input should", "pydantic", "<class", "object at 0x"):
            assert word not in item.message, f"speaks of the program: {item}"
    if protocol is not None:
        assert re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", protocol.id), "an id that is no folder's name"
        again = Protocol.model_validate(canonical(protocol))
        assert protocol_hash(again) == protocol_hash(protocol), "another hash after reading it back"
    return protocol is not None, len(problems)


def fuzz(
    mutations: Mutations, first: int, n: int, folder: pathlib.Path, stop_after: int | None = None
) -> Report:
    """Check some mutations of a series.

    Args:
        mutations: The series.
        first: Number of the first.
        n: How many.
        folder: Gets the files, one at a time.
        stop_after: Failures after which to stop; none by default.
    """
    report = Report()
    path = folder / "mutated.yaml"
    for number in range(first, first + n):
        kinds, content = mutations[number]
        started = time.process_time()
        try:
            valid, problems = check(path, content)
        except Exception:
            report.failures.append(Failure(number, kinds, content, traceback.format_exc()))
            if len(report.failures) == stop_after:
                break
        else:
            report.valid += valid
            report.problems += problems
        seconds = time.process_time() - started
        report.mutations += 1
        report.seconds += seconds
        report.slowest = max(report.slowest, (seconds, number, kinds))
        level = ("bytes", "lines", "keys", "schema")[number % 4]
        report.kinds[level] = report.kinds.get(level, 0) + 1
    return report


def peak_megabytes() -> float:
    """Most memory that this process has had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def main() -> None:
    """Run, print numbers, leave with 1 if anything failed."""
    parser = argparse.ArgumentParser(description="Damage protocols at random and read them.")
    parser.add_argument("--mutations", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = fuzz(Mutations(chosen.seed), chosen.first, chosen.mutations, pathlib.Path(folder))
    for failure in report.failures[:20]:
        print(f"--- mutation {failure.number} of seed {chosen.seed}: {failure.kinds}", failure.what, sep="\n")
        print(failure.content[:400])
    levels = ", ".join(f"{count:,} {level}" for level, count in report.kinds.items())
    seconds, number, kinds = report.slowest
    each = 1000 * report.seconds / max(1, report.mutations)
    print(f"{report.mutations:,} mutations ({levels}): {len(report.failures)} failures")
    print(f"{report.valid:,} valid, {report.problems:,} problems, peak memory {peak_megabytes():.0f} MB")
    print(f"{each:.1f} ms each; the slowest took {seconds:.2f} s: mutation {number}, {kinds[:80]}")
    sys.exit(bool(report.failures))


if __name__ == "__main__":
    main()
