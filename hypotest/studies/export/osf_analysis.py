"""The registration's variables and analysis plan, under the headings of the OSF form."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hypotest.inference.left_out import LEFT_OUT
from hypotest.measures.measure import GroupMeasure
from hypotest.measures.plateau_flatness import WORDS as CURVES
from hypotest.measures.registry import MEASURES, filled_options
from hypotest.nulls.covariates import EXACT, TRANSFORMED, in_words
from hypotest.nulls.form import Form
from hypotest.nulls.registry import NULLS, counted_together, declared, one_sided, opponents
from hypotest.pages.document import Heading, Items, Part
from hypotest.pages.inline import Inline, joined, listed, prose
from hypotest.predicates.combine import exchange_of, needs_counts, notes_of
from hypotest.predicates.units import EXCHANGES
from hypotest.records.protocol.choices import plain
from hypotest.records.protocol.conditions import Conditions, named
from hypotest.records.protocol.design import MINIMUM_UNITS, PERMUTATIONS
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.wording import material_words
from hypotest.records.results.sentences import counted, sentence_list
from hypotest.registration.explained.doubts import doubts
from hypotest.registration.explained.meanings import limits_text
from hypotest.report.numbers import count_text, significant
from hypotest.report.sections.material import REPLACEMENTS
from hypotest.report.sections.methods import RESELECTION, margin_text, sources
from hypotest.studies.export.osf_hypotheses import label

_WHERE = {
    "group": "At the {first} positions of the evaluation split.",
    "weights": "From the weights alone.",
    "conditions": "At all positions of the evaluation split.",
    "heads": "At {first} positions of the evaluation split; the top head is chosen on the selection split.",
}


def variables(protocol: Protocol) -> Iterator[Part]:
    """Manipulated and measured variables, and what is combined."""
    yield Heading("Variables")
    yield Heading("Manipulated variables", 3)
    labels = [item.name for item in declared(protocol, Form.LABELS)]
    shuffled = (
        f" Labels {' and '.join(protocol.names)} are permuted for the null {labels[0]}." if labels else ""
    )
    heads = (
        ""
        if protocol.material == "rows"
        else " Head ablation has two levels: the head's output as computed, and zero."
    )
    yield (
        "Neuron ablation has two levels: the activation as computed, and set to "
        f"{REPLACEMENTS[protocol.ablation.replacement]}.{heads}{shuffled}"
    )
    yield Heading("Measured variables", 3)
    yield Items(tuple(_measured(item, protocol.names) for item in protocol.predictions))
    covariates = covariates_of(protocol)
    if covariates:
        named = in_words(covariates, EXACT, protocol)
        yield f"Covariates of every neuron, from the selection split: {named}."
    outcome = "the outcome" if protocol.material == "rows" else "cross-entropy"
    yield Heading("Indices", 3)
    yield (
        f"Influence is the mean of |change of {outcome}| over the positions of a condition, in nats. No "
        "score is formed across predictions; each has one outcome, and the decision rule combines outcomes."
    )


def _measured(item: Prediction, names: Conditions) -> Inline:
    measure = MEASURES[item.measure]
    options = [f"{key} {value}" for key, value in filled_options(item).items()]
    chosen = f" Options: {sentence_list(options)}." if options else ""
    both = isinstance(measure, GroupMeasure) and measure.both_conditions
    words, where = measure.words.of(names), named(_WHERE["conditions" if both else measure.level], names)
    return (
        label(item),
        f", {item.role}: {item.measure}, {words.title}. Unit: {words.unit}. Definition: "
        f"{words.method}. {where}{chosen}",
    )


def analysis_plan(protocol: Protocol) -> Iterator[Part]:
    """Tests, transformations, criteria, exclusions, missing values, exploration."""
    decision, n_deciding = protocol.decision, len(protocol.deciding)
    yield Heading("Analysis Plan")
    yield Heading("Statistical models", 3)
    yield (
        "Each prediction is one contrast. Randomization p-values are two-sided, twice the smaller tail"
        f"{one_sided(item.name for item in declared(protocol))}, and "
        "count the observed value among its B draws: (b + 1)/(B + 1) in each tail. Confidence intervals are "
        f"over documents and token types, two crossed random factors: {LEFT_OUT} groups of documents, of "
        "types and of their cells are left out in turn, with Student's t; with effectively fewer than "
        f"{MINIMUM_UNITS} documents or types there is none."
    )
    if protocol.reselects:
        yield RESELECTION
    yield Items(
        tuple(
            (label(item), f": {_contrast(item, protocol)} {_margin(item)}") for item in protocol.predictions
        )
    )
    yield Heading("Transformations", 3)
    yield joined(" ", _transformations(protocol))
    yield Heading("Inference criteria", 3)
    yield prose(
        "The level of a single test is {}. A prediction has one outcome: *equivalent* if the {} % interval "
        "of its effect lies inside the declared margin (never if less than 90 % of the null's own draws do), "
        "else *less* or *greater* if p is at most the level, else *inconclusive*. Without a margin or an "
        "interval *equivalent* is no outcome, and neither a difference that is not significant nor a value "
        "inside the margin is read as no difference.",
        f"{decision.level:g}",
        f"{100 * (1 - 2 * decision.level):g}",
    )
    corrected = ""
    if n_deciding and decision.correction == "bonferroni":
        single = significant(decision.level / n_deciding)
        corrected = f" ({decision.level:g}/{n_deciding} = {single} for a single one)"
    yield prose(
        "The correction is {} over {}{}. A hypothesis is *supported* if every prediction on which it says "
        "anything has an outcome that it expects, each at the single level; *refuted* if at least one "
        "deciding prediction has another determinate outcome and its adjusted p-value is at most the level; "
        "else *undecided*. Where it expects equivalence, a difference refutes it only if the adjusted "
        "p-value of an effect beyond the margin is at most the level too.",
        decision.correction.capitalize(),
        counted(n_deciding, "deciding prediction"),
        corrected,
    )
    if protocol.is_series:
        yield _members(protocol)
    premises = [label(item) for item in protocol.predictions if item.role == "premise"]
    if premises:
        yield prose(
            "Premises are gates: {}. If one has an unexpected outcome, no hypothesis applies; if one is "
            "inconclusive or undefined, every hypothesis stays undecided.",
            listed(premises),
        )
    yield Heading("Data exclusion", 3)
    yield joined(" ", _exclusions(protocol))
    yield Heading("Missing data", 3)
    yield prose(
        "A {} position without a {} partner is left out. If a measure or its null has no "
        "value on the evaluation split, the outcome of the prediction is *undefined*, with the reason: it "
        "leaves open every hypothesis that expects something of it, and all of them if it is a premise. "
        "Random groups for which a measure is undefined are drawn again if they are at most 5 % of a batch, "
        "and count as extreme otherwise. Documents without both conditions are left out of contrasts that "
        "are paired by document.",
        protocol.names.first,
        protocol.names.second,
    )
    yield Heading("Exploratory analysis", 3)
    yield joined(" ", _exploratory(protocol))


def _members(protocol: Protocol) -> str:
    """What is said of the members of a series together."""
    axes = ["checkpoint" if axis == "revision" else axis for axis in protocol.subject.axes]
    member, of = (axes[0], "") if len(axes) == 1 else ("combination", f" of {sentence_list(axes)}")
    text = (
        f"Each {member}{of} is a run of its own, with its own group. What refutes at one of them is asked "
        f"again with its adjusted p-values times the number of {member}s."
    )
    if any(item.contrast.trajectory for item in protocol.predictions):
        text += (
            " How an effect changes from checkpoint to checkpoint is tested by Kendall's tau against the "
            f"training step, {_over(axes)}, two-sided; nothing is concluded of it while a checkpoint has "
            "no run."
        )
    return text


def _over(axes: Sequence[str]) -> str:
    """What the p-value of a trend is over."""
    if len(axes) == 1:
        return "exact over all orders"
    return "its mean over models and layers, over orders that layers of one model share and models do not"


def _dealt_out(protocol: Protocol) -> str:
    unit = exchange_of(protocol)
    return "of whole types" if unit == "type" else EXCHANGES[unit].over


def _contrast(item: Prediction, protocol: Protocol) -> str:
    contrast, names = item.contrast, protocol.names
    if contrast.conditions is not None:
        return (
            f"the mean over {names.first} minus that over {names.second} positions, by Student's t with the "
            "standard error "
            "over documents and token types, two crossed random factors; beside it the same t under "
            f"{PERMUTATIONS:,} permutations of the labels {_dealt_out(protocol)}."
        )
    if contrast.reference is not None:
        return (
            f"the value on the evaluation split minus {contrast.reference:g}, by Student's t with the "
            "standard error of the interval."
        )
    null = NULLS[str(contrast.null)]
    if null.form is Form.LABELS and not isinstance(MEASURES[item.measure], GroupMeasure):
        return "the value on the evaluation split, among the same under labels shuffled there; described."
    they = null.words.they
    together = "".join(f" {sentence}" for sentence in counted_together(opponents(null.name)))
    return f"the value for the group minus the mean over {they}, among theirs ({null.name}).{together}"


def _margin(item: Prediction) -> str:
    if item.margin is None:
        return "No margin is declared."
    return f"The margin is {margin_text(item.margin)} on either side of no effect."


def _transformations(protocol: Protocol) -> Iterator[str]:
    if protocol.group.select == "plateau":
        yield CURVES.transformed
    if covariates_of(protocol):
        yield TRANSFORMED
    said = [MEASURES[item.measure].transformed(filled_options(item)) for item in protocol.predictions]
    yield from dict.fromkeys(sentence for sentence in said if sentence)
    yield "Nothing else is transformed, centred or recoded."


def _exclusions(protocol: Protocol) -> Iterator[str]:
    if needs_counts(*protocol.conditions.values()):
        yield "Token types that the frequency table does not count are in no range of frequency."
    yield from notes_of(protocol.conditions.values())
    if protocol.material != "rows":
        yield "The first query of a block is left out, since it sees one token."
    yield (
        f"{material_words(protocol).rows.capitalize()} are dropped at random until "
        f"there are {limits_text(protocol)}. No value is removed or changed as an outlier."
    )


def _exploratory(protocol: Protocol) -> Iterator[Inline]:
    descriptive = [label(item) for item in protocol.predictions if item.role == "descriptive"]
    if descriptive:
        yield ("Reported and never decisive: ", listed(descriptive), ".")
    yield "Every contrast on a group is also shown against all other declared nulls, which do not decide it."
    yield from doubts(protocol)
    if protocol.multiverse is not None:
        choices = [
            f"{key} ({', '.join(_value(plain(value)) for value in values)})"
            for key, values in protocol.multiverse.listed.items()
        ]
        if choices:
            yield (
                f"Other defensible choices, tested with {count_text(protocol.multiverse.draws)} draws and "
                f"never decisive: {sentence_list(choices)}."
            )
    yield "Whatever else is looked at is exploratory."


def other(protocol: Protocol) -> Iterator[Part]:
    """Literature, and how to repeat the study."""
    yield Heading("Other")
    if protocol.source:
        yield f"The claims under test: {protocol.source}."
    yield "Methods:"
    yield sources()


def _value(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def covariates_of(protocol: Protocol) -> tuple[str, ...]:
    """What the draws of the declared nulls are matched on."""
    names = (getattr(item.options, "on", ()) for item in declared(protocol))
    return tuple(dict.fromkeys(name for some in names for name in some))
