"""The five registered runs, derived a second time by code that shares nothing with the package.

    python -m tests.reference.by_hooks.registered CACHE REFERENCE SMOLLM2 SCRATCH [RUN ...]

CACHE is the cache that the runs filled: of it come token ids and positions (of `agreement` positions alone;
its prompts are tokenized anew), and the stored arrays that are compared. REFERENCE is the folder of the
reference model, SMOLLM2 its .gguf file. What takes minutes (forward passes, every neuron's influence) is kept
in SCRATCH.

Prints what is claimed beside what was derived, and keeps it in tests/reference/registered.json, which
test_registered.py compares with the committed reports. Not collected by pytest.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import torch

from tests.reference import values
from tests.reference.by_hooks.evidence import Array
from tests.reference.by_hooks.registered import derive, heads, runs, sceptic
from tests.reference.by_hooks.registered.claims import Ledger
from tests.reference.by_hooks.registered.judging import Test, verdict
from tests.reference.by_hooks.registered.whole import FromStream, in_whole_passes
from tests.reference.by_hooks.registered.words import Conditions
from tests.reference.by_hooks.table import SEED

MADE_BY = "by_hooks/registered"


def words_of(run: runs.Run) -> tuple[str, str]:
    first, second = run.claims["protocol"]["conditions"]
    return first, second


def conditions_of(run: runs.Run) -> Conditions:
    blocks, lengths = runs.blocks_of(run)
    return Conditions(run.name, run.tokens, lengths, blocks, run.cache, runs.tokenizer(run.model))


def check_labels(out: Ledger, run: runs.Run) -> None:
    """Labels, caps and division of the run's positions, from the protocol's words."""
    s, e = (run.splits[k] for k in runs.SPLITS)
    for name, at in run.splits.items():
        documents = np.unique(at.document)
        for word, rows in zip(words_of(run), (at.rare, ~at.rare), strict=True):
            out.claim(f"corpus/positions/{name} {word}", int(rows.sum()))
        out.claim(f"corpus/documents_used/{name}", len(documents))
    out.fact("documents in both splits", len(np.intersect1d(s.document, e.document)))
    if run.name == "agreement":
        out.fact("labels, targets and foils that are others", runs.wrong_examples(run))
        return
    conditions = conditions_of(run)
    wrong = sum(conditions.wrong(at.block, at.index, at.rare) for at in (s, e))
    moved = sum(int(np.sum(run.tokens[at.block, at.index + 1] != at.target)) for at in (s, e))
    out.fact("labels that are others", wrong + moved)
    for word, which in zip(words_of(run), (1, 2), strict=True):
        out.claim(f"corpus/available/{word}", int(np.sum(conditions.label == which)))
    most = max(
        np.unique(at.document[rows], return_counts=True)[1].max()
        for at in (s, e)
        for rows in (at.rare, ~at.rare)
    )
    out.fact("most rows of one document and condition", int(most))


def check_anew(out: Ledger, run: runs.Run) -> None:
    """What whole passes of our own gave, against what the run stored."""
    for kind, rows in run.anew.items():
        stored, new = run.stored[kind], run.passed_anew[kind]
        out.fact(f"rows passed anew, {kind}", len(rows), f"of {len(stored.block)}")
        for name in ("activations", "residual", "delta"):
            gap = float(np.abs(getattr(stored, name)[rows] - getattr(new, name)).max())
            out.fact(f"    {name}: largest gap from the stored", gap)


def lesions(out: Ledger, run: runs.Run, group: Array, control: Array) -> dict[str, Test]:
    """Both groups at once, and single neurons, in whole forward passes."""
    s, e = (run.splits[k] for k in runs.SPLITS)
    lesion = FromStream(run.net, e, run.mean)
    changes = np.array([lesion(group), lesion(control)])
    blocks = np.unique(e.block[run.anew["evaluation"]])
    path = run.scratch / "whole.npy"
    if not path.exists():
        np.save(path, in_whole_passes(run.net, run.tokens, e, [group, control], run.mean, blocks))
    whole = np.load(path)
    rows = np.isin(e.block, blocks)
    gap = float(np.abs(whole - changes)[:, rows].max())
    out.fact("groups at once in whole passes: largest gap from the stream", gap, f"{rows.sum()} rows")
    changes[:, rows] = whole[:, rows]
    rng = np.random.default_rng(SEED)
    singles = np.concatenate([group, rng.choice(len(run.mean), 20, replace=False)])
    blocks = rng.choice(blocks, 3 if run.name == "language" else 12, replace=False)
    alone = in_whole_passes(run.net, run.tokens, e, [np.array([i]) for i in singles], run.mean, blocks)
    rows = np.isin(e.block, blocks)
    apart = np.abs(alone[:, rows] - e.delta[rows][:, singles].T)
    out.fact("single neurons in whole passes: largest gap", float(apart.max()), f"{apart.size} pairs")
    tests = {}
    for name, change, sign in zip(("dissociation", "other-direction"), changes, (1, -1), strict=True):
        tests[name] = derive.dissociation(out, e, name, change, sign, words_of(run))
    if run.name != "language":  # 26 lesions at 2,048 positions, of 49,152 logits each: minutes
        sceptic.reachable_index(out, lesion, s, e, group)
    return tests


def derived(run: runs.Run, few: int) -> Ledger:
    out = Ledger(run.name, run.claims)
    out.head(run.name)
    s, e = (run.splits[k] for k in runs.SPLITS)
    check_labels(out, run)
    check_anew(out, run)
    group, control = derive.groups_of(out, s)
    out.head("lesions")
    tests = lesions(out, run, group, control)
    out.head("premise")
    tests["specialization"] = derive.premise(out, s, e, group, 2000 // few)
    out.head("structure")
    declared, today = derive.structure(out, s, e, group, 3000 // few)
    out.head("similarity")
    output = run.net.blocks[-1].down.weight.T.double().numpy()
    tests["shared-influence"] = derive.similarity(out, e, group, output)
    sceptic.reachable_similarity(out, s, e)
    if run.name == "numbers":
        tests["attention"] = derive.concentration(out, e)
    if run.name == "induction":
        tests["single-head"] = heads.top_head(out, run.net, run.tokens, (s, e), group, 100 // few)
    out.head("outcomes and verdicts")
    for name, test in (tests | declared).items():
        out.claim(f"predictions/{name}/outcome", test.outcome)
    for hypothesis in ("modular", "distributed"):
        out.claim(f"verdicts/{hypothesis}", verdict(run.claims, tests | declared, hypothesis))
    out.today(
        {n: t.outcome for n, t in today.items()}
        | {h: verdict(run.claims, tests | today, h) for h in ("modular", "distributed")}
    )
    return out


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    for name in ("cache", "reference", "smollm2", "scratch"):
        parser.add_argument(name, type=Path)
    parser.add_argument("runs", nargs="*", default=runs.NAMES)
    parser.add_argument("--rows", type=int, default=10**6, help="positions of a split to be passed anew")
    parser.add_argument("--few", type=int, default=1, help="a part of the draws, such as 2 for a half")
    given = parser.parse_args()
    for name in given.runs:
        run = runs.Run(name, given.cache, given.reference, given.smollm2, given.scratch, given.rows)
        cases = derived(run, given.few).cases
        (given.scratch / name / "cases.json").write_text(json.dumps(cases))
    kept = [path for name in runs.NAMES if (path := given.scratch / name / "cases.json").exists()]
    libraries = ("numpy", "scipy", "scikit-learn", "igraph", "torch", "transformers", "gguf")
    values.write(
        "registered", libraries, lambda: [c for path in kept for c in json.loads(path.read_text())], MADE_BY
    )


if __name__ == "__main__":
    main()
