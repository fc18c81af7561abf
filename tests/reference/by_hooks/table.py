"""A table of what a run claims beside what was derived here."""

from __future__ import annotations

import time

SEED = 4711


class Table:
    """Printed row by row: claimed, derived, difference."""

    def __init__(self) -> None:
        self.start = time.time()
        print(f"{'':<58} {'claimed':>13} {'derived':>13} {'difference':>11}", flush=True)

    def head(self, title: str) -> None:
        print(f"\n== {title}   [{time.time() - self.start:.0f} s]", flush=True)

    def row(self, name: str, claimed: float, measured: float, note: str = "") -> None:
        gap = measured - claimed
        print(f"{name:<58} {claimed:>13.7g} {measured:>13.7g} {gap:>11.2e}  {note}", flush=True)

    def say(self, text: str) -> None:
        print(f"   {text}", flush=True)
