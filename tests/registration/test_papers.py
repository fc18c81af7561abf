"""The protocols of the papers' experiments: one plan, and the models it is run on."""

import json
import re

import pytest

from hypotest.registration import canonical, load_protocol
from hypotest.registration.explained.explain import explain_protocol
from tests.texts import ROOT

FOLDER = ROOT / "protocols" / "papers"
MODELS = {
    "pythia-70m": "EleutherAI/pythia-70m",
    "pythia-410m": "EleutherAI/pythia-410m",
    "pythia-1b": "EleutherAI/pythia-1b",
    "pythia-1.4b": "EleutherAI/pythia-1.4b",
    "pythia-2.8b": "EleutherAI/pythia-2.8b",
    "gpt2-medium": "openai-community/gpt2-medium",
    "gpt2-large": "openai-community/gpt2-large",
    "gpt2-xl": "openai-community/gpt2-xl",
}
PILE, WEB = "monology/pile-uncopyrighted", "Skylion007/openwebtext"


def text_of(name: str) -> str:
    return (FOLDER / f"arxiv-2509.21163-{name}.yaml").read_text(encoding="utf-8")


def test_every_experiment_of_the_paper_is_there():
    names = {path.name for path in FOLDER.glob("arxiv-2509.21163-*.yaml")}
    assert names == {f"arxiv-2509.21163-{name}.yaml" for name in MODELS}


@pytest.mark.parametrize("name", MODELS)
def test_they_differ_in_the_model_and_its_counts_only(name):
    """A change of one is a change of all: the first file, with three names replaced, is every other file."""
    first = text_of("pythia-70m")
    expected = first.replace("id: rare-tokens-pythia-70m\n", f"id: rare-tokens-{name.replace('.', '-')}\n")
    expected = re.sub(r"  model: .*\n", re.search(r"  model: .*\n", text_of(name))[0], expected, count=1)
    expected = re.sub(r"title: .*\n", re.search(r"title: .*\n", text_of(name))[0], expected, count=1)
    expected = expected.replace(PILE, PILE if name.startswith("pythia") else WEB)
    assert text_of(name) == expected
    model, *_ = re.search(r"  model: (.*)\n", text_of(name))[1].split()
    assert model == MODELS[name]
    assert name.replace("gpt2", "GPT-2").split("-")[-1].lower() in text_of(name).lower().split("title:")[1]


@pytest.mark.parametrize("name", MODELS)
def test_they_are_valid_plans_with_the_published_predictions(name):
    plan = load_protocol(FOLDER / f"arxiv-2509.21163-{name}.yaml")
    published = load_protocol(ROOT / "protocols" / "rare-tokens-as-published.yaml")
    assert plan.predictions == published.predictions
    assert plan.decision == published.decision and plan.group == published.group
    assert plan.subject.model == MODELS[name]
    assert 2 * plan.sample.positions == 25_088
    assert json.dumps(canonical(plan))


def test_explain_reads_one():
    sections = explain_protocol(load_protocol(FOLDER / "arxiv-2509.21163-pythia-1b.yaml"))
    text = " ".join(line.text for section in sections for line in section.lines)
    assert "allenai/c4" in text and "EleutherAI/pythia-1b" in text


def test_what_is_said_of_training_is_a_course_over_checkpoints():
    plan = load_protocol(FOLDER / "arxiv-2505.12822-pythia-410m.yaml")
    assert plan.is_series and plan.subject.model == "EleutherAI/pythia-410m"
    assert {item.id: item.expects["emergent"] for item in plan.deciding} == {
        "specialization": ("greater",),
        "coordination": ("less",),
        "segregation": ("greater",),
        "spectrum": ("less",),
    }
    assert all(item.contrast.trajectory for item in plan.predictions)
