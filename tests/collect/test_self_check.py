import numpy as np
import pytest

from hypotest.collect.ablation import ablation_arrays, prepare_readout
from hypotest.collect.forward import forward_arrays
from hypotest.collect.self_check import TOLERANCE, check_ablation
from hypotest.errors import SelfCheckError


@pytest.fixture(scope="module")
def collected(small_subject, small_tokens):
    tokens = small_tokens[:5]
    block, index = np.repeat(np.arange(5), 6), np.tile([1, 5, 9, 14, 20, 30], 5)
    arrays = forward_arrays(small_subject, tokens, block, index)
    # close to the activations, so that the third-order remainder stays far below the tolerance
    mean = arrays["activations"].mean(axis=0)
    target = tokens[block, index + 1].astype(np.int64)
    fast = ablation_arrays(
        prepare_readout(small_subject), arrays["residual"], arrays["activations"], mean, target
    )
    return tokens, block, index, fast["delta_loss"], mean


def test_agreement_is_reported(small_subject, collected):
    check = check_ablation(small_subject, *collected, 20, np.random.default_rng(0))
    assert check.n_pairs == 20
    assert check.n_values == 120  # six positions in every block
    assert check.largest_difference < TOLERANCE


def test_disagreement_stops_the_run_and_names_family_layer_and_path(small_subject, collected):
    tokens, block, index, delta_loss, mean = collected
    wrong = delta_loss + 0.01
    with pytest.raises(
        SelfCheckError, match=r"gpt_neox, layer 3, path gpt_neox\.layers\.3\.mlp\.dense_4h_to_h"
    ):
        check_ablation(small_subject, tokens, block, index, wrong, mean, 20, np.random.default_rng(0))
