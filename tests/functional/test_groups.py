"""Groups that are selected otherwise, or given: from the protocol to a report that verifies."""

from __future__ import annotations

import re
import shutil

import pytest

import hypotest as package
from hypotest.report.trial import scope_text
from hypotest.studies.power.page import basis_text

pytestmark = pytest.mark.slow

FEW = """\
nulls:
  NULLS
predictions:
  - {id: premise, role: premise, measure: selectivity, contrast: {null: label_shuffled},
     modular: greater, distributed: greater}
  - {id: clustering, measure: modularity, options: {restarts: 2}, role: descriptive,
     contrast: {null: OTHER}}
"""


@pytest.fixture
def written(small_protocol, tmp_path):
    """A small protocol with another group, in a folder of its own: what is registered stays there."""
    folder = tmp_path / "protocols"
    shutil.copytree(small_protocol.parent, folder)

    def write(name: str, group: str, nulls: str, other: str):
        text = small_protocol.read_text(encoding="utf-8")
        text = re.sub(r"(?m)^group:.*(\n +.*)*", f"group: {group}", text)
        few = FEW.replace("NULLS", nulls).replace("OTHER", other)
        text = re.sub(r"(?s)nulls:.*(?=^seed:)", lambda match: few, text, flags=re.MULTILINE)
        path = folder / f"{name}.yaml"
        path.write_text(f"{text}placebos: 2\n", encoding="utf-8")
        return path

    return write


BOTH = "size_matched: {draws: 39}\n  label_shuffled: {draws: 39}"


@pytest.mark.parametrize(
    ("name", "group", "rule", "size"),
    [
        ("named", "{select: {ids: [3, 17, 40, 41, 42, 60]}}", "ids", 6),
        ("localizer", "{select: {top: 9}, by: activation_t}", "top", 9),
        ("selective", "{select: {top: 9}, by: selectivity}", "top", 9),
    ],
)
def test_a_group_from_protocol_to_verification(
    written, cache, tmp_path, monkeypatch, name, group, rule, size
):
    monkeypatch.setenv("HYPOTEST_CACHE", str(cache))
    path = written(name, group, BOTH, "size_matched")
    run = package.run(path, out=tmp_path, device="cpu")
    assert (run.results.group.rule, len(run.results.group.neurons)) == (rule, size)
    clustering = run.results.predictions[1]
    members = sorted(neuron for neurons in clustering.communities for neuron in neurons)
    assert members == sorted(run.results.group.neurons)
    assert run.communities.height == size
    assert [row.covariate for row in run.results.corpus.balance][-1] == "loss"
    report = (run.folder / "report.md").read_text(encoding="utf-8")
    given = rule == "ids"
    assert ("without any selection" in report) == given == ("for the same, given group" in report)
    checked = package.verify(run, device="cpu")
    assert checked.verified, [item for item in checked.checks if item.status not in ("agrees", "identical")]
    if given:
        assert package.explore(path, out=tmp_path, device="cpu").halves_shared is None
        power = package.power(path, out=tmp_path, device="cpu")
        assert any("no other sizes" in note for note in power.notes)
        assert f"{size} of 96 neurons, given, and measured on" in basis_text(power)
        trial = package.run(path, limit=16, out=tmp_path, device="cpu")
        assert "neurons that are given measured on" in scope_text(trial)
    again = path.with_name(f"{name}-again.yaml")
    again.write_text(path.read_text(encoding="utf-8").replace("seed: ", "seed: 7"), encoding="utf-8")
    package.register(again, device="cpu")
    confirmed = package.run(again, out=tmp_path, device="cpu", force=True)
    assert confirmed.results.group.rule == rule
    assert confirmed.results.registration.status == "exploratory"
    checked = package.verify(confirmed, protocol=again, device="cpu")
    assert checked.verified, [item for item in checked.checks if item.status not in ("agrees", "identical")]


def test_the_whole_layer(written, cache, tmp_path, monkeypatch):
    monkeypatch.setenv("HYPOTEST_CACHE", str(cache))
    path = written("whole", "{select: all}", "label_shuffled: {draws: 39}\n  rewired: {draws: 9}", "rewired")
    run = package.run(path, out=tmp_path, device="cpu")
    assert run.results.group.rule == "all" and run.results.ablation.group.n_random_groups == 0
    report = (run.folder / "report.md").read_text(encoding="utf-8")
    assert "It is the whole layer, so that there are no random groups of its size." in report
    assert package.verify(run, device="cpu").verified
