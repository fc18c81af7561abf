"""Heads, stream dimensions and latents as units, from a protocol to a verified report."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import torch

import hypotest as package
from hypotest.errors import ProtocolError, SubjectError
from hypotest.registration.explained.explain import explain_protocol
from hypotest.studies.series.page import series_summary
from hypotest.subjects.loading.loading import load_language_model
from tests.autoencoders import save_autoencoder, train_autoencoder

PROTOCOL = """\
hypotest: 1
id: units
title: Is this group a module?
subject: {model: MODEL, layer: LAYER, units: UNITS}
corpus: {text: {files: [FILES]}, context: 32}
frequencies: MODEL/counts.npy
conditions:
  rare: {target: {frequency: {below_percentile: 50, of: types, elbow: keep}}}
  common: {target: {frequency: {from_percentile: 70, of: types, elbow: keep}}}
sample: {positions: 120, max_per_document: 8}
group: {select: {SELECT}}
placebos: 1
nulls:
  size_matched: {draws: 199}
  local_matched: {draws: 199}
predictions:
  - id: dissociation
    measure: dissociation_index
    options: {change: size}
    contrast: {reference: 0.5}
    modular: greater
    distributed: less
  - {id: dimensions, measure: effective_dimension, contrast: {null: local_matched}, role: descriptive}
  - {id: concentration, measure: attention_gini, contrast: {conditions: [rare, common], by: document},
     role: descriptive}
MOREseed: 11
"""
_HEAD = "  - {id: single-head, measure: top_head_share, contrast: {reference: 0.5}, role: descriptive}\n"
_WEIGHTS = "  - {id: spectrum, measure: hill_alpha, contrast: {null: size_matched}, role: descriptive}\n"
CASES = {
    "heads": ("1", "heads", "top: 2", ""),
    "stream dimensions": ("last", "residual", "top_fraction: 0.25", _HEAD),
    "latents": ("2", "{sae: sae}", "top_fraction: 0.2", _HEAD + _WEIGHTS),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, small_documents, small_model_folder, small_tokens):
    """Texts, and an autoencoder of what leaves block 2, trained on a part of them."""
    place = tmp_path_factory.mktemp("units")
    for number, text in enumerate(small_documents):
        (place / f"{number}.txt").write_text(text, encoding="utf-8")
    model, seen = load_language_model(str(small_model_folder), device="cpu").model, []
    hook = model.gpt_neox.layers[2].register_forward_hook(
        lambda _, __, output: seen.append(output[0] if isinstance(output, tuple) else output)
    )
    with torch.no_grad():
        model(torch.from_numpy(small_tokens[:60].astype(np.int64)))
    hook.remove()
    weights = train_autoencoder(seen[0].reshape(-1, 32).numpy(), 96, "jumprelu")
    save_autoencoder(place / "sae", weights, "blocks.2.hook_resid_post", "jumprelu")
    return place


@pytest.fixture(scope="module")
def write(folder, small_documents, small_model_folder):
    """Write a protocol; returns its path."""

    def protocol(name: str, layer: str, units: str, select: str, more: str = "") -> Path:
        content = PROTOCOL.replace("MODEL", str(small_model_folder)).replace("LAYER", layer)
        content = content.replace("UNITS", units).replace("{SELECT}", f"{{{select}}}").replace("MORE", more)
        files = ", ".join(f"{number}.txt" for number in range(len(small_documents)))
        path = folder / f"{name.replace(' ', '-')}.yaml"
        path.write_text(content.replace("FILES", files), encoding="utf-8")
        return path

    return protocol


@pytest.fixture(scope="module", params=CASES)
def finished(request, write, tmp_path_factory):
    path = write(request.param, *CASES[request.param])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYPOTEST_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield request.param, path, package.run(path, out=tmp_path_factory.mktemp("reports"), device="cpu")


def test_a_run_says_what_it_tested(finished):
    words, path, run = finished
    results = run.results
    sizes = {"heads": (2, 4), "stream dimensions": (8, 32), "latents": (19, 96)}
    assert (len(results.group.neurons), results.group.n_neurons) == sizes[words]
    assert results.ablation.engine == ("identity" if words == "stream dimensions" else "interventions")
    assert results.self_check.largest_difference < results.self_check.tolerance
    outcomes = {item.id: item.outcome for item in results.predictions}
    assert outcomes["dissociation"] != "undefined" and outcomes["concentration"] != "undefined"
    assert ("single-head" in outcomes) == (words != "heads")
    report = (run.folder / "report.md").read_text(encoding="utf-8")
    assert f"of the {sizes[words][1]} {words} of layer" in report
    prose = re.sub(r"`[^`]*`|\([^)]*\)|neurons\.parquet", "", report)
    assert not re.search(r"\b[Nn]eurons?\b", prose)
    lines = [line.text for part in explain_protocol(package.load_protocol(path)) for line in part.lines]
    assert not any("neuron" in line for line in lines) and any(words in line for line in lines)


def test_evidence_is_collected_again_with_the_same_bits(finished):
    words, path, run = finished
    again = package.verify(run.folder, protocol=path, recollect=True, device="cpu")
    assert again.verified, [item for item in again.checks if item.status in ("differs", "not checked")]
    assert (run.manifest["hashes"]["autoencoder"] is not None) == (words == "latents")


def test_power_knows_such_units(finished, tmp_path):
    words, path, _ = finished
    power = package.power(path, device="cpu", out=tmp_path)
    assert power.n_neurons == {"heads": 4, "stream dimensions": 32, "latents": 96}[words]


@pytest.mark.parametrize(
    ("layer", "units", "more", "message"),
    [
        (
            "1",
            "heads",
            _WEIGHTS,
            r"predictions.spectrum.measure: hill_alpha reads weights, and heads have none",
        ),
        ("1", "heads", _HEAD, r"single-head.measure: top_head_share reads heads, and heads have none"),
        ("1", "residual", _WEIGHTS, "hill_alpha reads weights, and stream dimensions have none"),
        ("1", "{sae: nowhere}", "", r"subject.units.sae: .*nowhere' is no folder"),
        ("1", "{sae: sae}", "", r"was trained on blocks.2.hook_resid_post .*write `layer: 2`"),
        ("1", "latents", "", r"must be neurons, heads, residual, experts, or \{sae: the folder"),
    ],
)
def test_what_units_lack_is_refused_before_anything_is_collected(write, layer, units, more, message):
    path = write("refused", layer, units, "top: 2", more)
    with pytest.raises(ProtocolError, match=message):
        package.load_protocol(path)


def test_an_autoencoder_of_another_block_is_refused_with_the_model(write):
    path = write("elsewhere", "last", "{sae: sae}", "top: 2")
    with pytest.raises(SubjectError, match=r"of block 2, and block 3 .* is tested .*write `layer: 2`"):
        package.run(path, device="cpu")


def test_too_few_groups_of_such_units_are_refused_in_their_words(write):
    """Of 4 heads there are 6 pairs."""
    more = "  - {id: few, measure: effective_dimension, contrast: {null: size_matched}, modular: less,\n"
    path = write("few", "1", "heads", "top: 2", f"{more}     distributed: greater}}\n")
    with pytest.raises(ProtocolError, match=r"distinct groups of 2 of 4 heads for .*have 6\."):
        package.run(path, device="cpu")


@pytest.mark.parametrize("units", ["heads", "residual"])
def test_every_layer_of_such_units_side_by_side(write, units, tmp_path, monkeypatch):
    """Attention and MLP are parallel here, so that no attention reaches the MLP of block 0: nobody asks."""
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))
    series = package.run_series(write(f"all-{units}", "all", units, "top: 2"), out=tmp_path, device="cpu")
    assert [member.place for member in series.members] == [0, 1, 2, 3]
    words = {"heads": "heads", "residual": "stream dimensions"}[units]
    shown = str(series_summary(series))
    assert words in shown and "neuron" not in shown
