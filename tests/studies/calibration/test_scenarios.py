"""What scenarios plant is what they say: the flagship comes to the right verdict of a module and of none."""

from __future__ import annotations

import pytest

from hypotest.studies.calibration.cases import choose_cases
from hypotest.studies.calibration.one_simulation import simulate_range

VERDICTS = {
    "module": {"modular": "supported", "distributed": "refuted"},
    "distributed": {"modular": "refuted", "distributed": "supported"},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", VERDICTS)
def test_a_planted_module_is_called_one_and_a_spread_group_is_not(name: str) -> None:
    """With every prediction of the shipped protocol, lesions of whole groups among them."""
    (case,) = choose_cases([name])[:1]
    asked = {item.id for item in case.protocol.predictions}
    assert {"dissociation", "other-direction", "shared-influence"} <= asked
    (simulated,) = simulate_range(case, 1, 0, 1)
    assert {key: item["status"] for key, item in simulated["verdicts"].items()} == VERDICTS[name]
    for item in case.protocol.predictions:
        outcome = simulated["predictions"][item.id]["outcome"]
        assert item.role == "descriptive" or outcome in (*case.scenario.true_outcomes(item), "inconclusive")


def test_neurons_serve_both_conditions_unless_a_scenario_says_otherwise() -> None:
    for case in choose_cases([]):
        true = {item.id: case.scenario.true_outcomes(item) for item in case.protocol.predictions}
        if "dissociation" in true:
            is_module = case.scenario.name == "module"
            assert true["dissociation"] == (("greater",) if is_module else ("less",))
            assert true["shared-influence"] == (("less",) if is_module else ("greater",))
