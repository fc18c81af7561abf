"""What measures and nulls of other packages give is checked before it is believed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from hypotest.errors import RunError
from hypotest.ladder import against_nulls
from hypotest.ladder.against_nulls import compare_with_nulls
from hypotest.ladder.errors import errors_of
from hypotest.measures.registry import MEASURES
from hypotest.nulls.registry import NULLS, Declared, _checked
from hypotest.testing import task as records
from hypotest.testing.undefined import Undefined
from tests.pipeline.planted import make_evidence, make_protocol, make_task

DIMENSION = {"measure": "effective_dimension", "contrast": {"null": "size_matched"}}


def asked_of(change=lambda bound: bound):
    protocol = make_protocol(DIMENSION, draws=99)
    task = make_task(protocol, make_evidence(0, effect=1.0))
    (item,) = protocol.predictions
    measure = MEASURES["effective_dimension"]
    bound = change(measure.tied(item, task.evidence, task.session))
    value = float(bound.values(task.selection.group[None, :])[0])
    return records.Tested(item, bound, value, task, decided_by_labels=False)


def with_groups(change):
    """The null of random neurons, with other groups behind its draws."""
    own = NULLS["size_matched"]

    def compare(asked, options, state, variant):
        return change(own.compare(asked, options, state, variant))

    return dataclasses.replace(own, compare=compare)


def altered(groups, place, value):
    other = groups.copy()
    other[place] = value
    return other


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda rung: dataclasses.replace(rung, groups=rung.groups[:, 1:]), "must draw groups of 20 neurons"),
        (lambda rung: dataclasses.replace(rung, groups=altered(rung.groups, 0, 3)), "that has one twice"),
        (
            lambda rung: dataclasses.replace(rung, groups=altered(rung.groups, (0, 0), 5000)),
            "columns of the evidence, 0 to 199",
        ),
        (
            lambda rung: dataclasses.replace(rung, draws=rung.draws[1:], groups=rung.groups[1:]),
            "must give 99 draws; found 98",
        ),
        (
            lambda rung: dataclasses.replace(
                rung, comparison=dataclasses.replace(rung.comparison, null="another")
            ),
            "must name itself in what it compares; found 'another'",
        ),
    ],
)
def test_draws_that_are_no_groups_of_this_layer_are_named(monkeypatch, change, reason):
    null = with_groups(change)

    def declared(protocol, *forms):
        yield Declared(null, protocol.nulls.size_matched)

    asked = asked_of()
    monkeypatch.setattr(against_nulls, "declared", declared)
    with pytest.raises(RunError, match=reason):
        compare_with_nulls(asked)


def test_resamples_that_disagree_with_the_values_give_no_interval():
    sound = asked_of()
    (rung, *_) = compare_with_nulls(sound)[0].values()
    assert errors_of(sound, rung).reason == ""
    off = asked_of(
        lambda bound: dataclasses.replace(bound, resamples=lambda *given: bound.resamples(*given) + 0.5)
    )
    errors = errors_of(off, rung)
    assert errors.variances is None
    assert "with all rows its resamples give" in errors.reason
    assert np.isfinite(sound.observed)


@pytest.mark.parametrize("part", ["prepare", "compare"])
def test_what_the_code_of_a_null_raises_is_said_in_its_place(part):
    def slip(*_):
        return {}["mine"]

    own = NULLS["size_matched"]
    mine = _checked("mine", dataclasses.replace(own, name="mine", gives_sd=False, **{part: slip}), {})
    with pytest.raises(Undefined, match=r"null 'mine' raised KeyError: 'mine' \(test_checks.py, line \d+\)"):
        getattr(mine, part)(*[None] * (2 if part == "prepare" else 4))
    assert mine.home.suffix == ".py"
