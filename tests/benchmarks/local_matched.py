"""How often the null of neighbours rejects what it must not, for every measure that it can decide.

    python -m tests.benchmarks.local_matched [--simulations 200] [--only PATTERN] [--out FOLDER]

Specialists for rare targets are real in every layer, and a property (neurons act together, their weights'
spectrum falls, a head matters to them) is unrelated to that, or follows loudness, or influence on every
target. Group sizes, layers of up to 8,192 neurons, bins and covariates vary. Each setting's simulations are
kept in the folder, one line each, so that a run that was stopped goes on; the table is printed from what is
there.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from time import process_time

import numpy as np
from joblib import parallel_config
from scipy.stats import binomtest
from threadpoolctl import threadpool_limits

from hypotest.engine.session import Session, cache_folder
from hypotest.groups.live import without_dead
from hypotest.measures.measure import GroupMeasure
from hypotest.measures.registry import MEASURES
from hypotest.nulls.form import Form
from hypotest.nulls.local_matched import NULL
from hypotest.nulls.size_matched import NULL as RANDOM
from hypotest.records.protocol.prediction import Contrast, Prediction
from hypotest.studies.calibration.cases import choose_scenarios
from hypotest.studies.calibration.documents import draw_evidence
from hypotest.studies.calibration.layers import draw_layer
from hypotest.studies.calibration.protocols import shipped, with_share
from hypotest.studies.calibration.settings import Layer
from hypotest.testing.selection import select
from hypotest.testing.task import Task, Tested

DRAWS = 119
LEVEL = 0.05
_ON = ("activation_sd", "base_influence")
VARIANTS = {
    "bins of 10": NULL.options(draws=DRAWS),
    "bins of 5": NULL.options(draws=DRAWS, bin=5),
    "bins of 20": NULL.options(draws=DRAWS).model_copy(update={"bin": 20}),  # no protocol can have it
    "with mean and norm": NULL.options(draws=DRAWS, on=(*_ON, "activation_mean", "output_norm")),
}
RANDOM_GROUPS = "random groups"
SIZES = {
    "160/16": {"n_neurons": 160, "size": 16},
    "512/20": {"n_neurons": 512, "size": 20, "n_documents": 80},
    "512/82": {"n_neurons": 512, "size": 82, "n_documents": 80},
    "2048/41": {"n_neurons": 2048, "size": 41, "n_documents": 80},
    "8192/82": {"n_neurons": 8192, "size": 82, "n_documents": 80},
}
"""Neurons of the layer and of the group."""
KINDS = ("property-unrelated", "property-of-loudness", "property-of-influence", "nothing")
MEASURED = tuple(
    (measure.name if scale is None else f"{measure.name}, {scale}", measure, scale)
    for measure in MEASURES.values()
    if isinstance(measure, GroupMeasure)
    and Form.GROUPS in measure.contrasts
    and not measure.decided_by_labels
    for scale in (measure.options["scale"].choices if "scale" in measure.options else (None,))
)


@dataclass(frozen=True, slots=True)
class Setting:
    """Layers of one kind and size."""

    name: str
    layer: Layer


def all_settings() -> Iterator[Setting]:
    """In the order of the table."""
    for size, changes in SIZES.items():
        for scenario in choose_scenarios(KINDS):
            yield Setting(f"{scenario.name} {size}", replace(scenario.layer, **changes))


def simulate(setting: Setting, number: int) -> dict[str, dict[str, float]]:
    """p of each measure, in each variant and among random groups."""
    layer = setting.layer
    session = Session.start(number)
    rng = session.streams("local_matched", setting.name)
    evidence = without_dead(draw_evidence(draw_layer(layer, rng), rng))
    plan = with_share(shipped()[0].protocol, layer.size / layer.n_neurons)
    task = Task(plan, evidence, select(plan, evidence, session.streams), session)
    states = {name: (NULL, options, NULL.prepare(options, task)) for name, options in VARIANTS.items()}
    random = RANDOM.options(draws=DRAWS)
    states[RANDOM_GROUPS] = (RANDOM, random, RANDOM.prepare(random, task))
    p_values: dict[str, dict[str, float]] = {}
    for name, measure, scale in MEASURED:
        given = {} if scale is None else {"scale": scale}
        if "restarts" in measure.options:
            given["restarts"] = 3
        item = Prediction(id="x", measure=measure.name, options=given, contrast=Contrast(null=NULL.name))
        bound = measure.tied(item, evidence, session)
        value = float(bound.values(task.selection.group[None, :])[0])
        tested = Tested(item, bound, value, task, measure.decided_by_labels)
        p_values[name] = {}
        for variant, (null, options, state) in states.items():
            compared = null.compare(tested, options, state, "").comparison
            if compared.blocked is None:
                p_values[name][variant] = compared.p_value
    return p_values


def main() -> None:
    """Simulate what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--simulations", type=int, default=200)
    parser.add_argument("--only", default="*", help="pattern of settings")
    parser.add_argument("--out", type=Path, default=cache_folder() / "local_matched")
    chosen = parser.parse_args()
    chosen.out.mkdir(parents=True, exist_ok=True)
    settings = [item for item in all_settings() if fnmatchcase(item.name, chosen.only)]
    with threadpool_limits(limits=1), parallel_config(backend="sequential"):
        for number in range(chosen.simulations):  # a little of every setting
            for setting in settings:
                file = chosen.out / f"{setting.name.replace('/', '-').replace(' ', '_')}.jsonl"
                if len(_lines(file)) > number:
                    continue
                started = process_time()
                p_values = simulate(setting, number)
                with file.open("a", encoding="utf-8") as lines:
                    lines.write(json.dumps({"p": p_values, "seconds": process_time() - started}) + "\n")
    for setting in settings:
        file = chosen.out / f"{setting.name.replace('/', '-').replace(' ', '_')}.jsonl"
        _print(setting.name, _lines(file))


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def _print(name: str, lines: list[str]) -> None:
    rows = [json.loads(line) for line in lines]
    if not rows:
        return
    print(f"\n{name}: {len(rows)} layers, {np.mean([row['seconds'] for row in rows]):.1f} CPU s each")
    variants = [*VARIANTS, RANDOM_GROUPS]
    print(" " * 34 + "  ".join(f"{variant:>18}" for variant in variants))
    for measure, _, _ in MEASURED:
        cells = []
        for variant in variants:
            p_values = [row["p"][measure][variant] for row in rows if variant in row["p"][measure]]
            count = sum(p <= LEVEL for p in p_values)
            high = bool(p_values) and binomtest(count, len(p_values), LEVEL, "greater").pvalue < 0.005
            share = f"{count / len(p_values):.3f} of {len(p_values)}" if p_values else "blocked"
            cells.append(f"{share + ('!' if high else ''):>18}")
        print(f"{measure:34}" + "  ".join(cells))


if __name__ == "__main__":
    main()
