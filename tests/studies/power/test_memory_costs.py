import numpy as np
import pytest

from hypotest.studies.power.memory_costs import evidence_bytes
from tests.pipeline.planted import make_evidence


def test_bytes_of_the_evidence_are_those_of_its_arrays():
    split = make_evidence(0).selection
    rows, neurons = split.activations.shape
    # float64 activations and changes, float16 bounds, and the rest is smaller
    assert evidence_bytes(split) > rows * neurons * (8 + 8 + 2)
    assert evidence_bytes(split.of_documents(np.arange(20))) == pytest.approx(
        evidence_bytes(split) / 2, rel=0.01
    )
