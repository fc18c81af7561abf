"""Copies of the committed run under other names, as if other models had been run."""

from __future__ import annotations

import json
from pathlib import Path

from tests.example import AS_PUBLISHED


def other_model(
    folder: Path,
    model: str,
    shift: float = 0.0,
    source: Path = AS_PUBLISHED,
    text: str | None = None,
) -> Path:
    """Write a run of another model, whose effects lie some standard errors beside those of the committed run.

    Args:
        folder: Gets ``results.json`` and ``manifest.json``.
        model: Its Hub id.
        shift: In standard errors of each effect.
        source: The run that is copied.
        text: Name of its text; by default that of the committed run.
    """
    results = json.loads((source / "results.json").read_text(encoding="utf-8"))
    manifest = json.loads((source / "manifest.json").read_text(encoding="utf-8"))
    results["subject"]["name"] = results["protocol"]["subject"]["model"] = model
    for item in results["predictions"]:
        if item["interval_95"] is not None:
            move = shift * item["interval_95"]["standard_error"]
            item["effect"] += move
            for interval in (item["interval"], item["interval_95"]):
                interval["low"] += move
                interval["high"] += move
    manifest["hashes"]["weights"] = f"weights of {model}"
    manifest["manifest_sha256"] = f"manifest of {model}"
    if text is not None:
        manifest["hashes"]["text"] = {text: text}
    folder.mkdir(parents=True)
    (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")
    (folder / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder
