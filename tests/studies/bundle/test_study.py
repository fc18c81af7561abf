"""Bundles of a committed run, without its evidence: what is in them, what is refused."""

from __future__ import annotations

import json
import shutil
import zipfile

import pytest

import hypotest
from hypotest.__main__ import main
from hypotest.errors import EvidenceError, OutputError, ProtocolError
from hypotest.studies.archive import pack
from hypotest.studies.verify.stored_draws import NAME
from tests.example import EXAMPLE
from tests.texts import ROOT
from tests.unrendered import figures_not_rendered

PROTOCOL = ROOT / "protocols" / "rare-tokens.yaml"


@pytest.fixture(autouse=True)
def empty(tmp_path, monkeypatch):
    """Neither cache nor protocols here."""
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "empty"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "reports" / "rare-tokens" / "20260101T000000Z-0123abcd"
    shutil.copytree(EXAMPLE, folder)
    return folder


def repacked(file, out, **changes):
    """The bundle with other content."""
    with zipfile.ZipFile(file) as source:
        files = {name: source.read(name) for name in source.namelist()}
    pack({**files, **changes}, out)
    return out


def test_a_small_bundle_says_so_and_is_the_same_every_time(run, tmp_path):
    (run / "notes.txt").write_text("mine", encoding="utf-8")
    made = hypotest.bundle(run, small=True, protocol=PROTOCOL)
    assert made.file == run.parent / f"{run.name}.zip" and not made.evidence
    assert made.left_out == ("notes.txt, which the run did not write", "the evidence (small)")
    again = hypotest.bundle(hypotest.open_run(run), small=True, protocol=PROTOCOL, out=tmp_path / "b.zip")
    assert again.file.read_bytes() == made.file.read_bytes()
    with zipfile.ZipFile(made.file) as packed:
        names = packed.namelist()
        assert names[0] == "bundle.json" and "protocol/rare-tokens.yaml" in names
        assert "run/results.json" in names and "run/notes.txt" not in names
        assert json.loads(packed.read("bundle.json"))["evidence"] is False
        assert not any(name.startswith("cache/") for name in names)


def test_verifying_a_small_bundle_checks_what_follows_from_stored_draws(run, tmp_path):
    made = hypotest.bundle(run, small=True, out=tmp_path / "b.zip")
    assert "the protocol's file, which was not found: protocol= names it" in made.left_out
    with figures_not_rendered():
        verification = hypotest.verify(made.file)
    assert verification.folder == made.file
    checks = {item.name: item for item in verification.checks}
    assert checks[NAME].status == "agrees"
    assert checks["evidence: selection"].detail == "left out of this bundle, which was made small"
    assert checks["files of the run"].status == "agrees"
    assert not verification.verified  # evidence was not checked


def test_the_command_line_names_its_own_option(run, tmp_path, capsys):
    with pytest.raises(SystemExit):
        main(["bundle", str(run), "--small", "--out", str(tmp_path / "b.zip")])
    printed = " ".join(capsys.readouterr().out.split())
    assert "the protocol's file, which was not found: --protocol names it" in printed


def test_the_folder_of_a_series_names_its_members(run):
    folder = run.parent / "series"
    shutil.copytree(run, folder / "layer-001")
    with pytest.raises(
        OutputError, match=r"holds 1 run, which can be bundled: `hypotest bundle .*layer-001`"
    ):
        hypotest.bundle(folder, small=True)


def test_a_forged_result_is_noticed_without_evidence(run, tmp_path):
    made = hypotest.bundle(run, small=True, out=tmp_path / "b.zip")
    text = (run / "results.json").read_text(encoding="utf-8")
    forged = text.replace('"status": "undecided"', '"status": "supported"', 1)
    assert forged != text
    with figures_not_rendered():
        verification = hypotest.verify(
            repacked(made.file, tmp_path / "f.zip", **{"run/results.json": forged.encode()})
        )
    assert {NAME, "file results.json"} <= set(verification.named("differs"))


def test_missing_evidence_is_an_error_and_nothing_is_written(run, tmp_path):
    with pytest.raises(EvidenceError, match=r"7 of 7 parts of the run's evidence are not in .*small=True"):
        hypotest.bundle(run, out=tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()


def test_what_cannot_be_asked_is_refused(run, tmp_path):
    with pytest.raises(ProtocolError, match="hide= names what anonymous=True takes out"):
        hypotest.bundle(run, small=True, hide=["Jane Doe"])
    with pytest.raises(OutputError, match="must lie outside the run's folder"):
        hypotest.bundle(run, small=True, out=run / "b.zip")
    with pytest.raises(OutputError, match="must be a file; found a folder"):
        hypotest.bundle(run, small=True, out=tmp_path)
    with pytest.raises(ProtocolError, match=r"protocol=none\.yaml: no such file"):
        hypotest.bundle(run, small=True, protocol="none.yaml")
    with pytest.raises(OutputError, match="must be the folder of a run"):
        hypotest.bundle(tmp_path / "nowhere")


def test_what_is_no_bundle_is_refused(run, tmp_path):
    made = hypotest.bundle(run, small=True, out=tmp_path / "b.zip").file
    told = json.dumps({"bundle": 2, "hypotest": "9.0"}).encode()
    for out, content, message in (
        ("v.zip", {"bundle.json": told}, "must be a bundle of version 1; found '2'"),
        ("n.zip", {"bundle.json": b"[]"}, "is no bundle"),
        ("s.zip", {"more/a.txt": b""}, "holds more, which no bundle does"),
    ):
        with pytest.raises(OutputError, match=message):
            hypotest.verify(repacked(made, tmp_path / out, **content))
    (tmp_path / "a.txt").write_text("hello", encoding="utf-8")
    with pytest.raises(OutputError, match="must be the folder of a run, or a bundle of one"):
        hypotest.verify(tmp_path / "a.txt")


def test_a_name_that_is_a_word_of_the_language_cannot_be_hidden(run, tmp_path):
    with figures_not_rendered(), pytest.raises(ProtocolError, match="is no run any more"):
        hypotest.bundle(run, small=True, anonymous=True, hide=["selectivity"], out=tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()


def test_a_name_that_would_be_left_is_an_error(run, tmp_path):
    """Reports cite authors, whom no bundle can leave out."""
    with figures_not_rendered(), pytest.raises(OutputError, match=r"would not be anonymous: 'Phipson'"):
        hypotest.bundle(run, small=True, anonymous=True, hide=["Phipson"], out=tmp_path / "b.zip")
    assert not (tmp_path / "b.zip").exists()
