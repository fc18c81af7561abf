"""A page for each measure, from the object that it is."""

from __future__ import annotations

from docs.made.calibrated import measure_unsimulated, rejections
from docs.made.examples import example
from docs.made.pitfalls import OF_MEASURES
from docs.made.text import docstring_of, first_line, listed, overview, paragraphs, sentence, table
from hypotest.measures.measure import ConditionMeasure, GroupMeasure, Measure
from hypotest.measures.registry import MEASURES
from hypotest.nulls.form import OF_NULLS
from hypotest.nulls.registry import NULLS
from hypotest.records.protocol.conditions import Conditions
from hypotest.report.glossary import spoken

NAMES = Conditions("first", "second")
LEVELS = {
    "group": "the activations of a group of neurons",
    "weights": "the weights of a group of neurons",
    "conditions": "the difference between the two conditions",
    "heads": "the attention heads that write to the group",
}
NUMBERS = {"routing_similarity": "1.0", "competence": "0.2"}
"""What shipped protocols compare a measure with, where that is not 0.5."""


def pages() -> dict[str, str]:
    """Every measure's, and their index."""
    rows = [
        (f"[`{name}`](../measures/{name}.md)", measure.words.of(NAMES).what, measure.words.of(NAMES).unit)
        for name, measure in MEASURES.items()
    ]
    return overview(
        "measures",
        "What a prediction can measure. Each is one file of the package; another package can add "
        "[its own](../guide/extending.md). *First* and *second* are the two conditions.",
        table(["measure", "what it says", "unit"], rows),
        {name: page(MEASURES[name]) for name in MEASURES},
    )


def _home(measure: Measure) -> object:
    # the two kinds of measure are all there are, and each has one of both
    return measure.bind if isinstance(measure, GroupMeasure) else measure.compared  # type: ignore[attr-defined]


def page(measure: Measure) -> str:
    """One measure: formula, what its outcomes say, what it is compared with, options, pitfalls, example."""
    words = measure.words.of(NAMES)
    return paragraphs(
        f"# `{measure.name}`",
        f"**{sentence(words.question)}**",
        sentence(first_line(_home(measure)).partition(": ")[2] or words.what),
        docstring_of(_home(measure)),
        table(
            ["", ""],
            [
                ("unit", words.unit),
                ("a property of", LEVELS[measure.level]),
                ("`less` means", words.less),
                ("`greater` means", words.greater),
                ("in a methods section", sentence(words.method)),
            ],
        ),
        "## In a protocol",
        _example(measure),
        _contrasts(measure),
        _options(measure),
        _beside(measure),
        _pitfalls(measure),
        example(measure.name),
        rejections(
            "against",
            lambda cell: cell.measure == measure.name,
            lambda cell: cell.null,
            measure_unsimulated(measure.name),
        ),
    )


def _contrast(measure: Measure) -> str:
    nulls = [
        name for name in NULLS if NULLS[name].form in measure.contrasts and not NULLS[name].never_decides
    ]
    if nulls:
        labels = "label_shuffled" if measure.decided_by_labels else ""
        fits = [name for name in nulls if NULLS[name].form not in ("labels",)]
        return f"{{null: {labels or (fits or nulls)[0]}}}"
    values = other_contrasts(measure)
    return values[0].replace("a number", NUMBERS.get(measure.name, "0.5")) if values else "{}"


def other_contrasts(measure: Measure) -> list[str]:
    """Those without a null, as they are written."""
    written = [form.value for form in measure.contrasts if form not in OF_NULLS]
    if isinstance(measure, ConditionMeasure) and measure.only_no_difference:
        written = [item.replace("a number", f"{measure.no_difference:g}") for item in written]
    return written


def _example(measure: Measure) -> str:
    lines = ["predictions:", "  - id: one", f"    measure: {measure.name}"]
    if measure.options:
        said = [f"{key}: {option.default}" for key, option in measure.options.items() if option.default != ""]
        if said:
            lines.append(f"    options: {{{', '.join(said)}}}   # the defaults")
    lines.append(f"    contrast: {_contrast(measure)}")
    return "```yaml\n" + "\n".join(lines) + "\n```"


def _contrasts(measure: Measure) -> str:
    accepted = [f"[`{name}`](../nulls/{name}.md)" for name in NULLS if NULLS[name].form in measure.contrasts]
    values = [f"`{item}`" for item in other_contrasts(measure)]
    return f"It can be compared with {', '.join([*accepted, *values])}. [Which null?](../which-null.md)"


def _options(measure: Measure) -> str:
    rows = [
        (
            f"`{name}`",
            option.description,
            option.required,
            f"`{option.default}`" if option.default != "" else "the first condition",
        )
        for name, option in measure.options.items()
    ]
    return table(["option", "what it is", "must be", "default"], rows)


def _beside(measure: Measure) -> str:
    said = measure.words.of(NAMES).beside
    items = [f"*{spoken(name)}*: {text}" for name, text in said.items()]
    return paragraphs("Reports show beside it, never decisive:", listed(items)) if items else ""


def _pitfalls(measure: Measure) -> str:
    items = [f"**`{form.value}` is refused**: {sentence(why)}" for form, why in measure.refused.items()]
    if measure.decided_by_labels:
        items.append("Shuffled labels decide it: whether labels mean anything is its own question.")
    elif any(NULLS[name].form in measure.contrasts for name in NULLS if name.startswith("label")):
        items.append(
            "Shuffled labels describe it and never decide: as soon as neurons are selective, their null is "
            "false whatever this measure says."
        )
    if measure.no_interval:
        when = f" with `{measure.no_interval_if}`" if measure.no_interval_if else ""
        items.append(
            f"**No interval{when}**, so that `equivalent` is never concluded: {sentence(measure.no_interval)}"
        )
    for sentence_of in (measure.words.transformed, *measure.words.transformed_if.values()):
        if sentence_of:
            items.append(sentence(sentence_of))
    if measure.limits is not None and measure.limits.__doc__:
        items.append("A report names where it applies: " + " ".join(measure.limits.__doc__.split()))
    if isinstance(measure, ConditionMeasure) and measure.level == "conditions":
        items.append(
            "It is no property of the group: it compares the conditions, whichever neurons are tested."
        )
    items += OF_MEASURES.get(measure.name, ())
    return paragraphs("## Pitfalls", listed(items)) if items else ""
