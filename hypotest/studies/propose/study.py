"""A template fitted to another model and text: every value that does not fit is changed, and it is said why.

Nothing of the evaluation is looked at: a tokenizer, a configuration and counts of tokens are all that is
read.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from hypotest.corpora.blocks import Blocks
from hypotest.corpora.conditions import SampledPositions, sample_positions
from hypotest.corpora.frequencies import FrequencyCuts, cut_frequencies, fit_to_vocabulary, least_percentile
from hypotest.engine.progress import StartStage, silent
from hypotest.engine.streams import Streams
from hypotest.errors import CorpusError, ProtocolError
from hypotest.nulls.registry import declared
from hypotest.pipeline.beginning import first_token
from hypotest.pipeline.distinct import Distinct, count_distinct
from hypotest.pipeline.positions import blocks_in
from hypotest.pipeline.remedies import changed
from hypotest.pipeline.subject import layer_width
from hypotest.pipeline.texts import read_text
from hypotest.pipeline.token_counts import token_counts
from hypotest.records.design import MINIMUM_DOCUMENTS
from hypotest.records.protocol import Protocol
from hypotest.records.text_files import is_many
from hypotest.registration.template import Started, start_from, template_plan
from hypotest.studies.propose.record import Change
from hypotest.subjects.loading import load_reader

_ENOUGH = 1024
"""Positions per condition with which a search for more ends."""
_SMALLEST_GROUP = 10
"""Neurons; a network of fewer has no communities to speak of."""
_PERCENTILES = (15, 20, 25, 30, 40, 50, 60, 75)
_CAPS = (4, 16, 64)
"""Times the positions that one document may give."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What was written, and what differs from the template."""

    started: Started
    changes: tuple[Change, ...]
    notes: tuple[str, ...]
    """What could not be mended by a value."""


@dataclass(frozen=True, slots=True, eq=False)
class _Material:
    """What the choice rests on."""

    blocks: Blocks
    counts: np.ndarray[Any, np.dtype[np.int64]]
    n_neurons: int | None


@dataclass(frozen=True, slots=True, eq=False)
class _Fit:
    """A plan on the text at hand."""

    changes: tuple[Change, ...]
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
    named = tuple(_material(plan, base, model, texts))
    plan = _with(plan, named)
    reader = load_reader(plan.subject.model, base=base)
    context = min(plan.corpus.context, reader.context)
    shape: list[Change] = []
    if context < plan.corpus.context:
        why = f"the model takes at most {context} tokens"
        shape.append(Change("corpus.context", plan.corpus.context, context, why))
    n_neurons = layer_width(plan, reader)
    shape += _group(plan, n_neurons)
    plan = _with(plan, shape)
    documents, _ = read_text(plan.corpus.text, base, "corpus.text", start_stage)
    blocks = blocks_in(plan, documents, reader, first_token(plan, reader))
    if blocks.n_documents < 2:
        raise CorpusError(
            "corpus.text: the text is one document, and neurons are selected on some documents and measured "
            "on others: give several files, or one with a document in each row (.jsonl, .csv, .parquet)"
        )
    counts = fit_to_vocabulary(token_counts(plan.frequencies, base, reader, start_stage), reader.vocab_size)
    material = _Material(blocks, counts, n_neurons)
    fit = _best(plan, material)
    changes = (*named, *shape, *fit.changes)
    return Proposal(
        started=start_from(template, target, {item.key: (item.new, item.why) for item in changes}),
        changes=changes,
        notes=tuple(_notes(plan, blocks, fit)),
    )


def _material(plan: Protocol, base: Path, model: str, texts: Sequence[str]) -> Iterator[Change]:
    if model != plan.subject.model:
        new = _from(base, model) if os.path.exists(model) else model
        yield Change("subject.model", plan.subject.model, new, "as asked for")
    if texts:
        files = [_from(base, name) for name in texts]
        yield Change("corpus.text", "reference", {"files": files}, "as asked for")
        why = "rare is what is rare in your text"
        yield Change("frequencies", plan.frequencies, {"count": {"files": files}}, why)


def _from(base: Path, name: str) -> str:
    """A path of the current folder, seen from the protocol's."""
    if os.path.isabs(name):
        return name
    if os.path.exists(name) or is_many(name, Path()):
        return Path(os.path.relpath(name, base)).as_posix()
    return name


def _group(plan: Protocol, n_neurons: int | None) -> Iterator[Change]:
    key = "otherwise" if plan.group.select == "plateau" else "select"
    rule = getattr(plan.group, key)
    share = getattr(rule, "top_fraction", None)
    if n_neurons is None or share is None or round(share * n_neurons) >= _SMALLEST_GROUP:
        return
    new = min(0.5, math.ceil(1000 * _SMALLEST_GROUP / n_neurons) / 1000)
    if plan.multiverse is not None and new in plan.multiverse.top_fraction:
        new += 0.001  # an alternative must be another one
    why = f"of {n_neurons} neurons that was a group of {round(share * n_neurons)}"
    yield Change(f"group.{key}.top_fraction", share, new, why)


def _best(plan: Protocol, material: _Material) -> _Fit:
    """The plan that needs the smallest changes, of those that have enough positions and distinct draws."""
    best: _Fit | None = None
    obstacle = ""
    for unit in _units(plan):
        for cuts, cap in product(_cuts(plan, material), _caps(plan)):
            try:
                fit = _fitted(plan, (*unit, *cuts, *cap), material)
            except (CorpusError, ProtocolError) as error:
                obstacle = obstacle or str(error)
                continue
            if not fit.short and fit.most >= min(_ENOUGH, plan.conditions.positions):
                return fit
            if not fit.short and (best is None or fit.most > best.most):
                best = fit
        if best is not None:
            return best
    raise CorpusError(
        "corpus.text: no values that were tried fit this text: "
        + (obstacle or "it has too few distinct relabellings; give more text")
    )


def _units(plan: Protocol) -> Iterator[tuple[Change, ...]]:
    """What keeps its label together when labels are shuffled: finer only where the text leaves no choice."""
    yield ()
    for item in declared(plan):
        for other in item.null.compromises(item.options):
            key, old = f"nulls.{item.name}.{other.option}", getattr(item.options, other.option)
            yield (Change(key, old, other.value, other.why),)


def _caps(plan: Protocol) -> Iterator[tuple[Change, ...]]:
    old = plan.conditions.max_per_document
    yield ()
    for factor in _CAPS:
        why = "the text has few documents, and each must give more positions"
        yield (Change("conditions.max_per_document", old, old * factor, why),)


def _cuts(plan: Protocol, material: _Material) -> Iterator[tuple[Change, ...]]:
    """Ways to define rare and common, the template's first."""
    asked = plan.conditions.rare.target_frequency
    low, high = asked.below_percentile, plan.conditions.common.target_frequency.from_percentile
    if low is None or high is None:
        yield ()
        return
    for elbow in dict.fromkeys((plan.conditions.elbow, "keep")):
        changes: tuple[Change, ...] = ()
        if elbow != plan.conditions.elbow:
            why = "with so few types, those beyond the elbow are most of the rare ones"
            changes = (Change("conditions.elbow", plan.conditions.elbow, elbow, why),)
        kept = material.counts[material.counts > 0]
        least = least_percentile(kept, asked.of) or 0
        first = low if low >= least or elbow == "drop" else least
        others = () if plan.multiverse is None else plan.multiverse.percentile
        for percent in (first, *(item for item in _PERCENTILES if item > first and item not in others)):
            yield (*changes, *_percentile(low, high, percent))


def _percentile(low: float, high: float, percent: float) -> Iterator[Change]:
    if percent == low:
        return
    why = "fewer types are rare than the test needs, or they stand in the text too seldom"
    yield Change("conditions.rare.target_frequency.below_percentile", low, percent, why)
    if percent > high:
        key = "conditions.common.target_frequency.from_percentile"
        yield Change(key, high, percent, "no type is both rare and common")


def _fitted(plan: Protocol, changes: tuple[Change, ...], material: _Material) -> _Fit:
    plan = _with(plan, changes)
    cuts = cut_frequencies(material.counts, plan.conditions)
    share, asked = plan.split.selection, plan.conditions.positions
    eligible = _sampled(plan, material.blocks, cuts, 2).eligible
    most = int(min(eligible["selection"] / share, eligible["evaluation"] / (1 - share))) - 2
    if most < asked:
        most = _rounded(most)
        if most < 2 * MINIMUM_DOCUMENTS:
            raise CorpusError(f"it gives only {max(most, 0)} positions of a condition; give more text")
        why = "the text gives no more"
        changes = (*changes, Change("conditions.positions", asked, most, why))
        plan = _with(plan, changes[-1:])
    positions = _sampled(plan, material.blocks, cuts, plan.conditions.positions).positions
    counted = count_distinct(plan, positions, material.n_neurons)
    return _Fit(changes, plan.conditions.positions, tuple(item for item in counted if not item.is_enough))


def _sampled(plan: Protocol, blocks: Blocks, cuts: FrequencyCuts, number: int) -> SampledPositions:
    return sample_positions(
        blocks,
        cuts,
        n_positions=number,
        max_per_document=plan.conditions.max_per_document,
        selection_share=plan.split.selection,
        rng=Streams(plan.seed)("positions"),
    )


def _rounded(number: int) -> int:
    """Down to two digits, for people."""
    unit: int = 10 ** max(0, len(str(max(number, 1))) - 2)
    return number // unit * unit


def _notes(plan: Protocol, blocks: Blocks, fit: _Fit) -> Iterator[str]:
    if blocks.n_documents < 2 * MINIMUM_DOCUMENTS:
        yield (
            f"the text has {blocks.n_documents} documents of use; with fewer than {MINIMUM_DOCUMENTS} to "
            "measure on there is no interval, and equivalent is no outcome: give more documents"
        )
    taken = {(item.key, item.new) for item in fit.changes}
    for null in declared(plan):
        for other in null.null.compromises(null.options):
            if (f"nulls.{null.name}.{other.option}", other.value) in taken:
                yield other.note
    if fit.most < _ENOUGH:
        yield f"{fit.most:,} positions are few: `hypotest power` says what they can show"


def _with(plan: Protocol, changes: Sequence[Change]) -> Protocol:
    found = changed(plan, tuple((item.key, item.new) for item in changes))
    if found is None:
        keys = ", ".join(item.key for item in changes)
        raise ProtocolError(f"the template cannot be changed in {keys}; write the protocol by hand")
    return found
