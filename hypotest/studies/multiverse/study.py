"""A protocol under other defensible choices of its analysis (Steegen et al. 2016; Simonsohn et al. 2020).

Evidence is collected once for each that differs: what counts as rare and what ablated neurons are set to
change it, thresholds and estimators do not.

References:
    Steegen et al. (2016), doi:10.1177/1745691616658637. Simonsohn, Simmons & Nelson (2020),
    doi:10.1038/s41562-020-0912-z.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from hypotest.collect.evidence_folder import EvidenceKeys, read_evidence
from hypotest.engine.cluster import Cluster
from hypotest.engine.progress import StartStage
from hypotest.engine.session import MEMORY, Session
from hypotest.errors import CorpusError, ProtocolError
from hypotest.nulls.form import Form
from hypotest.nulls.registry import form_of, needed_nulls
from hypotest.pages.notebook import show_as
from hypotest.pipeline.checks.channels import check_channels
from hypotest.pipeline.checks.preflight import check_command, require_single, results_folder
from hypotest.pipeline.checks.reach import check_reach
from hypotest.pipeline.collection import collect_both, self_check
from hypotest.pipeline.lesions import lesioned
from hypotest.pipeline.prepare import Prepared, prepare
from hypotest.pipeline.registered.registered import kept_out_of_evaluation
from hypotest.pipeline.subject import network_in_memory
from hypotest.records.protocol.choices import CONDITIONS, is_shared, kind_of
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.registration import canonical, load_protocol
from hypotest.registration.built import protocol_file
from hypotest.report.progress_in_notebook import stages_shown
from hypotest.studies.multiverse.analysed import (
    KeptEvidence,
    analyse_specified,
    analysed_elsewhere,
    declared_prediction,
    varied,
)
from hypotest.studies.multiverse.page import multiverse_summary, write_multiverse
from hypotest.studies.multiverse.record import (
    MultiverseResult,
    Specification,
    SpecificationResult,
    Value,
)
from hypotest.studies.multiverse.robustness import robustness
from hypotest.studies.multiverse.shared_verdicts import shared_verdicts
from hypotest.studies.multiverse.specifications import (
    Choices,
    declared_values,
    occurring,
    shared_choices,
    specifications,
    with_shared,
)
from hypotest.subjects.kinds import Subject

_DEFINITION = (CONDITIONS, "replacement")
"""Kinds of choices that can change the evidence."""


show_as(MultiverseResult, multiverse_summary)


def multiverse(
    protocol: str | Path,
    *,
    out: str | Path | None = None,
    device: str = "auto",
    memory: float = MEMORY,
    full: bool = False,
    workers: int | None = None,
    scheduler: str = "",
    cluster: str | Path | None = None,
    start_stage: StartStage | None = None,
    subject: Any = None,
) -> MultiverseResult:
    """Test every prediction under every specification that its choices allow.

    Specifications share their random numbers: the same random groups, the same restarts. What differs between
    two of them is the choice, not the luck of the draw, and the declared one gives what `hypotest.run` gives
    with as many draws.

    Args:
        protocol: Path of a protocol with a ``multiverse:`` section.
        out: Folder that gets ``<out>/<protocol id>/multiverse``; default ``reports``.
        device: ``cpu``, ``cuda``, ``mps`` or ``auto``.
        memory: GB that ablation may take beside model and evidence.
        full: As many draws as the protocol's nulls declare, not ``multiverse.draws``.
        workers: Processes that tests are handed out to, each of which reads the evidence; by default one
            after another in this one. What is not in the cache is collected here.
        scheduler: As for `hypotest.run_series`.
        cluster: As for `hypotest.run_series`.
        start_stage: Told of each stage and its number of steps, for progress.
        subject: As for `hypotest.run`.

    Returns:
        Every test, what flips, and every verdict; written to its folder as well.

    Raises:
        ProtocolError: If the protocol cannot be run, or declares no alternative.
        RunError: If a specification cannot be tested; finished evidence stays in the cache.
    """
    where = Cluster.named(workers, scheduler, cluster)
    path, start_stage = protocol_file(protocol), stages_shown(start_stage)
    given = None if subject is None else network_in_memory(subject)
    declared = load_protocol(path, network=None if given is None else given.name)
    plan = declared.model_copy(update={"splits": 1})  # the first split decides; the others are another study
    wanted = specifications(plan)
    if plan.multiverse is None or len(wanted) == len(plan.predictions):
        raise ProtocolError(
            f"{path}: must have a `multiverse:` section with an alternative to what is declared; add one, "
            "such as `multiverse: {variance: [0.9, 0.99], select: [{top_fraction: 0.05}]}`"
        )
    without = [item.id for item in plan.predictions if form_of(item.contrast) is Form.NETWORKS]
    if without:
        raise ProtocolError(
            f"{path}: hypotest multiverse collects no other networks; found as contrast of "
            f"{', '.join(without)}: contrast with another null, or take the prediction out"
        )
    require_single(plan, path, "multiverse")
    check_command(out=results_folder(plan, out), device=device, memory=memory)
    draws = None if full else plan.multiverse.draws
    session = Session.start(plan.seed, start_stage, device, memory)
    prepared = _prepare_all(plan, path, session, given)
    first = next(iter(prepared.values()))
    check_channels(plan, first.subject.channels, first.subject.name, path)
    check_reach(plan, first, first.subject.n_neurons, path)
    results = _test_all(plan, wanted, prepared, draws, session, where)
    tests = tuple(SpecificationResult(*pair) for pair in zip(wanted, results, strict=True))
    result = MultiverseResult(
        protocol=canonical(declared),
        protocol_id=plan.id,
        title=plan.title,
        level=plan.decision.level,
        draws=draws,
        n_definitions=len(prepared),
        n_evidence=len({item.keys for item in prepared.values()}),
        choices=occurring(wanted),
        tests=tests,
        robustness=tuple(
            robustness([item for item in tests if item.specification.prediction == prediction.id])
            for prediction in plan.predictions
        ),
        verdicts=shared_verdicts(plan, tests),
        folder=results_folder(plan, out) / "multiverse",
    )
    write_multiverse(result, start_stage)
    return result


def _prepare_all(
    plan: Protocol, path: Path, session: Session, subject: Subject | None
) -> dict[tuple[Value | None, ...], Prepared]:
    """Positions and evidence keys of every definition, before anything is collected, with one model for all.

    A definition that the text cannot fill is refused here.
    """
    by_definition: dict[tuple[Value | None, ...], Prepared] = {}
    for choices in shared_choices(plan):
        definition = _definition(plan, choices)
        if definition in by_definition:
            continue
        told = session.within(f"definition {len(by_definition) + 1}")
        try:
            prepared = prepare(
                with_shared(plan, choices),
                path.parent,
                told,
                subject,
                kept_out=kept_out_of_evaluation(path),
            )
        except CorpusError as error:
            raise CorpusError(f"{error} (under {varied(choices)})") from error
        by_definition[definition], subject = prepared, prepared.subject
    return by_definition


def _test_all(
    plan: Protocol,
    wanted: Sequence[Specification],
    prepared: dict[tuple[Value | None, ...], Prepared],
    draws: int | None,
    session: Session,
    where: Cluster,
) -> list[PredictionResult]:
    """Results in the order of the specifications."""
    by_key: dict[EvidenceKeys, list[int]] = {}
    for place, item in enumerate(wanted):
        by_key.setdefault(prepared[_definition(plan, item.choices)].keys, []).append(place)
    results: dict[int, PredictionResult] = {}
    for number, (keys, places) in enumerate(by_key.items(), start=1):
        one = next(item for item in prepared.values() if item.keys == keys)
        told = session.within(f"evidence {number} of {len(by_key)}")
        results |= _test_on_evidence(plan, wanted, places, one, draws, told, where)
    return [results[place] for place in range(len(wanted))]


def _test_on_evidence(
    plan: Protocol,
    wanted: Sequence[Specification],
    places: Sequence[int],
    prepared: Prepared,
    draws: int | None,
    session: Session,
    where: Cluster,
) -> dict[int, PredictionResult]:
    """Collect one evidence, test on it, and let it go: two at a time may not fit."""
    collect_both(plan, prepared, session)
    evidence = read_evidence(session.evidence, prepared.keys)
    self_check(prepared, evidence, session)
    asked = [with_shared(plan, wanted[place].choices) for place in places]
    sizes = list({item.group.model_dump_json(): item for item in asked}.values())
    evidence, lesions = lesioned(
        sizes, prepared, evidence, evidence.selection, prepared.keys.selection, session
    )
    alike = _alike(plan, wanted, places)
    step = session.stage("specifications", len(alike))
    results: dict[int, PredictionResult] = {}
    parts = [
        some
        for group in dict.fromkeys(group for group, *_ in alike)
        for some in _side_by_side(plan, wanted, [same[0] for key, same in alike.items() if key[0] == group])
    ]
    specified = [[wanted[place] for place in some] for some in parts]
    if where.is_this_process:
        tested: Iterable[tuple[int, tuple[PredictionResult, ...]]] = (
            (number, analyse_specified(plan, some, evidence, draws)) for number, some in enumerate(specified)
        )
    else:
        del evidence  # which every worker reads by itself
        kept = KeptEvidence(session.evidence.absolute(), prepared.keys, lesions)
        tested = analysed_elsewhere(where, plan, specified, kept, draws)
    for number, own in tested:
        for place, result in zip(parts[number], own, strict=True):
            results[place] = result
            step()
    return {place: results[same[0]] for same in alike.values() for place in same}


def _alike(
    plan: Protocol, wanted: Sequence[Specification], places: Iterable[int]
) -> dict[tuple[Value | None, ...], list[int]]:
    """Specifications that one evidence cannot tell apart, by group, prediction and own options.

    Two percentiles between which no token type lies differ in name only.
    """
    alike: dict[tuple[Value | None, ...], list[int]] = {}
    for place in places:
        item = wanted[place]
        group = _group_of(plan, item.choices)
        own = (value for name, value in item.choices.items() if not is_shared(name))
        alike.setdefault((group, item.prediction, *own), []).append(place)
    return alike


def _side_by_side(plan: Protocol, wanted: Sequence[Specification], places: Iterable[int]) -> list[list[int]]:
    """Specifications that one analysis can test: of different predictions, with the same nulls.

    Each keeps its prediction's id, and with it the prediction's random numbers.
    """
    columns: dict[tuple[str, ...], dict[str, list[int]]] = {}
    for place in places:
        name = wanted[place].prediction
        columns.setdefault(needed_nulls(declared_prediction(plan, name)), {}).setdefault(name, []).append(
            place
        )
    return [
        [place for place in row if place is not None]
        for column in columns.values()
        for row in zip_longest(*column.values())
    ]


def _definition(plan: Protocol, choices: Choices) -> tuple[Value | None, ...]:
    return _of_kinds(plan, choices, _DEFINITION)


def _group_of(plan: Protocol, choices: Choices) -> str:
    return repr(_of_kinds(plan, choices, ("select", "by")))


def _of_kinds(plan: Protocol, choices: Choices, kinds: Sequence[str]) -> tuple[Value | None, ...]:
    """Values of the shared choices of some kinds, the declared ones where nothing is chosen."""
    shared = {**declared_values(plan), **choices}
    return tuple(value for name, value in shared.items() if kind_of(name) in kinds)
