"""The hash of hypotest's own code; the other hashes are tested with a model in test_registered."""

from importlib import metadata

from hypotest.pipeline.fingerprint import code_hash, software_versions


def test_the_code_hash_sees_names_contents_and_nothing_else(tmp_path):
    (tmp_path / "part").mkdir()
    (tmp_path / "a.py").write_bytes(b"x = 1\n")
    (tmp_path / "part" / "b.py").write_bytes(b"y = 2\n")
    expected = code_hash(tmp_path)
    (tmp_path / "notes.txt").write_text("no code")
    (tmp_path / "part" / "b.py").write_bytes(b"y = 2\r\n")  # as another system checks it out
    assert code_hash(tmp_path) == expected
    (tmp_path / "part" / "b.py").write_bytes(b"y = 3\n")
    assert code_hash(tmp_path) != expected
    (tmp_path / "part" / "b.py").write_bytes(b"y = 2\n")
    assert code_hash(tmp_path) == expected
    (tmp_path / "part" / "b.py").rename(tmp_path / "b.py")
    assert code_hash(tmp_path) != expected


def test_the_code_hash_is_of_this_package():
    assert len(code_hash()) == 64
    assert code_hash() == code_hash()


def test_versions_are_the_installed_ones():
    versions = software_versions()
    assert versions["torch"] == metadata.version("torch")
    assert "python" in versions
