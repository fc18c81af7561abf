"""Registering on a small model, and what each kind of change does to the status of a run."""

import dataclasses
import json
import os
import shutil
from datetime import UTC, datetime

import numpy as np
import pytest

from hypotest.engine.session import Session
from hypotest.errors import CorpusError, OutputError, ProtocolError
from hypotest.pipeline.collection import documents_of
from hypotest.pipeline.prepare import prepare
from hypotest.pipeline.registered.fingerprint import fingerprint
from hypotest.pipeline.registered.registered import evidence_existed, kept_out_of_evaluation, registration_of
from hypotest.pipeline.texts.document_log import LOG, log_viewing, read_log
from hypotest.records.seen import Viewing
from hypotest.registration import load_protocol
from hypotest.registration.locks.lock import lock_hash, read_lock
from hypotest.registration.locks.registry import REGISTRY, read_registry, verify_registry
from hypotest.studies.register.study import register
from tests.registrations import EVIDENCE_EXISTED, NOTHING_SEEN, edited

pytestmark = pytest.mark.slow

PROTOCOL = """\
hypotest: 1
id: small
title: A small test
subject: {model: model}
corpus: {text: {files: [FILES]}, context: 32}
frequencies: counts.npy
conditions:
  rare: {target: {frequency: {below_percentile: 50, of: types, elbow: keep}}}
  common: {target: {frequency: {from_percentile: 50, of: types, elbow: keep}}}
sample:
  positions: 120
  max_per_document: 8
group: {select: {top_fraction: 0.15}}
nulls: {size_matched: {draws: 599}}
predictions:
  - id: coordination  # a comment
    measure: effective_dimension
    contrast: {null: size_matched}
    margin: {null_sd: 2}
    modular: any
    distributed: less
  - id: single-head
    measure: top_head_share
    contrast: {reference: 0.5}
    modular: greater
    distributed: less
seed: 11
"""


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "evidence"


@pytest.fixture
def protocol(tmp_path, small_model_folder, small_documents, cache):
    """A protocol whose model, text and frequencies lie beside it."""
    folder = tmp_path / "protocols"
    shutil.copytree(small_model_folder, folder / "model")
    shutil.copy(small_model_folder / "counts.npy", folder / "counts.npy")
    names = [f"{number}.txt" for number in range(len(small_documents))]
    for name, text in zip(names, small_documents, strict=True):
        (folder / name).write_text(text, encoding="utf-8")
    path = folder / "small.yaml"
    path.write_text(PROTOCOL.replace("FILES", ", ".join(names)), encoding="utf-8")
    return path


def status(path, cache, seed=None):
    """What a run of the protocol would be."""
    plan = load_protocol(path)
    plan = plan if seed is None else plan.model_copy(update={"seed": seed})
    prepared = prepare(
        plan,
        path.parent,
        Session.start(plan.seed, device="cpu"),
        kept_out=kept_out_of_evaluation(path),
    )
    documents = documents_of(prepared, prepared.samples["evaluation"])
    return registration_of(path, fingerprint(plan, prepared), documents, cache.parent)


def keys(registration):
    return [item.key for item in registration.deviations]


def change(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def collect(cache, key, when=None):
    """Leave what looks like a finished part of evidence."""
    part = cache / key / "forward" / "00000"
    part.mkdir(parents=True)
    (part / "sha256.json").write_text("{}")
    if when is not None:
        os.utime(part / "sha256.json", (when, when))


def test_from_registration_to_status(protocol, cache):
    before = status(protocol, cache)
    assert before.status == "exploratory"
    assert before.reasons == ("not registered: no small.lock.json beside the protocol",)
    assert (before.registered, before.lock, before.deviations) == (None, None, ())

    done = register(protocol, device="cpu")
    assert (done.is_new, done.entry, done.replaced, done.restored) == (True, 1, None, False)
    assert done.lock == read_lock(done.file)
    assert done.file == protocol.with_name("small.lock.json")
    lock = done.lock
    assert (lock.file, lock.protocol_id, lock.seed, lock.layer) == ("small.yaml", "small", 11, 3)
    assert (lock.seen, lock.kept_out) == (NOTHING_SEEN, ())
    assert lock.hashes.text.keys() == {f"{number}.txt" for number in range(60)}
    assert sum(lock.split.values()) <= 60
    assert (datetime.now(UTC) - datetime.fromisoformat(lock.registered)).total_seconds() < 120
    assert not cache.exists()  # nothing was run through the model

    now = status(protocol, cache)
    assert (now.status, now.reasons, now.deviations) == ("confirmatory", (), ())
    assert (now.registered, now.lock) == (lock.registered, lock_hash(lock))

    # The same again changes nothing, whatever the comments and the white space.
    files = {path: path.read_bytes() for path in (done.file, protocol.with_name(REGISTRY))}
    change(protocol, "# a comment", "# a Comment")
    change(protocol, "seed: 11", "\n\nseed:   11")
    assert status(protocol, cache).status == "confirmatory"
    assert register(protocol, device="cpu").is_new is False
    assert {path: path.read_bytes() for path in files} == files
    assert verify_registry(protocol.parent) == (1, ())

    # One character of a value does.
    change(protocol, "draws: 599", "draws: 598")
    now = status(protocol, cache)
    assert now.status == "exploratory"
    assert now.reasons == ("1 deviation from what was registered",)
    (deviation,) = now.deviations
    assert (deviation.key, deviation.registered, deviation.run) == ("nulls.size_matched.draws", 599, 598)

    again = register(protocol, device="cpu")
    assert (again.is_new, again.entry, again.replaced) == (True, 2, lock.registered)
    assert status(protocol, cache).status == "confirmatory"
    entries, problems = read_registry(protocol.parent)
    assert problems == () and [entry.lock for entry in entries] == [lock, again.lock]


def test_changed_weights_text_frequencies_and_versions(protocol, cache, monkeypatch):
    register(protocol, device="cpu")
    folder = protocol.parent

    text = (folder / "7.txt").read_text(encoding="utf-8")
    (folder / "7.txt").write_text(text + " ", encoding="utf-8")
    assert keys(status(protocol, cache)) == ["hashes.text.7.txt"]
    (folder / "7.txt").write_text(text, encoding="utf-8")

    counts = np.load(folder / "counts.npy")
    counts[int(np.argmax(counts))] += 1
    np.save(folder / "counts.npy", counts)
    assert keys(status(protocol, cache)) == ["hashes.frequencies"]
    shutil.copy(folder / "model" / "counts.npy", folder / "counts.npy")

    import torch
    from safetensors.torch import load_file, save_file

    weights = folder / "model" / "model.safetensors"
    tensors = load_file(weights)
    name = sorted(name for name in tensors if name.endswith("dense_4h_to_h.weight"))[0]
    tensors[name] = tensors[name].clone()
    tensors[name][0, 0] = torch.nextafter(tensors[name][0, 0], torch.tensor(9.0))
    original = weights.read_bytes()
    save_file(tensors, weights, metadata={"format": "pt"})
    assert keys(status(protocol, cache)) == ["hashes.weights", "evidence.selection", "evidence.evaluation"]
    weights.write_bytes(original)
    assert status(protocol, cache).status == "confirmatory"

    from hypotest.pipeline.registered import fingerprint as module

    versions = {**module.software_versions(), "numpy": "9.9.9"}
    monkeypatch.setattr(module, "software_versions", lambda: versions)
    monkeypatch.setattr(module, "code_of", lambda _: 64 * "0")
    registration = status(protocol, cache)
    assert keys(registration) == ["hashes.code", "versions.numpy"]
    assert registration.reasons == ("2 deviations from what was registered",)


def test_another_seed_is_a_deviation(protocol, cache):
    register(protocol, device="cpu")
    registration = status(protocol, cache, seed=12)
    assert keys(registration)[0] == "seed"
    assert "hashes.positions" in keys(registration) and "evidence.evaluation" in keys(registration)


def test_evidence_of_the_evaluation_split_that_existed(protocol, cache):
    first = register(protocol, device="cpu")
    evidence = first.lock.evidence
    protocol.with_name(REGISTRY).unlink()
    first.file.unlink()

    look(protocol, use="selection", evidence=evidence["selection"])
    collect(cache, evidence["selection"])
    assert register(protocol, device="cpu").lock.seen == NOTHING_SEEN

    collect(cache, evidence["evaluation"])
    assert evidence_existed(cache, evidence["evaluation"])
    # the registration came first: it stands, and so does the run
    assert register(protocol, device="cpu").is_new is False
    assert status(protocol, cache).status == "confirmatory"
    # evidence that is older than the registration, brought in from another cache
    shutil.rmtree(cache / evidence["evaluation"])
    collect(cache, evidence["evaluation"], when=1_000_000_000)
    (reason,) = status(protocol, cache).reasons
    assert reason.startswith("evidence of the evaluation split is from 2001-09-09")

    # another margin needs the same evidence; another seed draws from the same documents
    change(protocol, "null_sd: 2", "null_sd: 3")
    assert register(protocol, device="cpu").lock.seen == EVIDENCE_EXISTED
    (reason,) = status(protocol, cache).reasons
    assert reason.startswith("the cache held evidence, before the registration, of which its log of")
    shutil.rmtree(cache)
    change(protocol, "seed: 11", "seed: 12")
    assert register(protocol, device="cpu").lock.seen.unlogged_evidence
    assert status(protocol, cache).status == "exploratory"


def look(
    path, use="evaluation", plan="pilot", layer=3, seed=None, when="2026-11-21T12:00:00+00:00", **changes
):
    """Leave the line of a run of the protocol, or of another one, in the log."""
    own = load_protocol(path).model_copy(update={} if seed is None else {"seed": seed})
    prepared = prepare(own, path.parent, Session.start(own.seed, device="cpu"), kept_out=())
    line = Viewing(
        time=when,
        use=use,
        plan=plan,
        protocol=64 * "f",
        weights=prepared.subject.fingerprint,
        layer=layer,
        evidence=prepared.keys.evaluation,
        documents=documents_of(prepared, prepared.samples[use]),
    )
    log_viewing(path.parents[1] / "cache", dataclasses.replace(line, **changes))
    return set(dataclasses.replace(line, **changes).documents)


def test_documents_seen_under_another_plan_layer_or_name_are_named(protocol, cache):
    seen = look(protocol, layer=1)
    look(protocol, layer=1, when="2026-11-22T12:00:00+00:00")
    text = protocol.with_name("0.txt")
    text.with_name("other.txt").write_text(text.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    text.unlink()
    change(protocol, "[0.txt", "[other.txt")
    protocol.rename(protocol.with_name("renamed-small.yaml"))
    path = protocol.with_name("renamed-small.yaml")
    lock = register(path, device="cpu").lock
    (by,) = lock.seen.by
    assert (by.plan, by.layer, by.use, by.times) == ("pilot", 1, "evaluation", 2)
    assert (by.first[:10], by.last[:10]) == ("2026-11-21", "2026-11-22")
    assert lock.seen.documents == by.documents == len(seen)
    now = status(path, cache)
    assert now.status == "exploratory"
    assert now.reasons[0].startswith(f"{by.documents} of the {lock.split['evaluation_documents']} evaluation")
    assert "pilot (ffffffffffff…, layer 1)" in now.reasons[0]


def test_evidence_without_its_log_may_be_of_any_document(protocol, cache):
    look(protocol, evidence="f" * 32)
    collect(cache, "f" * 32)
    (cache.parent / LOG).unlink()
    change(protocol, "seed: 11", "seed: 12")
    assert register(protocol, device="cpu").lock.seen == EVIDENCE_EXISTED
    assert status(protocol, cache).status == "exploratory"


def test_documents_that_another_seed_selected_on_count_as_seen(protocol, cache):
    look(protocol, use="selection")  # the plan's own: explore, power, trials
    assert register(protocol, device="cpu").lock.seen == NOTHING_SEEN
    change(protocol, "seed: 11", "seed: 12")
    (by,) = register(protocol, device="cpu").lock.seen.by
    assert by.use == "selection" and 0 < by.documents < 30
    assert status(protocol, cache).status == "exploratory"


def test_deleted_evidence_does_not_make_documents_unseen_and_other_weights_do(protocol, cache):
    look(protocol)
    shutil.rmtree(cache, ignore_errors=True)
    assert register(protocol, device="cpu").lock.seen.documents > 0
    (cache.parent / LOG).unlink()
    change(protocol, "null_sd: 2", "null_sd: 3")
    # the registry still knows what the log does not
    assert register(protocol, device="cpu").lock.seen == EVIDENCE_EXISTED
    for file in (protocol.with_name(REGISTRY), protocol.with_name("small.lock.json")):
        file.unlink()
    assert register(protocol, device="cpu").lock.seen == NOTHING_SEEN  # as far as any tool can see
    protocol.with_name(REGISTRY).unlink()
    protocol.with_name("small.lock.json").unlink()
    look(protocol, weights=64 * "0")
    assert register(protocol, device="cpu").lock.seen == NOTHING_SEEN


def test_a_log_that_came_later_is_believed(protocol, cache):
    """Registered with another cache; the one of the run knows better."""
    register(protocol, device="cpu")
    assert status(protocol, cache).status == "confirmatory"
    look(protocol, when=datetime.now(UTC).isoformat())
    assert status(protocol, cache).status == "confirmatory"  # the plan was fixed by then
    look(protocol, when="2020-01-01T00:00:00+00:00")
    (reason,) = status(protocol, cache).reasons
    assert "between" not in reason and "on 2020-01-01T00:00:00, by pilot" in reason


def test_a_log_that_cannot_be_read_never_says_that_nothing_was_seen(protocol, cache):
    look(protocol)
    path = cache.parent / LOG
    path.write_bytes(path.read_bytes().replace(b'"layer":3', b'"layer":2', 1)[:-50])
    lock = register(protocol, device="cpu").lock
    assert (lock.seen.damaged_lines, lock.seen.documents) == (1, 0)
    registration = status(protocol, cache)
    assert registration.status == "exploratory"
    assert registration.reasons[0].startswith("1 line of the cache's log of documents could not be read")


def test_fresh_documents_are_kept_apart_and_reproduced_from_the_lock(protocol, cache):
    change(protocol, "positions: 120", "positions: 60")
    seen = look(protocol)
    assert register(protocol, device="cpu").lock.seen.documents == len(seen)
    fresh = register(protocol, fresh_documents=True, device="cpu")
    assert fresh.is_new and fresh.lock.seen == NOTHING_SEEN
    assert set(fresh.lock.kept_out) == seen
    now = status(protocol, cache)  # prepares anew, with what the lock says
    assert (now.status, now.deviations) == ("confirmatory", ())
    # asked again, or registered without the option, it stays what it is
    assert register(protocol, fresh_documents=True, device="cpu").is_new is False
    assert register(protocol, device="cpu").is_new is False
    # without the lock the split is another
    other = prepare(load_protocol(protocol), protocol.parent, Session.start(11, device="cpu"), kept_out=())
    assert set(documents_of(other, other.samples["evaluation"])) & seen
    # an edited list is found out
    edited(fresh.file, lambda data: data.update(kept_out=[]))
    registration = status(protocol, cache)
    assert registration.status == "exploratory" and "altered, or from elsewhere" in registration.reasons[0]


def test_too_few_fresh_documents_are_an_error_with_numbers(protocol, cache):
    for seed in range(11, 17):
        look(protocol, seed=seed)
    with pytest.raises(CorpusError, match=r"\d+ of its 60 documents are kept out .* \d+ are left"):
        register(protocol, fresh_documents=True, device="cpu")
    assert not protocol.with_name(REGISTRY).exists()
    assert len(read_log(cache.parent)[0]) == 6


def test_locks_that_cannot_be_trusted(protocol, cache):
    done = register(protocol, device="cpu")
    registry, file = protocol.with_name(REGISTRY), done.file
    original, lines = file.read_bytes(), registry.read_bytes()

    def reasons():
        registration = status(protocol, cache)
        assert registration.status == "exploratory"
        return registration.reasons

    file.write_text("{", encoding="utf-8")
    assert reasons()[0].startswith("the lock small.lock.json cannot be used: is no lock: ")
    edited_content = json.loads(original)
    edited_content["registered"] = "2020-01-01T00:00:00+00:00"
    file.write_text(json.dumps(edited_content), encoding="utf-8")
    assert reasons() == (
        "the lock is not the last entry of small.yaml in registry.jsonl: altered, or from elsewhere",
    )
    # the registry has the lock: registering restores the file
    restored = register(protocol, device="cpu")
    assert (restored.is_new, restored.restored) == (False, True)
    assert file.read_bytes() == original
    assert status(protocol, cache).status == "confirmatory"

    edited(file, lambda data: data.update(file="other.yaml"))
    assert reasons()[0] == "the lock belongs to other.yaml"
    file.write_bytes(original)

    registry.unlink()
    assert reasons() == ("the lock is not in registry.jsonl: altered, or from elsewhere",)
    registry.write_bytes(lines.replace(b'"layer":3', b'"layer":2'))
    assert reasons()[0].startswith("the registry does not verify (registry.jsonl:1: altered")
    with pytest.raises(OutputError, match="nothing is added"):
        register(protocol, device="cpu")
    registry.write_bytes(lines)
    assert status(protocol, cache).status == "confirmatory"

    protocol.rename(protocol.with_name("renamed.yaml"))
    file.rename(protocol.with_name("renamed.lock.json"))
    renamed = status(protocol.with_name("renamed.yaml"), cache)
    assert renamed.reasons == ("the lock belongs to small.yaml",)


def test_two_protocols_do_not_share_a_lock(protocol, cache):
    register(protocol, device="cpu")
    shutil.copy(protocol, protocol.with_name("small.yml"))
    with pytest.raises(OutputError, match=r"is the lock of small\.yaml; give small\.yml another name"):
        register(protocol.with_name("small.yml"), device="cpu")


def test_a_protocol_that_cannot_be_run_is_not_registered(protocol, cache):
    change(protocol, "draws: 599", "draws: -1")
    with pytest.raises(ProtocolError, match="draws"):
        register(protocol, device="cpu")
    assert not protocol.with_name(REGISTRY).exists()
