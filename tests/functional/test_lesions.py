"""Lesions of whole groups from the protocol to the report, checked again, tried out, foreseen and varied."""

import json
import shutil

import numpy as np
import pytest

import hypotest as package
from hypotest.pipeline.analysis.lesioned import groups_to_lesion
from hypotest.pipeline.texts.document_log import LOG

ASKED = ("dissociation-rare", "dissociation-common")
PREDICTIONS = """\
predictions:
  - id: dissociation-rare
    measure: dissociation_index
    options: {change: size}
    contrast: {reference: 0.5}
    modular: greater
    distributed: less
  - id: dissociation-common
    measure: dissociation_index
    options: {change: size, selected_on: common}
    contrast: {reference: 0.5}
    modular: greater
    distributed: less
  - id: knows
    role: descriptive
    measure: competence
    contrast: {reference: 0.0}
splits: 2
multiverse: {select: [{top_fraction: 0.25}], replacement: [zero]}
seed:"""


@pytest.fixture(scope="module")
def protocol(small_protocol):
    """With positions between the conditions, which belong to neither."""
    head, rest = small_protocol.read_text(encoding="utf-8").split("predictions:\n")
    head = head.replace("from_percentile: 50", "from_percentile: 70").replace("id: small", "id: lesioned")
    path = small_protocol.with_name("lesioned.yaml")
    path.write_text(f"{head}{PREDICTIONS}{rest.split('seed:')[1]}", encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def finished(protocol, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYPOTEST_CACHE", str(cache))
        yield package.run(protocol, out=tmp_path_factory.mktemp("reports"), device="cpu"), cache


def test_a_run_measures_both_directions_and_what_is_hit_beside_them(finished):
    by_id = {item.id: item for item in finished[0].results.predictions}
    for name in ASKED:
        item = by_id[name]
        assert item.outcome != "undefined" and len(item.splits) == 2
        assert all(split.outcome != "undefined" for split in item.splits)
        assert -1 <= item.observed <= 1
        assert item.secondary["off_target_size"].value > 0 and item.secondary["off_target_rows"].value > 0
        assert item.secondary["random_groups_index"].value is not None
        assert item.secondary["most_selective_index"].value > item.secondary["random_groups_index"].value
    rare, common = (by_id[name] for name in ASKED)
    one, other = (rare.secondary[f"size_{name}"].value for name in ("rare", "common"))
    assert rare.observed == pytest.approx((one - other) / (one + other))
    assert common.observed != pytest.approx(-rare.observed)
    assert by_id["knows"].secondary["loss_of_a_guess"].value > 0


def test_the_evidence_holds_what_was_asked_for(finished, protocol):
    evidence = package.load_evidence(finished[0])
    lesions = evidence.evaluation.group_lesions
    assert np.isfinite(lesions.change).all() and lesions.neither.size
    assert set(lesions.documents) <= set(evidence.evaluation.documents)
    assert evidence.selection.group_lesions.change.shape[1] == len(lesions.groups)  # for the other division
    groups, random = groups_to_lesion(package.load_protocol(protocol), evidence)
    assert [group.tolist() for group in groups] == [group.tolist() for group in lesions.groups]
    assert random.tolist() == lesions.random.tolist()
    assert lesions.random.sum() == 20


def test_a_run_is_verified_with_its_lesions_and_collected_anew(finished):
    run, _ = finished
    checked = package.verify(run)
    assert {item.name: item.status for item in checked.checks}["evidence: lesions"] == "agrees"
    assert not [item for item in checked.checks if item.status == "differs"]
    anew = package.verify(run, recollect=True, device="cpu")
    assert not [item for item in anew.checks if item.status == "differs"], anew.checks


def test_the_log_knows_all_that_the_cache_holds_so_that_others_can_be_registered(
    finished, small_protocol, tmp_path, monkeypatch
):
    """Lesions lie beside the evidence: unknown to the log, they would make every later run exploratory."""
    run, cache = finished
    monkeypatch.setenv("HYPOTEST_CACHE", str(cache))
    lines = [json.loads(line) for line in (cache / LOG).read_text(encoding="utf-8").splitlines()]
    assert {folder.name for folder in (cache / "evidence").iterdir()} == {line["evidence"] for line in lines}
    (uses,) = {
        (line["use"], tuple(line["documents"]))
        for line in lines
        if line["evidence"] == run.manifest["lesions"]
    }
    evaluated = next(
        line["documents"] for line in lines if line["evidence"] == run.manifest["evidence"]["evaluation"]
    )
    assert uses[0] == "evaluation" and set(uses[1]) >= set(evaluated)

    shutil.copytree(small_protocol.parent, tmp_path / "other")
    asked = tmp_path / "other" / small_protocol.name
    lock = package.register(asked, device="cpu").lock
    assert not lock.seen.unlogged_evidence


def test_lesions_that_are_gone_or_touched_are_named(finished, tmp_path, monkeypatch):
    run, cache = finished
    copied = tmp_path / "cache"
    shutil.copytree(cache, copied)
    monkeypatch.setenv("HYPOTEST_CACHE", str(copied))
    folder = copied / "evidence" / run.manifest["lesions"]
    sums = folder / "asked" / "sha256.json"
    sums.write_text(json.dumps({**json.loads(sums.read_text()), "random.npy": "0" * 64}))
    touched = {item.name: item.status for item in package.verify(run).checks}
    assert touched["evidence: lesions"] == "differs"
    shutil.rmtree(folder)
    gone = {item.name: item.status for item in package.verify(run).checks}
    assert gone["evidence: lesions"] == "not checked"
    assert gone["results and nulls.parquet"] == "not checked"


def test_a_killed_collection_goes_on_and_ends_with_the_same_bytes(finished, protocol, tmp_path, monkeypatch):
    from hypotest.collect import lesions as collecting

    run, cache = finished
    copied = tmp_path / "cache"
    shutil.copytree(cache, copied)
    monkeypatch.setenv("HYPOTEST_CACHE", str(copied))
    folder = copied / "evidence" / run.manifest["lesions"]
    (folder / "lesions.json").unlink()
    shutil.rmtree(folder / "lesions" / "00001")
    calls = []
    plain = collecting.ablate_groups
    monkeypatch.setattr(
        collecting, "ablate_groups", lambda *args, **named: calls.append(1) or plain(*args, **named)
    )
    again = package.run(protocol, out=tmp_path / "reports", device="cpu")
    assert len(calls) == 3  # of one shard: both splits and the rows of neither condition
    assert again.manifest["evidence_sha256"] == run.manifest["evidence_sha256"]
    assert [item.observed for item in again.results.predictions] == [
        item.observed for item in run.results.predictions
    ]


def test_trials_power_and_multiverse_have_the_lesions_that_they_read(finished, protocol, tmp_path):
    tried = package.run(protocol, limit=48, out=tmp_path, device="cpu")
    assert all(item.observed is not None for item in tried.predictions), tried.predictions
    foreseen = package.power(protocol, out=tmp_path, device="cpu")
    named = [note for note in foreseen.notes if "lesion" in note]
    assert not named, named
    varied = package.multiverse(protocol, out=tmp_path, device="cpu")
    outcomes = [item.result.outcome for item in varied.tests if item.specification.prediction in ASKED]
    assert len(outcomes) == 8 and "undefined" not in outcomes  # 2 x (2 sizes x 2 replacements)


def test_without_such_a_measure_nothing_is_lesioned(small_protocol, cache, tmp_path, monkeypatch):
    from hypotest.collect import lesions as collecting

    monkeypatch.setenv("HYPOTEST_CACHE", str(cache))
    monkeypatch.setattr(
        collecting, "ablate_groups", lambda *args, **named: pytest.fail("a group was lesioned")
    )
    run = package.run(small_protocol, out=tmp_path, device="cpu")
    assert "lesions" not in run.manifest and "lesions" not in run.manifest["evidence_sha256"]
    assert package.load_evidence(run).evaluation.lesions is None
