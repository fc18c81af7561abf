"""A run against registrations that it does, and does not, agree with."""

import dataclasses
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from hypotest.errors import OutputError, ProtocolError
from hypotest.records.registration import Registration
from hypotest.registration import canonical, load_protocol, protocol_hash
from hypotest.studies.export.deviations import export_deviations
from hypotest.studies.export.deviations_page import HEADINGS
from hypotest.studies.export.study import export_registration
from tests.registrations import enter, fingerprint_of

ROOT = Path(__file__).parents[3]
EXAMPLE = Path("reports/rare-tokens/some-run")


@pytest.fixture
def done(monkeypatch):
    """A finished run's plan and what it did, as its results and its manifest hold them."""
    plan = load_protocol(ROOT / "protocols" / "rare-tokens.yaml")
    fingerprint = fingerprint_of(plan)
    data = dataclasses.asdict(fingerprint)
    manifest = {
        **{name: data[name] for name in ("hashes", "revision", "layer", "split", "seed", "kept_out")},
        "evidence": {**data["evidence"], "was_cached": False},
        "hypotest": fingerprint.versions["hypotest"],
        "versions": {name: value for name, value in fingerprint.versions.items() if name != "hypotest"},
    }
    results = SimpleNamespace(
        title=plan.title,
        protocol=plan.model_dump(mode="json"),
        registration=Registration("exploratory", ("not registered",)),
    )
    run = SimpleNamespace(folder=EXAMPLE, results=results, manifest=json.loads(json.dumps(manifest)))
    monkeypatch.setattr("hypotest.studies.export.deviations.Run", SimpleNamespace(open=lambda _: run))
    return plan, fingerprint


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "rare-tokens.yaml"
    path.write_bytes((ROOT / "protocols" / "rare-tokens.yaml").read_bytes())
    return path


def rows(text):
    """Cells of the table, by what they are about."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    assert lines[0] == f"| {' | '.join(HEADINGS)} |"
    cells = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines[2:]]
    return {line[0].replace("\\", ""): line[1:] for line in cells}


def registered_as(path, plan, fingerprint, **changes):
    """A lock of another plan and otherwise what the example did."""
    other = dataclasses.replace(
        fingerprint,
        plan=canonical(plan),
        hashes=dataclasses.replace(
            fingerprint.hashes, protocol=protocol_hash(plan), **changes.pop("hashes", {})
        ),
        seed=plan.seed,
        **changes,
    )
    return enter(path.parent, other, path.name)


def test_before_a_run_the_table_is_empty_and_says_how_it_is_filled(path):
    text = export_registration(path)
    assert f"| {' | '.join(HEADINGS)} |" in text
    assert "`hypotest export PROTOCOL --run RUN`" in text
    assert all(not any(cells) for cells in rows(text[text.index(f"| {HEADINGS[0]} |") :]).values())


def test_registered_and_done_are_filled_in_and_reasons_are_left(path, done):
    plan, fingerprint = done
    other = plan.model_copy(update={"seed": plan.seed + 1, "title": "Another question?"})
    versions = {**fingerprint.versions, "numpy": "1.0"}
    lock = registered_as(path, other, fingerprint, versions=versions, hashes={"code": 64 * "0"})
    text = export_deviations(path, EXAMPLE)
    table = rows(text)
    assert set(table) == {"seed", "title", "versions.numpy", "hashes.code"}
    assert table["seed"][:2] == [str(plan.seed + 1), str(plan.seed)]
    assert table["title"][:2] == ["Another question?", plan.title]
    assert table["versions.numpy"][:2] == ["1.0", fingerprint.versions["numpy"]]
    assert "can change every number" in table["seed"][3]
    assert "no number" in table["title"][3]
    assert "software only" in table["versions.numpy"][3]
    assert {cells[2] for cells in table.values()} == {"*(yours to write)*"}
    assert lock.registered in text and "does not name this lock as its own" in text


def test_a_run_that_did_as_registered(path, done):
    registered_as(path, *done)
    text = export_deviations(path, EXAMPLE)
    assert "Nothing that the lock names was done otherwise." in text
    assert "| none |" in text


def test_without_a_lock_there_is_nothing_to_deviate_from(path, done):
    text = export_deviations(path, EXAMPLE)
    assert "There is no registration to deviate from" in text
    assert "| what |" not in text


def test_a_folder_that_is_no_run(path, tmp_path):
    with pytest.raises(OutputError, match=r"results\.json"):
        export_deviations(path, tmp_path)


def test_what_cannot_be_read_is_a_clear_error(path, done, tmp_path):
    with pytest.raises(ProtocolError, match=r"nowhere.yaml: no such file"):
        export_deviations(tmp_path / "nowhere.yaml", EXAMPLE)
    with pytest.raises(OutputError, match="cannot be written"):
        export_deviations(path, EXAMPLE, tmp_path)


def test_the_command_writes_it(path, done, tmp_path, capsys):
    from hypotest.__main__ import main

    plan, fingerprint = done
    registered_as(path, plan.model_copy(update={"seed": 1}), fingerprint)
    with pytest.raises(SystemExit) as ended:
        main(["export", str(path), "--run", str(EXAMPLE), "--out", str(tmp_path / "a" / "deviations.md")])
    assert ended.value.code == 0
    text = (tmp_path / "a" / "deviations.md").read_text(encoding="utf-8")
    assert "seed" in rows(text)
    assert load_protocol(path).title in text
