import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch

from hypotest.subjects.arithmetic import arithmetic


def test_threads_and_blas_of_this_process():
    np.ones((2, 2)) @ np.ones((2, 2))
    facts = arithmetic()
    assert facts["torch_threads"] == torch.get_num_threads()
    assert facts["blas"]
    assert facts["instructions"] == torch.backends.cpu.get_cpu_capability()


@pytest.mark.slow
def test_the_number_of_threads_that_was_asked_for_is_told():
    # Asked of torch too: by the variables alone, MKL takes no more threads than there are whole cores, and a
    # machine may have one.
    code = (
        "import json, os, torch; torch.set_num_threads(int(os.environ['OMP_NUM_THREADS']));"
        "from hypotest.subjects.arithmetic import arithmetic; print(json.dumps(arithmetic()))"
    )
    told = []
    for threads in ("1", "2"):
        environment = {**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads}
        done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=True)
        told.append(json.loads(done.stdout))
    assert [item["torch_threads"] for item in told] == [1, 2]
    assert "OMP_NUM_THREADS=2" in told[1]["thread_variables"]
    assert told[0]["blas"] == told[1]["blas"]
