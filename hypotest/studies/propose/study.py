"""A template fitted to another model and text: every value that does not fit is changed, and it is said why.

Nothing of the evaluation is looked at: a tokenizer, a configuration and counts of tokens are all that is
read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

from hypotest.corpora.blocks import Blocks
from hypotest.engine.progress import StartStage, silent
from hypotest.errors import CorpusError, ProtocolError
from hypotest.ladder.distinct import Distinct, count_distinct
from hypotest.pipeline.checks.remedies import changed
from hypotest.pipeline.subject import layer_width
from hypotest.pipeline.texts.beginning import first_token
from hypotest.pipeline.texts.positions import blocks_in
from hypotest.pipeline.texts.reading import read_text
from hypotest.pipeline.texts.rows import TextRows, draw, rows_of
from hypotest.predicates.alternatives import with_value
from hypotest.predicates.combine import Definitions
from hypotest.predicates.variations import differences, wider
from hypotest.records.protocol.design import MINIMUM_UNITS
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration.template import Started, patterns_of, start_from, template_plan
from hypotest.studies.propose.asked import group_of, material_of
from hypotest.studies.propose.record import ProposedChange
from hypotest.subjects.loading.loading import load_reader

_ENOUGH = 1024
"""Positions per condition with which a search for more ends."""
_CAPS = (4, 16, 64)
"""Times the positions that one document may give."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What was written, and what differs from the template."""

    started: Started
    changes: tuple[ProposedChange, ...]
    notes: tuple[str, ...]
    """What could not be mended by a value."""


@dataclass(frozen=True, slots=True, eq=False)
class _Material:
    """What the choice rests on."""

    text: TextRows
    n_neurons: int | None


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """A plan on the text at hand."""

    changes: tuple[ProposedChange, ...]
    most: int
    """Positions per condition that can be had."""
    short: tuple[Distinct, ...]
    """Nulls with too few distinct draws."""


def propose(
    template: str,
    path: str | os.PathLike[str] | None,
    model: str,
    texts: Sequence[str] = (),
    *,
    start_stage: StartStage = silent,
) -> Proposal:
    """Write a template for another model and text, with values that fit.

    Args:
        template: Its name.
        path: Of the protocol to write; as for `hypotest.registration.template.start_protocol`.
        model: A Hub id, a name that hypotest knows, or a folder or file seen from the current folder.
        texts: Files, folders and patterns seen from the current folder; the template's text if empty.
        start_stage: Told of reading and counting, for progress.

    Raises:
        ProtocolError: If there is no such template, or the file exists.
        SubjectError: If the tokenizer or configuration cannot be had.
        CorpusError: If the text cannot be read, or is too small for any values that were tried.
    """
    plan, target = template_plan(template, path)
    base = target.parent
    if plan.examples is not None:
        return _of_examples(template, plan, target, model, texts)
    named = tuple(material_of(plan, base, model, texts, patterns_of(template)))
    plan = _with(plan, named)
    corpus = plan.text
    reader = load_reader(plan.subject.name, base=base)
    context = min(corpus.context, reader.context)
    shape: list[ProposedChange] = []
    if context < corpus.context:
        why = f"the model takes at most {context} tokens"
        shape.append(ProposedChange("corpus.context", corpus.context, context, why))
    n_neurons = layer_width(plan, reader, base)
    shape += group_of(plan, n_neurons)
    plan = _with(plan, shape)
    documents, _ = read_text(corpus.text, base, "corpus.text", start_stage)
    first = first_token(plan, reader)
    blocks = blocks_in(plan, documents, reader, first)
    if blocks.n_documents < 2:
        raise CorpusError(
            "corpus.text: the text is one document, and neurons are selected on some documents and measured "
            "on others: give several files, or one with a document in each row (.jsonl, .csv, .parquet)"
        )
    text = rows_of(plan, base, blocks, documents, reader, int(first is not None), start_stage)
    fit = _best(plan, _Material(text, n_neurons))
    changes = (*named, *shape, *fit.changes)
    return Proposal(
        started=start_from(template, target, {item.key: (item.new, item.why) for item in changes}),
        changes=changes,
        notes=tuple(_notes(plan, blocks, fit)),
    )


def _of_examples(template: str, plan: Protocol, target: Path, model: str, texts: Sequence[str]) -> Proposal:
    """A template that brings its examples: the model is another one, and the size of the group."""
    if texts:
        raise ProtocolError(
            f"the template {template} has examples, which it brings, and reads no text: leave out text=, "
            "and put examples of your own into its table"
        )
    named = tuple(material_of(plan, target.parent, model, (), ()))
    plan = _with(plan, named)
    reader = load_reader(plan.subject.name, base=target.parent)
    changes = (*named, *group_of(plan, layer_width(plan, reader, target.parent)))
    return Proposal(
        started=start_from(template, target, {item.key: (item.new, item.why) for item in changes}),
        changes=changes,
        notes=("`hypotest corpus check` says which targets this model's tokenizer cuts",),
    )


def _best(plan: Protocol, material: _Material) -> _Fit:
    """The plan that needs the smallest changes, of those that have enough positions and distinct draws."""
    best: _Fit | None = None
    obstacle = ""
    for definitions, cap in product(_definitions(plan), _caps(plan)):
        try:
            fit = _fitted(plan, (*definitions, *cap), material)
        except (CorpusError, ProtocolError) as error:
            obstacle = obstacle or str(error)
            continue
        if not fit.short and fit.most >= min(_ENOUGH, plan.sample.positions):
            return fit
        if not fit.short and (best is None or fit.most > best.most):
            best = fit
    if best is not None:
        return best
    raise CorpusError(
        "corpus.text: no values that were tried fit this text: "
        + (obstacle or "it has too few distinct relabellings; give more text")
    )


def _caps(plan: Protocol) -> Iterator[tuple[ProposedChange, ...]]:
    old = plan.sample.max_per_document
    yield ()
    for factor in _CAPS:
        why = "the text has few documents, and each must give more positions"
        yield (ProposedChange("sample.max_per_document", old, old * factor, why),)


def _definitions(plan: Protocol) -> Iterator[tuple[ProposedChange, ...]]:
    """Ways to define both conditions, the template's first; coarse changes last, each with the fine ones."""
    yield ()
    fine, *coarse = wider(plan.conditions) or [("", iter(()))]
    yield from _changes_to(plan, fine)
    for why, others in coarse:
        for other in others:
            yield from _changes_to(plan, (why, iter([other])))
            yield from (
                (*_changed(plan, why, other), *_changed(plan, more, finer, other))
                for more, plans in wider(other)[:1]
                for finer in plans
                if not _is_alternative(plan, finer)
            )


def _changes_to(
    plan: Protocol, kind: tuple[str, Iterator[Definitions]]
) -> Iterator[tuple[ProposedChange, ...]]:
    why, others = kind
    yield from (_changed(plan, why, other) for other in others if not _is_alternative(plan, other))


def _changed(
    plan: Protocol, why: str, other: Definitions, before: Definitions | None = None
) -> tuple[ProposedChange, ...]:
    own = plan.conditions if before is None else before
    return tuple(ProposedChange(key, old, new, why) for key, old, new in differences(own, other))


def _is_alternative(plan: Protocol, other: Definitions) -> bool:
    """Whether it is what the multiverse lists: an alternative must be another one."""
    section = plan.multiverse
    return section is not None and any(
        with_value(plan.conditions, choice, value) == other
        for choice, values in section.conditions.items()
        for value in values
    )


def _fitted(plan: Protocol, changes: tuple[ProposedChange, ...], material: _Material) -> _Fit:
    plan = _with(plan, changes)
    bound = material.text.bound(plan)
    candidates = material.text.candidates(bound)
    share, asked = plan.split.selection, plan.sample.positions
    eligible = draw(plan, candidates, material.text, 2).eligible
    most = int(min(eligible["selection"] / share, eligible["evaluation"] / (1 - share))) - 2
    if most < asked:
        most = _rounded(most)
        if most < 2 * MINIMUM_UNITS:
            raise CorpusError(f"it gives only {max(most, 0)} positions of a condition; give more text")
        why = "the text gives no more"
        changes = (*changes, ProposedChange("sample.positions", asked, most, why))
        plan = _with(plan, changes[-1:])
    drawn = draw(plan, candidates, material.text).positions
    positions = material.text.with_units(drawn, plan, bound)
    counted = count_distinct(plan, positions, material.n_neurons)
    return _Fit(changes, plan.sample.positions, tuple(item for item in counted if not item.is_enough))


def _rounded(number: int) -> int:
    """Down to two digits, for people."""
    unit: int = 10 ** max(0, len(str(max(number, 1))) - 2)
    return number // unit * unit


def _notes(plan: Protocol, blocks: Blocks, fit: _Fit) -> Iterator[str]:
    if blocks.n_documents < 2 * MINIMUM_UNITS:
        yield (
            f"the text has {blocks.n_documents} documents of use; with fewer than {MINIMUM_UNITS} to "
            "measure on there is no interval, and equivalent is no outcome: give more documents"
        )
    if fit.most < _ENOUGH:
        yield f"{fit.most:,} positions are few: `hypotest power` says what they can show"


def _with(plan: Protocol, changes: Sequence[ProposedChange]) -> Protocol:
    protocol = changed(plan, tuple((item.key, item.new) for item in changes))
    if protocol is None:
        keys = ", ".join(item.key for item in changes)
        raise ProtocolError(f"the template cannot be changed in {keys}; write the protocol by hand")
    return protocol
