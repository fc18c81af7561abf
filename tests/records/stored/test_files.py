import os

import pytest

from hypotest.errors import OutputError
from hypotest.records.stored.files import write_whole


def test_a_file_is_replaced_as_a_whole(tmp_path):
    file = tmp_path / "deep" / "er" / "found.json"
    write_whole(file, "long first content\n")
    write_whole(file, "zweiter Inhalt: σ\n")
    assert file.read_bytes() == "zweiter Inhalt: σ\n".encode()
    assert os.listdir(file.parent) == ["found.json"]


def test_a_failure_says_where_and_leaves_what_was_there(tmp_path, monkeypatch):
    file = tmp_path / "found.json"
    write_whole(file, "old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match=r"found\.json: cannot be written: No space left on device"):
        write_whole(file, "new")
    assert file.read_text() == "old"
    assert os.listdir(tmp_path) == ["found.json"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "found").write_text("a file")
    with pytest.raises(OutputError, match="cannot be written"):
        write_whole(tmp_path / "found" / "inside.json", "{}")
