"""The files of a run against the hashes in its manifest, and against what its results give anew."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl

from hypotest.errors import HypotestError
from hypotest.records.results.results import Results
from hypotest.report.export import REPORTS, file_hashes, manifest_digest, render
from hypotest.studies.verify.conditions import other_drawing, shortened
from hypotest.studies.verify.differences import differences
from hypotest.studies.verify.record import Check, Difference

_OLDER = "the manifest holds none: it was written before hypotest kept them"


def check_manifest(manifest: Mapping[str, Any]) -> Check:
    """The manifest's hash of its own content."""
    stored = manifest.get("manifest_sha256")
    if stored is None:
        return Check("manifest.json: own hash", "not checked", _OLDER)
    digest = manifest_digest(manifest)
    if stored == digest:
        return Check("manifest.json: own hash", "agrees", shortened(digest), deviation=0.0)
    changed = Difference("manifest.json", shortened(stored), shortened(digest))
    return Check("manifest.json: own hash", "differs", "the manifest was changed after the run", (changed,))


def check_files(folder: Path, manifest: Mapping[str, Any]) -> Iterator[Check]:
    """The hash of every file, those that differ each by name."""
    stored = manifest.get("files")
    if not isinstance(stored, Mapping):
        yield Check("files of the run", "not checked", _OLDER)
        return
    hashes = file_hashes(folder)
    wrong = [name for name in sorted({*stored, *hashes}) if stored.get(name) != hashes.get(name)]
    for name in wrong:
        changed = Difference(str(name), _hash(stored.get(name)), _hash(hashes.get(name)))
        if name not in hashes:
            detail = "the run wrote it, and it is gone"
        elif name not in stored:
            detail = "the run did not write it"
        else:
            detail = "the file was changed after the run"
        yield Check(f"file {name}", "differs", detail, (changed,))
    if not wrong:
        yield Check("files of the run", "agrees", f"sha256 of {len(hashes)} files", deviation=0.0)


_FIGURES = "figures, drawn again"
_LEFT_OUT = "this copy of the run comes without"


def check_rendering(
    folder: Path, results: Results, nulls: pl.DataFrame, manifest: Mapping[str, Any]
) -> Iterator[Check]:
    """Report and figures, rendered again from the stored results and compared byte by byte."""
    others = other_drawing(manifest)
    with tempfile.TemporaryDirectory() as place:
        aside = Path(place)
        try:
            render(results, nulls, manifest, aside)
        except (HypotestError, ValueError, KeyError, TypeError) as error:
            detail = f"cannot be rendered from the stored results: {error}"
            yield Check("reports and figures", "differs", detail)
            return
        named = {name.partition("/")[0] for name in manifest.get("files", {})}
        for name in REPORTS:
            if _is_left_out(folder / name, named):
                yield Check(f"{name}, rendered again", "not checked", _LEFT_OUT)
            else:
                yield _report(folder / name, aside / name, others)
        if _is_left_out(folder / "figures", named):
            yield Check(_FIGURES, "not checked", _LEFT_OUT)
        else:
            yield _figures(folder / "figures", aside / "figures", others)


def _is_left_out(place: Path, named: set[str]) -> bool:
    """Whether the manifest speaks of no such thing, and there is none: a run that ships without it."""
    return place.name not in named and not place.exists()


def _report(stored: Path, fresh: Path, others: tuple[str, ...]) -> Check:
    name = f"{stored.name}, rendered again"
    one, two = (_lines(path) for path in (stored, fresh))
    if one == two:
        return Check(name, "agrees", f"{len(two)} lines, byte by byte", deviation=0.0)
    hypotest = next((item for item in others if item.startswith(("hypotest ", "code "))), None)
    if hypotest is not None:
        return Check(name, "not checked", f"{hypotest}; it can word reports otherwise")
    changed = [
        Difference(f"line {number + 1}", *sides)
        for number in range(max(len(one), len(two)))
        if (sides := (_line(one, number), _line(two, number)))[0] != sides[1]
    ]
    differing = tuple(part for item in changed for part in differences(item.stored, item.fresh, item.where))
    return Check(name, "differs", "the report is not what the results and the manifest give", differing)


def _figures(stored: Path, fresh: Path, others: tuple[str, ...]) -> Check:
    name = _FIGURES
    one, two = (
        {path.name: path.read_bytes() for path in folder.glob("*") if path.is_file()}
        for folder in (stored, fresh)
    )
    wrong = [file for file in sorted({*one, *two}) if one.get(file) != two.get(file)]
    if not wrong:
        return Check(name, "agrees", f"{len(two)} files, byte by byte", deviation=0.0)
    if others and set(one) == set(two):
        return Check(name, "not checked", f"{len(wrong)} of {len(two)} differ, but {'; '.join(others)}")
    changed = tuple(
        Difference(f"figures/{file}", _presence(file in one, "stored"), _presence(file in two, "drawn"))
        for file in wrong
    )
    return Check(name, "differs", "figures are not what the results give", changed)


def _presence(there: bool, how: str) -> str:
    return f"{how} with other bytes" if there else "no such file"


def _lines(path: Path) -> list[str]:
    try:
        return path.read_bytes().decode("utf-8", errors="backslashreplace").split("\n")
    except OSError:
        return []


def _line(lines: list[str], number: int) -> str:
    return lines[number] if number < len(lines) else "(no such line)"


def _hash(value: Any) -> str:
    return "no file" if value is None else shortened(value)
