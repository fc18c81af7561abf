import pytest

from hypotest.errors import SubjectError
from hypotest.subjects.anatomy import FAMILIES, anatomy_of


def test_parallel_residual_decides_which_layers_reach():
    anatomy = anatomy_of("gpt_neox", parallel_residual=True, model="x")
    assert anatomy.reaching_layers(5) == (3, 4)  # block 5's own attention does not reach its MLP
    assert anatomy.reaching_layers(1) == (0,)
    assert anatomy.reaching_layers(0) == ()
    sequential = anatomy_of("gpt_neox", parallel_residual=False, model="x")
    assert sequential.reaching_layers(5) == (4, 5)


def test_paths_name_the_block():
    assert FAMILIES["gpt_neox"].at("down_projection", 3) == "gpt_neox.layers.3.mlp.dense_4h_to_h"


def test_unknown_family_says_which_are_known():
    with pytest.raises(SubjectError, match=r"family 'mamba'.*known: gemma, gemma2, gpt2, gpt_neox"):
        anatomy_of("mamba", parallel_residual=True, model="x")
