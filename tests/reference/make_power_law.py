"""Power law against lognormal by the package `powerlaw` (doi:10.1371/journal.pone.0085777).

It is no dependency of hypotest: install it beside hypotest, then run from the root of the
repository: python -m tests.reference.make_power_law

Its version 2 fits exponents up to 3 unless told, and where the best lognormal is the power law
itself its search stops at the limits of floating point (a sample of 150 Pareto values: ratio -1.1,
mean -970, SD 25). The samples are such that the lognormal fits clearly better.
"""

from __future__ import annotations

import warnings

import numpy as np

from tests.reference import values

LIBRARIES = ("numpy", "powerlaw", "scipy")


def cases() -> list[values.Case]:
    """Samples with the fits of their tail from the median on."""
    import powerlaw

    rng = np.random.default_rng(14)
    samples = [
        rng.lognormal(sigma=1.0, size=60),
        rng.lognormal(mean=-3, sigma=0.5, size=101),
        rng.gamma(2.0, size=80),
        rng.weibull(1.5, size=60),
        rng.random(50),
    ]
    made: list[values.Case] = []
    for sample in (np.round(sample, 5) for sample in samples):
        tail = sample[sample >= np.median(sample)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # from starting points that it rejects
            fit = powerlaw.Fit(
                tail, xmin=tail.min(), discrete=False, verbose=0, parameter_ranges={"alpha": [1, 50]}
            )
            ratio, p = fit.distribution_compare("power_law", "lognormal", normalized_ratio=True)
        made.append(
            {
                "kind": "likelihood ratio",
                "sample": sample.tolist(),
                "exponent": float(fit.power_law.alpha),
                "ratio": float(ratio),
                "p_value": float(p),
                "n_tail": len(tail),
                "lognormal": [float(fit.lognormal.mu), float(fit.lognormal.sigma)],
            }
        )
    return made


if __name__ == "__main__":
    values.write("power_law", LIBRARIES, cases)
