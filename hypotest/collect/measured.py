"""Evidence of a network of which one group is measured: what its measures read, and nothing else.

The group is selected in between, so that neurons that are not in it are ablated on the selection split alone,
at the targets by which they are selected. What is collected has the bits that it would have among the rest.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hypotest.collect.engine import identity_engine
from hypotest.collect.evidence_folder import EvidenceKeys, is_collected, read_evidence, read_selection
from hypotest.collect.replacement import Replacement
from hypotest.collect.sample import Sample
from hypotest.collect.stages.ablation import ablate, ablation_parts
from hypotest.collect.stages.forward import collect_forward
from hypotest.collect.stages.heads import collect_heads
from hypotest.collect.stages.stages import begin_selection, describe
from hypotest.engine.progress import silent
from hypotest.engine.session import Session
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.evidence import AblationMethod, Evidence, Selected, SelectionEvidence
from hypotest.subjects.language_model import LanguageModel


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is read of a network whose selected group is measured."""

    channels: frozenset[Channel]
    """By the measures."""
    rule: str
    """What else selection depends on, in words of any kind."""
    both: bool = False
    """Whether it reads changes of loss on targets of the second condition, too."""

    @property
    def words(self) -> tuple[str, ...]:
        """For the name of the evidence."""
        return (*sorted(self.channels), self.rule)


def collect_measured(
    subject: LanguageModel,
    samples: Mapping[str, Sample],
    keys: EvidenceKeys,
    ablation: AblationMethod,
    wanted: Wanted,
    select: Callable[[SelectionEvidence], Selected],
    folder: Path,
    session: Session,
) -> Evidence:
    """Collect what is wanted and not in the cache yet, and read it.

    Args:
        subject: The network.
        samples: ``selection`` and ``evaluation``.
        keys: From `evidence_keys`, given the words of what is wanted.
        ablation: From `hypotest.collect.engine.plan_ablation`.
        wanted: What to collect.
        select: From the selection split.
        folder: Of the evidence.
        session: Memory; how far it is, is not told.

    Returns:
        Evidence with NaN in the place of what was not collected: changes of loss on targets of the selection
        split by which nothing is selected, and of other neurons on the evaluation split; attention; whole
        layers of heads, and other heads on the evaluation split; channels that are not wanted. Without
        documents where heads are not.

    Raises:
        EvidenceError: If activations are not finite or cached arrays are damaged.
        OutputError: If the cache cannot be written.
    """
    session = session.telling(silent)
    if not is_collected(folder, keys.selection, keys.evaluation):
        replacement = _collect_selection(
            subject, samples["selection"], ablation, wanted, folder / keys.selection, session
        )
        selected = select(read_selection(folder, keys.selection))
        _collect_evaluation(
            subject,
            samples["evaluation"],
            ablation,
            wanted.channels,
            replacement,
            selected,
            folder / keys.evaluation,
            session,
        )
        gc.collect()  # nnsight leaves cycles that hold the locals of every function up to here
    return read_evidence(folder, keys)


def _collect_selection(
    subject: LanguageModel,
    sample: Sample,
    ablation: AblationMethod,
    wanted: Wanted,
    folder: Path,
    session: Session,
) -> Replacement:
    forward, replacement = begin_selection(subject, sample, ablation, folder, session, attention=False)
    parts = ablation_parts(sample, ablation.engine)
    if not wanted.both:
        parts = {name: rows for name, rows in parts.items() if name in ("first", "both")}
    engine = identity_engine(subject, ablation, session.memory)
    ablate(
        subject, engine, sample, forward, replacement, folder, session, outcome=ablation.outcome, parts=parts
    )
    heads = Channel.HEADS in wanted.channels
    if heads:
        every = np.arange(len(subject.reaching_layers) * subject.n_heads)
        collect_heads(subject, sample, folder, session, every)
    describe(subject, sample, ablation, folder, parts=parts, heads=heads)
    return replacement


def _collect_evaluation(
    subject: LanguageModel,
    sample: Sample,
    ablation: AblationMethod,
    channels: frozenset[Channel],
    replacement: Replacement,
    selected: Selected,
    folder: Path,
    session: Session,
) -> None:
    group = selected.neurons
    influence = Channel.INFLUENCE in channels and group.size > 0
    parts = ablation_parts(sample, ablation.engine) if influence else {}
    seen = influence or Channel.ACTIVATIONS in channels
    if seen:
        forward = collect_forward(subject, sample, folder, session, attention=False)
    if influence:
        engine = identity_engine(subject, ablation, session.memory, group)
        ablate(
            subject,
            engine,
            sample,
            forward,
            replacement,
            folder,
            session,
            outcome=ablation.outcome,
            parts=parts,
            neurons=group,
        )
    heads = Channel.HEADS in channels
    if heads:
        collect_heads(subject, sample, folder, session, selected.heads)
    describe(subject, sample, ablation, folder, forward=seen, parts=parts, heads=heads)
