"""Units of other kinds: what they lack, and autoencoders that do not fit, said before anything is loaded."""

from __future__ import annotations

import pytest
import torch

from tests.autoencoders import save_autoencoder

HEAD = "title: Is this a small protocol?\n"
MEASURE = "measure: effective_dimension"


def subject(text):
    return HEAD, f"{HEAD}subject: {{{text}}}\n"


def said(problems):
    return {item.key: item.message for item in problems if item.severity == "error"}


@pytest.mark.parametrize("units", ["neurons", "heads", "residual", "experts"])
def test_kinds_without_fault(problems_of, units):
    group = ("select: plateau, otherwise: {top_fraction: 0.02}", "select: {top: 2}")
    assert problems_of(subject(f"units: {units}"), group) == []


@pytest.mark.parametrize(
    ("units", "measure", "message"),
    [
        ("heads", "hill_alpha", "hill_alpha reads weights, and heads have none (subject.units): take the"),
        ("heads", "top_head_impact", "top_head_impact reads heads, and heads have none"),
        ("residual", "hill_alpha", "hill_alpha reads weights, and stream dimensions have none"),
        ("experts", "hill_alpha", "hill_alpha reads weights, and experts have none"),
    ],
)
def test_measures_that_units_have_no_value_for(problems_of, units, measure, message):
    problems = said(problems_of(subject(f"units: {units}"), (MEASURE, f"measure: {measure}")))
    assert message in problems["predictions.coordination.measure"]


def test_matching_on_weights_that_are_not_there(problems_of):
    nulls = (
        "  size_matched: {draws: 999}",
        "  size_matched: {draws: 999}\n  local_matched: {on: [output_norm]}",
    )
    assert not said(problems_of(nulls))
    assert (
        "heads have no output weights"
        in said(problems_of(nulls, subject("units: heads")))["nulls.local_matched"]
    )
    other = (nulls[0], nulls[1].replace("output_norm", "output_norm, activation_sd"))
    assert not said(problems_of(other, subject("units: heads")))


def test_names_of_units(problems_of):
    select = "select: plateau, otherwise: {top_fraction: 0.02}"
    heads = subject("units: heads, layer: 3")
    nulls = ("  label_shuffled: {draws: 999}\n", "")
    assert not said(problems_of(heads, nulls, (select, "select: {ids: [0, L3H2]}")))
    problems = said(problems_of(heads, nulls, (select, "select: {ids: [0, L3N2]}")))
    assert "must be heads, named as L3H2 (subject.units); found L3N2" in problems["group.select.ids.#2"]
    problems = said(problems_of(heads, nulls, (select, "select: {ids: [0, 2048]}")))
    assert "one of the layer's 8 heads, 0 to 7" in problems["group.select.ids.#2"]


def test_units_of_a_network_come_with_it(problems_of):
    problems = said(problems_of(subject("network: some, units: heads")))
    assert "is for language models" in problems["subject.units"]


def test_what_is_no_kind(problems_of):
    (message,) = said(problems_of(subject("units: latents"))).values()
    assert (
        "must be neurons, heads, residual, experts, or {sae: the folder of a sparse autoencoder}" in message
    )
    problems = said(problems_of(subject("units: {sea: x}")))
    assert "unknown key 'sea'; did you mean 'sae'?" in problems["subject.units.sea"]


@pytest.fixture
def autoencoder(tmp_path):
    weights = {
        "W_enc": torch.zeros(256, 40), "b_enc": torch.zeros(40), "W_dec": torch.zeros(40, 256),
        "b_dec": torch.zeros(256),
    }  # fmt: skip
    return save_autoencoder(tmp_path / "sae", weights, "blocks.2.hook_resid_post")


@pytest.mark.parametrize(
    ("text", "key", "message"),
    [
        ("units: {sae: nowhere}", "subject.units.sae", "is no folder: check the path"),
        (
            "units: {sae: sae}, layer: 1",
            "subject.units.sae",
            "blocks.2.hook_resid_post (cfg.json), of block 2",
        ),
        ("units: {sae: sae}, layer: all", "subject.units", "is an autoencoder of one block"),
    ],
)
def test_autoencoders_that_do_not_fit(problems_of, autoencoder, text, key, message):
    assert message in said(problems_of(subject(text)))[key]


def test_an_autoencoder_that_fits(problems_of, autoencoder):
    assert not said(problems_of(subject("units: {sae: sae}, layer: 2")))
    select = ("select: plateau, otherwise: {top_fraction: 0.02}", "select: {ids: [40]}")
    nulls = ("  label_shuffled: {draws: 999}\n", "")
    problems = said(problems_of(subject("units: {sae: sae}, layer: 2"), select, nulls))
    assert "must be one of the layer's 40 latents" in problems["group.select.ids.#1"]


def test_untrained_networks_have_no_latents(problems_of, autoencoder):
    nulls = ("  size_matched: {draws: 999}", "  size_matched: {draws: 999}\n  untrained: {networks: 3}")
    assert not said(problems_of(nulls))
    problems = said(problems_of(nulls, subject("units: {sae: sae}, layer: 2")))
    assert "says nothing of untrained ones" in problems["nulls.untrained"]
