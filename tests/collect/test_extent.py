import numpy as np
import pytest
import torch

from hypotest.collect.extent import batches, length_of_pass, mlp_only_at
from hypotest.collect.forward import forward_arrays
from hypotest.subjects.precision import full_precision
from tests.collect.families import CONFIGS, small_model

pytestmark = pytest.mark.slow

mkl = pytest.mark.skipif(not torch.backends.mkl.is_available(), reason="sums of one order")


def test_batches_hold_every_position_once_and_end_behind_the_last_of_them(small_subject):
    block = np.array([0, 0, 2, 2, 3, 7, 9, 9])
    index = np.array([5, 29, 3, 17, 30, 2, 28, 1])
    tokens = np.arange(320, dtype=np.int32).reshape(10, 32)
    every_batch = list(batches(small_subject, tokens, block, index, 2))
    assert sorted(np.concatenate([batch.places for batch in every_batch]).tolist()) == list(range(8))
    assert [batch.length for batch in every_batch] == [18, 30, 31]  # blocks 7 and 2, 0 and 9, then 3
    for batch in every_batch:
        read = batch.ids[batch.rows, batch.columns].numpy()
        np.testing.assert_array_equal(read, tokens[block[batch.places], index[batch.places]])


def test_a_pass_ends_where_nothing_more_is_read_but_is_never_very_short(small_subject):
    assert [length_of_pass(small_subject, last, 32) for last in (0, 15, 16, 31)] == [16, 16, 17, 32]
    assert length_of_pass(small_subject, 3, 8) == 8


@pytest.mark.parametrize("kind", ["dynamic", "longrope"])
def test_a_text_is_run_whole_where_positions_turn_with_its_length(kind, monkeypatch):
    subject = small_model("llama, tied")
    assert length_of_pass(subject, 3, 64) == 16
    each = {"full_attention": {"rope_type": "default"}, "other": {"rope_type": kind}}
    for parameters in ({"rope_type": kind, "rope_theta": 1e4}, each):
        monkeypatch.setattr(subject.config, "rope_parameters", parameters)
        assert length_of_pass(subject, 3, 64) == 64


@pytest.mark.parametrize("name", CONFIGS)
def test_an_mlp_at_some_positions_gives_there_what_it_gives_anywhere(name):
    subject = small_model(name)
    ids = torch.randint(0, 200, (3, 16), generator=torch.Generator().manual_seed(1))
    rows, columns = torch.tensor([0, 0, 2]), torch.tensor([1, 9, 4])

    def run():
        with full_precision(), subject.recorded_units() as neurons:
            return subject.model(ids, output_hidden_states=True).hidden_states[subject.layer + 1], neurons[0]

    whole, everywhere = run()
    with mlp_only_at(subject, subject.layer, rows, columns, (3, 16)) as at_positions:
        some, neurons = run()
    torch.testing.assert_close(some[rows, columns], whole[rows, columns])
    expected = everywhere.reshape(3, 16, -1)[rows, columns]
    torch.testing.assert_close(at_positions(neurons), expected)
    narrowed = neurons.shape[:-1].numel() == 3
    assert narrowed == (subject.anatomy.family not in ("opt", "bloom"))
    assert torch.equal(run()[1], everywhere)  # it leaves nothing behind


@mkl
def test_every_bit_is_that_of_the_whole_block(small_subject, small_tokens):
    block, index = np.array([0, 1, 1, 2, 5]), np.array([3, 20, 2, 11, 30])
    cut = forward_arrays(small_subject, small_tokens[:8], block, index)
    places = np.sort(np.concatenate([block * 32 + index, 32 * np.arange(8) + 31]))
    whole = forward_arrays(small_subject, small_tokens[:8], places // 32, places % 32)
    rows = np.searchsorted(places, block * 32 + index)
    for name, values in cut.items():
        np.testing.assert_array_equal(values, whole[name][rows])


@pytest.mark.parametrize("name", CONFIGS)
def test_what_pads_a_short_document_changes_nothing(name):
    """Two blocks whose documents end early: other padding, and another partner that runs on, same numbers."""
    subject = small_model(name)
    rng = np.random.default_rng(2)
    tokens = rng.integers(1, 200, (2, 24)).astype(np.int32)
    other = tokens.copy()
    other[0, 9:] = rng.integers(1, 200, 15)  # behind the end of a document of 9 tokens
    block, index = np.array([0, 0, 1]), np.array([3, 7, 21])
    arrays, again = (forward_arrays(subject, item, block, index) for item in (tokens, other))
    for key, value in arrays.items():
        if value.shape and len(value) == 3:
            np.testing.assert_allclose(value, again[key], rtol=1e-5, atol=1e-6, err_msg=key)
