"""What a run says against itself, from numbers of its own evidence."""

from __future__ import annotations

import numpy as np

from hypotest.pipeline.limitations import biased_information, runs_of_labels
from hypotest.studies.simulation import Layer, simulate


def test_labels_in_runs_are_mentioned_with_how_many_neighbours_are_alike():
    in_runs = simulate(Layer(run=6), 1).evaluation
    (said,) = runs_of_labels(in_runs)
    # Documents of 6 rare and 6 common positions in two runs: 10 of 11 pairs of neighbours are alike.
    assert "same label in 91% of pairs (50% by chance)" in said


def test_labels_in_random_order_are_not():
    shuffled = simulate(Layer(n_documents=100, per_document=12), 2).evaluation
    assert list(runs_of_labels(shuffled)) == []


def test_q_of_noise_is_mentioned_with_the_share_that_noise_explains():
    independent = simulate(Layer(loading=0.0, document_share=0.0, n_documents=40), 3).evaluation
    group = np.arange(16)
    # 240 rare positions: 1 / 480 nats are what independent neurons show, and these are independent.
    (said,) = biased_information(independent, group)
    share = int(said.removeprefix("At least ").split("%")[0])
    assert 85 <= share <= 100
    assert "240 positions" in said
    coordinated = simulate(Layer(loading=0.9), 3).evaluation
    assert list(biased_information(coordinated, group)) == []
