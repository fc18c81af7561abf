"""Covariates in words, and whether the units of a protocol have them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from hypotest.nulls.covariates import EXACT, PLAIN, in_words, needs_weights, reads, without_weights
from hypotest.nulls.null import Null
from hypotest.nulls.registry import NULLS
from hypotest.records.evidence.channels import Channel
from hypotest.records.protocol.protocol import Protocol
from tests.nulls.tasks import protocol_of


def plan(**subject: object) -> Protocol:
    made = protocol_of("size_matched", draws=9)
    return made.model_copy(update={"subject": made.subject.model_copy(update=subject)})


def matching() -> list[Null]:
    return [null for null in NULLS.values() if "on" in null.options.model_fields]


def test_every_covariate_has_its_words():
    assert set(PLAIN) == set(EXACT)
    for null in matching():
        for name in PLAIN:
            try:
                options = null.options(on=(name,))
            except ValueError:
                continue
            assert PLAIN[name] in null.words.explained(options, plan())
            assert EXACT[name] in null.words.method(options, plan())
    assert [null.name for null in matching()] == ["covariate_matched", "local_matched"]


def test_a_sentence_lists_them():
    names = ("activation_mean", "activation_sd", "output_norm")
    assert in_words(names, PLAIN, plan()) == "mean activation, spread of activation and output weight"
    assert in_words(names[:1], PLAIN, plan()) == "mean activation"


def test_weights_that_units_lack_are_left_out_of_it_unless_nothing_else_is_said():
    heads = plan(units="heads")
    assert without_weights(heads) and not without_weights(plan())
    assert in_words(("activation_sd", "output_norm"), PLAIN, heads) == "spread of activation"
    assert in_words(("output_norm",), PLAIN, heads) == "output weight"


def test_of_a_network_they_may_or_may_not_be_known():
    rows = plan(network="small")
    assert rows.material == "rows"
    said = in_words(("activation_sd", "output_norm"), PLAIN, rows)
    assert said == "spread of activation and output weight (where it is known)"


@pytest.mark.parametrize(
    ("on", "channels"),
    [
        (("output_norm",), {Channel.WEIGHTS}),
        (("output_norm", "activation_sd"), set()),
        (("activation_sd",), set()),
    ],
)
def test_what_matching_cannot_do_without(on, channels):
    options = SimpleNamespace(on=on)
    assert reads(options) == channels
    assert reads(SimpleNamespace()) == set()
    assert (needs_weights(options, plan(units="heads")) == "") is (not channels)
    assert needs_weights(options, plan()) == ""
