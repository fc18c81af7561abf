"""Hostile and damaged protocols: problems with their place, never another error, bounded time and memory."""

from __future__ import annotations

import os
import pathlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypotest.__main__ import main
from hypotest.records.stored.hub import is_hub_name
from hypotest.registration import read_protocol
from hypotest.registration.source import read_source
from tests.registration.fuzz import check, fuzz, peak_megabytes
from tests.registration.mutations import NAMES, ODD, Mutations, put, schema_paths, written
from tests.strategies import protocol_like

SEED = 20261121
MUTATIONS = 1_500


@pytest.mark.slow
def test_mutated_protocols(tmp_path):
    # `make fuzz` runs many more.
    before = peak_megabytes()
    report = fuzz(Mutations(SEED), 0, MUTATIONS, tmp_path, stop_after=3)
    assert not report.failures, "\n".join(
        f"{item.number} {item.kinds}\n{item.what}" for item in report.failures
    )
    assert report.mutations == MUTATIONS
    assert 30 < report.valid < MUTATIONS / 3  # both, or the mutations are too tame or too wild
    assert peak_megabytes() - before < 200


def test_a_mutation_can_be_had_again():
    one, again, other = Mutations(1), Mutations(1), Mutations(2)
    numbers = range(40)
    assert [one[number] for number in numbers] == [again[number] for number in reversed(numbers)][::-1]
    assert [one[number] for number in numbers] != [other[number] for number in numbers]


def test_every_key_of_the_schema_is_reached():
    paths = schema_paths()
    for path in [("seed",), ("corpus", "text", "files", 0), ("nulls", "size_matched", "draws"),
                 ("predictions", 0, "contrast", "null"), ("predictions", 0, "margin", "raw"),
                 ("predictions", 0, "options", "variance"), ("multiverse", "draws"),
                 ("group", "otherwise", "top_fraction"), ("hypotheses", 0)]:  # fmt: skip
        assert path in paths
    assert put({"a": [1, 2]}, ("a", 0, "b"), 3) == {"a": [{"b": 3}, 2]}
    assert len(ODD) > 80


@settings(deadline=None, max_examples=60)
@given(data=protocol_like(), block=st.booleans())
def test_data_in_the_shape_of_a_protocol(tmp_path_factory, data, block):
    path = tmp_path_factory.getbasetemp() / "protocol-like.yaml"
    check(path, written(data, [], block))


@settings(deadline=None, max_examples=60)
@given(
    content=st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode(errors="replace"))
)
def test_any_bytes(tmp_path_factory, content):
    check(tmp_path_factory.getbasetemp() / "any-bytes.yaml", content)


BIG = 2**16


@pytest.mark.slow
@pytest.mark.parametrize(
    "content",
    [
        b"a: !<" + b"x" * (2**18 - 100) + b">",
        b"a: !" + b"%41" * (BIG // 3) + b" x",
        b"a: &" + b"x" * BIG,
        b"a: *" + b"x" * BIG,
        b'a: "' + b"\n" * BIG + b'"',
        b"a: x\n" + b"  y\n" * (BIG // 4),
        b"a: >\n" + b"  y\n\n" * (BIG // 5),
        b"a: 1\n" + b"\n" * BIG + b"b: 2\n",
        b"%A b\n" * (BIG // 5),
        b"? " * (BIG // 2),
        b"a: " + b"[" * BIG,
        b"- " * (BIG // 2),
        b"a" * BIG + b": 1",
        b"a " * (BIG // 2),
        b"".join(b"k%d: *a\n" % number for number in range(2400)),
        b"corpus: {text: {files: [" + b"1," * 4900 + b"1]}}",
        b"hypotheses: [" + b",".join(b"h%040d" % number for number in range(4900)) + b"]",
        b"predictions:\n" + b"- {id: a, measure: b, contrast: {}}\n" * 600,
    ],
)
def test_what_is_large_or_deep_takes_bounded_time_and_memory(tmp_path, content):
    before = peak_megabytes()
    check(tmp_path / "large.yaml", content)
    assert peak_megabytes() - before < 100


@pytest.mark.parametrize("key", ["id", "predictions: -", "hypotheses: [", "model", "measure"])
@pytest.mark.parametrize("name", NAMES)
def test_names_that_climb_or_paint_are_refused_or_stay_text(small, tmp_path, key, name):
    value = f'"{name}"'
    text = {
        "id": small.replace("id: small", f"id: {value}"),
        "predictions: -": small.replace("id: coordination", f"id: {value}"),
        "hypotheses: [": f"{small}hypotheses: [modular, distributed, {value}]\n",
        "model": f"{small}subject: {{model: {value}}}\nfrequencies: counts.npy\n",
        "measure": small.replace("measure: effective_dimension", f"measure: {value}"),
    }[key]
    (tmp_path / "counts.npy").touch()
    path = tmp_path / "p.yaml"
    valid, _ = check(path, text.encode())
    if key == "model":  # one that is no folder must be a name of the Hub
        named = read_source(path).data["subject"]["model"]
        assert valid is (is_hub_name(named) and not os.path.isdir(tmp_path / named))
        assert read_protocol(path, subject=False)[0] is not None
        return
    # files of predictions are numbered, so that they may be called like a device
    assert valid is (name == "con" and key not in ("id", "measure"))


@pytest.mark.parametrize("name", ["con", "nul", "aux", "prn", "com1", "lpt9"])
def test_names_of_devices_are_no_ids(problems_of, name):
    (problem,) = problems_of(("id: small", f"id: {name}"))
    assert problem.where.endswith("p.yaml:2:5")
    assert problem.message == f"must not be the name of a device of Windows; found {name}: choose another"


def test_the_command_line_prints_no_escape_sequences(small, tmp_path, capsys):
    folder = tmp_path / "\x1b[31mred\u202e"
    folder.mkdir()
    path = folder / "p\x1b]8;;http:x\x07.yaml"
    path.write_text(small.replace("effective_dimension", '"\\e[31m"'), encoding="utf-8")
    with pytest.raises(SystemExit) as left:
        main(["validate", str(path)])
    assert left.value.code == 2
    path.write_text(small, encoding="utf-8")
    with pytest.raises(SystemExit) as done:
        main(["validate", str(path)])
    assert done.value.code == 0
    shown = "".join(capsys.readouterr()).replace("\n", "")
    assert shown and shown.isprintable()


def test_a_name_that_is_not_utf_8_can_be_printed(small, tmp_path, capsys):
    path = tmp_path / pathlib.Path("p\udcff.yaml")
    path.write_text(small, encoding="utf-8")
    assert read_protocol(path)[0] is not None
    with pytest.raises(SystemExit) as done:
        main(["validate", str(path)])
    assert done.value.code == 0
    assert "p\\udcff.yaml" in capsys.readouterr().out
