"""Calibration: the real pipeline on simulated layers whose truth is known.

Simulations are done in chunks, each written under a name that says what it depends on (code, layer, protocol,
text, seed, range), so that a calibration that was stopped goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from importlib import metadata
from pathlib import Path

from joblib import Parallel, cpu_count, delayed
from pydantic import TypeAdapter

from hypotest.engine.progress import StartStage, silent
from hypotest.engine.session import cache_folder
from hypotest.errors import OutputError
from hypotest.nulls.registry import declared
from hypotest.pages.markdown import PAGE
from hypotest.pipeline.registered.fence import code_hash
from hypotest.records.stored.files import write_whole
from hypotest.report.results_file import json_text
from hypotest.studies.calibration.cases import Case
from hypotest.studies.calibration.chunks import chunk_file, finish_chunk, read_chunk
from hypotest.studies.calibration.page import calibration_page
from hypotest.studies.calibration.rates import CONFIDENCE, LEVEL, count_case
from hypotest.studies.calibration.record import SCHEMA_VERSION, CalibratedProtocol, Calibration

SIMULATIONS = 2000
QUICK_SIMULATIONS = 2
CHUNK = 25
SEED = 20250925
CODE = (
    "verdict.py",
    *("engine", "estimators", "groups", "inference", "ladder", "measures", "nulls", "predicates", "testing"),
    *(
        f"pipeline/analysis/{name}.py"
        for name in ("analysis", "lesioned", "splits", "outcomes", "dependence", "sensitivity")
    ),
    *(
        f"studies/calibration/{name}.py"
        for name in ("settings", "layers", "rows", "documents", "attention", "lesions", "truth")
    ),
    "studies/calibration/one_simulation.py",
)
"""What a simulation's numbers come from; of it, what people read counts for nothing."""


def calibration_folder() -> Path:
    """Where finished chunks are kept: in the cache, not beside reports."""
    return cache_folder() / "calibration"


def calibrate(
    cases: Sequence[Case],
    n_simulations: int,
    chunks: Path,
    *,
    seed: int = SEED,
    n_workers: int | None = None,
    per_chunk: int | None = None,
    start_stage: StartStage = silent,
) -> Calibration:
    """Simulate every case and count.

    Args:
        cases: From `hypotest.studies.calibration.cases.choose_cases`.
        n_simulations: Of each.
        chunks: Folder of finished chunks; what is there is not simulated again.
        seed: Simulation i of a scenario depends on it, on the scenario's name and on i.
        n_workers: Processes; None for one per core. The result is the same with any number.
        per_chunk: Simulations in a chunk, which is what a kill may cost; None for up to 25.
        start_stage: Told of finished chunks.

    Raises:
        OutputError: If a chunk cannot be written, or holds something else.
    """
    code = code_digest(cases)
    size = per_chunk or max(1, min(CHUNK, n_simulations // 8))
    ranges = [(start, min(start + size, n_simulations)) for start in range(0, n_simulations, size)]
    folders = {item.name: chunks / item.key(code, seed) for item in cases}
    step = start_stage(f"{n_simulations:,} simulations of {_kinds(cases)}", len(ranges) * len(folders))
    missing = []
    for start, stop in ranges:  # every case a little, so that a first look need not wait for the end
        for case in cases:
            if chunk_file(folders[case.name], start, stop).exists():
                step()
            else:
                missing.append((case, seed, folders[case.name], start, stop))
    jobs = min(n_workers or cpu_count(), max(1, len(missing)))
    for _ in Parallel(n_jobs=jobs, return_as="generator_unordered")(
        delayed(finish_chunk)(*item) for item in missing
    ):
        step()
    rates = []
    for case in cases:
        simulations = [item for part in ranges for item in read_chunk(chunk_file(folders[case.name], *part))]
        rates.append(count_case(case, simulations))
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
