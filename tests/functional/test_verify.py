"""Finished runs, checked again: an untouched one, and ones that somebody has touched."""

import json
import shutil

import numpy as np
import polars as pl
import pytest

import hypotest as package
from hypotest.collect.store import _sha256
from hypotest.errors import OutputError
from hypotest.pipeline.analysis import results as assembling
from hypotest.report.export import file_hashes, manifest_digest, render_again
from tests.unrendered import figures_not_rendered


@pytest.fixture(scope="module")
def finished(small_protocol, cache, tmp_path_factory):
    """A run with other splits and untrained networks, whose evidence lies in the cache."""
    text = small_protocol.read_text(encoding="utf-8")
    text = text.replace("nulls:\n", "nulls:\n  untrained: {networks: 2}\n", 1) + "splits: 2\n"
    text = text.replace("draws: 599", "draws: 299").replace("draws: 399", "draws: 99")
    path = small_protocol.with_name("verified.yaml")
    path.write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HYPOTEST_CACHE", str(cache))
        return path, package.run(path, out=tmp_path_factory.mktemp("verified"), device="cpu").folder


@pytest.fixture
def drawn(finished, cache, tmp_path, monkeypatch):
    """The run again, to be touched."""
    monkeypatch.setenv("HYPOTEST_CACHE", str(cache))
    folder = tmp_path / "run"
    shutil.copytree(finished[1], folder)
    return folder


@pytest.fixture(scope="module")
def named(finished, tmp_path_factory):
    """The run with files that hold only the names of its figures: drawing them takes seconds each time."""
    folder = tmp_path_factory.mktemp("named") / "run"
    shutil.copytree(finished[1], folder)
    with figures_not_rendered():
        forge(folder, lambda results: None)
    return folder


@pytest.fixture
def copy(named, cache, tmp_path, monkeypatch):
    """That run again, to be touched, and verified without drawing figures."""
    monkeypatch.setenv("HYPOTEST_CACHE", str(cache))
    folder = tmp_path / "run"
    shutil.copytree(named, folder)
    with figures_not_rendered():
        yield folder


@pytest.fixture(scope="module")
def analyses():
    return {}


@pytest.fixture
def analysed_once(analyses, monkeypatch):
    """The same plan on the same evidence is analysed once."""

    def once(name):
        function = getattr(assembling, name)

        def call(plan, evidence, *rest, **keywords):
            arrays = (evidence.selection.delta_loss.sum(), evidence.evaluation.delta_loss.sum())
            key = (name, plan.model_dump_json(), arrays, repr(keywords.get("networks")))
            if key not in analyses:
                analyses[key] = function(plan, evidence, *rest, **keywords)
            return analyses[key]

        monkeypatch.setattr(assembling, name, call)

    once("analyse")
    once("other_splits")


@pytest.fixture
def own_cache(copy, cache, tmp_path, monkeypatch):
    """The evidence of the run again, to be touched."""
    folder = tmp_path / "cache"
    manifest = json.loads((copy / "manifest.json").read_text())
    networks = [("evidence", manifest["evidence"])]
    networks += [("other-networks", network) for network in manifest["other_networks"]["networks"]]
    for place, network in networks:
        for key in (network["selection"], network["evaluation"]):
            shutil.copytree(cache / place / key, folder / place / key)
    monkeypatch.setenv("HYPOTEST_CACHE", str(folder))
    return folder / "evidence"


def differing(verification):
    return {item.name: " ".join(each.where for each in item.differences) for item in verification.checks
            if item.status == "differs"}  # fmt: skip


def next_digit(text, start):
    """Raise the first digit behind `start` by one."""
    place = text.index(start) + len(start)
    while not text[place].isdigit():
        place += 1
    digit = str((int(text[place]) + 1) % 10) if text[place] != "0" else "1"
    return text[:place] + digit + text[place + 1 :]


def edit(path, start):
    path.write_text(next_digit(path.read_text(encoding="utf-8"), start), encoding="utf-8")


def test_an_untouched_run_agrees_in_everything(drawn):
    verification = package.verify(drawn)
    assert {item.status for item in verification.checks} == {"agrees", "not asked"}
    assert verification.named("not asked") == ("numbers of the model",)
    assert verification.verified
    assert "last bit" in verification.basis
    names = verification.named("agrees")
    assert {
        "files of the run",
        "protocol",
        "evidence: selection",
        "evidence: untrained 1",
        "nulls.parquet",
        "results: clustering",
        "results: verdicts",
        "manifest.json: numbers",
        "report.html, rendered again",
        "report.md, rendered again",
        "figures, drawn again",
    } <= set(names)


def raise_a_draw(path):
    nulls = pl.read_parquet(path)
    values = nulls["value"].to_numpy().copy()
    values[700] = np.nextafter(values[700], np.inf)
    nulls.with_columns(value=pl.Series(values)).write_parquet(path)


def turn_a_bit(path):
    content = bytearray(path.read_bytes())
    content[-30] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("file", "touch", "names", "where"),
    [
        ("results.json", lambda path: edit(path, '"p_value"'),
         ("file results.json", "results: specialization"), "specialization.p_value"),
        ("results.json", lambda path: edit(path, '"slopes"'),
         ("file results.json", "results: data of figures"), "slopes"),
        ("results.json", lambda path: edit(path, '"seed"'),
         ("file results.json", "protocol"), "hashes.protocol"),
        ("results.json", lambda path: edit(path, '"neurons": ['),
         ("file results.json", "results: group"), "group"),
        ("nulls.parquet", raise_a_draw, ("file nulls.parquet", "nulls.parquet"), "draw"),
        ("report.md", lambda path: edit(path, "| seed |"),
         ("file report.md", "report.md, rendered again"), "line"),
        ("manifest.json", lambda path: edit(path, '"seed"'),
         ("manifest.json: own hash", "manifest.json: numbers", "report.md, rendered again"), "seed"),
        ("manifest.json", lambda path: edit(path, '"cores"'),
         ("manifest.json: own hash", "report.md, rendered again"), "manifest.json"),
        ("manifest.json", lambda path: edit(path, '"results.json": "'),
         ("manifest.json: own hash", "file results.json"), "results.json"),
        ("manifest.json", lambda path: edit(path, '"protocol": "'), ("protocol",), "hashes.protocol"),
    ],
)  # fmt: skip
def test_one_digit_is_found_and_named(copy, analysed_once, file, touch, names, where):
    touch(copy / file)
    verification = package.verify(copy)
    wrong = differing(verification)
    assert set(names) <= set(wrong)
    assert where in " ".join(wrong.values())
    assert not verification.verified


def test_one_digit_and_one_bit_of_figures_are_found_and_named(drawn, analysed_once):
    edit(drawn / "figures" / "effects.svg", "<path")
    turn_a_bit(drawn / "figures" / "ladder.png")
    wrong = differing(package.verify(drawn))
    touched = ("figures/effects.svg", "figures/ladder.png")
    assert set(wrong) == {*(f"file {name}" for name in touched), "figures, drawn again"}
    assert all(name in wrong["figures, drawn again"] for name in touched)


def test_files_that_came_or_went_are_named(copy, analysed_once):
    (copy / "figures" / "effects.png").unlink()
    (copy / "figures" / "better.svg").write_text("<svg/>", encoding="utf-8")
    wrong = differing(package.verify(copy))
    assert {"file figures/effects.png", "file figures/better.svg", "figures, drawn again"} <= set(wrong)


def forge(folder, change):
    """Change the results, then make everything else agree with them."""
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    change(results)
    text = json.dumps(results, indent=2, ensure_ascii=False) + "\n"
    (folder / "results.json").write_text(text, encoding="utf-8")
    render_again(folder)
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    manifest["files"] = file_hashes(folder)
    manifest["manifest_sha256"] = manifest_digest(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2), encoding="utf-8")


def better_p(results):
    results["predictions"][2]["p_value"] = 0.001


def better_verdict(results):
    results["verdicts"][1]["status"] = (
        "supported" if results["verdicts"][1]["status"] == "refuted" else "refuted"
    )


def shorter_limitations(results):
    results["limitations"] = results["limitations"][1:]


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (better_p, "results: coordination"),
        (better_verdict, "results: verdicts"),
        (shorter_limitations, "results: plan and sample"),
    ],
)
def test_results_that_do_not_follow_are_found_although_every_hash_agrees(copy, analysed_once, change, name):
    forge(copy, change)
    assert set(differing(package.verify(copy))) == {name}


def test_missing_evidence_is_not_checked(copy, tmp_path, monkeypatch):
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "empty"))
    verification = package.verify(copy)
    assert not verification.verified
    assert not verification.named("differs")
    assert {"evidence: selection", "evidence: untrained 0: selection", "results and nulls.parquet"} <= set(
        verification.named("not checked")
    )
    assert "files of the run" in verification.named("agrees")


def test_other_evidence_is_found(copy, analysed_once, own_cache):
    """A changed array, then a changed array with a new checksum."""
    key = json.loads((copy / "manifest.json").read_text())["evidence"]["evaluation"]
    array = own_cache / key / "ablation" / "first" / "00000" / "delta_loss.npy"
    values = np.load(array)
    values[3, 5] *= 2
    np.save(array, values)
    assert "evidence: arrays" in differing(package.verify(copy))
    checksums = array.parent / "sha256.json"
    checksums.write_text(json.dumps({**json.loads(checksums.read_text()), "delta_loss": _sha256(array)}))
    verification = package.verify(copy)
    assert set(differing(verification)) == {"evidence: evaluation"}
    assert "results and nulls.parquet" in verification.named("not checked")


def test_a_run_from_before_the_hashes_says_what_it_lacks(copy, analysed_once):
    path = copy / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    for name in ("files", "manifest_sha256", "evidence_sha256"):
        del manifest[name]
    path.write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    verification = package.verify(copy)
    assert set(verification.named("not checked")) == {
        "manifest.json: own hash", "files of the run", "evidence: selection", "evidence: evaluation",
    }  # fmt: skip
    # they show the manifest's digests
    assert set(differing(verification)) == {"report.md, rendered again", "report.html, rendered again"}
    assert "results: coordination" in verification.named("agrees")
    assert not verification.verified


def test_without_a_manifest_nothing_but_that_differs(copy):
    """What only the manifest could tell is not checked; it has not been found to differ."""
    (copy / "manifest.json").unlink()
    verification = package.verify(copy)
    assert verification.named("differs") == ("manifest.json",)
    assert "untrained networks" in verification.named("not checked")
    assert not verification.verified


def test_other_versions_are_said_and_tolerated(copy, analysed_once):
    path = copy / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["versions"]["matplotlib"] = "1.5"
    manifest["manifest_sha256"] = manifest_digest(manifest)
    path.write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    (copy / "figures" / "effects.svg").write_text("<svg/>", encoding="utf-8")
    verification = package.verify(copy)
    assert "matplotlib 1.5 then" in verification.basis
    assert "figures, drawn again" in verification.named("not checked")
    assert "file figures/effects.svg" in verification.named("differs")
    assert "results: coordination" in verification.named("agrees")


def test_other_code_of_the_same_version_is_said_and_tolerated(copy, analysed_once):
    path = copy / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["hashes"]["code"] = 64 * "0"
    manifest["manifest_sha256"] = manifest_digest(manifest)
    path.write_text(json.dumps(manifest, indent=2), encoding="utf-8")
    edit(copy / "report.md", "| seed |")
    verification = package.verify(copy)
    assert "code 000000000000... then" in verification.basis
    assert "report.md, rendered again" in verification.named("not checked")
    assert set(differing(verification)) == {"file report.md"}


@pytest.mark.parametrize("with_cache", [True, False])
def test_evidence_collected_anew(finished, copy, tmp_path, monkeypatch, with_cache):
    if not with_cache:
        monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "empty"))
    verification = package.verify(copy, recollect=True, device="cpu", protocol=finished[0])
    assert not verification.named("differs")
    assert {"collected anew: model and text", "collected anew: numbers of the model"} <= set(
        verification.named("agrees")
    )
    assert "results: coordination" in verification.named("agrees")
    assert verification.verified
    if with_cache:
        assert {"collected anew: selection", "collected anew: untrained 1"} <= set(
            verification.named("agrees")
        )
    else:
        # nothing of the evidence stays; the text does, and that the model saw these documents
        assert {path.name for path in (tmp_path / "empty").iterdir()} == {"documents-seen.jsonl", "prepared"}


def test_numbers_of_the_model_are_checked_by_collecting_anew(finished, copy, analysed_once):
    def change(results):
        results["ablation"]["group"]["together"] *= 1.01

    forge(copy, change)
    assert package.verify(copy).verified
    verification = package.verify(copy, recollect=True, device="cpu", protocol=finished[0])
    assert differing(verification) == {"collected anew: numbers of the model": "ablation.group.together"}


def test_a_folder_that_is_no_run(tmp_path):
    with pytest.raises(OutputError, match="neither"):
        package.verify(tmp_path)


def test_damaged_files_are_named(copy):
    (copy / "nulls.parquet").write_bytes(b"PAR1 no")
    (copy / "results.json").write_text("{", encoding="utf-8")
    wrong = differing(package.verify(copy))
    assert {"results.json", "nulls.parquet", "file results.json", "file nulls.parquet"} == set(wrong)


def test_the_command_prints_a_table_and_exits_by_what_it_found(hypotest, copy, analysed_once):
    done = hypotest("verify", copy)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Verified: " in done.stdout
    edit(copy / "results.json", '"p_value"')
    done = hypotest("verify", copy)
    assert done.returncode == 1
    assert "DIFFERS" in done.stdout
    assert "NOT VERIFIED" in done.stdout
    assert "file results.json" in done.stderr
    assert max(map(len, done.stdout.splitlines())) <= 80


def test_what_cannot_be_checked_leaves_with_a_code_of_its_own(hypotest, copy, tmp_path):
    done = hypotest("verify", copy, HYPOTEST_CACHE=str(tmp_path / "nothing here"))
    assert done.returncode == 3, done.stdout + done.stderr
    assert "DIFFERS" not in done.stdout and "were not checked" in done.stderr
