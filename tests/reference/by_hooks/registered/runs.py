"""The five registered runs: what they left, the text they read, and their positions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.reference.by_hooks.evidence import Array, Rows, Split, text_tokens
from tests.reference.by_hooks.forward import Passed, Positions, every_neuron
from tests.reference.by_hooks.network import Network
from tests.reference.by_hooks.registered.claims import REPORTS, results
from tests.reference.by_hooks.table import SEED

NAMES = ("agreement", "code", "induction", "language", "numbers")
SPLITS = ("selection", "evaluation")
PROTOCOLS = REPORTS.parents[1] / "protocols" / "registered"


class Run:
    """One registered run: its claims, and the same splits passed through a network of our own.

    Of the cache tokens and positions enter what is derived (for the examples not even tokens). Where `rows`
    are fewer than a split has, the others keep the stored activations and changes, compared on these.
    """

    def __init__(
        self, name: str, cache: Path, reference: Path, smollm2: Path, scratch: Path, rows: int = 10**6
    ) -> None:
        self.name, self.scratch, self.cache = name, scratch / name, cache
        folder, self.claims = results(name)
        manifest = json.loads((folder / "manifest.json").read_text())
        self.stored = {k: Split(cache / "evidence" / manifest["evidence"][k]) for k in SPLITS}
        self.model = reference if self.claims["subject"]["name"] == "reference" else smollm2
        self.net = Network(self.model, torch.float32 if name == "language" else torch.float64)
        self.examples = [
            json.loads(line) for line in (PROTOCOLS / "agreement.jsonl").read_text().splitlines()
        ]
        self.tokens = self._tokens()
        at = {k: positions(self.stored[k], name) for k in SPLITS}
        self.anew = {k: anew(p, rows) for k, p in at.items()}
        some = f"-{rows}" if rows < min(map(len, at.values())) else ""
        passed = {k: self.passed(f"{k}{some}", p.part(self.anew[k])) for k, p in at.items()}
        self.mean = self.splits_mean(at, passed)
        self.add_influence(f"run{some}", passed, self.mean)
        self.passed_anew = passed
        self.splits = {k: completed(at[k], self.stored[k], self.anew[k], passed[k]) for k in SPLITS}

    def _tokens(self) -> Array:
        if self.name == "agreement":
            return prompt_tokens(self.model, self.examples)
        return text_tokens(self.cache, list(self.stored.values()))

    def splits_mean(self, at: dict[str, Positions], passed: dict[str, Passed]) -> Array:
        """Each neuron's mean activation over both conditions of the selection split."""
        key = "selection"
        every = completed(at[key], self.stored[key], self.anew[key], passed[key])
        return np.asarray(every.activations.astype(np.float64).mean(0))

    def passed(self, kind: str, at: Positions) -> Passed:
        """From a whole forward pass, or from the scratch folder where it was kept."""
        path = self.scratch / f"{kind}.npz"
        if path.exists():
            kept = Passed.__new__(Passed)
            vars(kept).update(vars(at))
            vars(kept).update(np.load(path))
            return kept
        heads = (1, 2) if self.name == "numbers" else ()
        new = Passed(self.net, self.tokens, at, heads)
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(path, **{n: getattr(new, n) for n in ("activations", "residual", "attention", "loss")})
        return new

    def add_influence(self, kind: str, splits: dict[str, Passed], mean: Array) -> None:
        """What each neuron's lesion changes, with it at its mean."""
        for name, split in splits.items():
            path = self.scratch / f"{kind}-{name}-delta.npy"
            if not path.exists():
                np.save(path, every_neuron(self.net, split, mean))
            split.delta = np.load(path)


def anew(at: Positions, rows: int) -> Array:
    """Rows of random blocks, about as many as asked for."""
    blocks = np.random.default_rng(SEED).permutation(np.unique(at.block))
    number = np.cumsum([np.sum(at.block == block) for block in blocks])
    return np.flatnonzero(np.isin(at.block, blocks[: int(np.searchsorted(number, rows)) + 1]))


def completed(at: Positions, stored: Split, rows: Array, passed: Passed) -> Rows:
    """Every row of a split: those that were passed anew, the others as the run stored them."""
    every = Rows()
    vars(every).update(vars(at))
    for name in ("activations", "residual", "loss", "delta", "attention"):
        if not hasattr(passed, name):
            continue
        new = getattr(passed, name)
        if len(rows) == len(at):
            setattr(every, name, new)
        elif name != "attention":
            values = getattr(stored, name).copy()
            values[rows] = new
            setattr(every, name, values)
    return every


def positions(stored: Split, name: str) -> Positions:
    """Of a split of the run; of the examples in the numbering of the file's lines."""
    at = Positions(stored.block, stored.index, stored.document, stored.target, stored.rare)
    if name == "agreement":
        at.foil = np.load(stored.folder / "positions" / "foil.npy")
        at.document = np.load(stored.folder / "positions" / "cluster.npy")
    return at


def tokenizer(model: Path) -> Any:
    """The model's own, by the library that made it."""
    from transformers import AutoTokenizer

    if model.is_dir():
        return AutoTokenizer.from_pretrained(model)
    return AutoTokenizer.from_pretrained(model.parent, gguf_file=model.name)


def prompt_tokens(model: Path, examples: list[dict[str, str]]) -> Array:
    """One row a prompt, with zeros behind it."""
    reader = tokenizer(model)
    rows = [reader(each["prompt"], add_special_tokens=False)["input_ids"] for each in examples]
    table = np.zeros((len(rows), max(map(len, rows))), np.int32)
    for row, ids in zip(table, rows, strict=True):
        row[: len(ids)] = ids
    return table


def blocks_of(run: Run) -> tuple[Array, Array]:
    """Number of its document, and number of tokens, of each block of the run's text."""
    for path in (run.cache / "prepared" / "blocks").glob("*/tokens.npy"):
        if len(document := np.load(path.parent / "document.npy")) == len(run.tokens):
            return document, np.load(path.parent / "lengths.npy")
    raise SystemExit("the cache has no blocks of this text")


def wrong_examples(run: Run) -> int:
    """Rows of the run whose label, place, target, foil or noun is not the one of a line of the file."""
    reader = tokenizer(run.model)
    wrong = 0
    nouns = {}
    for at in run.splits.values():
        for row in range(len(at.block)):
            line = run.examples[at.block[row]]
            last = len(reader(line["prompt"], add_special_tokens=False)["input_ids"]) - 1
            target, foil = (
                reader(line[k], add_special_tokens=False)["input_ids"] for k in ("target", "foil")
            )
            number = nouns.setdefault(int(at.document[row]), line["noun"])
            wrong += (
                at.rare[row] != (line["number"] == "plural")
                or last != at.index[row]
                or target != [at.target[row]]
                or foil != [at.foil[row]]
                or number != line["noun"]
            )
    return int(wrong)
