"""Dead neurons change nothing but their count."""

from dataclasses import replace

import numpy as np
import pytest

from hypotest.errors import EvidenceError
from hypotest.groups.live import live_neurons, without_dead
from hypotest.pipeline.analysis.analysis import analyse
from hypotest.records.evidence.evidence import Evidence, Weights
from hypotest.records.protocol.nulls import nulls_model
from tests.pipeline.planted import N_NEURONS, make_evidence, make_protocol


def with_dead(evidence: Evidence, n_dead: int, constant: float = 0.0) -> tuple[Evidence, np.ndarray]:
    """The same layer with dead neurons in between; and where the live ones stand now."""
    rng = np.random.default_rng(5)
    total = evidence.n_neurons + n_dead
    live = np.sort(rng.permutation(total)[: evidence.n_neurons])

    def widened(array: np.ndarray, axis: int, value: float = 0.0) -> np.ndarray:
        shape = list(array.shape)
        shape[axis] = total
        wide = np.full(shape, value, dtype=array.dtype)
        np.moveaxis(wide, axis, 0)[live] = np.moveaxis(array, axis, 0)
        return wide

    def split(part):
        heads = part.head_ablation
        return replace(
            part.with_channels(
                activations=widened(part.activations, 1, constant), influence=widened(part.delta_loss, 1)
            ),
            heads=replace(
                heads,
                base=widened(heads.base, 1),
                single=widened(heads.single, 2),
                layer=widened(heads.layer, 2),
            ),
        )

    dead = replace(
        evidence,
        selection=split(evidence.selection),
        evaluation=split(evidence.evaluation),
        weights=Weights(widened(evidence.weights.output, 0, 1.0), widened(evidence.weights.input, 0, 1.0)),
        mean_activation=widened(evidence.mean_activation, 0, constant),
        partition=None,
    )
    return dead, live


@pytest.mark.slow
@pytest.mark.parametrize(
    "measure", ["effective_dimension", "segregation", "modularity", "hill_alpha", "top_head_impact"]
)
@pytest.mark.parametrize("constant", [0.0, 3.0])
def test_dead_neurons_change_nothing(measure, constant):
    options = {"restarts": 1} if measure == "modularity" else {}
    prediction = {"measure": measure, "options": options, "contrast": {"null": "size_matched"}}
    nulls = nulls_model().model_validate(
        {"size_matched": {"draws": 99}, "local_matched": {"draws": 99}, "label_shuffled": {"draws": 19}}
    )
    plan = make_protocol(prediction).model_copy(update={"nulls": nulls})
    evidence = make_evidence(3, effect=1.0, shared=1.0)
    dead, live = with_dead(evidence, 300, constant)
    one, other = analyse(plan, evidence), analyse(plan, dead)
    assert other.group.n_dead == 300
    assert other.group.n_neurons == N_NEURONS + 300
    assert other.group.neurons == tuple(live[list(one.group.neurons)])
    moved = [tuple(live[list(part)].tolist()) for item in one.predictions for part in item.communities]
    assert [part for item in other.predictions for part in item.communities] == moved
    without = ([replace(item, communities=()) for item in analysis.predictions] for analysis in (one, other))
    assert next(without) == next(without)
    assert other.nulls.equals(one.nulls)


@pytest.mark.slow
def test_segregation_of_independent_live_neurons_does_not_reject():
    """With dead neurons in the pools it rejected in 200 of 200."""
    prediction = {"measure": "segregation", "contrast": {"null": "size_matched"}}
    plan = make_protocol(prediction, draws=99)
    p_values = [
        analyse(plan, with_dead(make_evidence(seed), 120)[0]).predictions[0].p_value for seed in range(20)
    ]
    assert sum(p <= 0.05 for p in p_values) <= 4  # P(more) = 0.003 at 0.05


def test_rounding_is_no_life():
    values = np.full((50, 3), 0.1, dtype=np.float32)
    values[::2, 1] = np.nextafter(np.float32(0.1), np.float32(1))
    values[7, 2] = 0.2
    assert live_neurons(values).tolist() == [False, False, True]


def test_a_layer_that_is_alive_stays_the_same_object():
    evidence = make_evidence(0)
    assert without_dead(evidence) is evidence


def test_a_dead_layer_is_an_error_that_says_what_to_look_at():
    evidence = make_evidence(0)
    still = evidence.selection.with_channels(activations=np.zeros_like(evidence.selection.activations))
    with pytest.raises(EvidenceError, match=r"0 of 200 units vary.*right layer"):
        without_dead(replace(evidence, selection=still))
