"""What is collected is the same to the last bit with one thread and with two."""

import os
import subprocess
import sys

import pytest
import torch

ENGINES = """
import hashlib
import numpy as np
import torch
from hypotest.collect.last_block.ablation import NeuronAblation
from hypotest.collect.last_block.decomposition import decompose
from hypotest.collect.forward import forward_arrays
from hypotest.collect.heads import head_ablation_arrays
from hypotest.collect.interventions import intervention_arrays
from hypotest.collect.last_block.readout import prepare_readout
from hypotest.collect.replacement import Replacement
from hypotest.subjects.loading.loading import load_language_model

tokens = np.random.default_rng(0).integers(8192, size=(4, 128)).astype(np.int32)
block, index = (axis.ravel() for axis in np.indices((4, 16)))
index = 7 * index + 10
subject = load_language_model("reference", device="cpu")
seen = forward_arrays(subject, tokens, block, index)
target = tokens[block, index + 1].astype(np.int64)
mean = seen["activations"].mean(axis=0)
inputs = (seen["residual"], seen["activations"], mean, target)
certified = NeuronAblation(prepare_readout(subject), 1e-4, 1.0)
middle = load_language_model("reference", layer=1, device="cpu")
few, rows = np.arange(0, 2048, 200), block < 2
after = Replacement.of("mean", seen["activations"], block, index, 0)
found = {
    "forward": seen,
    "ablation": certified(*inputs),
    "decomposition": decompose(certified, *inputs),
    "heads": head_ablation_arrays(subject, tokens, block, index),
    "interventions": intervention_arrays(
        middle, tokens[:2], np.arange(2), block[rows], index[rows], after, 1.0, few
    ),
}
print(torch.get_num_threads())
for stage, arrays in found.items():
    for name, values in sorted(arrays.items()):
        print(stage, name, hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest())
"""


@pytest.mark.slow
@pytest.mark.skipif(not torch.backends.mkl.is_available(), reason="other libraries have no such mode")
def test_no_number_depends_on_threads():
    told = []
    for threads in ("1", "2"):
        environment = {**os.environ, "OMP_NUM_THREADS": threads}
        done = subprocess.run(
            [sys.executable, "-c", ENGINES], env=environment, capture_output=True, text=True, check=True
        )
        told.append(done.stdout.splitlines())
    assert [lines[0] for lines in told] == ["1", "2"]
    assert len(told[0]) > 15
    assert told[0][1:] == told[1][1:]
