"""What the committed reports claim, by path, and what was derived beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.reference.by_hooks.table import Table

Derived = int | float | str | list[int]
REPORTS = Path(__file__).parents[4] / "reports" / "registered"


def results(name: str) -> tuple[Path, Any]:
    """Folder and results of a registered run."""
    (folder,) = (REPORTS / name).iterdir()
    return folder, json.loads((folder / "results.json").read_text(encoding="utf-8"))


def prediction(claims: Any, name: str) -> Any:
    (same,) = [p for p in claims["predictions"] if p["id"] == name]
    return same


def claimed(claims: Any, path: str) -> Any:
    """At `predictions/ID/...` (with `ladder/NULL/...`, of the variant that decides), or along plain keys.

    `overlap` is how many neurons both groups share; `verdicts/HYPOTHESIS` its status.
    """
    first, *rest = path.split("/")
    if first == "predictions":
        at = prediction(claims, rest[0])
        if rest[1] == "ladder":
            (at,) = [
                row
                for row in at["ladder"]
                if row["null"] == rest[2]
                and (
                    rest[2] != "label_shuffled"
                    or rest[0] != "specialization"
                    or row["variant"] == at["variant"]
                )
            ]
            return at[rest[3]]
        for key in rest[1:]:
            at = at[int(key)] if isinstance(at, list) else at[key]
        return at["value"] if isinstance(at, dict) and "value" in at else at
    if first == "verdicts":
        (status,) = [v["status"] for v in claims["verdicts"] if v["hypothesis"] == rest[0]]
        return status
    if first == "overlap":
        return len(set(claims["group"]["neurons"]) & set(claims["group"]["control_neurons"]))
    at = claims
    for key in path.split("/"):
        at = at[int(key)] if isinstance(at, list) else at[key]
    return at


def agree(said: Any, derived: Derived, within: float) -> bool:
    """Whether two numbers lie within a distance, two lists have the same members, two words are one."""
    if isinstance(derived, list):
        return sorted(said) == sorted(derived)
    return bool(said == derived) if isinstance(derived, str) else bool(abs(said - derived) <= within)


class Ledger(Table):
    """Rows that stand in a report, each with how far apart the two may lie, and why that far."""

    def __init__(self, run: str, claims: Any) -> None:
        super().__init__()
        self.run, self.claims = run, claims
        self.cases: list[dict[str, Any]] = []

    def claim(
        self, path: str, derived: Derived, within: float = 0.0, by: str = "exact", note: str = ""
    ) -> None:
        """What the report says at `path`, derived anew; `within` is the largest difference that agrees."""
        if isinstance(derived, float):
            derived, within = float(f"{derived:.8g}"), float(f"{within:.3g}")
        said = claimed(self.claims, path)
        agrees = agree(said, derived, within)
        if isinstance(derived, int | float):
            self.row(path, said, derived, f"{'' if agrees else 'OTHER '}within {within:.2g} {by} {note}")
        elif isinstance(derived, str):
            print(f"{path:<58} {said:>13} {derived:>13} {'' if agrees else 'OTHER':>11}  {note}", flush=True)
        else:
            shared = len(set(said) & set(derived))
            self.row(path, len(said), shared, f"{'the same' if agrees else 'OTHER'} {note}")
        case = {"kind": "claim", "run": self.run, "path": path, "derived": derived}
        self.cases.append({**case, "within": within, "by": by, "agrees": agrees})

    def fact(self, name: str, value: float, note: str = "") -> None:
        """What stands in no report, but says what its numbers mean."""
        self.say(f"{name}: {value:.5g}  {note}")
        self.cases.append({"kind": "fact", "run": self.run, "name": name, "value": float(f"{value:.6g}")})

    def today(self, said: dict[str, str]) -> None:
        """Outcomes and verdicts by the margins of today, which stand on the page of findings."""
        self.say(f"by today's margins: {said}")
        self.cases.append({"kind": "today", "run": self.run, "derived": said})
