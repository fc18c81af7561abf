"""How the reference model was trained, so that anyone can train it again.

A small GPT-NeoX (the Pythia architecture: parallel residual, rotary embedding on a quarter of each
head, GELU, untied embeddings) on the docstrings of installed packages. Two runs on one machine with one
thread count give the same weights; other machines agree up to rounding, a GPU among them.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import GPTNeoXConfig, GPTNeoXForCausalLM, PreTrainedTokenizerFast

if TYPE_CHECKING:
    from hypotest.records.corpus import CorpusDocument

END_OF_TEXT = "<|endoftext|>"


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """Everything that decides the reference model, besides the text."""

    vocab_size: int = 8192
    d_model: int = 192
    n_layers: int = 4
    n_heads: int = 8
    n_neurons: int = 2048
    """Neurons of each MLP."""
    context: int = 128
    """Tokens per training sequence."""
    batch_size: int = 32
    """Sequences per step."""
    microbatch_size: int = 8
    """Sequences per backward pass; larger ones spill the caches and are slower on a CPU."""
    steps: int = 3000
    learning_rate: float = 2e-3
    """Peak; reached after `warmup_steps`, then down a cosine to a tenth."""
    warmup_steps: int = 150
    weight_decay: float = 0.1
    gradient_clip: float = 1.0
    seed: int = 20250925

    @property
    def n_tokens(self) -> int:
        """Tokens seen in the whole training."""
        return self.steps * self.batch_size * self.context

    def learning_rate_at(self, step: int) -> float:
        """Learning rate of a step counted from 0."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        progress = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        return self.learning_rate * (0.1 + 0.45 * (1 + math.cos(math.pi * progress)))


def checkpoint_steps(last_step: int) -> list[int]:
    """Steps at which Pythia keeps a checkpoint: 0, 1, 2, 4, ..., 512, 1000, 2000, ..., and the last.

    Examples:
        >>> checkpoint_steps(20)
        [0, 1, 2, 4, 8, 16, 20]
    """
    steps = {0, last_step, *(2**i for i in range(10)), *range(1000, last_step, 1000)}
    return sorted(step for step in steps if step <= last_step)


def train_tokenizer(
    documents: Sequence[CorpusDocument], vocab_size: int, context: int
) -> PreTrainedTokenizerFast:
    """Byte-level BPE of `vocab_size` tokens, the end-of-text token (id 0) included."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size,
        special_tokens=[END_OF_TEXT],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator((document.text for document in documents), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        model_max_length=context,
    )


def token_stream(
    documents: Sequence[CorpusDocument], tokenizer: PreTrainedTokenizerFast
) -> NDArray[np.int64]:
    """All documents as one array of token ids, each followed by the end-of-text token."""
    encoded = tokenizer.backend_tokenizer.encode_batch([document.text for document in documents])
    end = [tokenizer.eos_token_id]
    return np.concatenate([np.asarray(item.ids + end, dtype=np.int64) for item in encoded])


def train(
    documents: Sequence[CorpusDocument],
    out: Path,
    plan: TrainingPlan,
    held_out_loss: Callable[[GPTNeoXForCausalLM, PreTrainedTokenizerFast], float],
    on_step: Callable[[int, float], None] = lambda step, loss: None,
    *,
    device: str | torch.device = "cpu",
) -> dict[str, Any]:
    """Train the tokenizer and the model, and leave checkpoints in Hugging Face format.

    An interrupted training that is started again with the same arguments goes on from its last saved
    state (every 200 steps).

    Args:
        documents: Training text.
        out: Folder; gets ``step<N>/`` per checkpoint, ``token_counts.npy`` and ``training.json``.
        plan: Sizes, schedule and seed.
        held_out_loss: Mean loss in nats on text the model does not train on; measured at checkpoints.
        on_step: Called with the number of finished steps and the training loss in nats.
        device: As torch names it. Weights begin the same on every device.

    Returns:
        What ``training.json`` holds: plan, device, numbers of tokens and parameters, loss curve, duration.
    """
    out.mkdir(parents=True, exist_ok=True)
    tokenizer = train_tokenizer(documents, plan.vocab_size, plan.context)
    stream = token_stream(documents, tokenizer)
    counts = np.bincount(stream[stream != tokenizer.eos_token_id], minlength=plan.vocab_size)
    np.save(out / "token_counts.npy", counts.astype(np.int64), allow_pickle=False)

    torch.manual_seed(plan.seed)
    model = GPTNeoXForCausalLM(model_config(plan)).to(device)
    optimizer = torch.optim.AdamW(
        _parameter_groups(model, plan.weight_decay),
        lr=plan.learning_rate,
        betas=(0.9, 0.95),
        fused=True,
    )
    keep = set(checkpoint_steps(plan.steps))
    curve: list[dict[str, float]] = []
    first, elapsed = 0, 0.0
    state_file = out / "resume.pt"
    if state_file.exists():
        state = torch.load(state_file, map_location=device, weights_only=True)
        if state["plan"] == asdict(plan):
            model.load_state_dict(state["model"])
            optimizer.load_state_dict(state["optimizer"])
            first, elapsed, curve = state["step"], state["seconds"], state["curve"]

    started = time.monotonic() - elapsed
    batches = _batches(stream, plan, first)
    for step in range(first, plan.steps + 1):
        if step in keep:
            held_out = held_out_loss(model, tokenizer)
            curve.append({"step": step, "held_out_loss": held_out})
            model.save_pretrained(out / f"step{step}")
            tokenizer.save_pretrained(out / f"step{step}")
        if step == plan.steps:
            break
        loss = _step(model, optimizer, next(batches).to(device), plan, step)
        on_step(step + 1, loss)
        if (step + 1) % 50 == 0:
            curve.append({"step": step + 1, "training_loss": loss})
        if (step + 1) % 200 == 0 and (step + 1) not in keep:
            _save_state(state_file, model, optimizer, plan, step + 1, started, curve)

    summary = {
        "plan": asdict(plan),
        "device": str(device),
        "n_parameters": sum(parameter.numel() for parameter in model.parameters()),
        "n_documents": len(documents),
        "tokens_in_text": int(stream.size),
        "tokens_seen": plan.n_tokens,
        "seconds": round(time.monotonic() - started, 1),
        "curve": curve,
    }
    (out / "training.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    state_file.unlink(missing_ok=True)
    return summary


def model_config(plan: TrainingPlan) -> GPTNeoXConfig:
    """The architecture of Pythia at the sizes of the plan."""
    return GPTNeoXConfig(
        vocab_size=plan.vocab_size,
        hidden_size=plan.d_model,
        num_hidden_layers=plan.n_layers,
        num_attention_heads=plan.n_heads,
        intermediate_size=plan.n_neurons,
        max_position_embeddings=plan.context,
        hidden_act="gelu",
        use_parallel_residual=True,
        tie_word_embeddings=False,
        rope_parameters={
            "rope_type": "default",
            "rope_theta": 10000.0,
            "partial_rotary_factor": 0.25,
        },
        bos_token_id=0,
        eos_token_id=0,
    )


def _parameter_groups(model: torch.nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Weight decay on matrices only."""
    matrices = [parameter for parameter in model.parameters() if parameter.ndim >= 2]
    vectors = [parameter for parameter in model.parameters() if parameter.ndim < 2]
    return [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]


def _batches(stream: NDArray[np.int64], plan: TrainingPlan, skip: int) -> Iterator[torch.Tensor]:
    """Sequences in a new random order and at a new random offset each epoch."""
    rng = np.random.default_rng(plan.seed)
    index = 0
    while True:
        offset = int(rng.integers(plan.context))
        n_sequences = (stream.size - offset) // plan.context
        table = stream[offset : offset + n_sequences * plan.context].reshape(n_sequences, -1)
        order = rng.permutation(n_sequences)
        for start in range(0, n_sequences - plan.batch_size + 1, plan.batch_size):
            if index >= skip:
                yield torch.from_numpy(table[order[start : start + plan.batch_size]])
            index += 1


def _step(
    model: GPTNeoXForCausalLM,
    optimizer: torch.optim.Optimizer,
    batch: torch.Tensor,
    plan: TrainingPlan,
    step: int,
) -> float:
    for group in optimizer.param_groups:
        group["lr"] = plan.learning_rate_at(step)
    model.train()
    total = 0.0
    for part in torch.split(batch, plan.microbatch_size):
        loss = model(input_ids=part, labels=part).loss * (len(part) / len(batch))
        loss.backward()
        total += float(loss.detach())
    torch.nn.utils.clip_grad_norm_(model.parameters(), plan.gradient_clip)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
    return total


def _save_state(
    file: Path,
    model: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    plan: TrainingPlan,
    step: int,
    started: float,
    curve: list[dict[str, float]],
) -> None:
    state = {
        "plan": asdict(plan),
        "step": step,
        "seconds": time.monotonic() - started,
        "curve": curve,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    temporary = file.with_suffix(".tmp")
    torch.save(state, temporary)
    os.replace(temporary, file)
