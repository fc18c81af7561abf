"""The methods paragraph, ready to paste into a paper."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from hypotest.errors import OutputError
from hypotest.inference.left_out import LEFT_OUT
from hypotest.measures.registry import words_of
from hypotest.nulls.registry import SD_NULL, declared, one_sided
from hypotest.pages.document import Heading, Items, Part
from hypotest.pages.inline import link
from hypotest.predicates.combine import exchange_of
from hypotest.predicates.units import EXCHANGES
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.protocol.prediction import Margin, Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.units import unit_meaning
from hypotest.records.results.results import Results
from hypotest.records.results.sentences import sentence_list
from hypotest.registration.explained.groups import group_was
from hypotest.registration.locks.recorded import recorded_plan, without_predicates
from hypotest.report.numbers import count_text
from hypotest.report.sections.corpus import masked_words
from hypotest.report.sections.material import REPLACEMENTS
from hypotest.report.sections.sampled import changed, positions_text

RESELECTION = (
    "For comparison with other studies the group was selected again on balanced half-samples (McCarthy 1969, "
    f"doi:10.2307/1402116) of {LEFT_OUT} groups of documents, of each condition's token types, which both "
    "splits share, and of their cells, with controls drawn anew. Measures of weights have no other interval."
)
SOURCES = (
    (
        "arXiv:2509.21163",
        "https://arxiv.org/abs/2509.21163",
        "most of the measures, and the question: modular or distributed",
    ),
    (
        "arXiv:2505.12822",
        "https://arxiv.org/abs/2505.12822",
        "regimes of influence, and segregation",
    ),
    (
        "doi:10.2202/1544-6115.1585",
        "https://doi.org/10.2202/1544-6115.1585",
        "Phipson and Smyth (2010): (b + 1)/(B + 1) for randomization p-values",
    ),
    (
        "doi:10.1093/biomet/78.2.301",
        "https://doi.org/10.1093/biomet/78.2.301",
        "Besag and Clifford (1991): p-values of sequential draws",
    ),
    (
        "doi:10.1198/jbes.2010.07136",
        "https://doi.org/10.1198/jbes.2010.07136",
        "Cameron, Gelbach and Miller (2011): errors with two crossed factors",
    ),
    (
        "doi:10.1177/1948550617697177",
        "https://doi.org/10.1177/1948550617697177",
        "Lakens (2017): equivalence by two one-sided tests",
    ),
    (
        "doi:10.1007/978-1-4757-3692-2",
        "https://doi.org/10.1007/978-1-4757-3692-2",
        "Rosenbaum (2002): sensitivity to hidden bias",
    ),
)


def methods_section(results: Results, manifest: Mapping[str, Any]) -> Iterable[Part]:
    """How it was done, in one paragraph per step, with sources.

    Raises:
        OutputError: If the protocol inside the results is not one of this version.
    """
    if gone := without_predicates(manifest):
        yield Heading("Methods", copies=True)
        yield f"Not written here, since a package that the run used is not installed ({gone})."
        return
    try:
        recorded = recorded_plan(results.protocol)
    except ValidationError as error:
        raise OutputError(
            "results.json: `protocol` must be a protocol of this version; found "
            f"{error.error_count()} problems, the first: {error.errors()[0]['msg']}. "
            "Run the protocol again with this version of hypotest."
        ) from error
    protocol = recorded.plan
    yield Heading("Methods", copies=True)
    if recorded.missing:
        yield (
            f"Written without a package that the run used ({recorded.missing}): what it says of them is "
            "missing here."
        )
    masked = masked_words(results.corpus)
    yield " ".join([_preregistration(results, protocol), positions_text(protocol), *masked, _group(protocol)])
    yield " ".join([_measures(results), _nulls(protocol)])
    yield " ".join([_tests(results, protocol), _decision(protocol), _software(manifest)]).rstrip()
    yield "Sources:"
    yield sources()


def sources() -> Items:
    """What was read, with links."""
    return Items(tuple((link(name, address), f": {what}.") for name, address, what in SOURCES))


def _preregistration(results: Results, protocol: Protocol) -> str:
    source = f" (after {protocol.source})" if protocol.source else ""
    names = sentence_list(protocol.hypotheses)
    model = results.subject.get("name", protocol.subject.network or protocol.subject.name)
    return (
        f"The hypotheses {names}{source}, the outcome that each expects, the margins and the "
        "decision "
        f"rule were written into a protocol before data were collected. The subject was {model}."
    )


def _group(protocol: Protocol) -> str:
    return (
        f"A neuron's influence is the mean absolute change of {changed(protocol)} when its "
        f"activation is set to {REPLACEMENTS[protocol.ablation.replacement]} (eq. 2 and 3 of "
        f"arXiv:2509.21163); the group was {group_was(protocol)}."
        + (f" {means}" if (means := unit_meaning(protocol.subject.units)) else "")
    )


def _measures(results: Results) -> str:
    names = Conditions(*results.corpus.conditions)
    clauses = dict.fromkeys(words_of(item.measure, item.title, names).method for item in results.predictions)
    return f"Measures: {'; '.join(clauses)}."


def _nulls(protocol: Protocol) -> str:
    nulls = list(declared(protocol))
    words = [(item.null.words, item.null.words.method(item.options, protocol)) for item in nulls]
    parts = [text for of, text in words if not of.apart]
    sentences = [f"The group was compared with {sentence_list(parts)}."] if parts else []
    sentences += [text for of, text in words if of.apart]
    stops = [f"h = {count_text(stop)} for {name}" for name, stop in stops_of(protocol).items()]
    if stops:
        sentences.append(
            "Drawing stopped early once both tails held h draws at least as extreme "
            f"({sentence_list(stops)}); the one-sided p of a tail whose h-th such draw is the l-th of all is "
            "h/l (Besag and Clifford 1991, doi:10.1093/biomet/78.2.301)."
        )
    return " ".join(sentences)


def stops_of(protocol: Protocol) -> dict[str, int]:
    """Null -> h of sequential stopping, where it is declared."""
    stops = {item.name: getattr(item.options, "stop_after", None) for item in declared(protocol)}
    return {name: stop for name, stop in stops.items() if stop is not None}


def _tests(results: Results, protocol: Protocol) -> str:
    resampled = any(item.interval is not None for item in results.predictions)
    except_for = one_sided(item.name for item in declared(protocol))
    text = (
        f"Randomization p-values are two-sided{except_for} and count the"
        " observed value among the draws, (b + 1)/(B + 1) (Phipson and Smyth 2010, "
        "doi:10.2202/1544-6115.1585)."
    )
    if resampled:
        own = EXCHANGES[exchange_of(protocol)]
        of_both = (
            ""
            if own.tells_types or protocol.examples
            else "; types that occur in both conditions are left out of both at once"
        )
        text += (
            " Confidence intervals are over documents and target types, two crossed random factors: "
            "variances by the jackknife, leaving groups of documents, types and cells of both out in turn "
            f"(Cameron, Gelbach and Miller 2011, doi:10.1198/jbes.2010.07136){of_both}, with Student's t. "
            "Contrasts with a declared value and between conditions use t with the interval's standard "
            "error."
        )
    if protocol.reselects:
        text += f" {RESELECTION}"
    if protocol.placebos:
        text += (
            f" Every prediction that decides was also tested in {count_text(protocol.placebos)} pairs of "
            "make-believe conditions, random halves of the second condition's units within "
            "strata of log2 "
            f"of their counts, {_again_in_placebos(protocol)}and in one pair by mean loss; they "
            "decide nothing."
        )
    if any(item.hidden_bias is not None for item in results.predictions):
        text += (
            " For significant comparisons with matched groups, Rosenbaum's gamma is the odds ratio "
            "of membership "
            "within bins from which the worst hidden cause makes p exceed the level (Rosenbaum 2002, "
            "doi:10.1007/978-1-4757-3692-2), the cause found to first order and p by drawing under it."
        )
    margins = dict.fromkeys(
        margin_text(item.margin) for item in protocol.predictions if item.margin is not None
    )
    if margins:
        text += (
            " Equivalence was tested by two one-sided tests against the declared margins "
            f"({sentence_list(list(margins))}; Lakens 2017, doi:10.1177/1948550617697177); a "
            "difference "
            "that is not significant was never read as equivalence."
        )
    return text


def _again_in_placebos(protocol: Protocol) -> str:
    return "with the selection run again, " if protocol.group.is_selected else ""


def margin_text(margin: Margin) -> str:
    """Half-width of the range of effects that count as equivalent."""
    if margin.null_sd is not None:
        return f"{margin.null_sd:g} SDs of the {SD_NULL} null"
    if margin.ratio is not None:
        return f"{100 * margin.ratio:g} % of the null's mean"
    return f"{margin.raw:g} in the measure's unit"


def _decision(protocol: Protocol) -> str:
    decision, deciding = protocol.decision, protocol.deciding
    premises = [item for item in protocol.predictions if item.role == "premise"]
    text = (
        "A hypothesis is supported when every prediction on which it speaks has the expected "
        "outcome, "
        f"each at level {decision.level:g} (an intersection-union test); it is refuted when "
        "at least one "
        f"contradiction survives the {decision.correction.capitalize()} correction over "
        f"{_number_of(deciding)}; else it is undecided."
    )
    if any("equivalent" in outcomes for item in protocol.predictions for outcomes in item.expects.values()):
        text += (
            " Where it expects equivalence, a difference contradicts it only if the effect is shown to lie "
            "beyond the margin as well."
        )
    if premises:
        names = sentence_list([item.id for item in premises])
        text += (
            f" If the premise {names} fails, the hypotheses do not apply; if it is "
            "inconclusive or undefined, they stay undecided."
            if len(premises) == 1
            else f" If one of the premises {names} fails, the hypotheses do not apply; if "
            "one is inconclusive or undefined, they stay undecided."
        )
    return text


def _software(manifest: Mapping[str, Any]) -> str:
    versions = manifest.get("versions")
    version = manifest.get("hypotest")
    if version is None and isinstance(versions, Mapping):
        version = versions.get("hypotest")
    return f"Computed with hypotest {version}." if isinstance(version, str) else ""


def _number_of(deciding: tuple[Prediction, ...]) -> str:
    return (
        "the one deciding prediction" if len(deciding) == 1 else (f"the {len(deciding)} deciding predictions")
    )
