"""What stands beside the effective dimension."""

from __future__ import annotations

import numpy as np
import pytest

from hypotest.engine.session import Session
from hypotest.measures.registry import measure_of
from tests.pipeline.planted import make_evidence, make_protocol


@pytest.mark.parametrize("variance", [0.5, 0.95])
def test_independent_neurons_are_on_the_scale_that_is_tested(variance):
    """Correlations of independent neurons are the identity: all eigenvalues equal, so that d = variance k."""
    options = {"variance": variance, "scale": "correlation"}
    plan = make_protocol(
        {"measure": "effective_dimension", "options": options, "contrast": {"null": "size_matched"}}
    )
    (item,) = plan.predictions
    evidence = make_evidence(0, shared=2.0)
    evidence.evaluation.activations[:, :10] *= 30.0  # ten loud neurons, which own the covariance
    bound = measure_of(item).tied(item, evidence, Session.start(1))
    group = np.arange(20)
    beside = bound.secondary(group)
    assert beside["if_independent"] == pytest.approx(variance * 20)
    assert beside["of_correlation"] == pytest.approx(float(bound.values(group[None, :])[0]))
    by_covariance = item.model_copy(update={"options": {**options, "scale": "covariance"}})
    others = measure_of(item).tied(by_covariance, evidence, Session.start(1)).secondary(group)
    assert others["if_independent"] < 0.6 * variance * 20
