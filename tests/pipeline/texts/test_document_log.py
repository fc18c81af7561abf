import json
import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest

import hypotest
from hypotest.errors import OutputError
from hypotest.pipeline.texts.document_log import LOG, log_viewing, read_log
from hypotest.records.seen import Viewing

ONE = Viewing(
    time="2026-11-21T12:00:00.500000+00:00",
    use="evaluation",
    plan="small",
    protocol=64 * "a",
    weights=64 * "b",
    layer=3,
    evidence=32 * "c",
    documents=("0" * 16, "1" * 16),
)


def test_what_is_written_is_read_in_order(tmp_path):
    assert read_log(tmp_path / "none") == ((), 0)
    other = replace(ONE, use="selection", layer=2, documents=())
    log_viewing(tmp_path / "new", ONE)
    log_viewing(tmp_path / "new", other)
    assert read_log(tmp_path / "new") == ((ONE, other), 0)
    assert len((tmp_path / "new" / LOG).read_bytes().splitlines()) == 2


@pytest.mark.parametrize(
    "damage",
    [
        lambda line: line[:40],
        lambda line: line.replace(b'"layer":3', b'"layer":2'),
        lambda line: b"[]",
        lambda line: b"\xff\x00",
        lambda line: b"[" * 100_000,
        lambda line: line.replace(b'"documents":["0', b'"documents":["f'),
    ],
)
def test_damaged_lines_are_counted_and_the_others_kept(tmp_path, damage):
    log_viewing(tmp_path, ONE)
    path = tmp_path / LOG
    line = path.read_bytes()
    path.write_bytes(line + damage(line.rstrip()))  # also a last line that was cut off
    log_viewing(tmp_path, replace(ONE, plan="behind"))
    viewings, damaged = read_log(tmp_path)
    assert [item.plan for item in viewings] == ["small", "behind"]
    assert damaged == 1


def test_a_line_of_another_kind_is_no_viewing(tmp_path):
    log_viewing(tmp_path, ONE)
    path = tmp_path / LOG
    data = json.loads(path.read_text())
    path.write_text(json.dumps({**data, "time": "yesterday"}) + "\n")
    assert read_log(tmp_path) == ((), 1)


def _write(arguments):
    folder, number = arguments
    for _ in range(20):
        log_viewing(
            folder, replace(ONE, plan=f"plan-{number}", documents=tuple("2" * 16 for _ in range(500)))
        )


def test_writers_at_once_do_not_mix_their_lines(tmp_path):
    with multiprocessing.get_context("fork").Pool(4) as pool:
        pool.map(_write, [(tmp_path, number) for number in range(4)])
    viewings, damaged = read_log(tmp_path)
    assert (len(viewings), damaged) == (80, 0)


def test_what_cannot_be_written_down_is_an_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="is written down there first"):
        log_viewing(tmp_path / "file", ONE)
    (tmp_path / LOG).mkdir()
    with pytest.raises(OutputError, match="cannot be read"):
        read_log(tmp_path)


def test_evidence_of_the_subject_is_collected_in_one_place_only():
    """Whoever collected past it would leave no line in the log."""
    package = Path(hypotest.__file__).parent
    collecting = ("collect_evidence(", "collect_selection(", "collect_measured(", "collect_lesions(")
    users = {
        path.relative_to(package).as_posix()
        for path in package.rglob("*.py")
        if any(name in path.read_text(encoding="utf-8") for name in collecting)
    }
    assert users == {
        "collect/evidence.py",
        "collect/lesions.py",
        "collect/measured.py",
        "pipeline/collection.py",
        "pipeline/lesions.py",
        "pipeline/untrained.py",  # other networks
        "studies/power/collection_costs.py",  # times again what `power` has collected of the selection split
    }
