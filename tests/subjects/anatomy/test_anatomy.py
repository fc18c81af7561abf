from dataclasses import replace

from hypotest.subjects.anatomy.families import FAMILIES


def test_parallel_residual_decides_which_layers_reach():
    parallel = replace(FAMILIES["gpt_neox"], parallel_residual=True)
    assert parallel.reaching_layers(5) == (3, 4)  # block 5's own attention does not reach its MLP
    assert parallel.reaching_layers(1) == (0,)
    assert parallel.reaching_layers(0) == ()
    assert FAMILIES["gpt_neox"].reaching_layers(5) == (4, 5)


def test_paths_name_the_block():
    assert FAMILIES["gpt_neox"].at("down_projection", 3) == "gpt_neox.layers.3.mlp.dense_4h_to_h"


def test_every_family_of_the_plan_has_a_row():
    assert set(FAMILIES) == {
        "bloom", "falcon", "gemma", "gemma2", "gemma3", "gemma3_text", "gpt2", "gpt_neo", "gpt_neox", "gptj",
        "llama", "mistral", "olmo", "olmo2", "opt", "phi", "qwen2", "qwen3",
        "bert", "camembert", "distilbert", "modernbert", "roberta", "xlm-roberta",
        "deepseek_v2", "deepseek_v3", "gpt_oss", "mixtral", "olmoe", "qwen2_moe", "qwen3_moe",
    }  # fmt: skip
    assert all(row.family == name for name, row in FAMILIES.items())
