"""Evidence of a model that others hold, through nnsight's stand-in for a host, against plain hooks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from nnsight import TransformersModel
from tokenizers import Tokenizer, models
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

import hypotest
from hypotest.collect import remote
from hypotest.errors import EvidenceError, RunError, SubjectError
from hypotest.pipeline.hosted import record
from hypotest.subjects.recorded.evidence import RecordedEvidence

VOCABULARY, LENGTH, ROWS, UNITS = 61, 7, 10, 12
MODULE = "model.layers.1.mlp.down_proj"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("hosted")
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=VOCABULARY,
        hidden_size=16,
        intermediate_size=UNITS,
        num_hidden_layers=3,
        num_attention_heads=2,
        num_key_value_heads=2,
        initializer_range=0.4,
    )
    LlamaForCausalLM(config).save_pretrained(place)
    words = Tokenizer(
        models.WordLevel({f"w{number}": number for number in range(VOCABULARY)}, unk_token="w0")
    )
    PreTrainedTokenizerFast(tokenizer_object=words, pad_token="w0").save_pretrained(place)
    return place


@pytest.fixture(scope="module")
def hosted(folder: Path) -> Any:
    return TransformersModel(str(folder), task="text-generation", dispatch=True)


@pytest.fixture(scope="module")
def plain(folder: Path) -> Any:
    return LlamaForCausalLM.from_pretrained(folder).eval()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def contexts() -> tuple[np.ndarray, dict[str, list[Any]]]:
    rng = np.random.default_rng(5)
    ids = rng.integers(VOCABULARY, size=(ROWS, LENGTH))
    target = rng.integers(VOCABULARY, size=ROWS).tolist()
    return ids, {
        "target": target,
        "kind": ["a", "b"] * (ROWS // 2),
        "text": [row // 2 for row in range(ROWS)],
    }


def by_hooks(
    plain: Any, ids: np.ndarray, target: list[int], change: tuple[int, float] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Units at the last position and the loss behind it; one unit set to a value there."""
    seen = []

    def hook(_: Any, arguments: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        given = arguments[0].clone()
        if change is not None:
            given[:, -1, change[0]] = change[1]
        seen.append(given[:, -1])
        return (given,)

    handle = plain.model.layers[1].mlp.down_proj.register_forward_pre_hook(hook)
    with torch.no_grad():
        logits = plain(torch.from_numpy(ids)).logits[:, -1]
    handle.remove()
    return seen[0].numpy(), torch.nn.functional.cross_entropy(
        logits, torch.tensor(target), reduction="none"
    ).numpy()


@pytest.mark.parametrize("remote", [False, "local"])
def test_weights_that_are_elsewhere_are_not_run_here(folder, tmp_path, remote):
    accelerate = pytest.importorskip("accelerate")
    offloaded = TransformersModel(str(folder), task="text-generation", dispatch=True)
    accelerate.disk_offload(offloaded._module, offload_dir=tmp_path, execution_device=torch.device("cpu"))
    ids, rows = contexts()
    with pytest.raises(SubjectError, match=r"offloaded \(device_map\).*have a host run the model"):
        hypotest.record(offloaded, ids, rows, module=MODULE, remote=remote)


@pytest.mark.parametrize("units", [None, [1, 4, 11]])
def test_what_comes_back_is_what_hooks_see(hosted, plain, units, tmp_path):
    ids, rows = contexts()
    stages: list[tuple[str, int]] = []
    evidence = record(
        hosted, ids, rows, module=MODULE, units=units, clusters="text", remote="local", at_once=16,
        start_stage=lambda stage, n: stages.append((stage, n)) or (lambda: None),
    )  # fmt: skip
    chosen = list(range(UNITS)) if units is None else units
    activations, loss = by_hooks(plain, ids, rows["target"])
    everything = np.arange(ROWS)
    np.testing.assert_allclose(evidence.activations(everything), activations[:, chosen], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(evidence.loss(everything), loss, rtol=1e-5)
    for column, unit in enumerate(chosen):
        _, changed = by_hooks(plain, ids, rows["target"], (unit, float(activations[:, unit].mean())))
        np.testing.assert_allclose(evidence.influence(everything)[:, column], changed - loss, atol=2e-5)
    assert np.abs(evidence.influence(everything)).max() > 0.01
    assert [n for _, n in stages] == [1, -(-ROWS * len(chosen) // 16)]
    assert {"kind", "target"} <= set(evidence.rows.columns)
    written = RecordedEvidence.read(evidence.write(tmp_path / "hosted"))
    np.testing.assert_array_equal(written.influence(everything), evidence.influence(everything))
    np.testing.assert_array_equal(written.rows.clusters, evidence.rows.clusters)
    assert written.rows.frame["kind"].to_list() == rows["kind"]


def test_units_set_to_zero_and_read_from_what_a_module_gives(hosted, plain):
    ids, rows = contexts()
    path = "model.layers.2.mlp"
    evidence = record(
        hosted, ids, rows, module=path, side="output", units=[0, 3], replacement="zero", remote="local"
    )
    _, loss = by_hooks(plain, ids, rows["target"])

    def hook(_: Any, __: Any, output: torch.Tensor) -> torch.Tensor:
        output = output.clone()
        output[:, -1, 3] = 0
        return output

    handle = plain.model.layers[2].mlp.register_forward_hook(hook)
    _, changed = by_hooks(plain, ids, rows["target"])
    handle.remove()
    np.testing.assert_allclose(evidence.influence(np.arange(ROWS))[:, 1], changed - loss, atol=2e-5)


def test_a_connection_that_breaks_costs_one_request(hosted, monkeypatch):
    """What was answered is kept; the same call asks for the rest alone."""
    ids, rows = contexts()
    asked: list[int] = []
    answer = remote._answer

    def counted(request: Any) -> Any:
        asked.append(1)
        return answer(breaking if len(asked) == 3 else request)

    def breaking() -> Any:
        raise ConnectionError("gone")

    def everything() -> Any:
        return record(hosted, ids, rows, module=MODULE, remote="local", at_once=32)

    monkeypatch.setattr(remote, "_answer", counted)
    with pytest.raises(RunError, match=r"did not answer: gone\. What it has answered is kept"):
        everything()
    evidence = everything()
    assert len(asked) == 1 + 4 + 1  # activations, ablations of 120 pairs, and the one that broke
    assert everything().fingerprint == evidence.fingerprint
    assert len(asked) == 6  # nothing is asked again


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"ids": np.zeros(4)}, EvidenceError, "ids=: must have shape"),
        ({"rows": {"kind": ["a"] * ROWS}}, EvidenceError, "must have a column target"),
        ({"rows": {"target": [1, 2]}}, EvidenceError, f"target must have {ROWS} values"),
        ({"units": [3, 1]}, EvidenceError, "ascending"),
        ({"units": [3, 99]}, EvidenceError, "found 3 to 99"),
        ({"at_once": 0}, EvidenceError, "at least 1"),
        ({"module": "model.layers.9.mlp"}, SubjectError, "no such module"),
        ({"model": object()}, SubjectError, "must be one of nnsight's"),
    ],
)
def test_wrong_inputs_are_refused(hosted, change, error, words):
    ids, rows = contexts()
    given: dict[str, Any] = {"model": hosted, "ids": ids, "rows": rows, "module": MODULE, "remote": "local"}
    with pytest.raises(error, match=words):
        record(**{**given, **change})
