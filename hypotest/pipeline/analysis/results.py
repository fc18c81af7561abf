"""The one place where the results of a run are put together, whoever asks: a run, or its verification.

They have two sources: what follows from the evidence, and what only the model, its tokenizer or the text can
tell. The second is asked of the model, or taken from results that are kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import polars as pl

from hypotest.collect.engine import RECORDED
from hypotest.engine.session import Session
from hypotest.engine.streams import Streams
from hypotest.estimators.dimension import Scale
from hypotest.groups.live import without_dead
from hypotest.measures.registry import filled_options
from hypotest.pipeline.analysis.ablation_effects import JointAblation, ablate_jointly, ablation_result
from hypotest.pipeline.analysis.complete import analyse
from hypotest.pipeline.analysis.contexts import contexts_in_text, with_numbers
from hypotest.pipeline.analysis.describe import describe_heads, describe_spectrum
from hypotest.pipeline.analysis.limitations import find_limitations
from hypotest.pipeline.analysis.members import describe_damage, describe_members, layer_influence
from hypotest.pipeline.analysis.splits import other_splits, split_verdicts, with_splits
from hypotest.pipeline.corpus import TextFacts, corpus_result, describe_text
from hypotest.pipeline.prepare import Prepared
from hypotest.records.evidence.evidence import Evidence
from hypotest.records.protocol.prediction import Status
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.registration import Registration
from hypotest.records.results.corpus_result import Contexts, CrossEntropy
from hypotest.records.results.figure_data import FigureData, FrequencyCurve, RegimeFit
from hypotest.records.results.group_result import GroupResult
from hypotest.records.results.placebos import Placebos
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.records.results.results import SCHEMA_VERSION, Dependence, HypothesisVerdict, Results
from hypotest.records.results.self_check import SelfCheck
from hypotest.testing.selection import Selection
from hypotest.testing.task import Task


@dataclass(frozen=True, slots=True, eq=False)
class Analysed:
    """What a protocol says of evidence, on the declared split of the documents and on the others."""

    task: Task
    """The tested group, the evidence without dead neurons, and what was drawn to compare it with."""
    group: GroupResult
    predictions: tuple[PredictionResult, ...]
    verdicts: tuple[HypothesisVerdict, ...]
    split_verdicts: dict[str, tuple[Status, ...]]
    regimes: tuple[RegimeFit, ...]
    dependence: tuple[Dependence, ...]
    nulls: pl.DataFrame
    """Every null draw of every prediction: prediction, null, draw, value."""
    placebos: Placebos | None


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What evidence does not tell: model, tokenizer and text do."""

    subject: dict[str, Any]
    text: TextFacts
    joint: JointAblation | None
    self_check: SelfCheck | None
    cross_entropy: CrossEntropy | None
    frequencies: FrequencyCurve | None
    contexts: Contexts | None = None
    """Which are shown, and their text; their numbers follow from the evidence."""

    @classmethod
    def stored(cls, results: Results) -> ModelFacts:
        """What results that are kept say of it."""
        joint = None
        if results.ablation is not None:
            group = results.ablation.group
            joint = JointAblation(group.together, group.random_together, group.random_together_sd)
        return cls(
            subject=results.subject,
            text=TextFacts.stored(results.corpus),
            joint=joint,
            self_check=results.self_check,
            cross_entropy=results.cross_entropy,
            frequencies=results.figures.frequencies,
            contexts=results.contexts,
        )


def analyse_every_split(
    protocol: Protocol,
    evidence: Evidence,
    networks: Sequence[Mapping[str, float]],
    session: Session,
) -> Analysed:
    """Test a protocol's predictions on the declared split of the documents, and on those it asks for besides.

    Args:
        protocol: A valid protocol.
        evidence: Both splits.
        networks: What `hypotest.pipeline.analysis.analysis.group_values` finds in each other network.
        session: What it computes with.

    Raises:
        EvidenceError: If no group can be selected.
    """
    live = without_dead(evidence)
    analysis = analyse(protocol, live, networks=networks, session=session)
    others = other_splits(protocol, evidence, session)
    return Analysed(
        task=analysis.task,
        group=analysis.group,
        predictions=with_splits(analysis.predictions, others),
        verdicts=analysis.verdicts,
        split_verdicts=split_verdicts(analysis, others),
        regimes=analysis.regimes,
        dependence=analysis.dependence,
        nulls=analysis.nulls,
        placebos=analysis.placebos,
    )


def ask_model(
    protocol: Protocol,
    prepared: Prepared,
    evidence: Evidence,
    selection: Selection,
    check: SelfCheck | None,
    entropy: CrossEntropy | None,
    session: Session,
    contexts: bool = True,
) -> ModelFacts:
    """What only the model and the text can tell, asked of them.

    Args:
        protocol: What is run.
        prepared: Model, text and positions.
        evidence: Both splits.
        selection: The tested group.
        check: From `hypotest.pipeline.collection.self_check`.
        entropy: From `hypotest.pipeline.checks.plausibility.measure_cross_entropy`.
        session: Memory, random streams and progress.
        contexts: Whether results may hold lines of the text.
    """
    live = without_dead(evidence)
    return ModelFacts(
        subject=prepared.subject.describe(),
        text=describe_text(protocol, prepared, evidence),
        joint=None
        if evidence.ablation.engine == RECORDED
        else ablate_jointly(prepared, evidence.selection, live, selection, session),
        self_check=check,
        cross_entropy=entropy,
        frequencies=prepared.curve,
        contexts=contexts_in_text(live, selection, prepared) if contexts else None,
    )


def assemble(
    protocol: Protocol,
    evidence: Evidence,
    tested: Analysed,
    facts: ModelFacts,
    registration: Registration | None,
) -> Results:
    """Put the results together; a pure function of what is given.

    Args:
        protocol: What was run.
        evidence: Both splits, as they were collected.
        tested: From `analyse_every_split`.
        facts: From `ask_model`, or of results that are kept.
        registration: What the run is.
    """
    streams, live, selection = Streams(protocol.seed), tested.task.evidence, tested.task.selection
    subject = {
        **facts.subject,
        "n_neurons": evidence.n_neurons,
        **({"d_model": int(evidence.weights.output.shape[1])} if evidence.weights else {}),
    }
    corpus = corpus_result(protocol, facts.text, evidence)
    ablation = None if facts.joint is None else ablation_result(live, selection, streams, facts.joint)
    heads, layer_impacts = describe_heads(tested.task)
    return Results(
        schema_version=SCHEMA_VERSION,
        protocol=protocol.model_dump(mode="json"),
        protocol_id=protocol.id,
        title=protocol.title,
        subject=subject,
        corpus=corpus,
        group=tested.group,
        ablation=ablation,
        self_check=facts.self_check,
        predictions=tested.predictions,
        verdicts=tested.verdicts,
        split_verdicts=tested.split_verdicts,
        figures=FigureData(
            regimes=tested.regimes,
            spectrum=describe_spectrum(tested.task, *_compared_by(protocol)),
            heads=heads,
            layer_impacts=layer_impacts,
            frequencies=facts.frequencies,
            influence=layer_influence(live, selection),
        ),
        limitations=find_limitations(
            corpus,
            tested.predictions,
            tested.task,
            tested.group,
            ablation,
            facts.self_check,
            int(subject.get("vocab_size", 0)),
            facts.frequencies,
            facts.cross_entropy,
            tested.dependence,
            tested.placebos,
        ),
        registration=registration,
        cross_entropy=facts.cross_entropy,
        dependence=tested.dependence,
        placebos=tested.placebos,
        members=describe_members(live, selection),
        contexts=None if facts.contexts is None else with_numbers(facts.contexts, live),
        damage=describe_damage(live, selection),
    )


def _compared_by(protocol: Protocol) -> tuple[str | None, Scale]:
    """The null beside which eigenvalues stand, and of which second moments they are: as they are tested."""
    for item in protocol.predictions:
        options = filled_options(item)
        if "scale" in options:
            return item.contrast.null, cast(Scale, options["scale"])
    return None, "covariance"
