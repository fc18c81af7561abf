"""A run that was made with one thread, checked with two: nobody has touched it, and sums round otherwise."""

import json
import shutil
import subprocess
import sys

import pytest

from hypotest.report.export import file_hashes, manifest_digest, render_again
from tests.functional.protocols import with_predictions

ONE = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
TWO = {name: "2" for name in ONE}


@pytest.fixture(scope="module")
def finished(hypotest_process, small_protocol, tmp_path_factory):
    text = small_protocol.read_text(encoding="utf-8").replace("id: small\n", "id: small-threads\n", 1)
    text = text.replace("draws: 599", "draws: 299").replace("draws: 399", "draws: 299")
    names = ("specialization", "coordination", "attention", "single-head", "head-specificity", "spectrum")
    path = small_protocol.with_name("threads.yaml")
    path.write_text(with_predictions(text, *names), encoding="utf-8")
    out = tmp_path_factory.mktemp("threads")
    done = hypotest_process("run", path, "--out", out, "--device", "cpu", **ONE)
    assert done.returncode == 0, done.stderr
    (folder,) = (out / "small-threads").iterdir()
    return path, folder


def words_of(done):
    """What it printed, without the breaks between the table's columns."""
    return " ".join(done.stdout.split())


def test_the_manifest_tells_threads_and_blas(finished):
    told = json.loads((finished[1] / "manifest.json").read_text(encoding="utf-8"))["hardware"]
    assert (told["torch_threads"], told["blas_threads"]) == (1, 1)
    assert told["blas"] and told["instructions"] and "OMP_NUM_THREADS=1" in told["thread_variables"]


def test_with_other_threads_an_untouched_run_is_verified(hypotest_process, finished):
    done = hypotest_process("verify", finished[1], **TWO)
    assert done.returncode == 0, done.stdout
    assert "torch threads 1 then, 2 now" in words_of(done)
    assert "DIFFERS" not in done.stdout
    assert "figures, drawn again identical" in words_of(done)


def test_with_other_threads_its_evidence_collected_anew_agrees(hypotest_process, finished):
    path, folder = finished
    done = hypotest_process("verify", folder, "--recollect", "--device", "cpu", "--protocol", path, **TWO)
    assert done.returncode == 0, done.stdout
    assert "DIFFERS" not in done.stdout


def touch(results):
    """A number beyond its tolerance, a p-value, an outcome, a count, a verdict."""
    by_id = {item["id"]: item for item in results["predictions"]}
    by_id["coordination"]["observed"] *= 1 + 1e-4
    by_id["specialization"]["p_value"] *= 0.9
    by_id["spectrum"]["outcome"] = "less" if by_id["spectrum"]["outcome"] != "less" else "greater"
    by_id["head-specificity"]["ladder"][0]["n_draws"] += 1
    verdict = results["verdicts"][0]
    verdict["status"] = "supported" if verdict["status"] != "supported" else "refuted"


def test_with_other_threads_what_was_touched_is_still_found(hypotest_process, finished, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(finished[1], copy)
    results = json.loads((copy / "results.json").read_text(encoding="utf-8"))
    touch(results)
    (copy / "results.json").write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n", "utf-8")
    render_again(copy)
    manifest = json.loads((copy / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"] = file_hashes(copy)  # every hash agrees
    manifest["manifest_sha256"] = manifest_digest(manifest)
    (copy / "manifest.json").write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    done = hypotest_process("verify", copy, **TWO)
    assert done.returncode == 1
    touched = ("coordination", "specialization", "spectrum", "head-specificity", "verdicts")
    for name in touched:
        assert f"results: {name} DIFFERS" in words_of(done)
    assert done.stdout.count("DIFFERS") == len(touched)


def test_what_is_no_run_is_said_before_anything_is_loaded(tmp_path):
    (tmp_path / "manifest.json").write_text('{"name": "an app"}', encoding="utf-8")
    code = (
        "import sys\nfrom hypotest.__main__ import main\n"
        "try:\n    main(['verify', sys.argv[1]])\nexcept SystemExit as done:\n"
        "    print(done.code, 'torch' in sys.modules, 'polars' in sys.modules)"
    )
    for place, words in (
        (tmp_path, "manifest.json there are not hypotest's"),
        (tmp_path / "nothing", "nothing of that name"),
        (tmp_path / "manifest.json", "found a file"),
        (tmp_path.parent, "neither results.json nor manifest.json"),
    ):
        done = subprocess.run(
            [sys.executable, "-c", code, str(place)], capture_output=True, text=True, check=True
        )
        assert done.stdout.split() == ["1", "False", "False"]
        assert words in done.stderr
