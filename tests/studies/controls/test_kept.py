"""Records of known networks outlive the cache: read back, computed again when stale, joined over machines."""

import dataclasses
import json

import pytest

from hypotest.engine.cluster import Cluster
from hypotest.errors import OutputError
from hypotest.measures.registry import MEASURES
from hypotest.studies.controls import study
from hypotest.studies.controls.examine import key_of, plan_of
from hypotest.studies.controls.kept import KeptRecords
from hypotest.studies.controls.measures import plan_for
from hypotest.studies.controls.record import Examined, LesionTruth, MeasuredNetwork, Predicted, Verdict
from hypotest.studies.controls.study import FILE, examine_controls, make_missing, networks_of
from hypotest.subjects.controls.registry import CONTROLS

BLOCKS = CONTROLS["two-blocks"]


def examined(seed=0, key="new", control="two-blocks", trained=True, log=0.5):
    decided = Predicted("profiles", "deciding", "influence_similarity", "less", 0.0, (0.0, 0.1), "")
    statuses = {"modular": "supported", "distributed": "refuted"}
    if not trained:
        statuses = dict.fromkeys(statuses, "not applicable")
    return Examined(
        control,
        seed,
        trained,
        key,
        LesionTruth(((0.3, 0.0), (0.0, 0.2)), 1.0, None, ("one", "two"), ({"loss": log},)),
        Verdict(statuses, {"modular": "it is"}, (decided,), ((0,), (1,)), "hash"),
    )


def key_today(record):
    return None if record.control == "gone" else "new"


def kept_in(place):
    return KeptRecords(place, Examined, key_today)


def sorted_by_seed(records):
    return sorted(records, key=lambda item: (item.seed, not item.trained))


def file_of(place, *records):
    kept = kept_in(place)
    for record in records:
        kept.add(record)
    kept.write()
    return place


def test_records_come_back_as_they_were_one_a_line(tmp_path):
    place = file_of(tmp_path / FILE, examined(0), examined(1, trained=False))
    again = kept_in(place)
    assert sorted_by_seed(again) == [examined(0), examined(1, trained=False)]
    assert again.fresh(("two-blocks", 1, False)) == examined(1, trained=False)
    assert again.fresh(("two-blocks", 1, True)) is None
    lines = place.read_text("utf-8").splitlines()
    assert len(lines) == 4 and json.loads(lines[1].rstrip(","))["seed"] == 0


def test_stale_records_stay_until_they_are_computed_again(tmp_path):
    place = file_of(tmp_path / FILE, examined(0, key="old"), examined(1, control="gone"))
    kept = kept_in(place)
    assert list(kept) == [examined(0, key="old")]  # of what is no more nothing is kept
    assert kept.fresh(("two-blocks", 0, True)) is None
    assert [kept.is_stale(item) for item in kept] == [True]
    kept.add(examined(0))
    assert kept.fresh(("two-blocks", 0, True)) == examined(0)


def test_files_are_joined_and_fresh_wins(tmp_path):
    here = file_of(tmp_path / "here.json", examined(0), examined(1, key="old"), examined(2, key="old"))
    there = file_of(
        tmp_path / "there.json",
        examined(0, key="old", log=9.0),
        examined(1, log=9.0),
        examined(2, key="older"),
        examined(3),
    )
    kept = kept_in(here)
    kept.merge(there)
    joined = [examined(0), examined(1, log=9.0), examined(2, key="old"), examined(3)]
    assert sorted_by_seed(kept) == joined


def test_what_another_process_has_written_meanwhile_is_not_lost(tmp_path):
    place = tmp_path / FILE
    one, two = kept_in(place), kept_in(place)
    one.add(examined(0))
    two.add(examined(1))
    one.write()
    two.write()
    assert sorted_by_seed(kept_in(place)) == [examined(0), examined(1)]


@pytest.mark.parametrize("text", ["no json", '{"schema_version": 1}', "[]", '{"records": [1]}'])
def test_another_file_is_refused_by_name(tmp_path, text):
    place = tmp_path / FILE
    place.write_text(text, "utf-8")
    with pytest.raises(OutputError, match=r"controls.json: holds no records .* out="):
        kept_in(place)


@pytest.fixture
def made(monkeypatch):
    """What is computed, without a network."""
    calls = []

    def examine(control, seed, trained, session, *, pairs):
        calls.append((control.name, seed, trained))
        key = key_of(plan_of(control)[0], control)
        return examined(seed, key=key, control=control.name, trained=trained)

    monkeypatch.setattr(study, "examine", examine)
    monkeypatch.setattr(study, "write_controls", lambda *_: None)
    return calls


def test_only_what_is_missing_is_computed(tmp_path, made):
    ask = {"only": ["two-blocks"], "where": Cluster(1)}
    examine_controls(**ask, seeds=range(1, 3), out=tmp_path / "there")
    assert made == [("two-blocks", seed, trained) for seed in (1, 2) for trained in (True, False)]
    del made[:]
    merge = [tmp_path / "there" / "controls" / FILE]
    whole = examine_controls(**ask, seeds=4, merge=merge, out=tmp_path / "here")
    assert {seed for _, seed, _ in made} == {0, 3}
    assert [len(item.examined) for item in whole.results] == [4, 4] and whole.stale == 0
    del made[:]
    again = examine_controls(**ask, seeds=2, out=tmp_path / "here")
    assert not made and again.results == whole.results  # the file has more seeds than are asked for

    place = whole.folder / FILE
    text = place.read_text("utf-8")
    key = whole.results[0].examined[0].key
    place.write_text(text.replace(key, "another"), "utf-8")
    changed = examine_controls(**ask, seeds=1, out=tmp_path / "here")
    assert [seed for _, seed, _ in made] == [0, 0] and changed.stale == 6


def test_what_is_finished_is_written_although_the_rest_fails(tmp_path, made, monkeypatch):
    whole = study.examine

    def fails_at_two(control, seed, trained, session, *, pairs):
        if seed == 2:
            raise OutputError("the disk is full")
        return whole(control, seed, trained, session, pairs=pairs)

    monkeypatch.setattr(study, "examine", fails_at_two)
    with pytest.raises(OutputError, match="full"):
        examine_controls(["two-blocks"], seeds=4, out=tmp_path, where=Cluster(1))
    file = json.loads((tmp_path / "controls" / FILE).read_text("utf-8"))
    assert [item["seed"] for item in file["records"]] == [0, 0, 1, 1]


def test_another_network_leaves_what_is_there(tmp_path, made):
    examine_controls(["two-blocks"], out=tmp_path, where=Cluster(1))
    own = examine_controls(["same-function"], out=tmp_path, where=Cluster(1))
    assert {item.control for item in own.results} == {"same-function"}
    file = json.loads((tmp_path / "controls" / FILE).read_text("utf-8"))
    assert {item["control"] for item in file["records"]} == {"same-function", "two-blocks"}


def _makes(control, seed, trained, told):
    return [examined(seed, control=control.name, trained=trained)]


def test_processes_compute_the_same(tmp_path):
    calls = list(networks_of([BLOCKS], 3))
    kept = [kept_in(tmp_path / f"{number}.json") for number in (1, 2)]
    for number, item in enumerate(kept, 1):
        make_missing(item, _makes, calls, Cluster(number), lambda *_: lambda: None)
    one, two = map(sorted_by_seed, kept)
    assert one == two and len(one) == 6


def test_of_each_network_its_own_seeds():
    chosen = [BLOCKS, dataclasses.replace(CONTROLS["jtav"], untrained=False)]
    asked = list(networks_of(chosen, range(4, 8)))
    assert [(item.name, seed) for item, seed, trained in asked if trained] == [
        ("two-blocks", 4),
        ("jtav", 4),
        *(("two-blocks", seed) for seed in (5, 6, 7)),
    ]
    assert len(asked) == 9
    assert list(networks_of([BLOCKS], 2)) == list(networks_of([BLOCKS], [1, 0, 1]))


def test_keys_differ_by_network_protocol_and_measure():
    plans = {name: plan_of(CONTROLS[name])[0] for name in ("two-blocks", "same-function", "jtav")}
    keys = {key_of(plan, CONTROLS[name]) for name, plan in plans.items()}
    keys |= {key_of(plan_for([item], plans["two-blocks"]), BLOCKS) for item in MEASURES.values()}
    assert len(keys) == 3 + len(MEASURES)
    assert key_of(plans["jtav"], CONTROLS["jtav"]) in keys


def test_values_of_measures_are_kept_in_the_same_way(tmp_path):
    record = MeasuredNetwork("two-blocks", 0, True, "modularity", "new", 1.0, {"modularity": None})
    kept = KeptRecords(tmp_path / "measures.json", MeasuredNetwork, lambda _: "new")
    kept.add(record)
    kept.write()
    assert list(KeptRecords(kept.place, MeasuredNetwork, lambda _: "new")) == [record]
