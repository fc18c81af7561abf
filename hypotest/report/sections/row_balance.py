"""The balance table: how alike the positions of both conditions are in what could explain a difference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import get_args

from hypotest.pages.document import Table, table
from hypotest.pages.inline import Inline, strong
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.protocol.design import LARGEST_IMBALANCE, MatchFactor
from hypotest.records.results.row_balance import RowBalance
from hypotest.records.results.sentences import sentence_list
from hypotest.report.numbers import fixed, share_text

WORDS = {
    "index": "place in the block",
    "target_frequency": "target's frequency, log2",
    "length": "document's length, log2",
    "loss": "loss in nats",
    "block": "block",
    "document": "document",
    "token": "current token",
    "target": "target",
}
"""What a row is called."""
_APART = "*"
LEGEND = (
    "difference: of the means, in SDs; shared: of what has no order, the share that both conditions have in "
    "common (1 - total variation distance), and in brackets what positions of one distribution would have. "
    f"{_APART}: apart by more than {LARGEST_IMBALANCE:g}. m: matched on; d: what the conditions are defined "
    "by"
)


def row_balance_table(rows: Sequence[RowBalance], names: Conditions) -> Table:
    """A row for each covariate; legible at 80 columns.

    Args:
        rows: Of one split.
        names: Of both conditions.
    """
    return table(
        ["", f"{names.first} (SD)", f"{names.second} (SD)", "difference", "shared"],
        [_cells(row) for row in rows],
        numeric=(1, 2, 3, 4),
    )


def _cells(row: RowBalance) -> tuple[Inline, ...]:
    signs = [sign for sign, holds in (("m", row.matched), ("d", row.defining)) if holds]
    name = WORDS.get(row.covariate, row.covariate) + (f" ({', '.join(signs)})" if signs else "")
    if row.shared is not None and row.by_chance is not None:
        shared = f"{share_text(row.shared)} ({share_text(row.by_chance)})"
        return (name, "", "", "", _marked(shared, row))
    assert row.first is not None and row.second is not None  # it is one of the two
    means = (f"{fixed(mean, 2)} ({fixed(sd, 2)})" for mean, sd in (row.first, row.second))
    difference = "apart" if row.difference is None else _signed(row.difference)
    return (name, *means, _marked(difference, row), "")


def _marked(text: str, row: RowBalance) -> Inline:
    """Bold and with a sign before it, which also plain text shows, where the conditions are apart in it."""
    return strong(f"{_APART} {text}") if row.is_apart else text


def imbalances(rows: Sequence[RowBalance], names: Conditions) -> Iterator[str]:
    """What a reviewer would ask of conditions that differ in more than they are defined by."""
    apart = [row for row in rows if row.is_apart and not row.defining]
    said = [_apart(row) for row in apart]
    if said:
        able = [row.covariate for row in apart if not row.matched and row.covariate in get_args(MatchFactor)]
        advice = f" `sample.match` can pair positions on {sentence_list(able)}." if able else ""
        yield (
            f"{names.first} and {names.second} positions also differ in {sentence_list(said)}: what differs "
            f"between the conditions may follow from that.{advice}"
        )
    if any(row.covariate == "target" for row in apart):
        yield (
            f"{names.first} and {names.second} targets are largely different tokens. Shuffled labels cannot "
            "tell whether neurons follow the labels or these tokens: demand the same of the target in both "
            "conditions (`all: [..., {target: ...}]`), or read what follows as about the tokens, too."
        )


def _apart(row: RowBalance) -> str:
    name = WORDS.get(row.covariate, row.covariate)
    if row.shared is not None and row.by_chance is not None:
        return f"{name} ({share_text(row.shared)} shared, {share_text(row.by_chance)} by chance)"
    return name if row.difference is None else f"{name} ({_signed(row.difference)} SD)"


def _signed(number: float) -> str:
    return f"{number:+.2f}"
