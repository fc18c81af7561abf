"""What `make bench` asks of both states of the code; the benchmark itself is run by hand."""

from __future__ import annotations

from hypotest.engine.session import Session
from hypotest.pipeline.prepare import prepare
from hypotest.registration.load import load_protocol
from tests.benchmarks.stages import QUESTIONS_BEFORE
from tests.example import ROOT


def test_the_questions_of_then_are_todays_but_for_what_came_later() -> None:
    """So that ratios compare like with like, and stay those of the reference protocol."""
    then, now = load_protocol(QUESTIONS_BEFORE), load_protocol(ROOT / "protocols" / "rare-tokens.yaml")
    later = {item.id for item in now.predictions} - {item.id for item in then.predictions}
    assert later == {"dissociation", "other-direction", "shared-influence"}
    assert then.predictions == tuple(item for item in now.predictions if item.id not in later)
    asked = {name for name, null in then.nulls if null is not None}
    assert {name for name, _ in now.nulls} - asked == {"rotated_correlation", "random_directions"}
    assert then.nulls == now.nulls.model_copy(update=dict.fromkeys(dict(now.nulls).keys() - asked))
    assert (then.seed, then.decision, then.conditions) == (now.seed, now.decision, now.conditions)
    assert then.placebos == 0


def test_the_text_gives_as_many_positions_as_then() -> None:
    """What bounds came since must be lifted, or the benchmark ends in an error after minutes."""
    plan = load_protocol(QUESTIONS_BEFORE)
    prepared = prepare(plan, QUESTIONS_BEFORE.parent, Session.start(plan.seed, device="cpu"), kept_out=())
    assert (
        sum(int(sample.first.sum()) for sample in prepared.samples.values()) == plan.sample.positions == 8192
    )
