"""Plans of runs that are kept, also where packages that they used are gone."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from pydantic import ValidationError

from hypotest.registration import canonical, load_protocol
from hypotest.registration.locks.recorded import recorded_plan

FLAGSHIP = load_protocol(Path(__file__).parents[3] / "protocols" / "rare-tokens.yaml")


def test_with_everything_installed_it_is_the_plan():
    recorded = recorded_plan(FLAGSHIP.model_dump(mode="json"))
    assert canonical(recorded.plan) == canonical(FLAGSHIP)
    assert recorded.missing == ""


def test_what_is_gone_is_named_and_left_out():
    data = copy.deepcopy(FLAGSHIP.model_dump(mode="json"))
    data["nulls"]["contiguous"] = {"draws": 99}
    data["nulls"]["never_declared"] = None
    data["multiverse"] = {"sign": ["absolute"], "variance": [0.9]}
    data["predictions"][3]["measure"] = "kurtosis"
    recorded = recorded_plan(data)
    assert (recorded.measures, recorded.nulls) == (("kurtosis",), ("contiguous",))
    assert recorded.missing == (
        "no measure kurtosis here and no null contiguous here: install the package that brings it"
    )
    assert recorded.plan.multiverse.listed == {"variance": (0.9,)}
    assert recorded.plan.nulls == FLAGSHIP.nulls


def test_what_is_no_plan_stays_none():
    with pytest.raises(ValidationError):
        recorded_plan({**FLAGSHIP.model_dump(mode="json"), "seed": "x"})
    with pytest.raises(ValidationError):
        recorded_plan({**FLAGSHIP.model_dump(mode="json"), "nulls": 3})
