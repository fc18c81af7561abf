"""Protocols to begin with: they load, they say what the defaults are, and overwrite nothing."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from pathlib import Path

import pytest

from hypotest.errors import OutputError, ProtocolError
from hypotest.measures.registry import MEASURES
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration import load_protocol, protocol_hash, read_protocol
from hypotest.registration.schema import schema
from hypotest.registration.source import read_source
from hypotest.registration.template import SCHEMA_FILE, start_protocol, template_names, template_text
from tests.json_schema import errors

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "hypotest" / "registration" / "templates"


def test_every_template_is_listed():
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(template_names())


@pytest.mark.parametrize("name", template_names())
def test_template_is_valid_without_warnings(name, tmp_path):
    shutil.copytree(FOLDER, tmp_path, dirs_exist_ok=True)
    for language in ("german", "english"):  # texts that are the user's own
        (tmp_path / language).mkdir()
        (tmp_path / language / "a.txt").write_text("Wort und word", encoding="utf-8")
    protocol, problems = read_protocol(tmp_path / f"{name}.yaml")
    assert protocol is not None
    assert [item for item in problems if item.severity != "note"] == []  # which says what is not here yet
    assert protocol.id == name
    assert errors(schema(), read_source(FOLDER / f"{name}.yaml").data) == []


@pytest.mark.parametrize("name", template_names())
def test_template_begins_with_the_editor_hint(name):
    first = template_text(name).splitlines()[0]
    assert first == f"# yaml-language-server: $schema={SCHEMA_FILE}"


@pytest.mark.parametrize("folder", [".", "controls"])
def test_protocols_and_templates_cannot_drift_apart(folder):
    paths = sorted((ROOT / "protocols" / folder).glob("*.yaml"))
    assert paths
    for path in paths:
        assert path.read_bytes() == (FOLDER / folder / path.name).read_bytes()
    if folder != ".":  # of all of them
        assert {item.name for item in paths} == {item.name for item in (FOLDER / folder).glob("*")}


def test_the_wheel_holds_the_templates():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    shipped = project["tool"]["setuptools"]["package-data"]["hypotest.registration"]
    assert {"templates/*.yaml", "templates/controls/*.yaml"} <= set(shipped)


def test_what_the_minimal_template_calls_a_default_is_one(tmp_path):
    text = template_text("minimal")
    written, n_defaults = re.subn(r"^(\s*)#(?=\S)", r"\1", text, flags=re.MULTILINE)
    assert n_defaults > 12
    path = tmp_path / "p.yaml"
    path.write_text(written, encoding="utf-8")
    protocol, problems = read_protocol(path)
    assert problems == ()
    assert protocol_hash(protocol) == protocol_hash(load_protocol(FOLDER / "minimal.yaml"))


def test_the_minimal_template_names_what_can_be_said():
    text = template_text("minimal")
    for name in MEASURES:
        assert re.search(rf"\b{name}\b", text), name
    shown = {key for key in Protocol.model_fields if re.search(rf"^#?{key}:", text, re.MULTILINE)}
    # `source` has no default, a multiverse is for those who have a result, and examples need a table.
    assert set(Protocol.model_fields) - shown == {"source", "multiverse", "examples", "outcome"}


def test_titles_are_questions():
    for name in template_names():
        assert read_source(FOLDER / f"{name}.yaml").data["title"].endswith("?")


def test_examples_come_with_their_template(tmp_path):
    started = start_protocol("agreement", tmp_path / "mine.yaml")
    assert load_protocol(started.protocol).id == "mine"
    brought = tmp_path / "agreement.jsonl"
    assert brought.read_bytes() == (FOLDER / "agreement.jsonl").read_bytes()
    with pytest.raises(ProtocolError, match=r"exists and is left as it is"):
        start_protocol("agreement", tmp_path / "other.yaml")
    assert not (tmp_path / "other.yaml").exists()


def test_writes_protocol_and_schema(tmp_path):
    path = tmp_path / "My study.yaml"
    started = start_protocol("rare-tokens", path)
    assert (started.protocol, started.schema_state) == (path, "written")
    protocol = load_protocol(path)
    assert protocol.id == "my-study"
    expected = load_protocol(FOLDER / "rare-tokens.yaml")
    assert protocol == expected.model_copy(update={"id": "my-study"})
    assert json.loads((tmp_path / SCHEMA_FILE).read_text(encoding="utf-8")) == schema()
    hint = path.read_text(encoding="utf-8").splitlines()[0]
    assert (path.parent / hint.partition("$schema=")[2]).exists()


@pytest.mark.parametrize(
    ("file", "id"),
    [
        ("2027.yaml", "2027"),
        ("true.yml", "true"),
        ("1e5.yaml", "1e5"),
        ("ÄÖ.yaml", "minimal"),
        ("-a_.yaml", "a"),
        ("x" * 90 + ".yaml", "x" * 64),
    ],
)
def test_the_id_is_that_of_the_file(tmp_path, file, id):
    started = start_protocol(path=tmp_path / file)
    assert load_protocol(started.protocol).id == id


def test_without_a_path_or_with_a_folder_the_file_is_called_as_the_template(tmp_path, monkeypatch):
    assert start_protocol("rare-tokens", tmp_path).protocol == tmp_path / "rare-tokens.yaml"
    monkeypatch.chdir(tmp_path)
    assert start_protocol().protocol == Path("minimal.yaml")
    assert load_protocol("minimal.yaml").id == "minimal"


def test_nothing_is_overwritten(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("mine", encoding="utf-8")
    (tmp_path / "link.yaml").symlink_to(tmp_path / "nowhere.yaml")
    for name in ("a.yaml", "link.yaml"):
        with pytest.raises(ProtocolError, match="exists and is left as it is"):
            start_protocol(path=tmp_path / name)
    assert path.read_text(encoding="utf-8") == "mine"
    assert not (tmp_path / "nowhere.yaml").exists()
    assert not (tmp_path / SCHEMA_FILE).exists()


@pytest.mark.parametrize(
    ("content", "state"), [(None, "kept"), (b"{}", "differs"), (b"\xff", "differs")]
)  # fmt: skip
def test_a_schema_that_is_there_stays(tmp_path, content, state):
    start_protocol(path=tmp_path / "a.yaml")
    place = tmp_path / SCHEMA_FILE
    if content is not None:
        place.write_bytes(content)
    before = place.read_bytes()
    assert start_protocol(path=tmp_path / "b.yaml").schema_state == state
    assert place.read_bytes() == before


def test_an_unknown_template_lists_those_there_are(tmp_path):
    with pytest.raises(ProtocolError) as caught:
        start_protocol("rare-token", tmp_path / "a.yaml")
    assert "did you mean 'rare-tokens'?" in str(caught.value)
    for name in template_names():
        assert name in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ProtocolError, match="unknown template"):
        start_protocol("../../templates/minimal", tmp_path / "a.yaml")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.txt", r"must end in .yaml or .yml: call it 'a.txt.yaml'"),
        ("new/a", r"must end in .yaml or .yml: call it 'a.yaml'"),
        ("a\0.yaml", "must be the name of a file"),
    ],
)
def test_a_path_that_cannot_be(tmp_path, name, message):
    with pytest.raises(ProtocolError, match=message):
        start_protocol(path=tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_created(tmp_path):
    started = start_protocol(path=tmp_path / "new" / "deep" / "a.yaml")
    assert started.protocol.is_file() and started.schema_file.parent == tmp_path / "new" / "deep"
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot be written: File exists"):
        start_protocol(path=tmp_path / "file" / "a.yaml")


def test_a_name_that_is_too_long_is_a_clear_error(tmp_path):
    with pytest.raises(OutputError, match="cannot be written"):
        start_protocol(path=tmp_path / ("a" * 300 + ".yaml"))
