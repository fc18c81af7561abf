"""A run's protocol is found where it lies, also that of a series of which it is a member."""

from __future__ import annotations

import pytest

import hypotest
from hypotest.registration import protocol_hash
from hypotest.studies.verify.protocol_file import find_protocol
from tests.texts import ROOT

SINGLE = ROOT / "protocols" / "rare-tokens.yaml"


def member(**axes):
    """Manifest and plan of a run."""
    plan = hypotest.load_protocol(SINGLE).member(**axes)
    return plan, {"hashes": {"protocol": protocol_hash(plan)}}


@pytest.mark.parametrize(
    ("subject", "axes", "is_its_file"),
    [
        ("{model: reference}", {}, True),
        ("{model: reference}", {"layer": 2}, False),
        ("{model: reference, layer: all}", {"layer": 2}, True),
        ("{model: reference, layer: [1, 2]}", {"layer": 2}, True),
        ("{model: reference, layer: [0, 1]}", {"layer": 2}, False),
        ("{model: reference, layer: [-1, 1]}", {"layer": 3}, True),
        ("{model: [reference, a/b]}", {"model": "a/b"}, True),
        ("{model: [reference, a/b]}", {"model": "a/c"}, False),
        ("{model: 'a/b-{seed}', seed: [1, 2]}", {"model": "a/b-2"}, True),
        ("{model: a/b, revision: [step1, step2]}", {"model": "a/b", "revision": "step2"}, True),
        ("{model: a/b, revision: [step1, step2]}", {"model": "a/b", "revision": "step3"}, False),
        ("{model: [a/b, a/c], revision: [step1, step2], layer: all}",
         {"model": "a/c", "revision": "step1", "layer": 0}, True),
    ],
)  # fmt: skip
def test_the_file_that_a_run_is_of(tmp_path, monkeypatch, subject, axes, is_its_file):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "protocols").mkdir()
    path = tmp_path / "protocols" / "rare-tokens.yaml"
    begin, end = SINGLE.read_text(encoding="utf-8").split("subject:")
    rest = end[end.index("\n\n") :]
    path.write_text(f"{begin}subject: {subject}{rest}", encoding="utf-8")
    plan, manifest = member(**axes)
    assert find_protocol(plan, manifest, None) == (path.relative_to(tmp_path) if is_its_file else None)
