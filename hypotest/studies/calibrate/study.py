"""Calibration: the real pipeline on simulated layers whose truth is known.

Simulations are done in chunks, each written under a name that says what it depends on (code, scenario,
protocol, seed, range), so that a calibration that was stopped goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path

from joblib import Parallel, cpu_count, delayed
from pydantic import TypeAdapter

import hypotest
from hypotest.engine.progress import StartStage, silent
from hypotest.engine.session import cache_folder
from hypotest.errors import OutputError, ProtocolError
from hypotest.measures.registry import MEASURES
from hypotest.pages.markdown import PAGE
from hypotest.records.files import write_whole
from hypotest.registration.findings import suggestion
from hypotest.report.results_file import json_text
from hypotest.studies.calibrate.chunks import chunk_file, finish_chunk, read_chunk
from hypotest.studies.calibrate.page import calibration_page
from hypotest.studies.calibrate.rates import CONFIDENCE, LEVEL, count_scenario
from hypotest.studies.calibrate.record import SCHEMA_VERSION, Calibration
from hypotest.studies.calibrate.scenarios import SCENARIOS, Scenario, calibration_protocol

SIMULATIONS = 2000
QUICK_SIMULATIONS = 2
CHUNK = 25
SEED = 20250925
_CODE = ("errors.py", "verdict.py", "groups", "inference", "estimators", "measures", "testing", "pipeline")
_OWN_CODE = ("studies/simulation.py", "studies/one_simulation.py")


def calibration_folder() -> Path:
    """Where finished chunks are kept: in the cache, not beside reports."""
    return cache_folder() / "calibration"


def choose_scenarios(names: Sequence[str], measure: str | None = None) -> tuple[Scenario, ...]:
    """The scenarios of these names, all of them if there is no name.

    Args:
        names: Of scenarios.
        measure: One to be calibrated alone, such as that of another package: in the scenarios in which
            nothing is planted, since what it says of a planted effect is not known here.

    Raises:
        ProtocolError: If a name is unknown, or a measure cannot be calibrated alone.
    """
    known = {item.name: item for item in SCENARIOS}
    for name in names:
        if name not in known:
            raise ProtocolError(f"there is no scenario {name!r}; there are {', '.join(known)}")
    chosen = tuple(known[name] for name in dict.fromkeys(names)) if names else SCENARIOS
    if measure is None:
        return chosen
    if measure not in MEASURES:
        meant = suggestion(measure, MEASURES) or f"; there are {', '.join(MEASURES)}"
        raise ProtocolError(f"there is no measure {measure!r}{meant}")
    alone = tuple(replace(item, measure=measure) for item in chosen if not item.planted)
    for item in alone:
        calibration_protocol(item)  # whether it can be
    if not alone:
        raise ProtocolError(
            f"effects are planted in {', '.join(names)}: false positives of {measure} need others"
        )
    return alone


def calibrate(
    scenarios: Sequence[Scenario],
    n_simulations: int,
    chunks: Path,
    *,
    seed: int = SEED,
    n_workers: int | None = None,
    per_chunk: int | None = None,
    start_stage: StartStage = silent,
) -> Calibration:
    """Simulate every scenario and count.

    Args:
        scenarios: From `choose_scenarios`.
        n_simulations: Of each scenario.
        chunks: Folder of finished chunks; what is there is not simulated again.
        seed: Simulation i of a scenario depends on it, on the scenario's name and on i.
        n_workers: Processes; None for one per core. The result is the same with any number.
        per_chunk: Simulations in a chunk, which is what a kill may cost; None for up to 25.
        start_stage: Told of finished chunks.

    Raises:
        OutputError: If a chunk cannot be written, or holds something else.
    """
    code = code_digest({item.measure for item in scenarios} - {""})
    size = per_chunk or max(1, min(CHUNK, n_simulations // 8))
    ranges = [(start, min(start + size, n_simulations)) for start in range(0, n_simulations, size)]
    folders = {item.name: chunks / _key(item, code, seed) for item in scenarios}
    step = start_stage(f"{n_simulations:,} simulations of {_kinds(scenarios)}", len(ranges) * len(folders))
    missing = []
    for scenario in scenarios:
        for start, stop in ranges:
            if chunk_file(folders[scenario.name], start, stop).exists():
                step()
            else:
                missing.append((scenario, seed, folders[scenario.name], start, stop))
    jobs = min(n_workers or cpu_count(), max(1, len(missing)))
    for _ in Parallel(n_jobs=jobs, return_as="generator_unordered")(
        delayed(finish_chunk)(*item) for item in missing
    ):
        step()
    rates = []
    for scenario in scenarios:
        simulations = [
            item for part in ranges for item in read_chunk(chunk_file(folders[scenario.name], *part))
        ]
        rates.append(count_scenario(scenario, calibration_protocol(scenario), simulations))
    return Calibration(
        schema_version=SCHEMA_VERSION,
        hypotest_version=metadata.version("hypotest-nn"),
        code=code,
        seed=seed,
        level=LEVEL,
        confidence=CONFIDENCE,
        scenarios=tuple(rates),
    )


def write_calibration(found: Calibration, out: Path) -> None:
    """Write ``calibration.json`` and ``calibration.md``.

    Raises:
        OutputError: If they cannot be written.
    """
    write_whole(out / "calibration.json", json_text(found))
    write_whole(out / "calibration.md", PAGE.render(calibration_page(found)))


def read_calibration(file: Path) -> Calibration:
    """Read a ``calibration.json``.

    Raises:
        OutputError: If it is not what this version writes.
    """
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        found: Calibration = TypeAdapter(Calibration).validate_python(data)
    except (OSError, ValueError) as error:
        raise OutputError(f"cannot read {file}: {error}") from None
    return found


def code_digest(measures: Iterable[str] = ()) -> str:
    """SHA-256 of all code that a simulation's result depends on.

    Args:
        measures: That are calibrated alone; those of other packages lie elsewhere.
    """
    root = Path(hypotest.__file__).parent
    digest = hashlib.sha256()
    for name in (*_CODE, *_OWN_CODE):
        place = root / name
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            digest.update(str(file.relative_to(root)).encode() + b"\0" + file.read_bytes())
    for name in sorted(measures):
        home = MEASURES[name].home
        if root not in home.parents:
            digest.update(name.encode() + b"\0" + home.read_bytes())
    return digest.hexdigest()


def _kinds(scenarios: Sequence[Scenario]) -> str:
    return scenarios[0].name if len(scenarios) == 1 else f"{len(scenarios)} kinds of layers"


def _key(scenario: Scenario, code: str, seed: int) -> str:
    depends = {
        "code": code,
        "layer": asdict(scenario.layer),
        "coverage": scenario.coverage,
        "protocol": calibration_protocol(scenario).model_dump(mode="json"),
        "seed": seed,
    }
    text = json.dumps(depends, sort_keys=True)
    return f"{scenario.name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
