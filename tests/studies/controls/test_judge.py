"""What is right of networks whose organisation is known."""

import pytest

from hypotest.studies.controls.judge import judge, rate_of
from hypotest.studies.controls.record import Examined, LesionTruth, Verdict


def examined(modular, distributed, distance=None, trained=True):
    verdict = Verdict({"modular": modular, "distributed": distributed}, {}, (), ((), ()), "")
    return Examined("a", 0, trained, "key", LesionTruth(((), ()), distance, None, (), ()), verdict)


M, D = ("supported", "refuted"), ("refuted", "supported")
U, A = ("undecided", "undecided"), ("not applicable", "not applicable")


@pytest.mark.parametrize(
    ("known", "statuses", "distance", "wanted"),
    [
        ("modular", M, 0.1, "right"),
        ("modular", U, 1.0, "wrong"),
        ("modular", D, 1.0, "wrong"),
        ("modular", A, 1.0, "wrong"),
        ("distributed", D, 1.0, "right"),
        ("distributed", M, 0.0, "wrong"),
        ("open", M, 0.5, "open"),
        ("lesions", M, 0.75, "right"),
        ("lesions", U, 0.75, "wrong"),
        ("lesions", U, 0.74, "right"),
        ("lesions", M, 0.51, "right"),
        ("lesions", M, 0.49, "wrong"),
        ("lesions", D, 0.49, "right"),
        ("lesions", D, 0.51, "wrong"),
        ("lesions", D, 0.25, "right"),
        ("lesions", U, 0.25, "wrong"),
        ("lesions", ("refuted", "refuted"), 0.5, "right"),
        ("lesions", A, 0.5, "wrong"),
        ("lesions", M, None, "wrong"),
    ],
)
def test_trained(known, statuses, distance, wanted):
    assert judge(known, examined(*statuses, distance)) == wanted


@pytest.mark.parametrize("known", ["modular", "distributed", "lesions", "open"])
def test_untrained_networks_have_nothing_to_organise(known):
    assert judge(known, examined(*A, trained=False)) == "right"
    for statuses in (M, D, U):
        assert judge(known, examined(*statuses, trained=False)) == "wrong"


def test_rates_leave_open_questions_out():
    assert rate_of(["open", "open"]) is None
    rate = rate_of(["right", "wrong", "open", "right"])
    assert (rate.count, rate.n) == (2, 3)
    # Clopper-Pearson for 2 of 3: the lower limit l solves 3 l^2 (1 - l) + l^3 = 0.025
    assert 3 * rate.low**2 * (1 - rate.low) + rate.low**3 == pytest.approx(0.025)
