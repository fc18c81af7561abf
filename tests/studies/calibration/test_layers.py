import numpy as np
import pytest

from hypotest.studies.calibration.layers import correlated, draw_layer
from hypotest.studies.calibration.settings import Layer, Planted


def drawn(**planted):
    return draw_layer(Layer(n_neurons=400, planted=Planted(**planted)), np.random.default_rng(3))


def test_the_specialists_carry_what_is_planted_unless_others_do():
    layer = drawn(shared=0.6)
    np.testing.assert_array_equal(np.flatnonzero(layer.carries), layer.planted)
    others = drawn(carriers="random")
    assert others.carries.sum() == 16
    assert set(np.flatnonzero(others.carries)) != set(others.planted)


@pytest.mark.parametrize("who", ["loud", "influential"])
def test_what_follows_loudness_or_influence_rises_with_it(who):
    layer = drawn(carriers=who, shared=0.8, spectrum=1.0, head_impact=3.0)
    of = np.log(layer.activation_sd) if who == "loud" else layer.log_influence
    other = layer.log_influence if who == "loud" else np.log(layer.activation_sd)
    assert np.all(np.diff(layer.carries[np.argsort(of)]) >= 0)
    assert abs(np.corrcoef(other, layer.carries)[0, 1]) < 0.15
    high, low = np.argsort(-of)[:60], np.argsort(of)[:60]
    z = correlated(layer, 4000, np.random.default_rng(4))

    def together(group):
        matrix = np.corrcoef(z[:, group], rowvar=False)
        return matrix[np.triu_indices(60, 1)].mean()

    assert together(high) > 0.4 > 0.1 > together(low)  # 0.64 where all is carried
    squares = layer.weights.output**2
    first = squares[:, 0] / squares.mean(axis=1)
    assert first[high].mean() > 4 > 2.5 > first[low].mean()
    top = np.log(layer.head_effects[1])
    assert top[high].mean() - top[low].mean() == pytest.approx(np.log(3), rel=0.25)
