"""The numbers of a run on rare tokens, derived a second time by code that shares nothing with the package.

    python -m tests.reference.by_hooks RUN_FOLDER CACHE_FOLDER MODEL [--quick]

RUN_FOLDER is that of a finished run of protocols/smollm2.yaml or protocols/rare-tokens.yaml, or of a member
of protocols/smollm2/layers.yaml (with results.json), CACHE_FOLDER the cache that it filled, of which only
arrays are read: tokens, positions and labels, and what is to be refuted. MODEL is SmolLM2's .gguf file, or
the folder of the reference model. The network is written down again in float64, GGUF weights expanded by
the package `gguf`; interventions are plain torch hooks; measures are taken by numpy, scipy, scikit-learn,
networkx, igraph and leidenalg; matching, draws and errors are written anew from their definitions.

Prints a table of claimed value, derived value, and difference; indented lines ask what else the number could
mean. It asserts nothing: it is to be read. Not collected by pytest.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import torch

from tests.reference.by_hooks import attention, group, interventions, profiles, selection, text
from tests.reference.by_hooks import lesions as whole_groups
from tests.reference.by_hooks.evidence import Lesions, Split, text_tokens
from tests.reference.by_hooks.network import Network
from tests.reference.by_hooks.table import Table


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("cache", type=Path)
    parser.add_argument("model", type=Path, help="a .gguf file of a Llama, or the folder of a GPT-NeoX")
    parser.add_argument("--quick", action="store_true", help="a tenth of the forward passes and draws")
    given = parser.parse_args()
    few = 10 if given.quick else 1
    result = json.loads((given.run / "results.json").read_text())
    manifest = json.loads((given.run / "manifest.json").read_text())
    evidence = given.cache / "evidence"
    splits = {k: Split(evidence / manifest["evidence"][k]) for k in ("selection", "evaluation")}
    lesions = Lesions(evidence / manifest["lesions"])
    tokens = text_tokens(given.cache, list(splits.values()))
    members = np.sort(np.array(result["group"]["neurons"]))
    common = np.sort(np.array(result["group"]["control_neurons"]))
    out = Table()
    if given.model.is_file():
        digest = hashlib.sha256(given.model.read_bytes()).hexdigest()
        out.say(f"the file is the run's: {digest == manifest['hashes']['weights_file']}")
    kept = [*(given.cache / "frequencies").glob("*/counts.npy"), given.model / "token_counts.npy"]
    counts = np.load(kept[0])
    layer = int(result["subject"]["layer"])
    last = layer == result["subject"]["n_layers"] - 1
    net = Network(given.model, layer=layer)
    output = net.tested.down.weight.T.contiguous().numpy()
    stored = np.load(splits["selection"].folder / "weights" / "output.npy")
    out.row("output weights: largest difference from the stored", 0, float(np.abs(stored - output).max()))
    text.check_text(out, counts, result, splits, tokens)
    selection.check_selection(out, result, splits, members, 20 // few)
    selection.check_selectivity(out, result, splits, members, 400 // few)
    group.check_measures(out, result, splits["evaluation"], output, members)
    profiles.check_similarity(out, result, splits["evaluation"], output, members, 40 // few)
    if last:
        whole_groups.check_lesions(out, net, result, splits, lesions, few)
    else:
        whole_groups.check_stored_lesions(out, result, splits["evaluation"], lesions)
    attention.check_attention(out, net, result, *splits.values(), tokens, max(1, 4 // few))
    interventions.check_ablations(out, net, splits, lesions, tokens, [members, common], 160 // few)
    interventions.check_heads(out, net, result, splits, tokens, members, max(1, 6 // few))
    group.check_nulls(out, result, splits, output, members, 3000 // few)
    text.check_loader(out, net, given.model, tokens)
    text.check_cross_entropy(out, net, result, splits["selection"], tokens, 50 // few)
    out.head("end")


if __name__ == "__main__":
    main()
