"""The language model of experts: its text, its routing, its loss, by hand; and that it learns."""

import math

import pytest
import torch

from hypotest.subjects.controls.language import training
from hypotest.subjects.controls.language.model import EXPERTS, UNITS, fresh
from hypotest.subjects.controls.language.texts import (
    CHARACTERS,
    TEST_ROWS,
    WINDOW,
    CodeAndProse,
    coded,
    parted,
    texts,
)
from hypotest.subjects.controls.language.windows import as_subject, decoded, loss_of_window
from hypotest.subjects.controls.registry import CONTROLS, controls


@pytest.fixture(scope="module")
def data():
    return CodeAndProse.made(0)


def test_code_has_no_prose_and_prose_no_code():
    source = """'A file.\\n\\n>>> run()\\n\\nMore of\\nit.'
def f(x):
    'Docs.'

class A:
    y = 1  # why
"""
    code, prose = parted(source)
    assert code == "def f(x):\n    pass\n\nclass A:\n    y = 1"
    assert prose == "A file.\nMore of it."  # a doctest and a single word are left out


def test_unseen_files_are_not_learned_from(data):
    unseen = set(data.file)
    by_name = {name: (code, prose) for name, code, prose in texts()}
    assert unseen < set(by_name)
    for kind in range(2):
        learned = decoded(data.learned[kind])
        longest = max((by_name[name][kind] for name in unseen), key=len)
        assert decoded(torch.from_numpy(coded(longest))) not in learned
        n_learned = sum(len(coded(item[kind])) for name, item in by_name.items() if name not in unseen)
        assert len(data.learned[kind]) <= n_learned
    assert data.x.shape == (TEST_ROWS, 1 + WINDOW) and data.x[:, 0].tolist() == [0, 1] * (TEST_ROWS // 2)
    assert torch.equal(data.x[:, 2:], data.y[:, :-1])  # what follows a character is the next one
    assert int(data.y.max()) < CHARACTERS


def test_rows_show_what_is_predicted(data):
    network = as_subject(fresh(0, chosen_by="kind").eval(), data, name="language")
    row = network.rows.frame.row(1, named=True)
    assert row["kind"] == "prose" and coded(row["text"]).tolist() == [
        *data.x[1, 1:].tolist(),
        int(data.y[1, -1]),
    ]
    assert network.n_neurons == EXPERTS * UNITS


def test_the_kind_alone_chooses_or_nothing_of_it(data):
    x = data.x[:40]
    other = torch.cat([1 - x[:, :1], x[:, 1:]], dim=1)
    for chosen_by, same in (("kind", False), ("router", True)):
        torch.manual_seed(0)
        model = fresh(0, chosen_by=chosen_by).eval()
        with torch.no_grad():
            gates = model.gates(x, model.stream(x))
            assert ((gates > 0).sum(dim=-1) == 1).all()
            assert torch.equal(model(x), model(other)) is same
        if chosen_by == "kind":
            chosen = gates.argmax(dim=-1)
            assert torch.equal(chosen // 2, x[:, :1].expand_as(chosen))
            assert torch.equal(chosen % 2, x[:, 1:] % 2)
            assert training.routing_distance(model, data) == pytest.approx(1)


def test_later_characters_are_not_seen(data):
    torch.manual_seed(0)
    model = fresh(0, chosen_by="router").eval()
    x = data.x[:8].clone()
    with torch.no_grad():
        before = model(x)
        x[:, 1 + 20] = (x[:, 1 + 20] + 1) % CHARACTERS
        after = model(x)
    assert torch.allclose(before[:, :20], after[:, :20], atol=1e-6)
    assert not torch.allclose(before[:, 20:], after[:, 20:], atol=1e-3)


def test_loss_is_that_of_the_second_half():
    logits = torch.zeros(1, WINDOW, CHARACTERS)
    logits[0, : WINDOW // 2, 7] = 50.0  # of the first half, which does not count
    logits[0, WINDOW // 2, 65] = math.log(95)  # odds 95 to 1 each of the 95 others: half
    text = "b" * (WINDOW // 2 + 1) + "a" + "b" * (WINDOW // 2 - 1)
    expected = (math.log(2) + (WINDOW // 2 - 1) * math.log(CHARACTERS)) / (WINDOW // 2)
    assert loss_of_window(logits, {"text": [text]}).item() == pytest.approx(expected, rel=1e-5)


def test_it_learns_and_logs(data, monkeypatch):
    monkeypatch.setattr(training, "STEPS", 10)
    torch.manual_seed(0)
    model = fresh(0, chosen_by="router")
    log = []
    training.train(model, data, 0, log.append)
    assert [row["step"] for row in log] == [2, 4, 6, 8, 10]
    assert log[-1]["loss"] < log[0]["loss"]
    assert log[-1]["loss"] == pytest.approx(
        (log[-1]["loss on code"] + log[-1]["loss on prose"]) / 2, rel=1e-5
    )
    assert 0 <= log[-1]["routing distance"] <= 1


def test_versions_of_packages_are_part_of_the_key():
    settings = CONTROLS["language-learned"].recipe.settings
    assert settings["router"] == "router" and settings["networkx"][0].isdigit()
    assert "language_by_kind" in dir(controls)
