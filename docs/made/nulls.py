"""A page for each null, from the object that it is."""

from __future__ import annotations

import re

from docs.made.calibrated import null_unsimulated, rejections
from docs.made.examples import example_of_null
from docs.made.language import keys_of
from docs.made.pitfalls import OF_NULLS
from docs.made.text import docstring_of, first_line, listed, overview, paragraphs, sentence, table
from hypotest.measures.registry import MEASURES
from hypotest.nulls.null import Null
from hypotest.nulls.registry import NULLS
from hypotest.records.protocol.conditions import Conditions
from hypotest.registration.template import shipped_plan

NAMES = Conditions("first", "second")


def pages() -> dict[str, str]:
    """Every null's, and their index."""
    rows = [
        (
            f"[`{name}`](../nulls/{name}.md)",
            _in_short(null),
            "never" if null.never_decides else "yes",
        )
        for name, null in NULLS.items()
    ]
    return overview(
        "nulls",
        "What a group is compared with, from weak questions to strict ones. A protocol names the one that decides; "
        "a report shows them all. [Which null?](../which-null.md)",
        table(["null", "what it asks", "decides"], rows),
        {name: page(NULLS[name]) for name in NULLS},
    )


def _question(null: Null) -> str:
    """What it asks; of one that is drawn in several ways, in the first of them."""
    return null.words.question_of(null.words.variants[0], NAMES)


def _units(null: Null) -> list[tuple[str, str]]:
    """The units over which labels are dealt out, each with what it means; empty for a null of one kind."""
    said = {variant: null.words.question_of(variant, NAMES) for variant in null.words.variants if variant}
    return [
        (f"`{variant}`", found[1].strip())
        for variant, text in said.items()
        if (found := re.search(r"dealt out (.*?)(?: at random|\.$)", text))
    ]


def _in_short(null: Null) -> str:
    """Its question in a cell: that of the first variant without what else follows, and the others by name."""
    units = [name for name, _ in _units(null)]
    if not units:
        return _question(null)
    return f"{_question(null).partition('?')[0]}? Or over another unit: {', '.join(units[1:])}."


def page(null: Null) -> str:
    """One null: what it asks, what is drawn, options, what it cannot show."""
    plan = shipped_plan("rare-tokens")
    options = null.resolved(getattr(plan.nulls, null.name) or null.options(), plan)
    question, units = _question(null), _units(null)
    measures = [
        f"[`{name}`](../measures/{name}.md)" for name in MEASURES if null.form in MEASURES[name].contrasts
    ]
    return paragraphs(
        f"# `{null.name}`",
        f"**{sentence(question)}**",
        paragraphs("Labels are dealt out:", table(["unit", "over what"], units)) if units else "",
        _drawn(null),
        docstring_of(null.compare),
        "## What is drawn",
        f"In the shipped protocol: {null.words.explained(options, plan)}.",
        "In a methods section: " + sentence(null.words.method(options, plan)),
        "## In a protocol",
        f"```yaml\nnulls:\n  {null.name}: {{{null.number}: {null.n_draws(null.options())}}}\n```",
        keys_of(null.options),
        f"Measures that accept it: {', '.join(measures)}.",
        _pitfalls(null),
        example_of_null(null.name),
        rejections(
            "measure",
            lambda cell: _is_of(null, cell.null),
            lambda cell: _row(null, cell.measure, cell.null),
            null_unsimulated(null.name),
        ),
    )


def _drawn(null: Null) -> str:
    """The first sentence of a null's file, without what it calls itself."""
    said = first_line(null.compare)
    return sentence(said.partition(": ")[2] or said)


def _is_of(null: Null, name: str) -> bool:
    return name in {known for known, _ in null.ids()}


def _row(null: Null, measure: str, name: str) -> str:
    return measure if name == null.name else f"{measure}, {name.removeprefix(null.name).strip()}"


def _pitfalls(null: Null) -> str:
    items = []
    if null.never_decides:
        items.append(f"It never decides: {sentence(null.never_decides)}")
    if null.together:
        with_it = [
            name for name, other in NULLS.items() if other.together == null.together and other is not null
        ]
        items.append(f"It counts together with {', '.join(with_it)}: {null.together}; the largest p counts.")
    if null.no_placebo:
        items.append(f"Placebos say nothing of it: {sentence(null.no_placebo)}")
    if null.imbalance_blocks:
        items.append("Nothing is concluded where its draws differ too much from the group in a covariate.")
    if null.of_placebos:
        items.append(sentence(null.of_placebos))
    if null.alternative != "two-sided":
        items.append(f"One-sided: draws count as extreme where the group is {null.alternative}.")
    items += OF_NULLS.get(null.name, ())
    return paragraphs("## Pitfalls", listed(items)) if items else ""
