"""The same protocol on other divisions of the documents: one split is a lottery."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from statistics import median

from hypotest.pages.document import Heading, Part, table
from hypotest.pages.inline import Inline, strong
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.records.results.results import Results
from hypotest.report.numbers import decimals_for, fixed, p_text


def splits_line(results: Results) -> str:
    """``10 splits: modular refuted in 9, undecided in 1; ...``; empty where there is only one."""
    if not results.split_verdicts:
        return ""
    parts = [
        f"{hypothesis} "
        + ", ".join(f"{status} in {count}" for status, count in Counter(statuses).most_common())
        for hypothesis, statuses in results.split_verdicts.items()
    ]
    return f"{_number(results)} splits: {'; '.join(parts)}"


def splits_section(results: Results) -> Iterable[Part]:
    """How outcomes and verdicts spread; nothing where there is only one split."""
    if not results.split_verdicts:
        return
    number = _number(results)
    yield Heading("Other splits")
    yield (
        f"Selection and evaluation were repeated on {number} seeded divisions of the documents. The first "
        "is the declared one and decides; the others show how far the outcomes depend on it."
    )
    yield table(
        ["hypothesis", "declared split", f"all {number} splits"],
        [
            (hypothesis, strong(statuses[0]), _counts(statuses))
            for hypothesis, statuses in results.split_verdicts.items()
        ],
    )
    rows = [_row(item) for item in results.predictions if item.splits]
    if rows:
        head = ["prediction", "declared split", f"all {number} splits"]
        yield table(
            [*head, "effect: median [lowest, highest]", "p: median [lowest, highest]"], rows, numeric=(3, 4)
        )


def _number(results: Results) -> int:
    return max(map(len, results.split_verdicts.values()))


def _row(item: PredictionResult) -> list[Inline]:
    effects = [split.effect for split in item.splits if split.effect is not None]
    decimals = decimals_for(max(effects) - min(effects) if effects else None, tuple(effects))
    p_values = [split.p_value for split in item.splits if split.p_value is not None]
    effect = p_range = ""
    if effects:
        effect = f"{fixed(median(effects), decimals)} [{fixed(min(effects), decimals)}, "
        effect += f"{fixed(max(effects), decimals)}]"
    if p_values:
        p_range = f"{p_text(median(p_values))} [{p_text(min(p_values))}, {p_text(max(p_values))}]"
    return [
        item.id,
        strong(item.splits[0].outcome),
        _counts([split.outcome for split in item.splits]),
        effect,
        p_range,
    ]


def _counts(words: Sequence[str]) -> str:
    return ", ".join(f"{word} {count}" for word, count in Counter(words).most_common())
