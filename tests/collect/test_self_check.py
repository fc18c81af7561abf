import numpy as np
import pytest

from hypotest.collect.engine import plan_ablation
from hypotest.collect.forward import forward_arrays
from hypotest.collect.last_block.ablation import NeuronAblation
from hypotest.collect.last_block.readout import prepare_readout
from hypotest.collect.replacement import Replacement
from hypotest.collect.self_check import check_ablation
from hypotest.errors import SelfCheckError


@pytest.fixture(scope="module", params=["mean", "zero", "resample"])
def collected(request, small_subject, small_tokens):
    tokens = small_tokens[:5]
    block, index = np.repeat(np.arange(5), 6), np.tile([1, 5, 9, 14, 20, 30], 5)
    arrays = forward_arrays(small_subject, tokens, block, index)
    replacement = Replacement.of(request.param, arrays["activations"], block, index, seed=3)
    target = tokens[block, index + 1].astype(np.int64)
    fast = NeuronAblation(prepare_readout(small_subject))(
        arrays["residual"], arrays["activations"], replacement.at(block, index, tokens.shape[1]), target
    )
    how = plan_ablation(small_subject, request.param, 1e-4, 3)
    return tokens, block, index, fast["delta_loss"], replacement, how


def test_agreement_is_reported(small_subject, collected):
    check = check_ablation(small_subject, *collected, 20, np.random.default_rng(0))
    assert check.n_pairs == 20
    assert check.n_values == 120  # six positions in every block
    assert check.largest_difference < 1.2e-4  # the engine's tolerance and float32
    assert check.tolerance == pytest.approx(5e-4)


def test_disagreement_stops_the_run_and_names_family_layer_and_path(small_subject, collected):
    tokens, block, index, delta_loss, replacement, how = collected
    wrong = delta_loss + 0.01
    with pytest.raises(
        SelfCheckError, match=r"gpt_neox, layer 3, path gpt_neox\.layers\.3\.mlp\.dense_4h_to_h"
    ):
        check_ablation(
            small_subject, tokens, block, index, wrong, replacement, how, 20, np.random.default_rng(0)
        )


def test_a_value_that_is_not_a_number_is_a_disagreement(small_subject, collected):
    tokens, block, index, delta_loss, replacement, how = collected
    with pytest.raises(SelfCheckError):
        check_ablation(
            small_subject,
            tokens,
            block,
            index,
            np.full_like(delta_loss, np.nan),
            replacement,
            how,
            1,
            np.random.default_rng(0),
        )
