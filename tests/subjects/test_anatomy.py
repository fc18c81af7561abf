import pytest

from hypotest.errors import SubjectError
from hypotest.subjects.anatomy import FAMILIES, anatomy_of


def test_parallel_residual_decides_which_layers_reach():
    anatomy = FAMILIES["gpt_neox"]
    assert anatomy.reaching_layers(5) == (3, 4)  # block 5's own attention does not reach its MLP
    assert anatomy.reaching_layers(1) == (0,)
    assert anatomy.reaching_layers(0) == ()


def test_paths_name_the_block():
    assert FAMILIES["gpt_neox"].at("down_projection", 3) == "gpt_neox.layers.3.mlp.dense_4h_to_h"


def test_unknown_family_says_which_are_known():
    with pytest.raises(SubjectError, match=r"family 'mamba'.*known: gpt_neox"):
        anatomy_of("mamba", parallel_residual=True, model="x")


def test_a_model_that_departs_from_its_family_is_refused():
    with pytest.raises(SubjectError, match="use_parallel_residual = false"):
        anatomy_of("gpt_neox", parallel_residual=False, model="x")
