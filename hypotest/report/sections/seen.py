"""What was seen of a plan's evaluation documents, in words; and what no tool can see."""

from __future__ import annotations

from hypotest.records.seen import Seen, SeenBy
from hypotest.report.numbers import count_text

UNSEEN_BY_ANY_TOOL = (
    "What no tool can see: what was run on another machine or with another cache, with code of one's own, "
    "before the cache and its log were deleted, or published by others; a text that was rewritten, "
    "joined or cut, and weights that were altered, count as others."
)
_SHOWN = 5


def seen_sentence(seen: Seen, evaluation: int) -> str:
    """How many evaluation documents were seen, when and by which plans, and what is not known of it.

    Empty where none was seen, as far as any tool can know.

    Args:
        seen: From a lock.
        evaluation: Documents of the evaluation split.
    """
    parts = []
    if seen.documents:
        first, last = min(item.first for item in seen.by), max(item.last for item in seen.by)
        plans = "; ".join(map(_plan, seen.by[:_SHOWN]))
        more = f"; and {len(seen.by) - _SHOWN} more" if len(seen.by) > _SHOWN else ""
        when = f"on {_second(first)}" if first == last else f"between {_second(first)} and {_second(last)}"
        parts.append(
            f"{count_text(seen.documents)} of the {count_text(evaluation)} evaluation documents were seen "
            f"before the registration, {when}, by {plans}{more}"
        )
    if seen.unlogged_evidence:
        parts.append(
            "the cache held evidence, before the registration, of which its log of documents says nothing"
        )
    if seen.damaged_lines:
        lines = "1 line" if seen.damaged_lines == 1 else f"{count_text(seen.damaged_lines)} lines"
        parts.append(
            f"{lines} of the cache's log of documents could not be read at the registration, and may have "
            "named evaluation documents"
        )
    return "; ".join(parts)


def _plan(item: SeenBy) -> str:
    use = "evaluated" if item.use == "evaluation" else "for selection"
    plan = f"{item.plan} ({item.protocol[:12]}…, layer {item.layer})"
    return f"{plan}: {count_text(item.documents)} {use}"


def _second(time: str) -> str:
    return time[:19]
