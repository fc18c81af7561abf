"""Machines that lack something are told what, and what to do."""

import dataclasses
import io
import shutil
from collections import namedtuple
from importlib import metadata

import pytest
from rich.console import Console

from hypotest.__main__ import main
from hypotest.pages.console import shown
from hypotest.studies.doctor import study as doctor
from hypotest.studies.doctor.page import diagnosis_page
from hypotest.subjects.loading.devices import Device

Usage = namedtuple("Usage", "total used free")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))


def by_name(diagnosis):
    return {(item.part, item.name): item for item in diagnosis.observations}


def printed(diagnosis, width=80):
    console = Console(width=width, record=True, file=io.StringIO())
    console.print(shown(diagnosis_page(diagnosis)))
    return console.export_text()


def test_this_machine_is_ready():
    diagnosis = doctor.examine_machine()
    assert diagnosis.is_well
    seen = by_name(diagnosis)
    assert seen["software", "hypotest"].observed == metadata.version("hypotest-nn")
    assert "torch " in seen["software", "libraries"].observed
    assert seen["storage", "evidence cache"].observed.endswith("free")
    text = printed(diagnosis)
    assert text.rstrip().splitlines()[-1].startswith("Ready: 0 missing")
    assert max(map(len, text.splitlines())) <= 80


def test_a_library_that_is_missing_or_too_old(monkeypatch):
    real = metadata.version

    def version(name):
        if name == "numba":
            raise metadata.PackageNotFoundError(name)
        return "1.9" if name == "numpy" else real(name)

    monkeypatch.setattr(doctor.metadata, "version", version)
    diagnosis = doctor.examine_machine()
    seen = by_name(diagnosis)
    assert not diagnosis.is_well
    assert (seen["software", "numba"].observed, seen["software", "numba"].condition) == (
        "not installed",
        "missing",
    )
    assert seen["software", "numpy"].observed == "1.9; needs >=2.4"
    assert seen["software", "numpy"].advice == "pip install 'numpy>=2.4'"
    assert "NOT READY: 2 missing" in printed(diagnosis)


def test_the_library_that_streams_texts_is_an_extra(monkeypatch):
    seen = by_name(doctor.examine_machine())["software", "datasets"]
    assert (seen.condition, seen.observed.partition(":")[0]) == ("fine", metadata.version("datasets"))
    monkeypatch.setattr(doctor, "can_stream", lambda: False)
    diagnosis = doctor.examine_machine()
    seen = by_name(diagnosis)["software", "datasets"]
    assert (seen.condition, seen.advice) == ("note", "pip install 'hypotest-nn[datasets]'")
    assert diagnosis.is_well


def test_another_version_of_the_reference_text_is_a_note(monkeypatch):
    real = metadata.version
    monkeypatch.setattr(doctor.metadata, "version", lambda name: "0.1" if name == "xarray" else real(name))
    item = by_name(doctor.examine_machine())["reference", "text"]
    assert item.condition == "note"
    assert item.observed.startswith("xarray 0.1 (pinned: ")


def test_a_disk_that_is_nearly_full_and_a_cache_that_cannot_be_written(monkeypatch, tmp_path):
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda place: Usage(10, 9, 10**9))
    item = by_name(doctor.examine_machine())["storage", "evidence cache"]
    assert (item.condition, "1.0 GB free" in item.observed) == ("note", True)
    monkeypatch.setattr(doctor.os, "access", lambda place, mode: False)
    item = by_name(doctor.examine_machine())["storage", "evidence cache"]
    assert item.condition == "missing"
    assert "HYPOTEST_CACHE" in item.advice


def test_the_cache_is_measured(tmp_path):
    (tmp_path / "cache" / "evidence").mkdir(parents=True)
    (tmp_path / "cache" / "evidence" / "x.npy").write_bytes(bytes(150_000_000))
    item = by_name(doctor.examine_machine())["storage", "evidence cache"]
    assert ": 0.2 GB, " in item.observed or ": 0.1 GB, " in item.observed


def test_a_gpu_is_named_with_its_memory(monkeypatch):
    devices = (Device("cuda", "A [bold]GPU", 80 * 10**9), Device("cpu", "2 threads", None))
    monkeypatch.setattr(doctor, "available_devices", lambda: devices)
    diagnosis = doctor.examine_machine()
    seen = by_name(diagnosis)
    assert seen["machine", "device cuda"].observed == "A [bold]GPU, 80.0 GB"
    assert seen["what can run", "on cuda"].observed == "models up to 12.0 billion parameters in float32"
    assert ("what can run", "GPU") not in seen
    assert "A [bold]GPU, 80.0 GB" in printed(diagnosis)


def test_little_memory(monkeypatch):
    monkeypatch.setattr(doctor, "total_memory", lambda: 2 * 10**9)
    diagnosis = doctor.examine_machine()
    assert by_name(diagnosis)["what can run", "reference protocols"].condition == "missing"
    monkeypatch.setattr(doctor, "total_memory", lambda: None)
    assert by_name(doctor.examine_machine())["machine", "memory"].observed == "unknown"


def test_a_reference_model_that_is_not_there(monkeypatch, tmp_path):
    shutil.copy(doctor.REFERENCE / "config.json", tmp_path)
    monkeypatch.setattr(doctor, "REFERENCE", tmp_path)
    item = by_name(doctor.examine_machine())["reference", "model"]
    assert item.condition == "missing"
    assert "lacks model.safetensors, tokenizer.json, card.json" in item.observed


def test_the_command_exits_by_what_it_found(capsys, monkeypatch):
    with pytest.raises(SystemExit) as left:
        main(["doctor"])
    assert left.value.code == 0
    assert "Ready" in capsys.readouterr().out
    real = doctor.examine_machine

    def sick():
        diagnosis = real()
        worst = dataclasses.replace(diagnosis.observations[0], condition="missing")
        return dataclasses.replace(diagnosis, observations=(worst, *diagnosis.observations[1:]))

    monkeypatch.setattr(doctor, "examine_machine", sick)
    with pytest.raises(SystemExit) as left:
        main(["doctor"])
    assert left.value.code == 1
