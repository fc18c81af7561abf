"""A mixture of experts in a folder, from the protocol to a verified report."""

from __future__ import annotations

import re
import shutil

import numpy as np
import pytest
import torch
import transformers

from hypotest.collect.evidence_folder import EvidenceKeys, read_evidence
from hypotest.records.evidence.channels import Channel
from hypotest.report.run import Run

pytestmark = pytest.mark.usefixtures("no_figures")
N_EXPERTS, N_EACH, N_SHARED = 6, 24, 20
TESTED = """\
sample: {positions: 120, max_per_document: 8}
group: {select: {top_fraction: 0.15}}
ablation: {replacement: zero}
placebos: 2
nulls:
  size_matched: {draws: 599}
  local_matched: {draws: 199}
  covariate_matched: {draws: 199, on: [activation_sd, activation_rate, output_norm]}
  label_shuffled: {draws: 99}
predictions:
  - {id: specialization, role: premise, measure: selectivity, contrast: {null: label_shuffled},
     modular: greater, distributed: greater}
  - {id: coordination, measure: effective_dimension, contrast: {null: local_matched},
     modular: any, distributed: less}
  - {id: within-experts, measure: partition_concentration, contrast: {null: size_matched},
     modular: greater, distributed: less}
  - {id: like-experts, measure: partition_agreement, contrast: {reference: 0}, role: descriptive}
  - {id: lesion, measure: dissociation_index, contrast: {reference: 0}, margin: {raw: 0.5}, role: descriptive}
seed: 5
"""


@pytest.fixture(scope="module", params=["last", 0])
def protocol(request, tmp_path_factory, small_model_folder, small_protocol):
    """The small protocol's text and conditions with a mixture of random experts."""
    folder = shutil.copytree(small_model_folder, tmp_path_factory.mktemp("mixture") / "model")
    (folder / "model.safetensors").unlink()
    config = transformers.Qwen2MoeConfig(
        vocab_size=400,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        moe_intermediate_size=N_EACH,
        shared_expert_intermediate_size=N_SHARED,
        num_experts=N_EXPERTS,
        num_experts_per_tok=2,
    )
    torch.manual_seed(3)
    model = transformers.Qwen2MoeForCausalLM(config)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(3.0)
    model.save_pretrained(folder)
    lines = small_protocol.read_text(encoding="utf-8").split("sample:")[0]
    lines = re.sub(r"subject: .*", f"subject: {{model: {folder}, layer: {request.param}}}", lines)
    lines = re.sub(r"(\d+\.txt)", rf"{small_protocol.parent}/\1", lines)
    path = small_protocol.parent / f"mixture-{request.param}.yaml"
    path.write_text(lines.replace("id: small", f"id: mixture-{request.param}") + TESTED, encoding="utf-8")
    return path


def test_a_mixture_from_protocol_to_verified_report(hypotest, protocol, tmp_path):
    cache = tmp_path / "cache"
    ended = hypotest("run", protocol, "--out", tmp_path, "--force", HYPOTEST_CACHE=str(cache))
    assert ended.returncode == 0, ended.stderr
    (folder,) = (tmp_path / protocol.stem).iterdir()
    run = Run.open(folder)
    last = protocol.stem.endswith("last")
    assert run.results.ablation.engine == ("identity" if last else "interventions")
    size = N_EXPERTS * N_EACH + N_SHARED
    group = run.results.group
    assert group.n_neurons == size
    for number, called in zip(group.neurons, group.called, strict=True):
        expert, place = divmod(number, N_EACH)
        routed = f"expert {expert}, neuron {place}"
        shared = f"shared expert, neuron {number - N_EXPERTS * N_EACH}"
        assert called == (routed if expert < N_EXPERTS else shared)
    report = (folder / "report.md").read_text(encoding="utf-8")
    assert "; ".join(group.called) in report
    assert run.results.subject["n_parts"] == N_EXPERTS + 1
    names = {item.id for item in run.results.predictions}
    assert names == {"specialization", "coordination", "within-experts", "like-experts", "lesion"}
    keys = EvidenceKeys(*(run.manifest["evidence"][split] for split in ("selection", "evaluation")))
    evidence = read_evidence(cache / "evidence", keys)
    router = evidence.evaluation[Channel.ROUTER]
    assert router.shape == (evidence.evaluation.positions.height, N_EXPERTS)
    np.testing.assert_allclose(router.sum(axis=1), 1, atol=1e-5)
    silent = evidence.evaluation.activations[:, : N_EXPERTS * N_EACH] == 0
    assert 0.6 < silent.mean() < 0.7  # four of six experts
    verified = hypotest("verify", folder, "--recollect", HYPOTEST_CACHE=str(cache))
    assert verified.returncode == 0, verified.stdout + verified.stderr


WHOLE = """\
sample: {positions: 120, max_per_document: 8}
group: {select: {top: 2}}
ablation: {replacement: REPLACEMENT}
placebos: 1
nulls:
  size_matched: {draws: 199}
predictions:
  - {id: lesion, measure: dissociation_index, options: {change: size}, contrast: {reference: 0.5},
     modular: greater, distributed: less}
  - {id: selective, measure: selectivity, contrast: {null: size_matched}, role: descriptive}
  - {id: looks, measure: attention_gini, contrast: {conditions: [rare, common], by: document},
     role: descriptive}
seed: 5
"""


@pytest.mark.parametrize("replacement", ["mean", "zero", "resample"])
def test_whole_experts_from_protocol_to_verified_report(hypotest, protocol, replacement, tmp_path):
    text = protocol.read_text(encoding="utf-8").partition("sample:")[0]
    text = re.sub(r"(subject: .*)}", r"\1, units: experts}", text)
    path = protocol.with_name(f"experts-{protocol.name}")
    path.write_text(text + WHOLE.replace("REPLACEMENT", replacement), encoding="utf-8")
    cache = tmp_path / "cache"
    ended = hypotest("run", path, "--out", tmp_path / "reports", "--force", HYPOTEST_CACHE=str(cache))
    assert ended.returncode == 0, ended.stderr
    assert "ablation of every expert, selection split" in ended.stderr
    assert "every neuron" not in ended.stderr
    (folder,) = (tmp_path / "reports" / protocol.stem).iterdir()
    run = Run.open(folder)
    assert (run.results.group.n_neurons, len(run.results.group.neurons)) == (N_EXPERTS, 2)
    assert run.results.ablation.engine == "interventions"
    assert run.results.self_check.largest_difference < run.results.self_check.tolerance
    keys = EvidenceKeys(*(run.manifest["evidence"][split] for split in ("selection", "evaluation")))
    evaluation = read_evidence(cache / "evidence", keys).evaluation
    away = evaluation.activations == 0
    assert away.sum() == 4 * evaluation.positions.height  # each token goes to two of six
    changes = np.abs(evaluation.delta_loss)
    assert changes.max() > 1e-3
    assert not changes[away].any() or replacement != "zero" or protocol.stem != "mixture-last"
    report = (folder / "report.md").read_text(encoding="utf-8")
    assert f"of the {N_EXPERTS} experts of layer" in report
    prose = re.sub(r"^```.*?^```", "", report, flags=re.DOTALL | re.MULTILINE)  # papers keep their titles
    assert not re.search(r"\b[Nn]eurons?\b", re.sub(r"`[^`]*`|\([^)]*\)|neurons\.parquet", "", prose))
    verified = hypotest("verify", folder, "--recollect", HYPOTEST_CACHE=str(cache))
    assert verified.returncode == 0, verified.stdout + verified.stderr
