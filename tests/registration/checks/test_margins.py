import pytest

from hypotest.registration.checks.margins import left_to_power, margin_findings
from tests.pipeline.planted import make_protocol

BASE = {
    "measure": "effective_dimension",
    "contrast": {"null": "size_matched"},
    "margin": {"null_sd": 2},
    "expects": {"modular": "equivalent", "distributed": "less"},
}


def messages(n_tests=2, **changes):
    made = make_protocol({**BASE, **changes})
    more = tuple(made.predictions[0].model_copy(update={"id": f"x{place}"}) for place in range(1, n_tests))
    return [
        item.message
        for item in margin_findings(made.model_copy(update={"predictions": (*made.predictions, *more)}), 0)
    ]


@pytest.mark.parametrize(
    ("null_sd", "n_tests", "wide"),
    [
        (2.0, 1, False),  # 1.96, and a twentieth
        (2.1, 1, True),
        (2.3, 2, False),  # z(1 - 0.05 / 4) = 2.241
        (2.4, 2, True),
        (2.8, 7, False),  # z(1 - 0.05 / 14) = 2.690
        (2.9, 7, True),
    ],
)
def test_a_margin_beyond_the_corrected_critical_value_is_too_wide(null_sd, n_tests, wide):
    texts = messages(n_tests, margin={"null_sd": null_sd})
    assert any("too wide" in text for text in texts) == wide


def test_a_margin_that_holds_too_few_random_groups_is_out_of_reach():
    (text,) = messages(margin={"null_sd": 1})
    assert "about 68% of random groups" in text and "1.64" in text
    assert messages(margin={"null_sd": 1.65}) == []
    assert messages(margin={"null_sd": 1}, expects={"modular": "greater", "distributed": "less"}) == []


def test_what_needs_data_is_left_to_power():
    for changes in (
        {"margin": {"raw": 5}},
        {"contrast": {"null": "covariate_matched"}, "margin": {"null_sd": 9}},
        {"margin": None},
        {"role": "descriptive", "margin": {"null_sd": 9}},
    ):
        assert messages(**changes) == []
    assert left_to_power(make_protocol(BASE)) == ()
    assert left_to_power(make_protocol({**BASE, "margin": {"raw": 5}})) == ("one",)
    assert left_to_power(make_protocol({**BASE, "contrast": {"null": "covariate_matched"}})) == ("one",)
