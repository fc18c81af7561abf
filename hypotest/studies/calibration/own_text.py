"""A user's own protocol at its own sizes: its layer's width, and the rows of its own text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

from hypotest.collect.sample import Sample
from hypotest.corpora.sampling import SPLITS, blocks_for_heads
from hypotest.engine.progress import StartStage, silent
from hypotest.engine.session import Session
from hypotest.errors import ProtocolError
from hypotest.groups.select import declared_size
from hypotest.pipeline.checks.preflight import require_single
from hypotest.pipeline.registered.registered import kept_out_of_evaluation
from hypotest.pipeline.subject import layer_width, one_checkpoint
from hypotest.pipeline.texts.positions import find_positions
from hypotest.records.protocol.design import HEAD_BLOCKS
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration import load_protocol
from hypotest.registration.built import protocol_file
from hypotest.studies.calibration.cases import Case, choose_scenarios
from hypotest.studies.calibration.documents import Texts
from hypotest.studies.calibration.protocols import simulated
from hypotest.studies.calibration.rows import SimulatedRows
from hypotest.subjects.loading.loading import load_reader

OWN_SIMULATIONS = 100
"""Of each scenario, for a user's own protocol."""
OWN_SCENARIOS = ("nothing", "types-15")
"""What is simulated for it: nothing at all, and effects of token types."""
OWN_TEXTS, OWN_GROUPS = 4, 300
"""Other texts from which its truth is read, and random groups: they are as large as its own."""


def own_cases(
    protocol: str | Path, scenarios: Sequence[str] = (), *, start_stage: StartStage = silent
) -> tuple[Case, ...]:
    """What to simulate for a protocol: layers as wide as its own, on the rows of its own text.

    Documents, rare and common positions and their token types are those that a run would sample, so that the
    effective numbers of documents and types are its own. What the network does there is simulated; no model
    is loaded.

    Args:
        protocol: Path of the protocol.
        scenarios: Names; those of `OWN_SCENARIOS` if empty.
        start_stage: Told of reading and counting the text, for progress.

    Raises:
        ProtocolError: If the protocol is not valid or a series, if nothing that decides can be simulated, or
            its layer's width is not known without loading the model.
        SubjectError: If tokenizer or configuration cannot be had.
        CorpusError: If the text does not give what the protocol asks for.
    """
    chosen = choose_scenarios(scenarios or OWN_SCENARIOS)
    path = protocol_file(protocol)
    plan = load_protocol(path)
    require_single(plan, path, "calibrate")
    simulated_plan = simulated(plan, plan.id)
    width, texts = _measured(plan, path, start_stage)
    size = declared_size(plan.group, width)
    layers = (replace(item.layer, n_neurons=width, size=min(size, width // 3)) for item in chosen)
    return tuple(
        Case(
            replace(item, layer=layer),
            simulated_plan,
            texts,
            own_size=True,
            n_texts=OWN_TEXTS,
            n_groups=OWN_GROUPS,
        )
        for item, layer in zip(chosen, layers, strict=True)
    )


def _measured(plan: Protocol, path: Path, start_stage: StartStage) -> tuple[int, Texts]:
    """The layer's width, and the rows of both splits."""
    step = start_stage("text and positions", 2)
    reader = load_reader(plan.subject.name, revision=one_checkpoint(plan), base=path.parent)
    width = layer_width(plan, reader, path.parent)
    if width is None:
        raise ProtocolError(
            f"{path}: the width of the layer of {plan.subject.name} is not known from its configuration: "
            "subject.anatomy says where its neurons are"
        )
    session = Session.start(plan.seed, start_stage)
    kept_out = kept_out_of_evaluation(path)
    drawn = find_positions(plan, path.parent, reader, session, step, kept_out)
    positions = drawn.sampled.positions
    names = np.unique(positions["target"].to_numpy())
    texts = {}
    for split in SPLITS:
        rows = positions.filter(pl.col("split") == split).with_row_index("row")
        heads = blocks_for_heads(rows, HEAD_BLOCKS, session.streams("head blocks", split))
        sample = Sample(drawn.blocks.tokens, rows, heads)
        texts[split] = SimulatedRows(
            documents=np.unique(rows["document"].to_numpy(), return_inverse=True)[1].astype(np.int64),
            rare=(rows["condition"] == plan.names.first).to_numpy(),
            types=np.searchsorted(names, rows["target"].to_numpy()).astype(np.int64),
            for_heads=np.isin(np.arange(rows.height), sample.head_positions["row"].to_numpy()),
            names=plan.names,
        )
    return width, texts
