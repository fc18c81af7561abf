"""Which groups can be asked for, and where it is said if one cannot."""

from __future__ import annotations

import pytest

PLATEAU = "select: plateau, otherwise: {top_fraction: 0.02}"


def _group(text: str) -> tuple[str, str]:
    return PLATEAU, text


@pytest.mark.parametrize(
    "group",
    ["select: {top_fraction: 0.9}", "select: {top: 5}", "select: {ids: [5, L3N300]}",
     "select: {top: 5}, by: selectivity", "select: {top: 5}, by: activation_t",
     "select: plateau, otherwise: {top: 20}"],
)  # fmt: skip
def test_groups_without_fault(problems_of, group):
    assert problems_of(_group(group)) == []


@pytest.mark.parametrize(
    ("group", "place", "key", "message"),
    [
        ("select: {top_fraction: 1.5}", "7:32", "group.select.top_fraction", "must be at most 1; found 1.5"),
        ("select: {top: 0}", "7:23", "group.select.top", "must be at least 1; found 0"),
        ("select: {ids: []}", "7:18", "group.select.ids", "must not be empty"),
        ("select: {ids: [4, -1]}", "7:27", "group.select.ids.#2", "must be the number of a neuron in the"),
        ("select: {ids: [4, 5.3]}", "7:27", "group.select.ids.#2", "must be the number of a neuron in the"),
        ("select: {ids: [4, L3]}", "7:27", "group.select.ids.#2", "must be the number of a neuron in the"),
        ("select: {ids: [4, 9, 4]}", "7:30", "group.select.ids.#3", "must be listed once; found 4 again"),
        ("select: {ids: [4, L2N4]}", "7:27", "group.select.ids.#2", "must be listed once; found 'L2"),
        ("select: {ids: [L2N4, L3N5]}", "7:30", "group.select.ids.#2", "must be of one layer, as L2N4 is"),
        ("select: {ids: [4], top: 3}", "7:9", "group.select", "must have exactly one of top_f"),
        ("select: {otp: 3}", "7:18", "group.select.otp", "unknown key 'otp'; did you mean 'top'?"),
        ("select: plateau, otherwise: {ids: [3]}", "7:38", "group.otherwise.ids", "unknown key 'ids'"),
        ("select: plateau, by: selectivity, otherwise: {top: 3}", "7:30", "group.by", "a plateau is one"),
        ("select: {top: 3}, by: loudness", "7:31", "group.by", "must be one of delta_loss, sel"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_for_is_said_where_it_stands(problems_of, group, place, key, message):
    problem = problems_of(_group(group))[0]
    assert (problem.severity, problem.key) == ("error", key)
    assert problem.where.endswith(f":{place}")
    assert problem.message.startswith(message)


def test_neurons_are_held_against_the_layer(problems_of):
    # the reference model: 2,048 neurons, tested at the last of its 4 layers
    problems = problems_of(_group("select: {ids: [3, 2048, 7, L3N4000]}"))
    assert [(item.key, item.message) for item in problems] == [
        ("group.select.ids.#2", "must be one of the layer's 2,048 neurons, 0 to 2047; found 2048"),
        ("group.select.ids.#4", "must be one of the layer's 2,048 neurons, 0 to 2047; found 'L3N4000'"),
    ]
    (problem,) = problems_of(_group("select: {ids: [3, L2N7]}"))
    assert (problem.key, problem.message.partition(";")[0]) == (
        "group.select.ids.#2",
        "must be of the tested layer 3 (subject.layer)",
    )
    (problem,) = problems_of(_group("select: {top: 2048}"))
    assert problem.message == (
        "must be less than the layer's 2,048 neurons; found 2,048: write `all` for the whole layer"
    )


@pytest.mark.parametrize("group", ["select: all", "select: {top_fraction: 1}"])
def test_the_whole_layer_has_no_other_groups(problems_of, group):
    problems = problems_of(_group(group))
    assert [item.key for item in problems] == ["nulls.size_matched"]
    assert problems[0].message.startswith(
        "draws other groups of the layer, and the group is the whole layer: remove"
    )
    assert "label_shuffled" in problems[0].message and "local_matched" not in problems[0].message


def test_a_group_that_is_given_is_not_selected_again(problems_of):
    again = ("seed: 1", "seed: 1\nintervals: {reselection: true}")
    (problem,) = problems_of(_group("select: {ids: [3, 4]}"), again)
    assert (problem.severity, problem.key) == ("warning", "intervals.reselection")
    (problem,) = problems_of(_group("select: {ids: [3, 4]}, by: selectivity"))
    assert (problem.severity, problem.key) == ("warning", "group.by")


def test_named_neurons_are_of_one_layer(problems_of):
    problems = problems_of(_group("select: {ids: [3, 4]}"), ("seed: 1", "seed: 1\nsubject: {layer: all}"))
    assert "group.select.ids" in [item.key for item in problems]
