"""All networks of known organisation, trained and untrained, over seeds."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from joblib import Parallel, delayed

from hypotest.engine.cluster import HERE, Cluster, processes
from hypotest.engine.progress import StartStage, named, silent
from hypotest.engine.session import Session
from hypotest.pages.notebook import show_as
from hypotest.pipeline.checks.preflight import check_command
from hypotest.studies.controls.examine import examine, key_of, plan_of
from hypotest.studies.controls.judge import expected_words, judge, rate_of
from hypotest.studies.controls.kept import KeptRecord, KeptRecords
from hypotest.studies.controls.page import controls_summary, write_controls
from hypotest.studies.controls.record import ControlResult, Controls, Examined
from hypotest.subjects.controls.control import Control
from hypotest.subjects.controls.registry import CONTROLS, control_named

FILE = "controls.json"
Made = TypeVar("Made", bound=KeptRecord)

show_as(Controls, controls_summary)


def examine_controls(
    only: Sequence[str] = (),
    *,
    seeds: int | Sequence[int] = 1,
    pairs: bool = False,
    merge: Sequence[str | Path] = (),
    out: str | Path | None = None,
    where: Cluster = HERE,
    start_stage: StartStage = silent,
) -> Controls:
    """Train networks whose organisation is known, put each to its protocol, and count right verdicts.

    What ``controls.json`` in the folder holds is not computed again, unless code, network or protocol have
    changed since; it is written while the others are computed, so that a call that was stopped goes on.

    Args:
        only: Names; all by default.
        seeds: How many of each, counted from 0, or which; of each network those below `Control.seeds`, 20 of
            what trains in seconds and 5 of the others.
        pairs: Whether every two units of seed 0 are lesioned as well, in layers of at most 128 units; takes
            minutes.
        merge: Files ``controls.json`` of other machines, whose records are taken over first.
        out: Folder that gets ``<out>/controls``; default ``reports``.
        where: Processes, one per core by default, or a cluster whose workers share this cache.
        start_stage: Told of each network, for progress.

    Returns:
        What was seen of the chosen networks, at every seed in the file. The report covers all that it holds.

    Raises:
        ProtocolError: If there is no such network.
        RunError: If one cannot be trained or examined, or the report cannot be written.
    """
    chosen = chosen_controls(only)
    folder = Path(out or "reports") / "controls"
    check_command(out=folder)
    kept = KeptRecords(folder / FILE, Examined, _key_today)
    for place in merge:
        kept.merge(Path(place))

    def is_missing(control: Control, seed: int, trained: bool) -> bool:
        record = kept.fresh((control.name, seed, trained))
        return record is None or (_wants_pairs(pairs, seed, trained) and record.truth.pairs is None)

    runs = [item for item in networks_of(chosen, seeds) if is_missing(*item)]
    calls = [(*item, _wants_pairs(pairs, *item[1:])) for item in runs]
    make_missing(kept, _examined, calls, where, start_stage)
    whole = Controls(results_of(kept), folder, sum(map(kept.is_stale, kept)))
    write_controls(whole, start_stage)
    names = {item.name for item in chosen}
    own = tuple(item for item in whole.results if item.control in names)
    return Controls(own, folder, sum(kept.is_stale(item) for result in own for item in result.examined))


def networks_of(chosen: Sequence[Control], seeds: int | Sequence[int]) -> Iterator[tuple[Control, int, bool]]:
    """Networks, seeds, and whether trained: all networks of a seed before the next one."""
    for seed in range(seeds) if isinstance(seeds, int) else sorted(set(seeds)):
        for control in chosen:
            if seed < control.seeds:
                yield control, seed, True
                if control.untrained:
                    yield control, seed, False


def make_missing(
    kept: KeptRecords[Made],
    function: Callable[..., Sequence[Made]],
    calls: Sequence[tuple[Any, ...]],
    where: Cluster,
    start_stage: StartStage,
) -> None:
    """Compute records in processes, and keep each as soon as it is there.

    What shares weights is computed by one process, so that nothing is trained twice.

    Args:
        kept: Gets them, and is written at the end, whatever happens.
        function: From control, seed, whether trained and more to records; its last argument hears of stages.
        calls: Its arguments but the last.
        where: Processes, one per core by default, or a cluster.
        start_stage: Told of finished networks, and of stages where there is one process.
    """
    shares: dict[tuple[str, int], list[tuple[Any, ...]]] = {}
    for item in calls:
        shares.setdefault((item[0].recipe.name, item[1]), []).append(item)
    step = start_stage("networks", len(calls))
    with processes(where, len(shares)) as n_jobs:
        told = start_stage if n_jobs == 1 else silent
        try:
            for share in Parallel(n_jobs=n_jobs, return_as="generator_unordered")(
                delayed(_share)(function, items, told) for items in shares.values()
            ):
                for records in share:
                    for record in records:
                        kept.add(record)
                    step()
        finally:
            kept.write()


def _share(
    function: Callable[..., Sequence[Made]], items: Sequence[tuple[Any, ...]], told: StartStage
) -> list[Sequence[Made]]:
    gc.freeze()  # every network ends with a collection of garbage, which need not look through the libraries
    return [function(*item, told) for item in items]


def _examined(
    control: Control, seed: int, trained: bool, pairs: bool, start_stage: StartStage
) -> tuple[Examined]:
    what = f"{control.name}, seed {seed}" + ("" if trained else ", untrained")
    session = Session.start(0).telling(named(start_stage, what))
    return (examine(control, seed, trained, session, pairs=pairs),)


def _wants_pairs(pairs: bool, seed: int, trained: bool) -> bool:
    return pairs and trained and seed == 0


def _key_today(record: Examined) -> str | None:
    return _key_of_control(record.control) if record.control in CONTROLS else None


@cache
def _key_of_control(name: str) -> str:
    return key_of(plan_of(CONTROLS[name])[0], CONTROLS[name])


def results_of(examined: Iterable[Examined]) -> tuple[ControlResult, ...]:
    """Over seeds, in the order of the registry.

    Args:
        examined: Of some networks.
    """
    own: dict[tuple[str, bool], list[Examined]] = {}
    for item in sorted(examined, key=lambda item: item.seed):
        own.setdefault((item.control, item.trained), []).append(item)
    return tuple(
        _result(control, trained, own[control.name, trained])
        for control in CONTROLS.values()
        for trained in (True, False)
        if (control.name, trained) in own
    )


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
