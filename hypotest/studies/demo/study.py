"""Unpack the run that ships with hypotest: the rare-tokens protocol on the reference model.

What it holds is what `make example` wrote: results, every null draw, manifest and report of
``reports/rare-tokens/example``; figures beside them are drawn by ``hypotest report``.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from hypotest.errors import OutputError
from hypotest.records.stored.folders import replace_folder
from hypotest.report.export import manifest_digest, read_manifest
from hypotest.report.results_file import json_text
from hypotest.report.run import Run
from hypotest.studies.archive import pack as pack_files

SHIPPED = Path(__file__).with_name("run.zip")
FILES = ("results.json", "nulls.parquet", "manifest.json", "report.html")


def demo(out: str | Path = "reports/demo") -> Run:
    """A finished run to read: nothing is computed, no model is loaded.

    Args:
        out: Gets the run's folder, in the place of what an earlier demo left there.

    Raises:
        OutputError: If it cannot be written, or something else lies there.
    """
    folder = Path(out)
    if folder.exists() and any(
        item.name not in (*FILES, "figures", "report.md") for item in folder.iterdir()
    ):
        raise OutputError(f"{folder}: holds something else than a demo; name another folder with out=")
    with replace_folder(folder) as place, zipfile.ZipFile(SHIPPED) as shipped:
        for name in FILES:
            (place / name).write_bytes(shipped.read(name))
    return Run.open(folder)


def pack(run: Path, archive: Path = SHIPPED) -> None:
    """Ship a run whose manifest names what is shipped; the same files give the same bytes.

    Args:
        run: A run's folder.
        archive: Where it goes.
    """
    manifest = dict(read_manifest(run))
    manifest["files"] = {name: hashed for name, hashed in manifest["files"].items() if name in FILES}
    manifest["manifest_sha256"] = manifest_digest(manifest)
    files: dict[str, Path | bytes] = {name: run / name for name in FILES}
    pack_files({**files, "manifest.json": json_text(manifest).encode()}, archive, level=9)
