"""Checks of a single prediction: its measure, options, contrast, margin and expectations."""

from __future__ import annotations

from collections.abc import Iterator

from hypotest.measures.measure import ConditionMeasure, Measure
from hypotest.measures.registry import MEASURES
from hypotest.nulls.form import OF_NULLS, Form
from hypotest.nulls.registry import NULLS, SD_NULL, declared, declared_null, form_of, names_of
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration.checks.outcomes import why_no_interval
from hypotest.registration.findings import Finding, KeyPath, shown, suggestion
from hypotest.registration.wording import unknown_key


def prediction_findings(protocol: Protocol, place: int) -> Iterator[Finding]:
    """Check one prediction of a protocol.

    Args:
        protocol: A protocol whose keys and types are right.
        place: Which prediction, counted from 0.

    Yields:
        Errors and warnings.
    """
    prediction = protocol.predictions[place]
    path: KeyPath = ("predictions", place)
    yield from vocabulary_findings(prediction, path)
    yield from _declared(protocol, prediction, path)
    if not prediction.contrast.trajectory:  # a trend has none; see `hypotest.registration.checks.series`
        yield from _margin(protocol, prediction, path)
    yield from _expectations(protocol, prediction, path)


def vocabulary_findings(prediction: Prediction, path: KeyPath) -> Iterator[Finding]:
    """Check that measure, options and contrast are words of the language and go together.

    Args:
        prediction: Its other keys are not looked at.
        path: Where it stands.

    Yields:
        Errors.
    """
    measure = MEASURES.get(prediction.measure)
    if measure is None:
        known = ", ".join(MEASURES)
        meant = suggestion(prediction.measure, MEASURES) or f"; known measures: {known}"
        message = f"unknown measure {shown(prediction.measure)}{meant}"
        yield Finding((*path, "measure"), message)
    else:
        yield from _options(prediction, measure, path)
    yield from _contrast(prediction, measure, path)


def _options(prediction: Prediction, measure: Measure, path: KeyPath) -> Iterator[Finding]:
    read = ((*path, "measure"),)
    for name, value in prediction.options.items():
        option = measure.options.get(name)
        at = (*path, "options", name)
        if option is None:
            message = unknown_key(name, tuple(measure.options))
            if not measure.options:
                message += f"; {measure.name} has no options: remove it"
            yield Finding(at, message, at_key=True, depends=read)
        elif not option.accepts(value):
            meant = suggestion(value, option.choices)
            message = f"must be {option.required}; found {shown(value)}{meant}"
            yield Finding(at, message, depends=read)


def _contrast(prediction: Prediction, measure: Measure | None, path: KeyPath) -> Iterator[Finding]:
    null = prediction.contrast.null
    at = (*path, "contrast")
    if null is not None and null not in NULLS:
        message = f"must be one of {', '.join(NULLS)}; found {shown(null)}{suggestion(null, NULLS)}"
        yield Finding((*at, "null"), message)
        return
    form = form_of(prediction.contrast)
    allowed = measure.contrasts if measure else tuple(Form)
    forms = _either_of(allowed)
    if form is None:
        given = prediction.contrast.model_dump(exclude_none=True)
        yield Finding(at, f"must be {forms}; found {', '.join(given) or 'nothing'}")
    elif measure is not None and form not in allowed:
        reason = measure.refused.get(form)
        if reason:
            what = "a reference value" if form is Form.REFERENCE else form
            message = f"{measure.name} is not compared with {what}: {reason}"
        else:
            written = f"{{null: {prediction.contrast.null}}}" if form in OF_NULLS else form
            message = f"{measure.name} can be compared by {forms}; found {written}"
        yield Finding(at, message, depends=((*path, "measure"),))
    elif form is Form.REFERENCE and isinstance(measure, ConditionMeasure) and measure.only_no_difference:
        number, chance = prediction.contrast.reference, measure.no_difference
        if number != chance:
            message = (
                f"{measure.name} is compared with {chance:g} alone, found {number:g}: "
                f"{measure.only_no_difference}; write {{reference: {chance:g}}}"
            )
            yield Finding((*at, "reference"), message, depends=((*path, "measure"),))


def _either_of(forms: tuple[Form, ...]) -> str:
    """Forms in words: nulls that can stand in the same place share one pair of braces."""
    nulls = names_of(forms)
    others = [str(form) for form in forms if form not in OF_NULLS]
    return " or ".join([f"{{null: {' | '.join(nulls)}}}", *others] if nulls else others)


def _declared(protocol: Protocol, prediction: Prediction, path: KeyPath) -> Iterator[Finding]:
    null = prediction.contrast.null
    known = NULLS.get(null) if null is not None else None
    if known is not None and declared_null(protocol, null) is None:
        names = ", ".join(item.name for item in declared(protocol))
        message = (
            f"must be declared under nulls; found {null}, declared are {names or 'none'}: add `{null}: {{}}` "
            "there"
        )
        yield Finding((*path, "contrast", "null"), message, depends=(("nulls",),))
    if known is not None and known.never_decides and prediction.role != "descriptive":
        yield Finding((*path, "contrast", "null"), known.never_decides, depends=(path,))
    yield from _conditions(protocol, prediction, path)
    yield from _shuffled_labels(prediction, path)
    for name in prediction.expects:
        if name not in protocol.hypotheses:
            meant = suggestion(name, protocol.hypotheses)
            names = ", ".join(protocol.hypotheses)
            message = f"must be one of the hypotheses {names}; found {name}{meant}"
            yield Finding((*path, name), message, depends=(("hypotheses",),), at_key=True)


def _conditions(protocol: Protocol, prediction: Prediction, path: KeyPath) -> Iterator[Finding]:
    """Names of conditions, and nulls on which nothing may rest with these."""
    names = protocol.names
    depends: tuple[KeyPath, ...] = (("conditions",),)
    given = prediction.contrast.conditions
    if given is not None and tuple(given) != tuple(names):
        message = (
            f"must be [{', '.join(names)}], the difference of the first condition and the second; found "
            f"[{', '.join(map(shown, given))}]"
        )
        yield Finding((*path, "contrast", "conditions"), message, depends=depends)
    measure = MEASURES.get(prediction.measure)
    for name, value in prediction.options.items():
        option = measure.options.get(name) if measure else None
        if (
            option is not None
            and option.is_condition
            and isinstance(value, str)
            and value not in (*names, "")
        ):
            message = f"must be {' or '.join(names)}; found {shown(value)}{suggestion(value, names)}"
            yield Finding((*path, "options", name), message, depends=(*depends, (*path, "measure")))
    null = declared_null(protocol, prediction.contrast.null)
    if null is not None and prediction.role != "descriptive" and not null.null.unfit(null.options, protocol):
        message = null.null.only_describes(null.options, protocol)
        if message:
            yield Finding((*path, "contrast", "null"), message, depends=(*depends, ("nulls",), path))


def _shuffled_labels(prediction: Prediction, path: KeyPath) -> Iterator[Finding]:
    """Labels that mean nothing are the null of the premise, and of nothing else."""
    measure = MEASURES.get(prediction.measure)
    shuffled = form_of(prediction.contrast) is Form.LABELS
    if not shuffled or prediction.role == "descriptive" or measure is None:
        return
    if not measure.decided_by_labels and Form.LABELS in measure.contrasts:
        instead = (
            f"contrast with {names_of([Form.GROUPS])[-1]}, or write `role: descriptive`"
            if Form.GROUPS in measure.contrasts
            else "write `role: descriptive`"
        )
        message = (
            f"shuffled labels decide selectivity only: for {measure.name} their null is false as soon as the "
            f"neurons are selective, whatever {measure.name} has to do with it; {instead}"
        )
        yield Finding((*path, "contrast", "null"), message, depends=(path,))


def _margin(protocol: Protocol, prediction: Prediction, path: KeyPath) -> Iterator[Finding]:
    margin = prediction.margin
    at = (*path, "margin")
    form = form_of(prediction.contrast)
    if margin is None:
        yield from _no_margin(prediction, form, path)
        return
    contrast = ((*path, "contrast"),)
    in_sizes = protocol.group.size_varies and form in OF_NULLS
    if margin.null_sd is not None:
        if form is not None and form not in OF_NULLS:
            message = f"null_sd needs a contrast with a null; found {form}: give raw"
            yield Finding((*at, "null_sd"), message, depends=contrast)
        elif form is not None and SD_NULL not in (
            *(item.name for item in declared(protocol)),
            prediction.contrast.null,
        ):
            # With that null as the contrast, that it is not declared has been said.
            message = (
                f"null_sd is the SD of random groups; declare `{SD_NULL}: {{}}` under nulls, or give raw"
            )
            if protocol.group.is_whole:
                message = (
                    "null_sd is the SD of random groups, and the whole layer has none: give raw or ratio"
                )
            yield Finding((*at, "null_sd"), message, depends=(("nulls",), ("group",)))
    if margin.raw is not None and in_sizes:
        message = (
            "with `select: plateau` the data set the group's size, and what a raw difference means changes "
            f"with it; found raw: {margin.raw:g}: give null_sd, such as `margin: {{null_sd: 2}}`"
        )
        yield Finding((*at, "raw"), message, depends=(("group",), *contrast))
    if margin.ratio is not None and form is not None and form not in OF_NULLS:
        message = f"ratio is a share of the null's mean; {form} has no null: give raw"
        yield Finding((*at, "ratio"), message, depends=contrast)


def _no_margin(prediction: Prediction, form: Form | None, path: KeyPath) -> Iterator[Finding]:
    expecting = [name for name, outcomes in prediction.expects.items() if "equivalent" in outcomes]
    if expecting:
        message = (
            f"equivalent is no outcome without a margin; {', '.join(expecting)} expects it: add "
            "`margin:`, the smallest effect of interest"
        )
        yield Finding((*path, expecting[0]), message, depends=(path,))
    elif prediction.role == "deciding" and form is not Form.REFERENCE:
        # A reference value is a threshold that the author has chosen: beyond it is what was meant.
        message = (
            "has no margin, so that any significant difference counts, however small, and "
            "equivalent is no outcome; add `margin:`, the smallest effect of interest"
        )
        yield Finding(path, message, "warning", depends=(path,))


def _expectations(protocol: Protocol, prediction: Prediction, path: KeyPath) -> Iterator[Finding]:
    outcomes = {name: frozenset(prediction.expects.get(name, ())) for name in protocol.hypotheses}
    spoken = {name: expected for name, expected in outcomes.items() if expected}
    depends = (path, ("hypotheses",))
    for name, expected in prediction.expects.items():
        if len(set(expected)) < len(expected):
            message = f"must name each outcome once; found {', '.join(expected)}"
            yield Finding((*path, name), message)
    if prediction.role == "premise":
        if not spoken:
            message = (
                "a premise needs an expectation, or nothing can fail; write it under "
                f"{' and '.join(protocol.hypotheses)}"
            )
            yield Finding(path, message, depends=depends)
        elif len(set(spoken.values())) > 1:
            message = (
                "a premise is what all hypotheses need, and they expect different outcomes; make "
                "them equal, or remove `role: premise`"
            )
            yield Finding((*path, "role"), message, depends=depends)
    elif prediction.role == "descriptive" and spoken:
        message = (
            "a descriptive prediction never decides, so that expectations "
            f"({', '.join(spoken)}) are not used; remove them, or remove `role: descriptive`"
        )
        yield Finding((*path, "role"), message, "warning", depends=depends)
    elif prediction.role == "deciding" and not spoken:
        message = "no hypothesis expects anything of it; write what they expect, or `role: descriptive`"
        yield Finding(path, message, "warning", depends=depends)
    elif prediction.role == "deciding" and len(outcomes) > 1 and len(set(outcomes.values())) == 1:
        message = (
            "all hypotheses expect the same, so it cannot tell them apart; let them differ, or "
            "write `role: premise` or `role: descriptive`"
        )
        yield Finding(path, message, "warning", depends=depends)
    expecting = [name for name, expected in spoken.items() if "equivalent" in expected]
    why = why_no_interval(prediction, reselection=protocol.reselects)
    if expecting and why and prediction.margin is not None:
        message = (
            f"{', '.join(expecting)} expects equivalent, which is never concluded here: {why}; expect less "
            "or greater, or take another measure or estimator"
        )
        yield Finding((*path, expecting[0]), message, "warning", depends=(path,))
