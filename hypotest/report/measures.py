"""What each measure asks, in words; and the label and unit of its axis."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MeasureText:
    """How a measure is explained to a reader."""

    label: str
    """Axis label, with the unit."""
    question: str
    method: str
    """One clause for the methods paragraph, with its source."""


MEASURES: dict[str, MeasureText] = {
    "selectivity": MeasureText(
        "selectivity (−1 to 1)",
        "Do these neurons matter more for rare targets than for common ones, on documents "
        "that took "
        "no part in selecting them?",
        "selectivity is the mean over the group of (influence on rare - influence on common) / (their sum)",
    ),
    "plateau_flatness": MeasureText(
        "plateau flatness",
        "Does the rank-influence curve of these targets begin with a plateau, set apart from the power law "
        "that follows?",
        "plateau flatness is 1 - |left slope| / kappa of a continuous piecewise line on the "
        "log-log "
        "rank-influence curve (eq. 11 of arXiv:2509.21163)",
    ),
    "effective_dimension": MeasureText(
        "effective dimension (components)",
        "Do the group's neurons vary together, along fewer directions than other neurons do?",
        "effective dimension is the interpolated number of principal components that hold the "
        "declared share of the variance of the group's activations (eq. 4 of arXiv:2509.21163), of their "
        "covariance or, where declared, their correlation",
    ),
    "participation_ratio": MeasureText(
        "participation ratio (components)",
        "Is the variance of the group's activations spread over fewer directions than that of other neurons?",
        "the participation ratio is 1 over the sum of squared shares of variance of the principal components "
        "of the group's activations",
    ),
    "segregation": MeasureText(
        "segregation (1: like any other group)",
        "Do the group's neurons share more information with each other than with the rest of the layer?",
        "segregation is the mean mutual information between two neurons of the group over that between a "
        "neuron of the group and one of the rest of the layer (after arXiv:2505.12822)",
    ),
    "modularity": MeasureText(
        "modularity Q",
        "Do the group's neurons fall into communities that share more information inside than between?",
        "modularity Q is computed on the mutual information between the group's activations "
        "(eq. 5 and 6 of arXiv:2509.21163)",
    ),
    "attention_gini": MeasureText(
        "Gini coefficient of attention (0 uniform, 1 one key)",
        "Is attention concentrated on fewer positions when the target is rare?",
        "attention concentration is the Gini coefficient over visible keys, scaled so that "
        "uniform attention gives 0 and one key gives 1 (after eq. 7 of arXiv:2509.21163)",
    ),
    "routing_similarity": MeasureText(
        "routing similarity (share of the noise ceiling)",
        "Do the attention heads look at the same places for rare targets as for common ones?",
        "routing similarity is the Spearman correlation of mean attention profiles, as a share of "
        "the split-half noise ceiling",
    ),
    "top_head_share": MeasureText(
        "squared effect of the top head / of its whole layer",
        "Does one attention head carry what a whole layer of heads brings to these neurons?",
        "the top head's share is the squared change of the group's activations with that head "
        "ablated over the squared change with all heads of its layer ablated",
    ),
    "top_head_impact": MeasureText(
        "impact of the top head (relative change of activations)",
        "Does the group depend on its top head more than other groups depend on theirs?",
        "head impact is the relative change of the group's activations with a head's output set to "
        "zero (eq. 8 of arXiv:2509.21163)",
    ),
    "hill_alpha": MeasureText(
        "Hill alpha of the weight spectrum",
        "Is the spectrum of the group's weights heavier-tailed than that of other neurons?",
        "Hill alpha is the tail exponent of the eigenvalues of the group's weight Gram matrix "
        "(eq. 9 and 10 of arXiv:2509.21163)",
    ),
}


def measure_text(measure: str, title: str) -> MeasureText:
    """Words for a measure; one without an entry is described by its prediction's title."""
    return MEASURES.get(measure, MeasureText(title, f"How large is this: {title}?", title))
