"""How often the plateau rule finds a plateau where none is, and where one is: simulations.

Layers without regimes are samples of lognormal, Pareto and exponential influences. Planted ones are level (up
to 10 % from neuron to neuron) to 3 % of the ranks and then a power law of exponent kappa, begun by a cliff of
so many natural log units. Each half of the documents measures every influence with an independent gamma error
of the given coefficient of variation, as a mean of skewed positive numbers has; ranks come from one half,
influences from the other, and both directions are averaged, as `hypotest.testing.selection.fit_curves` does.

Run from the root of the repository: python -m tests.estimators.plateau_rates (some minutes). It writes
``plateau_rates.json`` beside it, with the former rule (flatter than half the power law, within 5 % of the
ranks, 10 neurons or more) next to the present one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hypotest.estimators import regimes
from hypotest.groups.nulls import Influences
from hypotest.testing.selection import fit_curves

FILE = Path(__file__).with_suffix(".json")
SEED = 20261128
N_LAYERS = 1000
"""Per setting: the standard error of a rate of 0.05 is 0.007."""
SIZES = (256, 512, 1024, 2048, 8192)
ERRORS = (0.05, 0.15, 0.4, 0.8)
"""Coefficients of variation of an influence over halves; 0.8 is a split with next to no text."""
SAMPLES = (
    *(("lognormal", spread) for spread in (0.5, 1.0, 1.5, 2.0)),
    *(("pareto", exponent) for exponent in (1.0, 2.0, 3.0, 5.0)),
    ("exponential", 1.0),
)
PLANTED = tuple((cliff, kappa) for cliff in (1.0, 0.0) for kappa in (0.5, 1.0, 1.5))
RULE = {
    "head_share": regimes.HEAD_SHARE,
    "flat": regimes.FLAT,
    "smallest_plateau": regimes.SMALLEST_PLATEAU,
    "smallest_fall": regimes.SMALLEST_FALL,
    "fall_span": list(regimes.FALL_SPAN),
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One kind of layer and how well it is measured."""

    kind: str
    """``lognormal``, ``pareto`` and ``exponential``: nothing is there; ``plateau``: one is."""
    parameter: float
    """SD of the logarithm; exponent; of a plateau, kappa."""
    n_neurons: int
    error: float
    cliff: float | None = None


def settings() -> Iterator[Setting]:
    """All of them, those without a plateau first."""
    for n_neurons in SIZES:
        for kind, parameter in SAMPLES:
            for error in ERRORS:
                yield Setting(kind, parameter, n_neurons, error)
    for n_neurons in SIZES:
        for cliff, kappa in PLANTED:
            for error in ERRORS:
                yield Setting("plateau", kappa, n_neurons, error, cliff)


def simulate(setting: Setting, n_layers: int, seed: int) -> dict[str, float]:
    """Share of layers in which the present and the former rule find a plateau.

    Args:
        setting: Which layers.
        n_layers: How many.
        seed: The same seed gives the same layers.
    """
    rng = np.random.default_rng([seed, *json.dumps(asdict(setting)).encode()])
    true = _influences(setting, n_layers, rng)
    shape = setting.error**-2
    halves = true[:, None, :] * rng.gamma(shape, 1 / shape, size=(n_layers, 2, setting.n_neurons))
    fits, _ = fit_curves(Influences(halves=halves.astype(np.float32), whole=true.astype(np.float32)))
    first = fits.breakpoints[:, 0]
    former = (
        (fits.plateau_flatness > 0.5)
        & (first <= 0.05 * setting.n_neurons)
        & (np.rint(first) >= 10)
        & (fits.head_excess != 0)
    )
    return {"found": float(fits.plateau.mean()), "former": float(former.mean())}


def _influences(setting: Setting, n_layers: int, rng: np.random.Generator) -> np.ndarray:
    size = (n_layers, setting.n_neurons)
    if setting.kind == "lognormal":
        return np.exp(setting.parameter * rng.normal(size=size))
    if setting.kind == "pareto":
        return 1 + rng.pareto(setting.parameter, size=size)
    if setting.kind == "exponential":
        return rng.exponential(size=size)
    rank = np.arange(1, setting.n_neurons + 1)
    end = round(0.03 * setting.n_neurons)
    behind = np.exp(-(setting.cliff or 0.0)) * (rank / end) ** -setting.parameter
    return np.where(rank <= end, 1.0, behind) * np.exp(0.1 * rng.normal(size=size))


def main() -> None:
    """Simulate all settings and keep the rates, one setting a line."""
    lines = []
    for setting in settings():
        lines.append(json.dumps({**asdict(setting), **simulate(setting, N_LAYERS, SEED)}))
        print(lines[-1], flush=True)
    head = json.dumps({"made_by": "plateau_rates.py", "seed": SEED, "n_layers": N_LAYERS, "rule": RULE})[:-1]
    FILE.write_text(head + ', "rates": [\n' + ",\n".join(lines) + "\n]}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
