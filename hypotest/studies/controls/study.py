"""All networks of known organisation, trained and untrained, over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hypotest.engine.progress import StartStage, named, silent
from hypotest.engine.session import Session
from hypotest.pages.notebook import show_as
from hypotest.pipeline.checks.preflight import check_command
from hypotest.studies.controls.examine import examine
from hypotest.studies.controls.judge import expected_words, judge, rate_of
from hypotest.studies.controls.page import controls_summary, write_controls
from hypotest.studies.controls.record import ControlResult, Controls, Examined
from hypotest.subjects.controls.control import Control
from hypotest.subjects.controls.registry import CONTROLS, control_named

show_as(Controls, controls_summary)


def examine_controls(
    only: Sequence[str] = (),
    *,
    seeds: int | Mapping[str, int] = 1,
    pairs: bool = False,
    out: str | Path | None = None,
    start_stage: StartStage = silent,
) -> Controls:
    """Train networks whose organisation is known, put each to its protocol, and count right verdicts.

    What was trained and examined is kept in the cache, so that a call that was stopped goes on.

    Args:
        only: Names; all by default.
        seeds: How many of each, counted from 0; at most as many as `Control.seeds` says, 20 of what trains
            in seconds and 5 of the others. Of each by its name, if they differ.
        pairs: Whether every two units of the first seed are lesioned as well, in layers of at most 128 units;
            takes minutes.
        out: Folder that gets ``<out>/controls``; default ``reports``.
        start_stage: Told of each network, for progress.

    Returns:
        What was seen; written to its folder as well.

    Raises:
        ProtocolError: If there is no such network.
        RunError: If one cannot be trained or examined, or the report cannot be written.
    """
    chosen = chosen_controls(only)
    folder = Path(out or "reports") / "controls"
    check_command(out=folder)
    session = Session.start(0)
    most = {
        item.name: min(item.seeds, seeds if isinstance(seeds, int) else seeds.get(item.name, 1))
        for item in chosen
    }
    runs = [
        (item, seed, trained)
        for seed in range(max(most.values()))
        for item in chosen
        if seed < most[item.name]
        for trained in (True, False)
        if trained or item.untrained
    ]
    step = start_stage("networks", len(runs))
    examined: list[Examined] = []
    for item, seed, trained in runs:
        what = f"{item.name}, seed {seed}" + ("" if trained else ", untrained")
        own = session.telling(named(start_stage, what))
        examined.append(examine(item, seed, trained, own, pairs=pairs and trained and seed == 0))
        step()
    results = [
        _result(
            item, trained, [one for one in examined if (one.control, one.trained) == (item.name, trained)]
        )
        for item in chosen
        for trained in (True, False)
        if trained or item.untrained
    ]
    whole = Controls(tuple(results), folder)
    write_controls(whole, start_stage)
    return whole


def chosen_controls(only: Sequence[str]) -> tuple[Control, ...]:
    """The controls of these names, in the order of the registry; all if none is named.

    Raises:
        ProtocolError: If there is none of a name.
    """
    wanted = {control_named(name).name for name in only} or CONTROLS.keys()
    return tuple(item for name, item in CONTROLS.items() if name in wanted)


def _result(control: Control, trained: bool, examined: Sequence[Examined]) -> ControlResult:
    right = [judge(control.organisation, item) for item in examined]
    return ControlResult(
        control=control.name,
        trained=trained,
        known=control.known,
        how=control.how,
        source=control.source,
        title=control.title,
        protocol=control.protocol,
        expected=expected_words(control.organisation, trained),
        examined=tuple(examined),
        right=tuple(right),
        rate=rate_of(right),
    )
