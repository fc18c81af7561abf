"""Coverage of intervals over documents *and* types, for every measure and way to combine variances.

    python -m tests.benchmarks.crossed [--simulations 200] [--only PATTERN] [--out FOLDER]

Layers, documents and types are drawn anew in every simulation; what is true of the populations is known in
closed form (of activations: from the correlation matrix; of attention: from 16,000 draws). Group measures are
contrasts with the mean of six random groups, as in a run. A setting's simulations are kept in the folder, one
line each, so that a run that was stopped goes on. The table is printed at the end.

Type effects are SDs: of values for means, of the normal score for activations (0.5: a quarter of the
variance), of log |delta_loss| for selectivity, of attention logits for routing.
"""

from __future__ import annotations

import argparse
import json
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
from scipy import stats

from hypotest.engine.session import cache_folder
from tests.benchmarks.crossed_measures import (
    Setting,
    dimension,
    mean,
    modularity,
    participation,
    routing,
    segregated,
    selectivity,
    top_head,
)


def all_settings() -> list[Setting]:
    """In the order of the table."""
    settings = []
    for sd in (0.0, 0.04, 0.07, 0.15, 0.5):
        for cap in (0, 8):
            more = {"permute": True}
            name = f"mean n512 cap{cap} type {sd}"
            settings.append(Setting(name, mean, 512, 200, (300, 1000), cap, sd, 0.07, more=more))
    few = {"permute": True}
    settings += [
        Setting(
            "mean n512 cap8 skewed types 0.5",
            mean,
            512,
            200,
            (300, 1000),
            8,
            0,
            0.07,
            more={"skewed": 0.5, **few},
        ),
        Setting("mean n200 25 documents type 0.15", mean, 200, 25, (100, 300), 8, 0.15, 0.07, more=few),
        Setting("mean n4096 type 0.07", mean, 4096, 400, (900, 3000), 8, 0.07, 0.07),
    ]
    for cap in (0, 8):
        for own, shared in ((0.0, 0.0), (0.5, 0.0), (0.0, 0.15), (0.5, 0.5)):
            name = f"selectivity k20 cap{cap} types own {own} shared {shared}"
            settings.append(Setting(name, selectivity, cap=cap, type_sd=own, more={"shared": shared}))
    settings.append(
        Setting("selectivity n4096", selectivity, 4096, 400, (900, 3000), 8, 0.5, more={"shared": 0.15})
    )
    for root in (False, True):
        for cap, noise, sd in ((8, 0.5, 0.0), (8, 0.5, 0.5), (0, 0.5, 0.5), (8, 1.0, 0.5)):
            name = f"top head {'impact' if root else 'share'} cap{cap} noise {noise} type {sd}"
            more = {"noise": noise, "root": root}
            settings.append(Setting(name, top_head, documents=150, cap=cap, type_sd=sd, more=more))
    small, shipped = {"n": 1000}, {"n": 4096, "documents": 400, "types": (900, 3000)}
    for size, k in ((small, 20), (shipped, 41)):
        for scale in ("correlation", "covariance"):
            for planted, sd in ((0.0, 0.0), (0.0, 0.15), (0.0, 0.5), (0.5, 0.5)):
                name = f"dimension {scale} n{size['n']} k{k} planted {planted} type {sd}"
                more = {"k": k, "scale": scale, "planted": planted}
                settings.append(Setting(name, dimension, type_sd=sd, more=more, **size))
        for blocks, sd in ((0, 0.0), (0, 0.15), (0, 0.5), (3, 0.15), (3, 0.5)):
            more = {"k": k, "planted": 0.6 if blocks else 0.0, "blocks": max(blocks, 1)}
            name = f"Q n{size['n']} k{k} blocks {blocks} type {sd}"
            settings.append(Setting(name, modularity, type_sd=sd, more=more, **size))
    for groups in (20, 50):
        settings.append(
            Setting(
                f"Q n1000 k20 blocks 3 type 0.5 G{groups}",
                modularity,
                type_sd=0.5,
                groups=groups,
                more={"k": 20, "planted": 0.6, "blocks": 3},
            )
        )
    settings += [
        Setting(
            "Q n1000 k20 own searches, type 0.5", modularity, type_sd=0.5, more={"k": 20, "shared": False}
        ),
        Setting(
            "Q n1000 k20 60 uncapped types, type 0.5",
            modularity,
            types=(60, 60),
            cap=0,
            type_sd=0.5,
            more={"k": 20},
        ),
    ]
    for planted, sd in ((0.0, 0.15), (0.0, 0.5), (0.5, 0.5)):
        more = {"k": 20, "planted": planted}
        settings.append(
            Setting(f"participation k20 planted {planted} type {sd}", participation, type_sd=sd, more=more)
        )
        settings.append(
            Setting(f"segregation k20 planted {planted} type {sd}", segregated, type_sd=sd, more=more)
        )
    for differ, cap, sd in (
        (0.0, 8, 0.0),
        (0.0, 8, 0.5),
        (0.0, 8, 1.0),
        (0.0, 0, 1.0),
        (0.3, 8, 0.0),
        (0.3, 8, 0.5),
    ):
        name = f"routing differ {differ} cap{cap} type {sd}"
        more = {"rerouting": differ}
        settings.append(Setting(name, routing, 512, 200, (300, 1000), cap, sd, 0.2, more=more))
        if cap:
            name = f"routing shipped differ {differ} type {sd}"
            more = {"rerouting": differ, "context": 64}
            settings.append(Setting(name, routing, 3800, 400, (700, 3000), cap, sd, 0.2, more=more))
    return settings


def simulated(s: Setting, wanted: int, folder: Path) -> list[dict[str, float]]:
    """Simulations of a setting; those of before are read."""
    path = folder / (s.name.replace(" ", "_").replace("|", "") + ".jsonl")
    lines = path.read_text().splitlines() if path.exists() else []
    with path.open("a") as file:
        for number in range(len(lines), wanted):
            line = json.dumps(s.measure(s, np.random.default_rng((2026, number))))
            file.write(line + "\n")
            file.flush()
            lines.append(line)
    return [json.loads(line) for line in lines[:wanted]]


def row(s: Setting, simulations: list[dict[str, float]]) -> str:
    """Of the table."""
    v = {key: np.array([item[key] for item in simulations]) for key in simulations[0]}
    sd = v["error"].std(ddof=1)
    floored = np.maximum.reduce([v["documents"], v["types"], v["documents"] + v["types"] - v["cells"]])
    cells = [
        s.name,
        str(len(simulations)),
        f"{v['effective_documents'].mean():.0f}",
        f"{v['effective_types'].mean():.0f}",
    ]
    cells += [f"{v['truth'].mean():.3f}", f"{v['error'].mean() / sd:.2f}", f"{v['bias'].mean() / sd:.2f}"]
    ways = (
        (v["documents"], v["document_freedom"]),
        (floored, v["freedom"]),
        (v["documents"] + v["types"], v["freedom"]),
    )
    for variance, freedom in ways:
        variance = variance + v.get("search", 0.0)
        inside, outside = (stats.t.ppf(level, freedom) * np.sqrt(variance) for level in (0.95, 0.975))
        size = np.abs(v["error"])
        cells.append(
            f"{np.sqrt(variance.mean()) / sd:.2f} / {np.mean(size <= inside):.3f} / "
            f"{np.mean(np.abs(v['error'] - v['bias']) <= inside):.3f} / {np.mean(size > outside):.3f}"
        )
    cells.append(f"{np.mean(v['permutation'] <= 0.05):.3f}" if "permutation" in v else "")
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Simulate what is not there yet, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--simulations", type=int, default=200)
    parser.add_argument("--only", default="*")
    parser.add_argument("--out", type=Path, default=cache_folder() / "bench-crossed")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    print(
        "Each way: SE / SD of the errors; coverage of 90 % intervals; the same, re-centred; rejection of "
        "the truth at 5 %.\n"
    )
    print(
        "| setting | n | documents | types | truth | bias (SD) | jackknife bias | documents | floored | sum "
        "| permuted |"
    )
    print("|---|" + "---:|" * 10)
    for setting in all_settings():
        if fnmatchcase(setting.name, options.only):
            print(row(setting, simulated(setting, options.simulations, options.out)), flush=True)


if __name__ == "__main__":
    main()
