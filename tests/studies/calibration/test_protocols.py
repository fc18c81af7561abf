import pytest

from hypotest.errors import ProtocolError
from hypotest.nulls.registry import declared
from hypotest.predicates.combine import exchange_of
from hypotest.registration.template import shipped_plan, template_names
from hypotest.studies.calibration.protocols import FLAGSHIP, OTHER_LABELS, shipped, simulated, with_share
from hypotest.studies.calibration.scenarios import SCENARIOS


def test_every_shipped_protocol_is_simulated_once():
    names = [name for item in shipped() for name in item.names]
    assert sorted((*names, *OTHER_LABELS)) == sorted(template_names())
    assert all(exchange_of(shipped_plan(name)) == "type" for name in names)
    for name in OTHER_LABELS - {"language"}:  # whose texts are the user's own
        assert exchange_of(shipped_plan(name)) != "type"
    assert shipped()[0].name == FLAGSHIP
    assert "smollm2" in shipped()[0].names  # another model, and nothing else that is simulated


@pytest.mark.parametrize("name", [name for item in shipped() for name in item.names])
def test_what_is_simulated_is_the_protocol_itself(name):
    plan, protocol = shipped_plan(name), simulated(shipped_plan(name), name).protocol
    assert protocol.predictions == plan.predictions  # contrasts, options, margins, expectations
    assert protocol.decision == plan.decision
    assert protocol.group == plan.group
    for item in declared(protocol):
        (own,) = (one.options for one in declared(plan) if one.name == item.name)
        changed = {item.null.number, "stop_after"}
        assert item.options.model_dump(exclude=changed) == own.model_dump(exclude=changed)
        assert item.n_draws <= item.null.n_draws(own)


def test_draws_are_exact_and_reach_the_level():
    plan = shipped()[0].protocol
    for item in declared(plan):
        tests = max(1, plan.n_tests_of(item.name))
        assert 2 / (item.n_draws + 1) <= plan.decision.level / tests + 1e-12
        assert (item.n_draws + 1) * plan.decision.level / 2 == pytest.approx(
            round((item.n_draws + 1) * plan.decision.level / 2)
        )


def test_what_cannot_be_simulated_is_named():
    simulated_plan = simulated(shipped_plan(FLAGSHIP), "mine")
    left = {item.partition(":")[0] for item in simulated_plan.left_out}
    kept = {item.name for item in declared(simulated_plan.protocol)}
    assert left and not left & kept
    assert left | kept == {item.name for item in declared(shipped_plan(FLAGSHIP))}


def test_courses_over_checkpoints_are_left_out_and_without_them_nothing_may_be_left():
    plan = shipped_plan("minimal")
    course = plan.predictions[1]
    course = course.model_copy(update={"contrast": course.contrast.model_copy(update={"trajectory": True})})
    some = plan.model_copy(update={"predictions": (plan.predictions[0], course)})
    assert f"{course.id}: a course over checkpoints" in simulated(some, "mine").left_out[0]
    none = plan.model_copy(update={"predictions": (course,)})
    with pytest.raises(ProtocolError, match="mine: no prediction that decides can be simulated"):
        simulated(none, "mine")


def test_the_group_is_a_share_of_the_layer_with_and_without_a_plateau():
    plan = shipped_plan(FLAGSHIP)
    assert with_share(plan, 0.1).group.otherwise.top_fraction == 0.1
    assert with_share(plan, 0.1).group.select == "plateau"
    fixed = plan.model_copy(update={"group": plan.group.model_copy(update={"select": plan.group.otherwise})})
    assert with_share(fixed, 0.1).group.select.top_fraction == 0.1


def test_what_scenarios_say_names_predictions_and_hypotheses_that_exist():
    roles = {"premise", "deciding", "descriptive", "*"}
    plan = shipped()[0].protocol
    ids = {item.id for item in plan.predictions}
    for scenario in SCENARIOS:
        assert set(scenario.outcomes) <= ids | roles
        assert {place for place, _ in scenario.hard} <= ids | roles
        assert bool(scenario.why_hard) == bool(scenario.hard)
        assert set(scenario.verdicts) == set(plan.hypotheses)
    assert len({item.name for item in SCENARIOS}) == len(SCENARIOS)
