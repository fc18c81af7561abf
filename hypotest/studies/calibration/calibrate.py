"""Calibration: the real pipeline on simulated layers whose truth is known.

Simulations are done a few at a time, every kind of layer in turn, and counted in a file
(`hypotest.studies.calibration.counts`), so that a calibration that was stopped goes on where it was, days
later and elsewhere, as long as the code that it comes from is the same.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed
from pydantic import TypeAdapter

from hypotest.engine.cluster import HERE, Cluster, processes
from hypotest.engine.progress import StartStage, silent
from hypotest.engine.session import cache_folder
from hypotest.errors import OutputError
from hypotest.nulls.registry import declared
from hypotest.pages.markdown import PAGE
from hypotest.pipeline.registered.fence import code_hash
from hypotest.records.stored.files import write_whole
from hypotest.report.results_file import json_text
from hypotest.studies.calibration.cases import Case
from hypotest.studies.calibration.counts import (
    KindCounts,
    Range,
    merge,
    of_these_keys,
    read_counts,
    rounds,
    write_counts,
)
from hypotest.studies.calibration.page import calibration_page
from hypotest.studies.calibration.rates import CONFIDENCE, count_case
from hypotest.studies.calibration.record import SCHEMA_VERSION, CalibratedProtocol, Calibration
from hypotest.studies.calibration.tally import LEVEL, tally_range

COUNTS = "counts.json"
"""Beside results, what the next call goes on from."""
SIMULATIONS = 2000
QUICK_SIMULATIONS = 2
AT_A_TIME = 20
SEED = 20250925
CODE = (
    "verdict.py",
    *("engine", "estimators", "groups", "inference", "ladder", "measures", "nulls", "predicates", "testing"),
    *(
        f"pipeline/analysis/{name}.py"
        for name in ("analysis", "quick", "lesioned", "splits", "outcomes", "dependence", "sensitivity")
    ),
    *(
        f"studies/calibration/{name}.py"
        for name in ("settings", "layers", "rows", "documents", "attention", "lesions", "truth", "tally")
    ),
    "studies/calibration/one_simulation.py",
)
"""What a simulation's numbers come from; of it, what people read counts for nothing."""


def kept_counts(name: str = "shipped") -> Path:
    """The file of counts for results that are written nowhere: in the cache.

    Args:
        name: Of the protocol.
    """
    return cache_folder() / "calibration" / f"{name}.json"


def calibrate(
    cases: Sequence[Case],
    n_simulations: int,
    file: Path,
    *,
    first: int = 0,
    parts: Sequence[Path] = (),
    seed: int = SEED,
    where: Cluster = HERE,
    minutes: float | None = None,
    at_a_time: int | None = None,
    start_stage: StartStage = silent,
) -> Calibration:
    """Simulate every case and count.

    Args:
        cases: From `hypotest.studies.calibration.cases.choose_cases`.
        n_simulations: Of each; what is counted in the file is not simulated again, and counts even if it is
            more.
        file: Of counts; it is read, and written as often as some simulations are finished.
        first: Number of the first simulation: of a part, others being done elsewhere.
        parts: Files of counts from elsewhere, to be added.
        seed: Simulation i of a scenario depends on it, on the scenario's name and on i.
        where: Processes, one per core by default, or a cluster. The result is the same with any number.
        minutes: After which no more are begun; None: until all are done.
        at_a_time: Simulations that a process does at a time, which is what a kill may cost; None for up to
            20.
        start_stage: Told of finished simulations.

    Raises:
        OutputError: If a file of counts cannot be read or written, a part was computed with something else,
            or a simulation would count twice; and if there is no time for any.
    """
    end = None if minutes is None else time.monotonic() + 60 * minutes
    code = code_digest(cases)
    size = at_a_time or max(1, min(AT_A_TIME, n_simulations // 8))
    there = read_counts(file)
    counts, stale = of_these_keys(there, {item.name: item.key(code, seed) for item in cases})
    if parts:
        merge(counts, parts)
        write_counts(file, {**there, **counts})
    left = list(rounds(counts, first, n_simulations, size))
    anew = f"; {len(stale)} anew, since the code or the layer is another" if stale else ""
    step = start_stage(f"{n_simulations:,} simulations of {_kinds(cases)}{anew}", max(1, len(left)))
    by_name = {item.name: item for item in cases}

    def begun() -> Iterator[Any]:
        for name, numbers in left:
            if end is not None and time.monotonic() >= end:
                return
            yield delayed(_counted)(by_name[name], counts[name].key, seed, numbers)

    with processes(where, len(left)) as n_jobs:
        for name, part in Parallel(n_jobs=n_jobs, return_as="generator_unordered")(begun()):
            counts[name] = counts[name].plus(part)
            write_counts(file, {**there, **counts})
            step()
    tallies = ((item, counts[item.name].tally or {}) for item in cases)
    rates = [count_case(item, tally) for item, tally in tallies if "whole" in tally]
    if cases and not rates:
        raise OutputError("no simulation is finished: give it more minutes")
    return Calibration(
        schema_version=SCHEMA_VERSION,
        hypotest_version=metadata.version("hypotest-nn"),
        code=code,
        seed=seed,
        level=LEVEL,
        confidence=CONFIDENCE,
        protocols=tuple(_protocols(cases)),
        scenarios=tuple(rates),
    )


def _counted(case: Case, key: str, seed: int, numbers: Range) -> tuple[str, KindCounts]:
    """What a process does at a time."""
    return case.name, KindCounts(key, (numbers,), tally_range(case, seed, *numbers))


def write_calibration(calibration: Calibration, out: Path) -> None:
    """Write ``calibration.json`` and ``calibration.md``.

    Raises:
        OutputError: If they cannot be written.
    """
    write_whole(out / "calibration.json", json_text(calibration))
    write_whole(out / "calibration.md", PAGE.render(calibration_page(calibration)))


def read_calibration(file: Path) -> Calibration:
    """Read a ``calibration.json``.

    Raises:
        OutputError: If it is not what this version writes.
    """
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        calibration: Calibration = TypeAdapter(Calibration).validate_python(data)
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot read {file}: {error}") from None
    return calibration


def code_digest(cases: Sequence[Case] = ()) -> str:
    """SHA-256 of all code that a simulation's result depends on; measures of other packages lie elsewhere."""
    measures = {item.measure for case in cases for item in case.simulated.protocol.predictions}
    nulls = {item.name for case in cases for item in declared(case.simulated.protocol)}
    return code_hash(measures, nulls, places=CODE)


def _kinds(cases: Sequence[Case]) -> str:
    return cases[0].name if len(cases) == 1 else f"{len(cases)} kinds of layers"


def _protocols(cases: Sequence[Case]) -> Iterator[CalibratedProtocol]:
    for name in dict.fromkeys(item.simulated.name for item in cases):
        first = next(item for item in cases if item.simulated.name == name)
        yield CalibratedProtocol(
            names=first.simulated.names,
            sizes=first.sizes,
            draws={item.name: item.n_draws for item in declared(first.protocol)},
            left_out=first.simulated.left_out,
        )
