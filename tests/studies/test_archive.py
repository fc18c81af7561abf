"""Zips that are the same bytes for the same files, and zips that nobody should unpack."""

from __future__ import annotations

import os
import stat
import zipfile

import pytest

from hypotest.errors import OutputError
from hypotest.studies import archive
from hypotest.studies.archive import pack, unpack


def test_the_same_files_give_the_same_bytes_whatever_their_time_and_order(tmp_path):
    (tmp_path / "a").write_bytes(b"1" * 5000)
    pack({"x/a": tmp_path / "a", "b": b"two"}, tmp_path / "one.zip")
    os.utime(tmp_path / "a", (1, 1))
    (tmp_path / "a").chmod(0o755)
    pack({"b": b"two", "x/a": tmp_path / "a"}, tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as packed:
        assert packed.namelist() == ["b", "x/a"]
        assert {item.date_time for item in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert sorted(item.name for item in tmp_path.iterdir()) == ["a", "one.zip", "two.zip"]


def test_what_is_packed_is_unpacked(tmp_path):
    pack({"run/a.json": b"{}", "cache/k/0.npy": bytes(1000)}, tmp_path / "z.zip")
    (tmp_path / "out").mkdir()
    unpack(tmp_path / "z.zip", tmp_path / "out")
    assert (tmp_path / "out" / "run" / "a.json").read_bytes() == b"{}"
    assert (tmp_path / "out" / "cache" / "k" / "0.npy").read_bytes() == bytes(1000)


def test_a_failed_write_leaves_what_was_there(tmp_path):
    (tmp_path / "z.zip").write_bytes(b"before")
    with pytest.raises(OutputError):
        pack({"a": tmp_path / "missing"}, tmp_path / "z.zip")
    assert (tmp_path / "z.zip").read_bytes() == b"before"
    assert [item.name for item in tmp_path.iterdir()] == ["z.zip"]


def made(tmp_path, *entries):
    file, folder = tmp_path / "bad.zip", tmp_path / "in" / "here"
    folder.mkdir(parents=True)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as target:
        for entry, content in entries:
            target.writestr(entry, content)
    return file, folder


@pytest.mark.parametrize(
    "name", ["../a", "run/../../a", "/etc/a", "a//b", "./a", "C:/a", "a\\..\\b", "run/", "~/../a/.."]
)
def test_names_that_lead_elsewhere_are_refused(tmp_path, name):
    entry = zipfile.ZipInfo("x")
    entry.filename = entry.orig_filename = name  # as no honest writer would
    file, folder = made(tmp_path, (entry, b"x"))
    with pytest.raises(OutputError, match="leads out of its folder"):
        unpack(file, folder)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file]


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFDIR, stat.S_IFCHR])
def test_links_and_devices_are_refused(tmp_path, kind):
    entry = zipfile.ZipInfo("link")
    entry.create_system, entry.external_attr = 3, (kind | 0o777) << 16
    file, folder = made(tmp_path, (entry, b"/etc/passwd"))
    with pytest.raises(OutputError, match="is no plain file"):
        unpack(file, folder)


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("names", [("a", "a"), ("a", "A")])
def test_one_name_twice_is_refused(tmp_path, names):
    """Which of two files of a name one gets would depend on who unpacks it, or on the disk."""
    file, folder = made(tmp_path, *((name, b"x") for name in names))
    with pytest.raises(OutputError, match="is there twice"):
        unpack(file, folder)


def test_what_would_fill_a_disk_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "_SMALL", 10**6)
    file, folder = made(tmp_path, ("zeros", bytes(20 * 10**6)))
    with pytest.raises(OutputError, match="no run is like that"):
        unpack(file, folder)
    monkeypatch.setattr(archive, "MOST_TIMES", 10**6)
    monkeypatch.setattr(archive.shutil, "disk_usage", lambda _: _Usage)
    with pytest.raises(OutputError, match="whose disk has 1,000"):
        unpack(file, folder)
    assert list(folder.iterdir()) == []


class _Usage:
    free = 1000


def test_too_many_files_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MOST_FILES", 2)
    file, folder = made(tmp_path, *((str(number), b"") for number in range(3)))
    with pytest.raises(OutputError, match="at most 2 files; found 3"):
        unpack(file, folder)


@pytest.mark.parametrize("damage", ["no zip", "cut", "flipped"])
def test_damage_is_told(tmp_path, damage):
    file, folder = made(tmp_path, ("a", os.urandom(2000)))
    content = bytearray(file.read_bytes())
    if damage == "no zip":
        content = bytearray(b"hello")
    elif damage == "cut":
        content = content[:-40]
    else:
        content[500] ^= 1
    file.write_bytes(content)
    with pytest.raises(OutputError, match="must be a whole zip file"):
        unpack(file, folder)
