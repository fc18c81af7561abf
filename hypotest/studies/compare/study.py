"""Finished runs beside each other, and beside what a paper claims; no model is needed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from string import ascii_uppercase
from typing import Any

from pydantic import ValidationError

from hypotest.engine.progress import StartStage
from hypotest.errors import OutputError, ProtocolError
from hypotest.measures.registry import MEASURES
from hypotest.pages.notebook import show_as
from hypotest.pipeline.checks.preflight import check_command
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.sentences import sentence_list
from hypotest.registration import canonical
from hypotest.registration.checks.claims import load_claims
from hypotest.report.progress_in_notebook import stages_shown
from hypotest.report.run import Run
from hypotest.studies.compare.claim_checks import check_claims
from hypotest.studies.compare.page import write_comparison
from hypotest.studies.compare.pooling import OpenedRun, are_studies, compare_predictions
from hypotest.studies.compare.record import ComparedRun, Comparison
from hypotest.studies.compare.summary import comparison_summary

_FEW = 5
"""Below so many pooled effects, the variance between models is hardly known."""
_PLAIN = ("predictions", "id", "title", "source", "subject", "corpus", "frequencies", "seed", "multiverse")
"""Parts of a plan that may differ without being named; predictions are compared one by one."""


show_as(Comparison, comparison_summary)


def compare(
    runs: Sequence[str | Path],
    *,
    claims: str | Path | None = None,
    out: str | Path | None = None,
    start_stage: StartStage | None = None,
) -> Comparison:
    """Put finished runs side by side, pool what they share, and hold them against a paper's claims.

    Predictions of one name that ask the same question (measure, options, contrast) are pooled over models by
    a random-effects meta-analysis (`hypotest.inference.meta_analysis`). The pooled outcome is *equivalent*
    if its 1 - 2 level interval lies inside every run's margin, else *less* or *greater* if it differs from 0,
    else *inconclusive*. Runs of one network, each on texts of its own, are studies of it and pooled as such.
    Differences between runs are tested only with errors of a group that is selected again
    (``intervals: {reselection: true}``). Of models it is also said in how many an outcome holds
    (`hypotest.inference.replicability`). Claims are judged as
    `hypotest.studies.compare.claim_checks.check_claims` says.

    Args:
        runs: Folders of finished runs; at least two, or one with `claims`.
        claims: A file such as ``protocols/papers/arxiv-2509.21163.yaml``.
        out: Folder that gets ``<out>/comparisons/<time>-<hash>``; default ``reports``.
        start_stage: Told of the figures, for progress.

    Returns:
        What was found; written to its folder as well.

    Raises:
        ProtocolError: If there are too few runs, one is named twice, or the claims are not valid.
        OutputError: If a folder is not that of a run or is damaged, or the comparison cannot be written.
    """
    if not runs or (len(runs) < 2 and claims is None):
        raise ProtocolError(
            f"compare needs at least two runs, or one run and claims; found {len(runs)}: name another run, "
            "or add claims=protocols/papers/arxiv-2509.21163.yaml"
        )
    _refuse_repeated(runs)
    folder = Path(out or "reports") / "comparisons"
    check_command(out=folder, cache=False)
    # The claims first: they are read in an instant, and may be wrong.
    paper = None if claims is None else load_claims(claims)
    opened = [Run.open(folder) for folder in runs]
    _refuse_copies(opened)
    labelled = [
        OpenedRun(label, run.results, _plan_of(run), _hashes_of(run))
        for label, run in zip(_labels(len(opened)), opened, strict=True)
    ]
    level = min(item.plan.decision.level for item in labelled)
    predictions = compare_predictions(labelled, level) if len(labelled) > 1 else ()
    comparison = Comparison(
        runs=tuple(_described(item, run) for item, run in zip(labelled, opened, strict=True)),
        predictions=predictions,
        level=level,
        claims_source=None if paper is None else paper.source,
        claims_title=None if paper is None else paper.title,
        checks=()
        if paper is None
        else tuple(
            check for item in labelled for check in check_claims(paper, item.results, item.plan, item.label)
        ),
        warnings=tuple(
            _warnings(
                labelled, max((item.pooled.n_effects for item in predictions if item.pooled), default=0)
            )
        ),
        folder=folder / _folder_name(opened, claims),
    )
    write_comparison(comparison, stages_shown(start_stage))
    return comparison


def _refuse_repeated(runs: Sequence[str | Path]) -> None:
    places = [Path(folder).resolve() for folder in runs]
    for number, place in enumerate(places):
        if place in places[:number]:
            raise ProtocolError(f"{runs[number]}: the same run twice; name each run once")


def _refuse_copies(runs: Sequence[Run]) -> None:
    """A run beside its own copy would look like two that agree."""
    known: dict[str, Run] = {}
    for run in runs:
        digest = run.manifest.get("manifest_sha256")
        if isinstance(digest, str) and digest in known:
            first = known[digest].folder
            raise ProtocolError(f"{run.folder}: the same run as {first} (a copy); name each run once")
        known[str(digest)] = run


def _plan_of(run: Run) -> Protocol:
    """The protocol of a run, which must be one whose predictions are those of the results."""
    try:
        plan = Protocol.model_validate(run.results.protocol)
    except ValidationError:
        plan = None
    asked = {} if plan is None else {item.id: item.measure for item in plan.predictions}
    if plan is None or asked != {item.id: item.measure for item in run.results.predictions}:
        raise OutputError(
            f"{run.folder / 'results.json'}: must hold the protocol of its predictions; found another or a "
            "damaged one. Restore the file from a backup, or run the protocol again."
        )
    unknown = [name for name in asked.values() if name not in MEASURES]
    if unknown:
        raise OutputError(f"{run.folder}: {unknown[0]} is no measure of this version of hypotest")
    return plan


def _hashes_of(run: Run) -> Mapping[str, Any]:
    hashes = run.manifest.get("hashes")
    return hashes if isinstance(hashes, Mapping) else {}


def _labels(number: int) -> list[str]:
    """``A`` to ``Z``, then ``A2``, ``B2`` and on."""
    return [
        ascii_uppercase[place % 26] + (str(place // 26 + 1) if place >= 26 else "") for place in range(number)
    ]


def _described(item: OpenedRun, run: Run) -> ComparedRun:
    results, subject = item.results, item.results.subject
    return ComparedRun(
        label=item.label,
        folder=str(run.folder),
        protocol_id=results.protocol_id,
        model=item.plan.subject.network or item.plan.subject.name,
        revision=revision if isinstance(revision := item.plan.subject.revision, str) else None,
        layer=layer if isinstance(layer := subject.get("layer"), int) else None,
        statuses={verdict.hypothesis: verdict.status for verdict in results.verdicts},
    )


def _warnings(runs: Sequence[OpenedRun], most_pooled: int) -> Iterator[str]:
    for same in _groups(runs, lambda run: run.weights):
        labels = sentence_list([run.label for run in same])
        if len(same) == len(runs) and are_studies(runs):
            yield (
                f"{labels} are studies of one network, each on texts of its own: effects are pooled over "
                "studies and say nothing of other networks"
            )
            continue
        yield (
            f"{labels} have the same weights: they are not separate models, and only the first of them is "
            "pooled"
        )
    sharing = [run for run in runs if any(run.texts & other.texts for other in runs if other is not run)]
    if sharing:
        labels = sentence_list([run.label for run in sharing])
        yield (
            f"{labels} read the same text: the luck of its documents is shared and does not average out over "
            "models; pooled intervals count it as wholly shared, and say nothing of other texts"
        )
    differing = _differing_parts(runs)
    if differing:
        yield (
            f"the plans differ in {sentence_list(differing)}: differences between runs may come from there, "
            "not from the models"
        )
    what = "studies" if are_studies(runs) else "models"
    if 0 < most_pooled < _FEW:
        yield (
            f"only {most_pooled} {what} are pooled: the variance between {what} (tau², I²) is hardly known "
            "from so few, which is why the pooled intervals are wide"
        )


def _groups(runs: Sequence[OpenedRun], key: Any) -> list[list[OpenedRun]]:
    by_key: dict[str, list[OpenedRun]] = {}
    for run in runs:
        if key(run) is not None:
            by_key.setdefault(str(key(run)), []).append(run)
    return [same for same in by_key.values() if len(same) > 1]


def _differing_parts(runs: Sequence[OpenedRun]) -> list[str]:
    plans = [canonical(run.plan) for run in runs]
    names = dict.fromkeys(name for plan in plans for name in plan if name not in _PLAIN)
    return [name for name in names if any(plan.get(name) != plans[0].get(name) for plan in plans)]


def _folder_name(runs: Sequence[Run], claims: str | Path | None) -> str:
    """UTC time and a short hash of what was compared, so that comparisons of one second stay apart."""
    now = datetime.now(UTC)
    parts = [*(str(run.folder.resolve()) for run in runs), str(claims), now.isoformat()]
    return f"{now:%Y%m%dT%H%M%SZ}-{hashlib.sha256(chr(0).join(parts).encode()).hexdigest()[:8]}"
