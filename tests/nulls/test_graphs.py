"""A group's graph among others: what rewiring, rotations and random directions put in its place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hypotest.nulls.graphs import DRAWS_OF_RANDOM_GROUPS, among_other_graphs, has_network
from hypotest.nulls.registry import NULLS
from hypotest.testing.rung import CONTROL_GROUPS
from hypotest.testing.undefined import Undefined
from tests.nulls.kept import CORRELATED, EDGES, SIZE, Kept, drawn, graph, graph_task, within
from tests.nulls.tasks import MEAN_NUMBER, compared, measured, protocol_of, require_refused


@pytest.mark.parametrize("null", EDGES)
def test_what_is_drawn_are_graphs_of_as_many_neurons(null):
    weights, rung = drawn(null)
    assert weights.shape == (60, SIZE, SIZE)
    np.testing.assert_allclose(weights, weights.transpose(0, 2, 1), atol=1e-12)
    assert (weights >= 0).all() and (weights[:, range(SIZE), range(SIZE)] == 0).all()
    assert len({item.tobytes() for item in weights}) == 60
    np.testing.assert_allclose(rung.draws, within(weights))


@pytest.mark.parametrize("null", EDGES)
def test_the_same_numbers_give_the_same_graphs(null):
    assert np.array_equal(drawn(null)[0], drawn(null)[0])
    assert not np.array_equal(drawn(null)[0], drawn(null, seed=1)[0])


@pytest.mark.parametrize("null", EDGES)
def test_it_describes_and_says_so(null):
    _, rung = drawn(null)
    assert rung.comparison.descriptive and rung.groups is None
    assert NULLS[null].never_decides and any("describe" in note for note in rung.notes)
    observed, draws = rung.comparison.observed, rung.draws
    above, below = (np.sum(draws >= observed) + 1) / 61, (np.sum(draws <= observed) + 1) / 61
    expected = min(1.0, 2 * min(above, below)) if null == "rewired" else above
    assert rung.comparison.p_value == pytest.approx(expected)


@pytest.mark.parametrize(("null", "called"), EDGES.items())
def test_random_groups_stand_beside_it(null, called):
    kept = Kept()
    rung = compared(graph_task(null), null, kept.measure())
    assert [len(item) for item in kept.graphs] == [60] + [DRAWS_OF_RANDOM_GROUPS] * CONTROL_GROUPS
    values = kept.measure().values(np.zeros((CONTROL_GROUPS, SIZE)))
    above = [value > within(item).max() for value, item in zip(values, kept.graphs[1:], strict=True)]
    assert rung.beside == {f"random_groups_above_all_{called}": pytest.approx(np.mean(above))}


@pytest.mark.parametrize("null", EDGES)
def test_of_the_whole_layer_there_are_no_random_groups(null):
    whole = graph_task(null)
    few = replace(whole, evidence=whole.evidence.of_neurons(whole.selection.group))
    few = replace(few, selection=replace(few.selection, group=np.arange(SIZE)))
    rung = compared(few, null, Kept().measure())
    assert rung.beside == {} and len(rung.notes) == 2


def test_random_groups_without_a_value_take_nothing_from_the_tested_one():
    class Alone(Kept):
        def values(self, null, groups, graphs, n_draws):
            if len(groups) > 1:
                raise Undefined("none")
            return super().values(null, groups, graphs, n_draws)

    rung = compared(graph_task("rewired"), "rewired", Alone().measure())
    assert rung.beside == {} and len(rung.draws) == 60


@pytest.mark.parametrize("null", EDGES)
def test_it_applies_to_measures_of_graphs(null):
    asked = graph_task(null)
    assert NULLS[null].applies(measured(asked, Kept().measure()))
    assert not NULLS[null].applies(measured(asked, MEAN_NUMBER))
    assert has_network(measured(asked, Kept().measure()))
    assert NULLS[null].prepare(asked.protocol.nulls, asked) is None


def test_the_direction_that_counts_is_the_nulls():
    one = measured(graph_task("rewired"), Kept().measure())
    p_values = {}
    for alternative in ("two-sided", "less", "greater"):
        rung = among_other_graphs(
            one,
            "rewired",
            lambda group: lambda n, rng: np.repeat(graph(group)[None], n, axis=0) * 0.5,
            19,
            called="halves",
            note="note",
            alternative=alternative,
        )
        p_values[alternative] = rung.comparison.p_value
        assert rung.notes == ("note",)
    assert p_values == {"two-sided": 1.0, "less": 1.0, "greater": 1.0}  # shares of halves are the same


@pytest.mark.parametrize("null", EDGES)
def test_options_are_refused_and_words_say_how_many(null):
    require_refused(null, "draws", 0, 10**6 + 1)
    require_refused(null, "stop_after", 5)
    plan = protocol_of(null, draws=1234)
    options, words = getattr(plan.nulls, null), NULLS[null].words
    for said in (
        words.explained(options, plan),
        words.method(options, plan),
        words.registered(options, plan),
    ):
        assert "1,234" in said
    assert "descriptive" in words.registered(options, plan)
    assert ("one-sided" in words.registered(options, plan)) is (null in CORRELATED)
