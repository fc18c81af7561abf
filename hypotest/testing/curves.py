"""A rank-influence curve with its regimes."""

from __future__ import annotations

import numpy as np

from hypotest.estimators.regimes import rank_grid
from hypotest.groups.nulls import Influences
from hypotest.records.results.figure_data import RegimeFit
from hypotest.testing.selection import fit_curves


def describe_curve(condition: str, influences: Influences) -> RegimeFit:
    """The rank-influence curve of one labelling and its regimes; an undefined flatness counts as 0."""
    fits, curve = fit_curves(influences)
    breakpoints = fits.breakpoints[0]
    return RegimeFit(
        condition=condition,
        ranks=tuple(rank_grid(influences.whole.shape[1]).astype(float).tolist()),
        influence=tuple(np.exp(curve[0]).tolist()),
        fitted=tuple(np.exp(fits.fitted[0]).tolist()),
        breakpoints=tuple(breakpoints[np.isfinite(breakpoints)].tolist()),
        slopes=tuple(fits.slopes[0][np.isfinite(fits.slopes[0])].tolist()),
        kappa=float(fits.kappa[0]),
        plateau=bool(fits.plateau[0]),
        plateau_flatness=float(np.nan_to_num(fits.plateau_flatness[0])),
        head_excess=float(np.nan_to_num(fits.head_excess[0])),
        bic=tuple(fits.bic[0][np.isfinite(fits.bic[0])].tolist()),
    )
