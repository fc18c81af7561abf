"""Networks that hypotest trains itself are trained where somebody can see it."""

from pathlib import Path

import pytest

from hypotest.pipeline.subject import load_subject
from hypotest.registration import load_protocol
from hypotest.subjects.controls.registry import CONTROLS

EXPERTS = Path(__file__).parents[2] / "protocols" / "networks" / "experts.yaml"


@pytest.mark.slow
def test_a_network_that_is_trained_says_so_and_once(tmp_path, monkeypatch):
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path))
    plan, told = load_protocol(EXPERTS), []

    def start_stage(name, n_steps):
        told.append((name, n_steps))
        return lambda: told.append("done")

    control = CONTROLS[plan.subject.network]
    assert not control.is_kept()
    first = load_subject(plan, EXPERTS.parent, "cpu", start_stage)
    assert told == [(f"training {control.name}, this once", 1), "done"]
    assert control.is_kept()
    again = load_subject(plan, EXPERTS.parent, "cpu", start_stage)
    assert len(told) == 2 and again.fingerprint == first.fingerprint
