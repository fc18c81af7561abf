"""Of which matrix a dimension is: shared by the measures that have one."""

from __future__ import annotations

from hypotest.measures.option import Option

SCALE = Option(
    "covariance",
    "covariance of the activations, or their correlation, in which no loud neuron counts for more",
    choices=("covariance", "correlation"),
)
