"""What `tests.benchmarks.scale` runs: Pythia-1B's configuration with random weights, and a protocol."""

from __future__ import annotations

import shutil
from pathlib import Path

from ruamel.yaml import YAML

REFERENCE = Path(__file__).parents[2] / "hypotest" / "subjects" / "reference"
PROTOCOL = Path(__file__).parents[2] / "protocols" / "rare-tokens.yaml"

POSITIONS = 25_088
"""Of arXiv:2509.21163, rare and common together."""
GROUP_SHARE = 0.02
DRAWS = 9_999
MAX_PER_DOCUMENT = 32
"""With the shipped protocol's 16, the reference text holds too few rare targets for the paper's size."""

PYTHIA_1B = {
    "vocab_size": 50_304,
    "hidden_size": 2048,
    "intermediate_size": 8192,
    "num_hidden_layers": 16,
    "num_attention_heads": 8,
    "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "partial_rotary_factor": 0.25},
    "max_position_embeddings": 2048,
    "use_parallel_residual": True,
    "tie_word_embeddings": False,
}
"""The config.json of EleutherAI/pythia-1b, as far as it shapes the network."""


def make_model(folder: Path, **changes: int) -> None:
    """Write a model folder, unless it is there: random weights, the reference model's tokenizer.

    Its 8,192 tokens are the first of the padded vocabulary. A single shard of the file is held beside the
    weights, so that this takes little more memory than the model itself.
    """
    if (folder / "config.json").exists():
        return
    import torch
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    torch.manual_seed(0)
    model = GPTNeoXForCausalLM(GPTNeoXConfig(**{**PYTHIA_1B, **changes}))
    unfinished = folder.with_name(f".{folder.name}")
    shutil.rmtree(unfinished, ignore_errors=True)
    model.save_pretrained(unfinished, max_shard_size="500MB")
    for file in REFERENCE.glob("tokenizer*"):
        shutil.copy(file, unfinished)
    unfinished.rename(folder)


def write_protocol(path: Path, model: Path, positions: int, draws: int) -> None:
    """Write the shipped protocol with another subject, other numbers of positions and draws.

    Args:
        path: Of the YAML file to write.
        model: Folder of the subject.
        positions: Rare and common together.
        draws: Of each null that decides.
    """
    yaml = YAML(typ="safe")
    plan = yaml.load(PROTOCOL.read_text(encoding="utf-8"))
    plan["id"] = path.stem
    plan["subject"]["model"] = str(model.resolve())
    plan["sample"] |= {"positions": positions // 2, "max_per_document": MAX_PER_DOCUMENT}
    # random weights have no plateau worth the name: its size would say nothing of a trained network's
    plan["group"] = {"select": {"top_fraction": GROUP_SHARE}, "by": "delta_loss"}
    for null in ("size_matched", "covariate_matched", "label_shuffled"):
        plan["nulls"][null]["draws"] = draws
    del plan["nulls"]["untrained"]  # the subject is one already; each would collect everything once more
    with path.open("w", encoding="utf-8") as stream:
        yaml.dump(plan, stream)


def count_blocks(path: Path, positions: int) -> dict[str, int]:
    """Blocks of text that hold the positions of each split, without loading the model.

    Args:
        path: The protocol.
        positions: Rare and common together, instead of the protocol's.
    """
    from hypotest.engine.session import Session
    from hypotest.pipeline.texts.positions import find_positions
    from hypotest.registration import load_protocol
    from hypotest.subjects.loading.loading import load_reader

    plan = load_protocol(path)
    conditions = plan.conditions.model_copy(update={"positions": positions // 2})
    plan = plan.model_copy(update={"conditions": conditions})
    reader = load_reader(plan.subject.model)
    drawn = find_positions(plan, path.parent, reader, Session.start(plan.seed), lambda: None, ())
    rows = drawn.sampled.positions.select("split", "block").unique()
    return {split: int((rows["split"] == split).sum()) for split in ("selection", "evaluation")}
