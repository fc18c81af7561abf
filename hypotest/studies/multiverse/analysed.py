"""Specifications tested: in this process, or by workers that read the evidence themselves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from joblib import Parallel, delayed

from hypotest.collect.evidence_folder import EvidenceKeys, read_evidence
from hypotest.collect.lesions import read_lesions
from hypotest.engine.cluster import Cluster, processes
from hypotest.errors import EvidenceError
from hypotest.measures.registry import for_outcomes
from hypotest.nulls.registry import declared, needed_nulls, with_nulls
from hypotest.pipeline.analysis.analysis import analyse
from hypotest.pipeline.lesions import with_lesions
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.choices import is_shared
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.studies.multiverse.record import Specification
from hypotest.studies.multiverse.specifications import Choices, with_options, with_shared


@dataclass(frozen=True, slots=True)
class KeptEvidence:
    """Where workers find the evidence, and what it is called."""

    folder: Path
    """Seen by all."""
    keys: EvidenceKeys
    lesions: str
    """Empty without any."""


def analysed_elsewhere(
    where: Cluster,
    plan: Protocol,
    specified: Sequence[Sequence[Specification]],
    kept: KeptEvidence,
    draws: int | None,
) -> Iterator[tuple[int, tuple[PredictionResult, ...]]]:
    """Have workers test specifications.

    Args:
        where: Processes here, or a cluster.
        plan: What is declared.
        specified: Some that one analysis can test, each.
        kept: Their evidence.
        draws: As for `analyse_specified`.

    Yields:
        The place of some, and their results, in any order.
    """
    text = plan.model_dump_json()
    with processes(where, len(specified)) as n_jobs:
        yield from Parallel(n_jobs=n_jobs, return_as="generator_unordered")(
            delayed(_analysed)(number, text, some, kept, draws) for number, some in enumerate(specified)
        )


def _analysed(
    number: int, plan: str, some: Sequence[Specification], kept: KeptEvidence, draws: int | None
) -> tuple[int, tuple[PredictionResult, ...]]:
    protocol = Protocol.model_validate_json(plan, strict=True)
    return number, analyse_specified(protocol, some, _evidence(kept), draws)


@lru_cache(maxsize=1)
def _evidence(kept: KeptEvidence) -> Evidence:
    evidence = read_evidence(kept.folder, kept.keys)
    return with_lesions(evidence, read_lesions(kept.folder, kept.lesions)) if kept.lesions else evidence


def analyse_specified(
    plan: Protocol, some: Sequence[Specification], evidence: Evidence, draws: int | None
) -> tuple[PredictionResult, ...]:
    """Test specifications of different predictions that share group, evidence and nulls.

    Args:
        plan: What is declared.
        some: The specifications.
        evidence: Theirs.
        draws: Of each null, at most; None for as many as are declared.

    Raises:
        EvidenceError: If one cannot be tested; names it.
    """
    predictions = tuple(
        with_options(declared_prediction(plan, item.prediction), item.choices) for item in some
    )
    smaller = with_shared(plan, some[0].choices).with_nulls(needed_nulls(predictions[0]))
    nulls = {item.name: item.null.fewer(item.options, draws, unstopped=False) for item in declared(smaller)}
    smaller = for_outcomes(with_nulls(smaller, nulls).model_copy(update={"predictions": predictions}))
    try:
        return analyse(smaller, evidence).predictions
    except EvidenceError as error:
        raise EvidenceError(f"{error} (under {varied(some[0].choices)})") from error


def declared_prediction(plan: Protocol, name: str) -> Prediction:
    """The prediction of a name."""
    return next(item for item in plan.predictions if item.id == name)


def varied(choices: Choices) -> str:
    """The shared choices as an error names them."""
    varied = [f"{name} {value}" for name, value in choices.items() if is_shared(name)]
    return ", ".join(varied) or "what is declared"
