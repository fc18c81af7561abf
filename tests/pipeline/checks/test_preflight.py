"""What a command adds to a protocol is checked before anything is read."""

import os

import pytest

from hypotest.errors import OutputError, ProtocolError
from hypotest.pipeline.checks import preflight
from hypotest.pipeline.checks.preflight import check_command, device_obstacle, place_obstacle, require_places


def test_a_place_that_can_be_written_is_left_as_it_was(tmp_path):
    assert place_obstacle(tmp_path / "a" / "b") == ""
    assert place_obstacle(tmp_path) == ""
    assert list(tmp_path.iterdir()) == []


def test_what_stands_in_the_way_is_named(tmp_path):
    (tmp_path / "file").write_text("x")
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("file", "file/a/b", "dangling", "dangling/a"):
        obstacle = place_obstacle(tmp_path / name)
        assert obstacle.startswith(f"cannot be written: {tmp_path / name.split('/')[0]} is no folder"), name


@pytest.mark.parametrize(
    ("name", "reason"), [("x" * 5000, "too long"), ("a\0b", "null"), ("a/" + "y" * 300, "too long")]
)
def test_names_that_no_folder_can_have(tmp_path, name, reason):
    assert reason in place_obstacle(tmp_path / name)


def test_a_folder_that_can_only_be_read(tmp_path):
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    if os.access(folder, os.W_OK):  # root may write everywhere but into the kernel's own folders
        folder = "/proc"
    assert place_obstacle(f"{folder}/x").startswith("cannot be written: ")


def test_an_unknown_device_is_refused_without_torch(monkeypatch):
    monkeypatch.setitem(
        __import__("sys").modules, "hypotest.subjects.loading.devices", None
    )  # importing it fails
    assert "there is no such device; name one of auto, cpu, cuda" in device_obstacle("gpu")
    assert device_obstacle("cpu") == device_obstacle("auto") == ""


def test_a_device_that_is_not_here(monkeypatch):
    from hypotest.subjects.loading.devices import Device

    monkeypatch.setattr(
        "hypotest.subjects.loading.devices.available_devices", lambda: (Device("cpu", "", None),)
    )
    assert device_obstacle("cuda") == "is not available on this machine, which has cpu"
    monkeypatch.setattr(
        "hypotest.subjects.loading.devices.available_devices",
        lambda: (Device("cuda", "", 1), Device("cpu", "", None)),
    )
    assert device_obstacle("cuda") == ""


def test_everything_wrong_with_a_command_is_said_at_once(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ProtocolError) as caught:
        check_command(out=tmp_path / "file", device="gpu", memory=float("nan"), seed=2**63)
    lines = str(caught.value).splitlines()
    assert [line.partition("=")[0] for line in lines] == ["out", "device", "memory", "seed"]
    check_command(out=tmp_path / "new", device="cpu", memory=1.0, seed=2**63 - 1)


@pytest.mark.parametrize("memory", [float("inf"), 0.0, -1.0])
def test_memory_must_be_a_finite_number(memory):
    with pytest.raises(ProtocolError, match=f"memory={memory:g}: must be a finite number of GB"):
        check_command(memory=memory, cache=False)


def test_a_cache_that_cannot_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setattr(preflight, "cache_folder", lambda: tmp_path / "file" / "cache")
    with pytest.raises(OutputError, match=r"the cache .*file/cache: cannot be written: .* HYPOTEST_CACHE"):
        check_command(out=tmp_path)
    check_command(out=tmp_path, cache=False)


def test_a_folder_where_a_file_belongs(tmp_path):
    (tmp_path / "registry.jsonl").mkdir()
    with pytest.raises(OutputError, match=r"a folder stands where registry.jsonl belongs"):
        require_places(tmp_path, "registry.jsonl")
