"""A GGUF file from the protocol to the report; models that are not what they claim to be."""

from __future__ import annotations

import hashlib

import pytest

from hypotest.report.run import Run
from tests.subjects.gguf_files import tiny_llama, write_gguf

pytestmark = pytest.mark.usefixtures("no_figures")


@pytest.fixture(scope="module")
def protocol(tmp_path_factory, small_protocol):
    """The small protocol with a random model in a GGUF file, whose text begins with a token of its own."""
    folder = tmp_path_factory.mktemp("gguf")
    write_gguf(folder / "tiny.gguf", tiny_llama(), "Q4_1", add_bos=True)
    text = small_protocol.read_text(encoding="utf-8")
    names = [f"{small_protocol.parent}/{number}.txt" for number in range(60)]
    lines = []
    for line in text.splitlines():
        if line.startswith("subject:"):
            line = f"subject: {{model: {folder}/tiny.gguf}}"
        elif line.startswith("corpus:"):
            line = f"corpus: {{text: {{files: [{', '.join(names)}]}}, context: 32}}"
        elif line.startswith("frequencies:"):
            line = f"frequencies: {{count: {{files: [{', '.join(names)}]}}}}"
        lines.append(line)
    path = folder / "tiny.yaml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_worse_than_chance_is_an_error_before_anything_is_collected(hypotest, protocol, tmp_path):
    ended = hypotest("run", protocol, "--out", tmp_path, HYPOTEST_CACHE=str(tmp_path / "cache"))
    assert ended.returncode == 1
    words = " ".join(ended.stderr.split())
    assert "predicts this text worse than chance" in words and "--force" in words
    assert not (tmp_path / "cache" / "evidence").exists()
    tried = hypotest("run", protocol, "--out", tmp_path, "--limit", 20)
    assert tried.returncode == 1 and "worse than chance" in " ".join(tried.stderr.split())


def test_forced_it_says_so_and_names_file_and_quantisation(hypotest, protocol, tmp_path):
    ended = hypotest("run", protocol, "--out", tmp_path, "--force")
    assert ended.returncode == 0, ended.stderr
    assert "The model does not predict this text" in " ".join(ended.stdout.split())
    (folder,) = (tmp_path / "small").iterdir()
    run = Run.open(folder)
    file = protocol.parent / "tiny.gguf"
    assert run.results.subject["weights"] == "as expanded from Q4_1 (also F32)"
    assert run.manifest["weights_file"]["quantization"] == "Q4_1, F32"
    assert run.manifest["hashes"]["weights_file"] == hashlib.sha256(file.read_bytes()).hexdigest()
    entropy = run.results.cross_entropy
    assert entropy.nats > entropy.chance > entropy.unigram
    assert run.results.limitations[0].startswith("THIS MODEL DOES NOT PREDICT THIS TEXT")
    assert run.results.corpus.bos == "<s>"
    assert run.results.corpus.tokens == 31 * run.results.corpus.blocks
    report = (folder / "report.md").read_text(encoding="utf-8")
    assert report.index("Careful: the model does not predict this text") < report.index("## Predictions")
    for words in (
        "as expanded from Q4_1",
        "the beginning of a sequence, in addition",
        "cross-entropy on this text",
    ):
        assert words in report
    verified = hypotest("verify", folder, "--recollect")
    assert verified.returncode == 0, verified.stdout + verified.stderr
