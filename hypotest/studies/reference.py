"""The reference model: training it again, measuring it, and its card."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hypotest.corpora.blocks import cut_blocks
from hypotest.corpora.docstrings import EVALUATION_PACKAGES, TRAINING_PACKAGES, installed, package_documents
from hypotest.pipeline.checks.preflight import check_command
from hypotest.records.corpus import CorpusDocument, TextSource
from hypotest.subjects.loading.devices import resolve_device
from hypotest.subjects.reference import REFERENCE, reference_card
from hypotest.subjects.reference.training import TrainingPlan, train

HELD_OUT_BLOCKS = 256
"""Blocks of the evaluation text on which the held-out loss is measured, spread evenly over it."""
_VERSIONS = ("torch", "transformers", "tokenizers", "numpy")


def reference_plan(steps: int | None = None) -> TrainingPlan:
    """The shipped model's plan, or a shorter one of the same shape."""
    plan = TrainingPlan()
    return plan if steps is None else replace(plan, steps=steps)


def train_reference(
    out: Path,
    plan: TrainingPlan,
    on_step: Callable[[int, float], None] = lambda step, loss: None,
    *,
    device: str = "cpu",
) -> Path:
    """Train on the installed packages' docstrings and leave checkpoints and a card.

    Args:
        out: Folder for ``step<N>/`` checkpoints, token counts, ``training.json`` and ``card.json``.
        plan: From `reference_plan`.
        on_step: Called after each step with its number and the training loss in nats.
        device: ``cpu``, as the shipped model was trained, or a faster one: ``cuda``, ``mps``, ``auto``.

    Returns:
        The folder of the last checkpoint.

    Raises:
        ProtocolError: If `out` cannot be written, or the device is not there.
        CorpusError: If a package of the training or evaluation text is not installed.
    """
    check_command(out=out, cache=False, device=device)
    installed((*TRAINING_PACKAGES, *EVALUATION_PACKAGES))  # reading the first ones takes a while
    training, training_sources = package_documents(TRAINING_PACKAGES)
    evaluation, evaluation_sources = package_documents(EVALUATION_PACKAGES)

    def measure(model: Any, tokenizer: Any) -> float:
        return held_out_loss(model, tokenizer, evaluation)

    summary = train(training, out, plan, measure, on_step, device=resolve_device(device))
    card = build_card(summary, training, training_sources, evaluation, evaluation_sources)
    (out / "card.json").write_text(json.dumps(card, indent=1) + "\n", encoding="utf-8")
    return out / f"step{plan.steps}"


def held_out_loss(model: Any, tokenizer: Any, documents: list[CorpusDocument]) -> float:
    """Mean cross-entropy in nats per token on text that the model was not trained on.

    Over 256 blocks spread evenly over the documents, each cut as a run cuts them.
    """
    encoded = tokenizer.backend_tokenizer.encode_batch([item.text for item in documents])
    context = int(model.config.max_position_embeddings)
    tokens = cut_blocks([item.ids for item in encoded], context).tokens
    rows = np.linspace(0, len(tokens) - 1, min(HELD_OUT_BLOCKS, len(tokens))).astype(int)
    table = torch.from_numpy(tokens[rows].astype(np.int64)).to(model.device)
    was_training = model.training
    model.eval()
    with torch.no_grad():
        parts = torch.split(table, 16)
        losses = [float(model(input_ids=part, labels=part).loss) * len(part) for part in parts]
    model.train(was_training)
    return sum(losses) / len(table)


def build_card(
    summary: dict[str, Any],
    training: list[CorpusDocument],
    training_sources: list[TextSource],
    evaluation: list[CorpusDocument],
    evaluation_sources: list[TextSource],
) -> dict[str, Any]:
    """What anyone must know of the model: data, tokens, steps, loss curve, versions."""
    known = {paragraph for document in training for paragraph in document.text.split("\n\n")}
    held_out = [paragraph for document in evaluation for paragraph in document.text.split("\n\n")]
    shared = sum(len(text) for text in held_out if text in known) / max(1, sum(map(len, held_out)))
    final = [item for item in summary["curve"] if "held_out_loss" in item][-1]["held_out_loss"]
    return {
        "architecture": "GPT-NeoX (parallel residual, rotary embedding on 25 % of each head, GELU, untied)",
        **summary,
        "held_out": {
            "loss_nats_per_token": final,
            "perplexity": float(np.exp(final)),
            "blocks": HELD_OUT_BLOCKS,
            "share_of_characters_seen_in_training": shared,
        },
        "training_text": {
            "characters": sum(len(document.text) for document in training),
            "sources": [asdict(source) for source in training_sources],
        },
        "evaluation_text": {
            "characters": sum(len(document.text) for document in evaluation),
            "documents": len(evaluation),
            "sources": [asdict(source) for source in evaluation_sources],
        },
        "versions": {name: metadata.version(name).split("+")[0] for name in _VERSIONS},
    }


def ship(trained: Path, destination: Path = REFERENCE) -> None:
    """Put a trained model into the package: weights in half precision, tokenizer, counts, card.

    Args:
        trained: The ``out`` of `train_reference`.
        destination: The package's folder of the reference model.
    """
    from transformers import AutoModelForCausalLM

    card = reference_card(trained)
    last = trained / f"step{card['plan']['steps']}"
    model = AutoModelForCausalLM.from_pretrained(last, dtype=torch.float16)
    model.save_pretrained(destination)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(last / name, destination / name)
    for name in ("token_counts.npy", "card.json"):
        shutil.copyfile(trained / name, destination / name)
    (destination / "MODEL_CARD.md").write_text(model_card(destination), encoding="utf-8")


def model_card(folder: Path = REFERENCE) -> str:
    """The card as Markdown, from ``card.json``."""
    card = reference_card(folder)
    plan, held_out = card["plan"], card["held_out"]
    curve = [item for item in card["curve"] if "held_out_loss" in item]
    lines = [
        "# The reference model of hypotest",
        "",
        f"{card['architecture']}: {plan['n_layers']} layers of {plan['n_heads']} heads, width "
        f"{plan['d_model']}, {plan['n_neurons']:,} neurons in each MLP, {plan['vocab_size']:,} "
        f"byte-level BPE tokens, {card['n_parameters']:,} parameters, context {plan['context']}. "
        "Shipped in half precision, used in float32.",
        "",
        f"Trained by this project from scratch on {card['n_documents']:,} documents "
        f"({card['tokens_in_text']:,} tokens) of docstrings of installed Python packages; "
        f"{card['tokens_seen']:,} tokens seen in {plan['steps']:,} steps of "
        f"{plan['batch_size'] * plan['context']:,}, {card['seconds'] / 60:.0f} minutes on "
        f"{card['device']}. None of the text is stored here.",
        "",
        f"Held-out loss {held_out['loss_nats_per_token']:.3f} nats per token (perplexity "
        f"{held_out['perplexity']:.1f}) on docstrings of packages that it was not trained on; "
        f"{held_out['share_of_characters_seen_in_training']:.1%} of their characters lie in paragraphs "
        "that also occur in the training text.",
        "",
        "| step | held-out loss (nats) |",
        "|---:|---:|",
        *(f"| {item['step']:,} | {item['held_out_loss']:.3f} |" for item in curve),
        "",
        "| training text | version | documents |",
        "|---|---|---:|",
        *(_source_row(item) for item in card["training_text"]["sources"]),
        "",
        "| evaluation text | version | documents |",
        "|---|---|---:|",
        *(_source_row(item) for item in card["evaluation_text"]["sources"]),
        "",
        "Trained with " + ", ".join(f"{name} {version}" for name, version in card["versions"].items()) + ".",
        "Train it again with `hypotest reference train --out DIR`; other machines agree up to rounding.",
        "",
    ]
    return "\n".join(lines)


def _source_row(item: dict[str, Any]) -> str:
    return f"| {item['name']} | {item['version'].split('+')[0]} | {item['n_documents']:,} |"
