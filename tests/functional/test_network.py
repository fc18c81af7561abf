"""A network of any kind, and evidence from elsewhere, from a protocol to a verified report."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import hypotest
from hypotest.collect.network.ablation import ablation_arrays, kept_route
from hypotest.errors import EvidenceError, HypotestError, ProtocolError, SelfCheckError, SubjectError
from hypotest.studies.export.study import export_registration
from tests import networks as small
from tests.texts import DOCS, fenced

N_ROWS = 480
PROTOCOL = """\
hypotest: 1
id: two-tasks
title: Do the units of one task form a module?
conditions:
  one: {field: {task: one}}
  two: {field: {task: two}}
sample: {positions: 200, max_per_document: 20}
group: {select: {top_fraction: 0.25}}
ablation: {replacement: zero}
placebos: 2
nulls:
  size_matched: {draws: 199}
  local_matched: {draws: 199}
  label_shuffled: {draws: 99, unit: pair}
predictions:
  - {id: dissociation, measure: dissociation_index, contrast: {reference: 0}, margin: {raw: 0.2},
     modular: greater, distributed: equivalent}
  - {id: dimensions, measure: effective_dimension, contrast: {null: size_matched}, role: descriptive}
  - {id: parts, measure: partition_concentration, contrast: {null: size_matched}, role: descriptive}
multiverse: {select: [{top_fraction: 0.2}]}
seed: 3
"""


class Blocks(nn.Module):
    """Two tasks, each with inputs, units and outputs of its own: modular by wiring."""

    def __init__(self) -> None:
        super().__init__()
        self.one, self.two, self.units = nn.Linear(6, 16), nn.Linear(6, 16), nn.ReLU()
        self.out_one, self.out_two = nn.Linear(16, 3), nn.Linear(16, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.units(torch.cat([self.one(x[:, :6]), self.two(x[:, 6:])], dim=1))
        return torch.stack([self.out_one(h[:, :16]), self.out_two(h[:, 16:])], dim=1)


def outcome(output: torch.Tensor, rows: Any) -> torch.Tensor:
    """The loss of the task that a row is about."""
    task = torch.tensor([["one", "two"].index(item) for item in rows["task"]])
    chosen = output[torch.arange(len(task)), task]
    return nn.functional.cross_entropy(chosen, torch.tensor(list(rows["target"])), reduction="none")


def trained() -> tuple[Blocks, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(N_ROWS, 12, generator=generator)
    teachers = torch.randn(2, 6, 3, generator=generator)
    targets = torch.stack([(x[:, :6] @ teachers[0]).argmax(1), (x[:, 6:] @ teachers[1]).argmax(1)], dim=1)
    torch.manual_seed(0)
    module = Blocks()
    optimizer = torch.optim.Adam(module.parameters(), 0.02)
    for _ in range(150):
        loss = nn.functional.cross_entropy(module(x).flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return module.eval(), x, targets


@pytest.fixture(scope="module")
def network() -> hypotest.Network:
    module, x, targets = trained()
    task = np.arange(N_ROWS) % 2
    rows = {
        "task": np.array(["one", "two"])[task],
        "target": targets[torch.arange(N_ROWS), torch.from_numpy(task)].tolist(),
        "subject": np.arange(N_ROWS) // 6,
    }
    partition = ["one"] * 16 + ["two"] * 16
    return hypotest.Network(
        module, units="units", rows=rows, inputs=x, outcome=outcome, clusters="subject", partition=partition
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("network")
    (place / "two-tasks.yaml").write_text(PROTOCOL, "utf-8")
    return place


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> Any:
    before = os.environ.get("HYPOTEST_CACHE")
    os.environ["HYPOTEST_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    yield
    if before is None:
        del os.environ["HYPOTEST_CACHE"]
    else:
        os.environ["HYPOTEST_CACHE"] = before


@pytest.fixture(scope="module")
def registered(network: hypotest.Network, folder: Path) -> Any:
    """As the docs say: after a look at the selection split and at what the plan can see."""
    path, out = folder / "two-tasks.yaml", folder / "before"
    assert hypotest.explore(path, subject=network, out=out).group.neurons
    assert hypotest.power(path, quick=True, subject=network, out=out).group_size == 8
    return hypotest.register(folder / "two-tasks.yaml", subject=network)


@pytest.fixture(scope="module")
def run(registered: Any, network: hypotest.Network, folder: Path) -> hypotest.Run:
    return hypotest.run(folder / "two-tasks.yaml", subject=network, out=folder / "reports")


def test_two_blocks_are_modular(run: hypotest.Run, network: hypotest.Network) -> None:
    results = run.results
    assert results.registration.status == "confirmatory"
    assert {item.hypothesis: item.status for item in results.verdicts} == {
        "modular": "supported",
        "distributed": "refuted",
    }
    assert results.corpus.documents_used == {"selection": 40, "evaluation": 40}  # clusters, not rows
    assert set(results.group.neurons) < set(range(16))  # units of the task that they were selected on
    assert results.subject["units"] == "units"


def test_evidence_is_what_hooks_give(run: hypotest.Run, network: hypotest.Network) -> None:
    split = hypotest.load_evidence(run).evaluation
    whole = hypotest.Network(
        network.module, units="units", rows=network.rows.given, inputs=trained()[1], outcome=outcome
    )
    for unit in (0, 5, 17, 31):
        wanted = small.ablated_by_hooks(whole, unit, 0.0, axis=-1)[split.blocks]
        np.testing.assert_allclose(split.delta_loss[:, unit], wanted, atol=1e-5)


def test_the_report_speaks_of_rows(run: hypotest.Run) -> None:
    text = (run.folder / "report.md").read_text("utf-8")
    assert "## Rows and conditions" in text
    assert "480 rows in 80 clusters" in text
    assert "We tested 8 of the 32 units of the module units of Blocks, on " in text
    assert not re.search(r"\b[Nn]eurons?\b", re.sub(r"`[^`]*`|\([^)]*\)|neurons\.parquet", "", text))
    assert "## Attention heads" not in text
    assert " nats" not in text.partition("## Provenance")[0]


def test_it_is_verified_with_evidence_collected_anew(
    run: hypotest.Run, network: hypotest.Network, folder: Path
) -> None:
    verification = hypotest.verify(run, recollect=True, subject=network, protocol=folder / "two-tasks.yaml")
    assert verification.verified, [item for item in verification.checks if item.status != "agrees"]
    alone = hypotest.verify(run, recollect=True, protocol=folder / "two-tasks.yaml")
    assert not alone.verified
    assert any("no installed package offers a network" in item.detail for item in alone.checks)


def test_what_else_is_asked_of_it(run: hypotest.Run, network: hypotest.Network, folder: Path) -> None:
    path = folder / "two-tasks.yaml"
    out = {"out": folder / "reports", "subject": network}
    assert hypotest.multiverse(path, **out).verdicts
    assert hypotest.run(path, limit=40, **out).group == 8


def test_the_page_on_own_networks_runs_as_it_iswritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Protocol and code, in this order."""
    page = DOCS / "guide" / "own-network.md"
    (plan,), (code, _) = fenced("yaml", page), fenced("python", page)
    (tmp_path / "two-tasks.yaml").write_text(plan, "utf-8")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(code, page.name, "exec"), names)
    run = names["run"]
    assert run.results.registration.status == "confirmatory"
    assert {item.id for item in run.results.predictions} == {"dissociation", "profiles", "parts"}


def test_finished_shards_are_not_made_again(
    run: hypotest.Run, network: hypotest.Network, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that was killed goes on: here everything is there, and only the self-check runs the network."""
    from hypotest.collect.network import collection

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("made again")

    monkeypatch.setattr(collection, "ablation_arrays", refuse)
    again = hypotest.run(folder / "two-tasks.yaml", subject=network, out=folder / "again")
    assert again.manifest["evidence"]["was_cached"]
    assert again.results.predictions == run.results.predictions


def test_another_network_under_the_same_weights_is_found_out(
    run: hypotest.Run, network: hypotest.Network, folder: Path
) -> None:
    """Hooks change a module without changing its weights or its code."""
    handle = network.module.units.register_forward_hook(lambda module, args, output: output * 0.5)
    try:
        changed = hypotest.Network(
            network.module,
            units="units",
            rows=network.rows.given,
            inputs=trained()[1],
            outcome=outcome,
            clusters="subject",
            partition=["one"] * 16 + ["two"] * 16,
        )
        with pytest.raises(SelfCheckError):
            hypotest.run(folder / "two-tasks.yaml", subject=changed, out=folder / "again")
    finally:
        handle.remove()


@pytest.mark.parametrize("replacement", ["mean", "zero", "resample"])
def test_every_replacement(replacement: str, network: hypotest.Network, folder: Path) -> None:
    path = folder / f"{replacement}.yaml"
    path.write_text(PROTOCOL.replace("replacement: zero", f"replacement: {replacement}"), "utf-8")
    finished = hypotest.run(path, subject=network, out=folder / "replaced")
    evidence = hypotest.load_evidence(finished)
    split = evidence.evaluation
    rows = split.blocks
    expected = {
        "zero": np.zeros(32),
        "mean": evidence.selection.activations.mean(axis=0, dtype=np.float64),
    }
    if replacement in expected:
        again = ablation_arrays(kept_route(network), network, rows, expected[replacement], 1.0)
        np.testing.assert_allclose(split.delta_loss, again["delta_loss"], atol=1e-6)
    assert finished.results.ablation.replacement == replacement


def test_a_registration_of_rows_speaks_of_rows(registered: Any, folder: Path) -> None:
    """Of no tokens, heads or neurons."""
    path = folder / "named.yaml"
    path.write_text(
        PROTOCOL.replace("id: two-tasks\n", "id: two-tasks\nsubject: {network: blocks}\n"), "utf-8"
    )
    text = export_registration(path).partition("## Other")[0]
    assert "the module that is tested of the network blocks" in text
    assert "The rows that come with it are read" in text
    assert "mean absolute change of the outcome" in text
    prose = re.sub(r"`[^`]*`|\([^)]*\)", "", text)
    for word in ("tokens", "nats", "cross-entropy", r"[Hh]eads?", r"[Nn]eurons?"):
        assert not re.search(rf"\b{word}\b", prose), word


def test_missing_channels_are_refused_by_name(network: hypotest.Network, folder: Path) -> None:
    path = folder / "missing.yaml"
    extra = (
        "  - {id: gini, measure: attention_gini, contrast: {conditions: [one, two], by: document},\n"
        "     role: descriptive}\n"
        "  - {id: tail, measure: hill_alpha, contrast: {null: size_matched}, role: descriptive}\n"
        "multiverse:"
    )
    path.write_text(PROTOCOL.replace("multiverse:", extra), "utf-8")
    with pytest.raises(ProtocolError) as caught:
        hypotest.run(path, subject=network, out=folder / "reports")
    message = str(caught.value)
    assert "predictions.gini: attention_gini reads attention" in message
    assert "predictions.tail: hill_alpha reads weights" in message
    alone = "covariate_matched: {draws: 199, on: [output_norm]}"
    path.write_text(PROTOCOL.replace("local_matched: {draws: 199}", alone), "utf-8")
    with pytest.raises(ProtocolError, match=r"nulls\.covariate_matched: covariate_matched reads weights"):
        hypotest.run(path, subject=network, out=folder / "reports")
    path.write_text(PROTOCOL.replace("{top_fraction: 0.25}}", "{ids: [3, 99]}}"), "utf-8")
    with pytest.raises(ProtocolError, match="must be one of the layer's 32 units, 0 to 31; found 99"):
        hypotest.run(path, subject=network, out=folder / "reports")
    assert "Blocks has activations, influence, lesions, loss, partition" in message


def test_a_protocol_of_rows_is_checked_before_they_are_there(folder: Path) -> None:
    def problems(*changes: tuple[str, str]) -> str:
        path = folder / "wrong.yaml"
        text = PROTOCOL.replace("id: two-tasks\n", "id: two-tasks\nsubject: {network: blocks}\n")
        for old, new in changes:
            text = text.replace(old, new)
        path.write_text(text, "utf-8")
        with pytest.raises(ProtocolError) as caught:
            hypotest.load_protocol(path)
        return str(caught.value)

    assert "remove it" in problems(("{network: blocks}", "{network: blocks, layer: 3}"))
    assert "brings its rows" in problems(("sample:", "corpus: {context: 64}\nsample:"))
    assert "rows of a network" in problems(("{field: {task: one}}", "{target: {matches: a}}"))
    assert "cannot match" in problems(("max_per_document: 20", "max_per_document: 20, match: [block]"))
    untrained = ("  size_matched:", "  untrained: {networks: 20}\n  size_matched:")
    assert "language model" in problems(untrained)


FACTORY = """\
import torch, hypotest
from torch import nn

def factory():
    torch.manual_seed(0)
    rows = {"task": ["one", "two"] * 240, "target": [0, 1, 2, 0] * 120}
    rows["cluster"] = [row // 6 for row in range(480)]
    module = nn.Sequential(nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, 3)).eval()
    return hypotest.Network(module, units="1", rows=rows, inputs=torch.randn(480, 4), outcome="cross_entropy",
                            clusters="cluster", name="offered")

def broken():
    raise ValueError("no such file")

def other():
    return 3
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What installing a package leaves: a module, and a folder that names its entry points."""
    place = tmp_path_factory.mktemp("package")
    (place / "offering.py").write_text(FACTORY, "utf-8")
    about = place / "offering-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: offering\nVersion: 1.0\n", "utf-8")
    names = "offered = offering:factory\nbroken = offering:broken\nother = offering:other\n"
    (about / "entry_points.txt").write_text(f"[hypotest.subjects]\n{names}", "utf-8")
    return place


def test_a_package_offers_a_network_by_name(package: Path, tmp_path: Path) -> None:
    path = tmp_path / "offered.yaml"
    text = PROTOCOL.replace("id: two-tasks\n", "id: offered\nsubject: {network: offered}\n")
    parts = [line for line in text.splitlines() if "partition" not in line]
    path.write_text("\n".join(parts) + "\n", "utf-8")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([os.getcwd(), str(package)])}

    def command(*arguments: object) -> subprocess.CompletedProcess[str]:
        call = [sys.executable, "-m", "hypotest", *map(str, arguments)]
        return subprocess.run(call, capture_output=True, text=True, env=environment, cwd=tmp_path)

    assert command("validate", path).returncode == 0
    assert "the network offered" in " ".join(command("explain", path).stdout.split())
    for arguments in (("register", path), ("run", path), ("power", path, "--quick"), ("multiverse", path)):
        done = command(*arguments)
        assert done.returncode == 0, done.stderr
    (folder,) = (tmp_path / "reports" / "offered").glob("2*/")
    done = command("verify", folder, "--recollect", "--protocol", path)
    assert done.returncode == 0, done.stdout
    path.write_text(path.read_text("utf-8").replace("network: offered", "network: ofered"), "utf-8")
    done = command("run", path)
    assert done.returncode == 1
    assert "near are offered" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("name", "words"),
    [("broken", "ValueError: no such file"), ("other", "must give a hypotest.Network; found int")],
)
def test_factories_that_make_none(
    name: str, words: str, package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hypotest.subjects.network.offered import offered_network

    monkeypatch.syspath_prepend(str(package))
    with pytest.raises(SubjectError, match=words):
        offered_network(name)


RECORDED = """\
hypotest: 1
id: recorded
title: Do these cells vary together?
conditions:
  face: {field: {image: face}}
  house: {field: {image: house}}
sample: {positions: 160, max_per_document: 20}
group: {select: {top_fraction: 0.2}, by: activation_t}
placebos: 2
nulls:
  size_matched: {draws: 199}
predictions:
  - {id: dimensions, measure: effective_dimension, contrast: {null: size_matched},
     modular: less, distributed: any}
seed: 3
"""


def recorded(**changed: Any) -> hypotest.Evidence:
    rng = np.random.default_rng(0)
    image = np.array(["face", "house"])[np.arange(400) % 2]
    activations = rng.normal(size=(400, 30))
    activations[:, :6] += (image == "face")[:, None] + rng.normal(size=(400, 1))
    rows = {"image": image, "session": np.arange(400) // 4, **changed}
    return hypotest.Evidence(rows, {"activations": activations}, clusters="session", name="a brain")


def test_a_recording_is_run_analysed_and_verified(tmp_path: Path) -> None:
    path = tmp_path / "recorded.yaml"
    path.write_text(RECORDED, "utf-8")
    evidence = recorded()
    run = hypotest.run(path, subject=evidence, out=tmp_path)
    assert set(run.results.group.neurons) == set(range(6))
    assert run.results.predictions[0].outcome == "less"
    assert run.results.ablation is None
    text = (run.folder / "report.md").read_text("utf-8")
    assert "The evidence was made elsewhere" in text
    analysis = hypotest.analyse(hypotest.load_protocol(path, network="a brain"), evidence)
    assert analysis.predictions[0].p_value == run.results.predictions[0].p_value
    assert hypotest.verify(run, recollect=True, subject=evidence, protocol=path).verified


def test_a_file_of_evidence_on_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "recorded.yaml").write_text(RECORDED, "utf-8")
    evidence = recorded()
    every = np.arange(400)
    columns = {"image": np.array(evidence.rows.frame["image"].to_list())}
    np.savez(tmp_path / "e.npz", **columns, cluster=every // 4, activations=evidence.activations(every))
    environment = {**os.environ, "PYTHONPATH": os.getcwd(), "HYPOTEST_CACHE": str(tmp_path / "cache")}

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        call = [sys.executable, "-m", "hypotest", *arguments, "--evidence", "e.npz"]
        return subprocess.run(call, capture_output=True, text=True, cwd=tmp_path, env=environment)

    done = command("explore", "recorded.yaml")
    assert done.returncode == 2
    assert "explore shows influence, loss, and e.npz has activations" in " ".join(done.stderr.split())
    for name in ("power", "register"):
        done = command(name, "recorded.yaml", *(["--quick"] if name == "power" else []))
        assert done.returncode == 0, (name, done.stderr)
    done = command("run", "recorded.yaml")
    assert done.returncode == 0, done.stderr
    assert "modular: supported" in done.stdout and "CONFIRMATORY" in done.stdout.upper()
    assert "EXPLORATORY" not in done.stdout
    (folder,) = (tmp_path / "reports" / "recorded").glob("2*/")
    done = command("verify", str(folder), "--recollect", "--protocol", "recorded.yaml")
    assert done.returncode == 0, done.stdout
    np.savez(tmp_path / "e.npz", **columns, activations=np.full((400, 30), np.nan))
    done = command("run", "recorded.yaml")
    assert done.returncode == 1
    assert "must be finite" in done.stderr


def test_rows_in_no_condition_and_conditions_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "recorded.yaml"
    path.write_text(RECORDED, "utf-8")
    plan = hypotest.load_protocol(path, network="a brain")
    misspelt = recorded(image=np.array(["face", "house"] * 199 + ["face", "huose"]))
    with pytest.raises(EvidenceError, match=r"1 of 400 belong to neither, the first of them row 399 .*huose"):
        hypotest.analyse(plan, misspelt)
    with pytest.raises(HypotestError, match=r"conditions\.house"):
        hypotest.analyse(plan, recorded(image=np.array(["face", "car"] * 200)))


def test_what_a_recording_lacks_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "recorded.yaml"
    text = RECORDED.replace(", by: activation_t", "").replace(
        "  size_matched:", "  local_matched: {draws: 199}\n  size_matched:"
    )
    path.write_text(text, "utf-8")
    with pytest.raises(ProtocolError) as caught:
        hypotest.run(path, subject=recorded(), out=tmp_path)
    message = str(caught.value)
    assert "group.by: a group selected by delta_loss reads influence" in message
    assert "nulls.local_matched: local_matched reads influence" in message
