import math
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from hypotest.errors import ProtocolError
from hypotest.ladder.distinct import count_distinct, number_text
from hypotest.pipeline.checks.reach import check_reach
from hypotest.pipeline.checks.remedies import changed, find_remedies, largest_sample, most_positions, redraw
from hypotest.registration import check_protocol
from tests.pipeline.drawn import draw_text
from tests.pipeline.planted import make_protocol

pytestmark = pytest.mark.slow

SHUFFLED = {
    "measure": "selectivity",
    "contrast": {"null": "label_shuffled"},
    "role": "premise",
    "expects": {"modular": ["greater"], "distributed": ["greater"]},
}
MATCHED = {
    "measure": "effective_dimension",
    "contrast": {"null": "size_matched"},
    "margin": {"null_sd": 2},
    "expects": {"modular": ["greater"], "distributed": ["less"]},
}
PATH = Path("protocol.yaml")


def count(n_rare_types, n_common_types, prediction, n_neurons=200, select=None):
    """Distinct draws where every type stands once, all in one document."""
    n = n_rare_types + n_common_types
    conditions = ["rare"] * n_rare_types + ["common"] * n_common_types
    positions = pl.DataFrame(
        {
            "document": [0] * n,
            "target": list(range(n)),
            "condition": pl.Series(conditions, dtype=pl.Enum(["rare", "common"])),
        }
    )
    counted = count_distinct(make_protocol(prediction, select=select), positions, n_neurons)
    return {item.null: item for item in counted}


def test_relabellings_are_counted():
    # (6 choose 3) = 20 relabellings, where 2 * 1 / 0.05 = 40 are needed; (10 choose 5) = 252
    counted = count(3, 3, SHUFFLED)["label_shuffled"]
    assert (counted.number, counted.needed, counted.is_enough) == ("20", 40, False)
    counted = count(5, 5, SHUFFLED)["label_shuffled"]
    assert (counted.number, counted.is_enough) == ("252", True)


def test_a_null_that_decides_nothing_may_be_coarse():
    assert count(3, 3, MATCHED)["label_shuffled"].is_enough
    assert count(3, 3, {**SHUFFLED, "role": "descriptive", "expects": {}})["label_shuffled"].is_enough


def test_groups_are_counted_where_the_layer_is_known():
    # a tenth of 10 neurons is one neuron: 10 distinct groups
    counted = count(5, 5, MATCHED, n_neurons=10)["size_matched"]
    assert (counted.number, counted.what, counted.is_enough) == ("10", "groups of 1 of 10 neurons", False)
    assert "size_matched" not in count(5, 5, MATCHED, n_neurons=None)


def test_numbers_that_are_too_large_to_write():
    assert number_text(math.log10(math.comb(200, 20))) == "over 10^27"
    assert number_text(0.0) == "1"


def coarse(**changes):
    """A plan with hardly any relabellings: rare types that occur once, common ones that occur always."""
    values = {
        "conditions.rare.target.frequency.elbow": "keep",
        "conditions.common.target.frequency.elbow": "keep",
        "sample.positions": 40,
        "conditions.rare.target.frequency.below_percentile": 4,
        "conditions.common.target.frequency.from_percentile": 98,
    }
    plan = changed(make_protocol(SHUFFLED), tuple({**values, **changes}.items()))
    assert plan is not None
    return plan


def short_of(plan, drawn, n_neurons=200):
    (short,) = [
        item for item in count_distinct(plan, drawn.sampled.positions, n_neurons) if not item.is_enough
    ]
    return short


def test_few_relabellings_are_refused_with_what_does():
    plan = coarse()
    drawn = draw_text(plan)
    with pytest.raises(ProtocolError) as caught:
        check_reach(plan, drawn, 200, PATH)
    (problem,) = caught.value.problems
    short = short_of(plan, drawn)
    assert problem.key == "nulls.label_shuffled"
    assert problem.message.startswith(
        "needs at least 40 distinct relabellings (over token types) for a two-sided p-value to reach 0.05; "
        f"this text and layer have {short.number}. "
    )
    remedies = find_remedies(plan, drawn, 200, short)
    assert len(remedies) >= 3
    for number, item in enumerate(remedies, start=1):
        assert f"({number}) {item.words}" in problem.message


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("n_neurons", [200, None])
def test_every_remedy_that_is_named_is_accepted(seed, n_neurons):
    """Its positions are drawn anew from the whole text, as the run of the changed plan would."""
    plan = coarse(seed=seed)
    drawn = draw_text(plan, seed=seed)
    kinds = set()
    for item in find_remedies(plan, drawn, n_neurons, short_of(plan, drawn, n_neurons)):
        assert not [finding for finding in check_protocol(item.plan) if finding.severity == "error"]
        check_reach(item.plan, draw_text(item.plan, seed=seed), 200, PATH)
        for key, value in item.changes:
            assert f"{key}: {value:g}" in item.words if isinstance(value, float) else str(value) in item.words
        kinds.add(item.changes[-1][0].rsplit(".", 1)[-1])
    assert {"from_percentile", "role", "null"} <= kinds  # covariate_matched where the layer is not known


@pytest.mark.parametrize("seed", range(4))
def test_more_positions_are_named_only_where_they_do(seed):
    plan = coarse(seed=seed)
    drawn = draw_text(plan, seed=seed)
    most = most_positions(plan, drawn)
    assert redraw(coarse(seed=seed, **{"sample.positions": most}), drawn) is not None
    assert redraw(coarse(seed=seed, **{"sample.positions": most + 2}), drawn) is None
    largest = largest_sample(plan, drawn, "label_shuffled")
    assert largest is not None and largest[0] == most
    with pytest.raises(ProtocolError) as caught:
        check_reach(plan, drawn, 200, PATH)
    named = [item for item in find_remedies(plan, drawn, 200, short_of(plan, drawn))
             if item.changes[0][0] == "sample.positions"]  # fmt: skip
    refused = f"More positions do not do: all {most:,} of this text give {largest[1]}."
    assert (refused in str(caught.value)) != bool(named)


@pytest.mark.parametrize(
    ("first", "second", "column"),
    [({"token": {"frequency": {"below_percentile": 2, "elbow": "keep"}}},
      {"token": {"frequency": {"from_percentile": 98, "elbow": "keep"}}}, "token"),
     ({"index": {"from": 16}}, {"index": {"below": 16}}, "span")],
)  # fmt: skip
def test_what_is_drawn_again_has_the_units_of_its_labels(first, second, column):
    conditions = {"rare": first, "common": second}
    more = {"sample.positions": 20, "sample.match": [], "sample.max_per_type": "none"}
    plan = changed(make_protocol(SHUFFLED), tuple({"conditions": conditions, **more}.items()))
    assert plan is not None
    drawn = draw_text(plan)
    positions = redraw(plan, drawn)
    assert positions is not None and column in positions.columns
    if column == "token":  # three of either kind: (6 choose 3) = 20 relabellings at most
        with pytest.raises(ProtocolError, match=r"distinct relabellings .over types of the current token"):
            check_reach(plan, drawn, 200, PATH)


def test_few_groups_are_mended_by_larger_ones():
    plan = changed(make_protocol(MATCHED), (("sample.positions", 40),))
    drawn = draw_text(plan)
    with pytest.raises(ProtocolError, match=r"group\.select\.top_fraction: 0\.2 \(45, where 40 are needed\)"):
        check_reach(plan, drawn, 10, PATH)  # (10 choose 1) = 10, (10 choose 2) = 45
    (first, *_) = find_remedies(plan, drawn, 10, short_of(plan, drawn, 10))
    assert first.changes == (("group.select.top_fraction", 0.2),)


def test_no_plan_changes_without_a_valid_one():
    plan = make_protocol(SHUFFLED)
    assert changed(plan, (("sample.positions", 0),)) is None
    assert changed(plan, (("conditions.rare.target.frequency.below_percentile", 99),)) is None
    assert changed(plan, ()) == plan


def test_where_nothing_does_another_text_is_asked_for(monkeypatch):
    plan = coarse()
    drawn = draw_text(plan)
    monkeypatch.setattr("hypotest.pipeline.checks.reach.find_remedies", lambda *_: [])
    with pytest.raises(ProtocolError, match="Nothing that was tried on this text does: take another text"):
        check_reach(plan, SimpleNamespace(**vars(drawn)), 200, PATH)
