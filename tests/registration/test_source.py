"""Files that are damaged, hostile, or no YAML: each gets one clear refusal."""

from __future__ import annotations

import pathlib

import pytest

from hypotest.errors import ProtocolError
from hypotest.registration import load_protocol, read_protocol
from hypotest.registration.source import read_source


@pytest.mark.parametrize(
    ("old", "new", "where", "message"),
    [
        ("seed: 1", "seed: 1\nseed: 2", "19:1", "repeated key; the first is on line 18"),
        ("seed: 1", "seed: .nan", "18:7", "must be a finite number; found '.nan'"),
        ("seed: 1", "seed: -.INF", "18:7", "must be a finite number"),
        ("seed: 1", "seed: 1e999", "18:7", "must be a finite number; found '1e999'"),
        ("seed: 1", "seed: " + "9" * 6000, "18:7", "a number of at most 40 digits; found 6000"),
        ("seed: 1", "seed: " + "9" * 30, "18:7", "must be below 9.22337e+18; found 999"),
        ("seed: 1", "seed: !!int 1", "18:7", "must be plain data; found the tag"),
        ("seed: 1", "seed: !!python/object/apply:os.system [x]", "18:7", "must be plain data"),
        ("seed: 1", "seed:", "18:1", "must have a value; found nothing"),
        ("seed: 1", "seed: ~", "18:7", "must have a value; found nothing"),
        ("id: small", 'id: "\\ud800"', "2:5", "half of a surrogate pair"),
        ("{draws: 999}\n  label", "&a {draws: 999}\n  x: *a\n  label", "10:6", "found an alias"),
    ],
)
def test_yaml_that_is_no_plain_data(problems_of, old, new, where, message):
    problems = problems_of((old, new))
    matching = [problem for problem in problems if message in problem.message]
    assert len(matching) == 1, problems
    assert matching[0].where.endswith(f"p.yaml:{where}")


@pytest.mark.parametrize(
    ("content", "where", "message"),
    [
        (b"", ":1:1", "is empty"),
        (b"!!map\na: 1\n", ":1:1", "must be plain data; found the tag"),
        (b"# only a comment\n", ":1:1", "is empty"),
        (b"\xef\xbb\xbf \n", ":1:1", "is empty"),
        (b"- 1\n", ":1:1", "must be a mapping"),
        (b"just words\n", ":1:1", "must be a mapping"),
        (b"a: 1\n---\nb: 1\n", ":2:1", "one document"),
        (b"%YAML 1.1\n---\na: 1\n", ":2:1", "directive"),
        (b"%TAG ! tag:x,2000:\n---\na: 1\n", ":2:1", "directive"),
        (b"%YAML x\n---\na: 1\n", "", "must be YAML"),
        (b"a: 1\nb: caf\xe9\n", ":2:7", "must be UTF-8 text; found byte 0xe9"),
        ("a: ü".encode("utf-16"), ":1:1", "must be UTF-8"),
        (b"a: \x00\n", ":1:4", "must be YAML"),
        (b"a:\n\tb: 1\n", ":2:1", "indent with spaces, not tabs"),
        (b"a: b: c\n", ":1:5", "needs quotes"),
        (b"a: [1, 2\n", ":2:1", "close the bracket"),
        (b'a: "x\n', ":2:1", "close the quotes"),
        (b"a: *x\n? [1]\n: 2\n", ":2:3", "a key must be a single word"),
        (b'"a\\nb": 1\n', ":1:1", "a key must be printable"),
        (b"a: " + b"[" * 100, "", "must be nested at most 24 deep"),
        (b"{a: " * 1_000, "", "must be nested at most 24 deep"),
        (b"a: [" + b"1," * 6_000 + b"1]\n", "", "at most 5000 values"),
        (b"#" * (2**18 + 1), ":1:1", "must be at most 256 KiB"),
        (b'a: "\\U99999999"\n', "", "must be YAML"),
    ],
)
def test_file_that_cannot_be_read(tmp_path, content, where, message):
    path = tmp_path / "p.yaml"
    path.write_bytes(content)
    with pytest.raises(ProtocolError) as caught:
        load_protocol(path)
    (problem,) = caught.value.problems
    assert message in problem.message
    assert problem.where.startswith(str(path) + where)


def test_aliases_cannot_expand(tmp_path):
    # Nine levels of nine aliases would be 9**9 values.
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 10)]
    path = tmp_path / "bomb.yaml"
    path.write_text("\n".join(lines))
    protocol, problems = read_protocol(path)
    assert protocol is None
    assert sum("found an alias" in problem.message for problem in problems) == 81


def test_missing_file_names_a_similar_one(tmp_path, small):
    (tmp_path / "rare-tokens.yaml").write_text(small)
    with pytest.raises(ProtocolError, match=r"no such file; did you mean '.*rare-tokens\.yaml'\?"):
        load_protocol(tmp_path / "rare-token.yaml")
    with pytest.raises(ProtocolError, match=r"\.yaml: no such file: check the path"):
        load_protocol(tmp_path / "no" / "folder.yaml")


@pytest.mark.parametrize("name", ["", ".", "a\0b", "x" * 5000])
def test_impossible_paths(tmp_path, name):
    with pytest.raises(ProtocolError):
        load_protocol(str(tmp_path / name) if name else "")


def test_folder_and_device_are_refused(tmp_path):
    with pytest.raises(ProtocolError, match="found a folder"):
        load_protocol(tmp_path)
    with pytest.raises(ProtocolError, match="must be a regular file"):
        load_protocol("/dev/null")


def test_unreadable_file(tmp_path, small, monkeypatch):
    path = tmp_path / "p.yaml"
    path.write_text(small)

    def refuse(*args: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(pathlib.Path, "open", refuse)
    with pytest.raises(ProtocolError, match=r"p\.yaml: cannot be read: Permission denied"):
        load_protocol(path)


def test_byte_order_mark_and_windows_line_ends_are_fine(tmp_path, small):
    path = tmp_path / "p.yaml"
    path.write_bytes(b"\xef\xbb\xbf" + small.replace("\n", "\r\n").encode())
    assert read_protocol(path)[1] == ()


def test_yes_and_dates_are_text(problems_of):
    assert problems_of(("Is this a small protocol?", "yes?")) == []
    assert problems_of(("Is this a small protocol?", "2025-09-25?")) == []


@pytest.mark.parametrize(
    ("scalar", "value"),
    [
        ("3", 3), ("-3", -3), ("007", 7), ("0x1F", 31), ("0o17", 15), ("1.50", 1.5), (".5", 0.5),
        ("1e-3", 0.001), ("3.", 3.0), ("true", True), ("FALSE", False), ("yes", "yes"),
        ("2025-09-25", "2025-09-25"), ("1_000", "1_000"), ("12:30:45", "12:30:45"), ("'3'", "3"),
        ('"true"', "true"), ("0b11", "0b11"), ("1e", "1e"),
    ],
)  # fmt: skip
def test_scalars_follow_the_core_schema_of_yaml_12(tmp_path, scalar, value):
    path = tmp_path / "p.yaml"
    path.write_text(f"key: {scalar}\n")
    read = read_source(path).data["key"]
    assert read == value
    assert type(read) is type(value)


def test_places_of_keys_values_and_missing_keys(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("a:\n  b: [1,  2]\n  c:   3\n")
    source = read_source(path)
    assert source.data == {"a": {"b": [1, 2], "c": 3}}
    assert source.mark(("a",)) == (0, 0)
    assert source.mark(("a", "b")) == (1, 2)  # a collection: its key
    assert source.mark(("a", "b", 1)) == (1, 10)
    assert source.mark(("a", "c")) == (2, 7)  # a scalar: itself
    assert source.mark(("a", "c"), at_key=True) == (2, 2)
    assert source.mark(("a", "missing", "deep")) == (0, 0)  # the nearest that exists
    assert source.where((2, 7)) == f"{path}:3:8"
