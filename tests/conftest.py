"""Fixtures that several folders share: a small random GPT-NeoX and a text it can read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

# The tests share the cores, so that each takes one; before numpy and torch are imported, which ask only once.
# Worker processes would load both again for pieces of a tenth of a second.
if "PYTEST_XDIST_WORKER" in os.environ:
    for name in ("OMP_NUM_THREADS", "LOKY_MAX_CPU_COUNT"):  # OpenBLAS and MKL ask for the first one too
        os.environ.setdefault(name, "1")

import numpy as np

# The same examples on every run: a build that fails must fail again. HYPOTHESIS_PROFILE=default explores.
settings.register_profile("repeatable", derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ["HF_HUB_OFFLINE"] = "1"

FUNCTIONAL = Path(__file__).parent / "functional"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the functional tests as slow; begin with files of slow tests, so that none is left for the end."""
    for item in items:
        if FUNCTIONAL in item.path.parents:
            item.add_marker(pytest.mark.slow)
    files = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in files)


WORDS = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in ("n", "r", "s", "lt", "")]


def zipf_text(n_words: int, rng: np.random.Generator) -> str:
    """Words whose frequencies fall like 1/rank."""
    weights = 1 / np.arange(1, len(WORDS) + 1)
    return " ".join(rng.choice(WORDS, size=n_words, p=weights / weights.sum()))


@pytest.fixture(scope="session")
def small_documents() -> list[str]:
    rng = np.random.default_rng(7)
    return [zipf_text(int(rng.integers(150, 400)), rng) for _ in range(60)]


def fit_unembedding(model, rows: list[list[int]], steps: int = 40) -> None:
    """Train the unembedding alone, so that a random model predicts these rows better than chance."""
    import torch

    weight = model.lm_head.weight
    with torch.no_grad():
        hidden = torch.cat([model.base_model(torch.tensor([row])).last_hidden_state[0, :-1] for row in rows])
    targets = torch.cat([torch.tensor(row[1:]) for row in rows])
    weight.data.mul_(0.1)
    optimizer = torch.optim.Adam([weight], lr=0.1)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(hidden @ weight.T, targets).backward()
        optimizer.step()
    model.zero_grad()


@pytest.fixture(scope="session")
def small_model_folder(tmp_path_factory: pytest.TempPathFactory, small_documents: list[str]) -> Path:
    """A random GPT-NeoX of 4 layers in a folder, as a user would point to one."""
    import torch
    from transformers import GPTNeoXForCausalLM

    from hypotest.records.corpus import CorpusDocument
    from hypotest.subjects.reference.training import TrainingPlan, model_config, train_tokenizer

    folder = tmp_path_factory.mktemp("model") / "small"
    documents = [CorpusDocument(str(i), text) for i, text in enumerate(small_documents)]
    tokenizer = train_tokenizer(documents, 400, 32)
    torch.manual_seed(3)
    plan = TrainingPlan(vocab_size=400, d_model=32, n_layers=4, n_heads=4, n_neurons=96, context=32)
    model = GPTNeoXForCausalLM(model_config(plan))
    with torch.no_grad():  # larger than at initialisation, so that ablations have visible effects
        for name, parameter in model.named_parameters():
            if parameter.ndim == 2:
                parameter.mul_(6.0)
            elif name.endswith("bias"):
                parameter.add_(0.1 * torch.randn_like(parameter))
    ids = [tokenizer.backend_tokenizer.encode(text).ids for text in small_documents]
    fit_unembedding(model, [row[:32] for row in ids])
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    np.save(folder / "counts.npy", np.bincount(np.concatenate(ids), minlength=400))
    return folder


@pytest.fixture(scope="session")
def small_subject(small_model_folder: Path):
    from hypotest.subjects.loading.loading import load_language_model

    return load_language_model(str(small_model_folder), device="cpu")


@pytest.fixture(scope="session")
def small_tokens(small_subject, small_documents: list[str]) -> np.ndarray:
    from hypotest.corpora.blocks import cut_blocks

    return cut_blocks(small_subject.encode(small_documents), 32).tokens
