"""Captions that depend on what a run shows."""

from __future__ import annotations

from hypotest.nulls.registry import NULLS, SD_NULL
from hypotest.records.results.figure_data import Spectrum
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.report.figures.curves import collapsed


def spectrum_caption(spectrum: Spectrum, item: PredictionResult, variance: float) -> str:
    """Says which null the band is of, where another one decides; and of eigenvalues that are none."""
    others = "random groups of its size"
    if spectrum.null:
        others = f"{spectrum.null} groups, the null that decides"
    said = f"Eigenvalues of the group's {spectrum.scale} beside those of {others}"
    if item.reference in NULLS and not spectrum.null and item.reference != SD_NULL:
        said += f"; the null that decides is {item.against}"
    said += (
        ". Above, each one's share of the variance; below, their running sum and, dotted, the share up to "
        f"which dimensions count ({variance:g})"
    )
    nothing = collapsed(spectrum)
    if nothing:
        said += (
            f". Nothing but rounding are {nothing} of {len(spectrum.observed)}: neurons that repeat others, "
        )
        said += "or never vary"
    return f"{said}."
