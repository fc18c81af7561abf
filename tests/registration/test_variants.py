"""Variants that ask a shipped protocol's question otherwise: what is the same, and what is not."""

from __future__ import annotations

from typing import Any

from hypotest.registration import canonical, load_protocol, read_protocol
from tests.texts import ROOT

FOLDER = ROOT / "protocols"


def plan_of(*place: str) -> dict[str, Any]:
    plan: dict[str, Any] = canonical(load_protocol(FOLDER.joinpath(*place), subject=False))
    return plan


def predictions(plan: dict[str, Any], *left_out: str) -> list[dict[str, Any]]:
    return [{key: item[key] for key in item if key not in left_out} for item in plan["predictions"]]


def test_layers_of_smollm2_change_the_layer_and_the_number_of_positions():
    plan, other = plan_of("smollm2.yaml"), plan_of("smollm2", "layers.yaml")
    assert other["subject"].pop("layer") == [-3, -2, -1] and plan["subject"].pop("layer") == "last"
    assert other["sample"].pop("positions") == 256 and plan["sample"].pop("positions") == 4096
    for item in (plan, other):
        del item["id"], item["title"]
        item.pop("multiverse", None)  # which no run looks at
    assert other == plan


def test_as_published_smollm2_is_compared_with_random_neurons():
    plan, other = plan_of("smollm2.yaml"), plan_of("smollm2", "as-published.yaml")
    published = {item["id"]: item for item in plan_of("rare-tokens-as-published.yaml")["predictions"]}
    for item in other["predictions"]:
        assert item["contrast"] == published[item["id"]]["contrast"], item["id"]
        assert item["options"] == published[item["id"]]["options"], item["id"]
    assert predictions(other, "contrast", "options") == predictions(plan, "contrast", "options")
    for item in (plan, other):  # the same positions: one run's evidence serves the other
        del item["id"], item["title"], item["predictions"]
        item.pop("multiverse", None)
    assert other == plan


def test_the_reference_models_training_is_asked_what_the_paper_says_of_training():
    ours = plan_of("training", "reference.yaml")
    paper = plan_of("papers", "arxiv-2505.12822-pythia-410m.yaml")
    assert ours["predictions"][: len(paper["predictions"])] == paper["predictions"]
    assert all(item["role"] == "descriptive" for item in ours["predictions"][len(paper["predictions"]) :])
    assert ours["decision"] == paper["decision"]
    protocol, problems = read_protocol(FOLDER / "training" / "reference.yaml")
    if protocol is None:  # nobody has trained it here: that, and nothing else, is in the way
        assert ["no folder" in str(item) for item in problems if item.severity == "error"] == [True]
