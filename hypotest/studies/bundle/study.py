"""Packing a run: its folder, its protocol with lock and registry, and the evidence behind its numbers.

```
bundle.json                                       what this is, and what is not in it
run/...                                           the run's folder
protocol/<name>.yaml, <name>.lock.json, registry.jsonl
cache/evidence/<key>/..., cache/other-networks/<key>/...
```
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hypotest.collect.evidence_folder import evidence_digest, is_collected
from hypotest.engine.progress import StartStage, silent
from hypotest.engine.session import cache_folder
from hypotest.errors import EvidenceError, OutputError, ProtocolError
from hypotest.pages.notebook import show_as
from hypotest.pipeline.cache.contents import EVIDENCE, FINISHED_LESIONS
from hypotest.pipeline.cache.needed import keys_of
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.results import Results
from hypotest.records.stored.files import file_obstacle, require_run
from hypotest.registration.locks.lock import lock_file
from hypotest.registration.locks.recorded import stored_plan
from hypotest.registration.locks.registry import REGISTRY
from hypotest.report.export import read_manifest
from hypotest.report.progress_in_notebook import stages_shown
from hypotest.report.run import Run
from hypotest.studies.archive import pack
from hypotest.studies.bundle.anonymous import FILE, make_anonymous, require_no_traces
from hypotest.studies.bundle.page import bundled_page
from hypotest.studies.bundle.record import Bundled
from hypotest.studies.verify.conditions import section
from hypotest.studies.verify.protocol_file import find_protocol
from hypotest.studies.verify.unpacked import CACHE, CONTENTS, PROTOCOL, RUN, VERSION

show_as(Bundled, bundled_page)

Files = dict[str, Path | bytes]
"""Name within the bundle -> a file, or its content."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What goes into a bundle."""

    files: Files
    protocol: str | None
    """Name of the protocol's file; None without one."""
    left_out: tuple[str, ...]


def bundle(
    run: Run | str | Path,
    *,
    out: str | Path | None = None,
    small: bool = False,
    anonymous: bool = False,
    hide: Sequence[str] = (),
    protocol: str | Path | None = None,
    start_stage: StartStage | None = None,
) -> Bundled:
    """Pack a run into one file that `hypotest.verify` checks on a machine without cache and model.

    The same run gives the same bytes.

    Args:
        run: A run, or its folder.
        out: The file, which is replaced; default: beside the run's folder, with its name; with ``anonymous``
            ``anonymous.zip``.
        small: Leave the evidence out. What follows from stored draws and intervals can still be checked:
            p-values, margins, outcomes, verdicts; that these follow from the evidence cannot.
        anonymous: For double-blind review: names of user and machine, folders, times, hardware and the place
            in a git repository are taken out of every file, and all hashes are made anew. Nothing is written
            if a name is left anywhere.
        hide: With ``anonymous``, further names of people and groups.
        protocol: The protocol's file, beside which lock and registry lie; default: as for `hypotest.verify`.
        start_stage: Told of each stage and its number of steps; if not given, a notebook shows a line.

    Returns:
        The file, with what is in it and what is not.

    Raises:
        OutputError: If the folder is not that of a single run, or the bundle cannot be written.
        EvidenceError: If evidence is not in the cache, or is not what the run used.
        ProtocolError: If there is no such protocol, or ``hide`` has no use.
    """
    if hide and not anonymous:
        raise ProtocolError("hide= names what anonymous=True takes out: ask for that, or leave it out")
    folder = run.folder if isinstance(run, Run) else Path(run)
    _require_single(folder)
    if protocol is not None and (obstacle := file_obstacle(protocol)):
        raise ProtocolError(f"protocol={protocol}: {obstacle}")
    finished = Run.open(folder)
    name = "anonymous" if anonymous else folder.resolve().name
    file = _target(folder, folder.parent / f"{name}.zip" if out is None else Path(out))
    shown = stages_shown(start_stage)
    evidence: Files = {} if small else evidence_files(finished.manifest, cache_folder(), shown)
    small_words = ["the evidence (small)"] if small else []
    path = find_protocol(plan_of(finished.results), finished.manifest, protocol)
    if not anonymous:
        parts = _run_and_protocol(finished, path)
        return write_bundle(file, parts, evidence, (*parts.left_out, *small_words), shown, small=small)
    known = (folder, cache_folder(), Path.home(), Path(), *(() if path is None else (path,)))
    with tempfile.TemporaryDirectory() as place:
        made = make_anonymous(finished, path, hide, Path(place), known)
        files: Files = {f"{RUN}/{name}": item for name, item in _files_of(made.folder)}
        files |= {f"{PROTOCOL}/{name}": item for name, item in _files_of(made.protocol)}
        require_no_traces({**files, **evidence}, made.disguise)
        left_out = (*made.left_out, *small_words)
        parts = Parts(files, FILE, left_out)
        return write_bundle(file, parts, evidence, left_out, shown, small=small, taken_out=made.taken_out)


def write_bundle(
    file: Path,
    parts: Parts,
    evidence: Files,
    left_out: tuple[str, ...],
    start_stage: StartStage = silent,
    *,
    small: bool,
    taken_out: tuple[str, ...] = (),
) -> Bundled:
    """Write a bundle.

    Args:
        file: Where it goes.
        parts: Run and protocol.
        evidence: From `evidence_files`.
        left_out: In words.
        start_stage: Told of each file.
        small: Whether the evidence is not in it.
        taken_out: What was made anonymous, in words.

    Raises:
        OutputError: If it cannot be written.
    """
    told = {
        "bundle": VERSION,
        "hypotest": version("hypotest-nn"),
        "protocol": parts.protocol,
        "evidence": not small,
        "left_out": list(left_out),
        "taken_out": list(taken_out),
    }
    text = json.dumps(told, indent=2, ensure_ascii=False) + "\n"
    files = {CONTENTS: text.encode(), **parts.files, **evidence}
    pack(files, file, on_file=start_stage("packing", len(files)))
    return Bundled(file, file.stat().st_size, len(files), not small, left_out, taken_out)


def evidence_files(manifest: Mapping[str, Any], cache: Path, start_stage: StartStage = silent) -> Files:
    """Every file of the evidence that a manifest names.

    Args:
        manifest: Of a run.
        cache: The cache's folder.
        start_stage: Told of each split that is read.

    Raises:
        EvidenceError: If some is missing, damaged, or not what the run used.
    """
    named = {kind: list(keys) for kind, keys in keys_of(manifest).items()}
    missing = [key for kind, keys in named.items() for key in keys if not _is_there(cache / kind / key)]
    if missing:
        total = sum(map(len, named.values()))
        raise EvidenceError(
            f"{len(missing)} of {total} parts of the run's evidence are not in {cache} (HYPOTEST_CACHE), "
            f"{missing[0]} among them: `hypotest run PROTOCOL` collects them anew; small=True bundles without"
        )
    own, digests = section(manifest, "evidence"), section(manifest, "evidence_sha256")
    splits = ("selection", "evaluation")
    step = start_stage("reading the evidence", len(splits))
    for split in splits:
        key, stored = own.get(split), digests.get(split)
        if key is not None and stored is not None and evidence_digest(cache / EVIDENCE, str(key)) != stored:
            raise EvidenceError(f"{cache / EVIDENCE / str(key)} is not the evidence that the run used")
        step()
    return {
        f"{CACHE}/{kind}/{key}/{name}": path
        for kind, keys in named.items()
        for key in keys
        for name, path in _files_of(cache / kind / key)
    }


def _is_there(folder: Path) -> bool:
    return is_collected(folder.parent, folder.name) or (folder / FINISHED_LESIONS).is_file()


def _files_of(folder: Path) -> Iterator[tuple[str, Path]]:
    """Plain files below a folder, without what killed runs left."""
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path.is_file() and not path.is_symlink() and not any(part.startswith(".") for part in name.parts):
            yield name.as_posix(), path


def _run_and_protocol(run: Run, path: Path | None) -> Parts:
    """The run's folder as it is, and what lies beside its protocol."""
    manifest, left_out = read_manifest(run.folder), []
    written = manifest.get("files")
    names = {"manifest.json", *(written if isinstance(written, Mapping) else ())}
    inside = dict(_files_of(run.folder))
    files: Files = {f"{RUN}/{name}": path for name, path in inside.items() if not written or name in names}
    if strange := sorted(name for name in inside if written and name not in names):
        more = f" and {len(strange) - 1} more" if len(strange) > 1 else ""
        left_out.append(f"{strange[0]}{more}, which the run did not write")
    if path is None:
        left_out.append("the protocol's file, which was not found: protocol= names it")
        return Parts(files, None, tuple(left_out))
    files[f"{PROTOCOL}/{path.name}"] = path
    registration = run.results.registration
    if registration is not None and registration.lock is not None:
        for place in (lock_file(path), path.with_name(REGISTRY)):
            if place.is_file():
                files[f"{PROTOCOL}/{place.name}"] = place
            else:
                left_out.append(f"{place.name}, which is not beside the protocol")
    return Parts(files, path.name, tuple(left_out))


def plan_of(results: Results) -> Protocol | None:
    """The plan that results hold; None if it is none of this version."""
    try:
        return stored_plan(results.protocol)
    except (ValidationError, ValueError):
        return None


def _require_single(folder: Path) -> None:
    """Refuse what is no run; of a series, say which of its runs can be bundled."""
    members = [place.parent for place in sorted(folder.glob("*/results.json"))]
    if members and not (folder / "results.json").is_file():
        several = f"{len(members)} runs, each of which" if len(members) > 1 else "1 run, which"
        raise OutputError(f"{folder}: holds {several} can be bundled: `hypotest bundle {members[0]}`")
    require_run(folder)


def _target(folder: Path, file: Path) -> Path:
    """Where the bundle goes, if it can."""
    if file.is_dir():
        raise OutputError(f"out={file}: must be a file; found a folder: name a file in it")
    if file.resolve().is_relative_to(folder.resolve()):
        raise OutputError(f"out={file}: must lie outside the run's folder, which stays as the run left it")
    return file
