"""Labels that mean nothing: what keeps its label together, how many labels there are, and who is selected."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import polars as pl
import pytest

from hypotest.errors import EvidenceError
from hypotest.nulls.registry import NULLS, declared_null
from hypotest.predicates.units import EXCHANGES
from hypotest.records.protocol.protocol import Protocol
from hypotest.testing.ranking import ranking
from hypotest.testing.relabelled import SHOWN_DRAWS, shuffled_labels
from tests.nulls.tasks import MEAN_NUMBER, compared, drawn, prepared, protocol_of, require_refused, task_of
from tests.pipeline.planted import make_evidence

NAME = "label_shuffled"
NULL = NULLS[NAME]


def rows(n_documents: int = 12, per: int = 12, seed: int = 0) -> pl.DataFrame:
    """Rows of documents whose first half are of one condition, with every column that units are told by."""
    rng, n = np.random.default_rng(seed), n_documents * per
    document, place = np.repeat(np.arange(n_documents), per), np.tile(np.arange(per), n_documents)
    return pl.DataFrame(
        {
            "document": document,
            "span": place // 3,
            "target": rng.integers(0, 12, n),
            "token": rng.integers(0, 12, n),
            "split": np.where(document < n_documents // 2, "selection", "evaluation"),
            "place": place,
        }
    )


LABELS = {  # by unit: labels that are the same within it, and differ within what they change places in
    "type": lambda frame: frame["target"] % 2 == 0,
    "token": lambda frame: frame["token"] % 2 == 0,
    "document": lambda frame: frame["document"] % 2 == 0,
    "cluster": lambda frame: frame["document"] % 2 == 0,
    "pair": lambda frame: frame["place"] % 2 == 0,
    "span": lambda frame: frame["span"] % 2 == 0,
    "within_type": lambda frame: frame["place"] % 2 == 0,
    "document_type": lambda frame: frame["target"] % 2 == 0,
    "position": lambda frame: frame["place"] % 3 == 0,
}


def labelled(unit: str) -> tuple[pl.DataFrame, np.ndarray]:
    frame = rows()
    first = LABELS[unit](frame).to_numpy()
    return frame.with_columns(condition=pl.Series(np.where(first, "rare", "common"))), first


def keys(frame: pl.DataFrame, names: tuple[str, ...]) -> list[tuple]:
    return frame.select(names).rows() if names else [(number,) for number in range(frame.height)]


def test_every_unit_is_tried_here():
    assert set(LABELS) == set(EXCHANGES)


@pytest.mark.parametrize("unit", LABELS)
def test_a_unit_keeps_one_label_and_strata_keep_how_many(unit):
    frame, first = labelled(unit)
    shuffled = shuffled_labels(frame, first, unit, 60, np.random.default_rng(1))
    exchange = EXCHANGES[unit]
    of_unit, of_stratum = (
        keys(frame, exchange.members),
        keys(frame, exchange.within) if exchange.within else None,
    )
    strata = of_stratum or [()] * frame.height
    known = Counter(
        (stratum, one)
        for stratum, one in dict(zip(of_unit, zip(strata, first, strict=True), strict=True)).values()
    )
    different = set()
    for draw in range(60):
        labels = shuffled.of_positions(draw)
        different.add(labels.tobytes())
        assert len(set(zip(of_unit, labels.tolist(), strict=True))) == len(set(of_unit))
        units = dict(zip(of_unit, zip(strata, labels, strict=True), strict=True))
        assert Counter((stratum, bool(one)) for stratum, one in units.values()) == {
            (stratum, bool(one)): count for (stratum, one), count in known.items()
        }
    assert len(different) > 25  # a few units have few labellings
    assert 10**shuffled.log10_distinct > len(different) * 0.99


@pytest.mark.parametrize("unit", [unit for unit, item in EXCHANGES.items() if item.by_count])
def test_a_draw_has_about_as_many_rows_of_each_label(unit):
    """Units change labels with units of as many rows, to a factor of two."""
    frame, first = labelled(unit)
    shuffled = shuffled_labels(frame, first, unit, 60, np.random.default_rng(1))
    counts = shuffled.of_positions(slice(None)).sum(axis=1)
    assert (counts >= first.sum() / 2).all() and (counts <= 2 * first.sum()).all()


def test_a_unit_with_both_labels_or_without_its_column_is_refused():
    frame, _ = labelled("type")
    with pytest.raises(ValueError, match="labels cannot be shuffled over token types to be predicted"):
        shuffled_labels(frame, (frame["place"] % 2 == 0).to_numpy(), "type", 9, np.random.default_rng(0))
    with pytest.raises(ValueError, match="shuffled by span, and the rows have no column span"):
        shuffled_labels(
            frame.drop("span"), LABELS["span"](frame).to_numpy(), "span", 9, np.random.default_rng(0)
        )


def test_a_type_has_one_label_in_both_splits_and_selection_is_repeated():
    task = task_of(NAME, make_evidence(0), draws=50)
    shuffled = prepared(task, NAME)["type"]
    evidence = task.evidence
    both = np.concatenate([evidence.selection.targets, evidence.evaluation.targets])
    codes = np.unique(both, return_inverse=True)[1]
    n_first = len(
        set(evidence.selection.targets[evidence.selection.first])
        | set(evidence.evaluation.targets[evidence.evaluation.first])
    )
    assert (shuffled.labels.sum(axis=1) == n_first).all()
    split = evidence.selection
    for draw in (0, 7, 49):
        own = shuffled.labels[draw][codes][: split.targets.size]
        ranked = ranking(split, own, ~own, "delta_loss")
        assert shuffled.first[draw].tolist() == np.sort(np.argsort(-ranked)[:20]).tolist()
        other = ranking(split, ~own, own, "delta_loss")
        assert shuffled.second[draw].tolist() == np.sort(np.argsort(-other)[:20]).tolist()
    assert np.array_equal(shuffled.evaluation_units, codes[split.targets.size :])


def test_finer_units_are_shown_with_fewer_draws_and_can_be_left_out():
    shuffled = drawn(NAME, make_evidence(0), draws=SHOWN_DRAWS + 50)
    assert {unit: len(item.first) for unit, item in shuffled.items()} == {
        "type": SHOWN_DRAWS + 50,
        "document_type": SHOWN_DRAWS,
        "position": SHOWN_DRAWS,
    }
    options = declared_null(protocol_of(NAME, draws=9), NAME).options
    assert NULL.variants(options) == ("type", "document_type", "position")
    alone = NULL.alone(options)
    assert NULL.variants(alone) == ("type",) and alone.draws == 9
    assert (NULL.evaluations(options), NULL.evaluations(alone)) == (2 * 3 * 9, 2 * 9)


def test_a_given_group_stays_as_it_is():
    shuffled = drawn(NAME, make_evidence(0), draws=9, select={"ids": [4, 9, 2]})["type"]
    assert {tuple(group) for group in (*shuffled.first, *shuffled.second)} == {(2, 4, 9)}
    assert len({row.tobytes() for row in shuffled.labels}) == 9


def test_a_seed_gives_its_labels():
    evidence = make_evidence(0)
    one, again, other = (drawn(NAME, evidence, draws=20, seed=seed)["type"].labels for seed in (1, 1, 2))
    assert np.array_equal(one, again) and not np.array_equal(one, other)


def test_the_group_among_those_that_labels_find():
    task = task_of(NAME, make_evidence(0), draws=99)
    rung = compared(task, NAME, variant="type", by_labels=True)
    groups = prepared(task, NAME)["type"].first
    np.testing.assert_allclose(rung.draws, [MEAN_NUMBER.values(group[None])[0] for group in groups])
    assert (rung.comparison.variant, rung.comparison.descriptive) == ("type", False)
    observed = task.selection.group.mean()
    tails = (rung.draws <= observed).sum(), (rung.draws >= observed).sum()
    assert rung.comparison.observed == observed
    assert rung.comparison.p_value == pytest.approx(min(1, 2 * (min(tails) + 1) / 100))
    assert rung.comparison.sd == pytest.approx(np.std(rung.draws, ddof=1)) and rung.comparison.sd > 1
    assert rung.beside["common_group"] == MEAN_NUMBER.values(task.selection.second[None])[0]
    assert len(rung.arms) == 2 and all(item.beside for item, _ in rung.arms)


def test_labels_decide_selectivity_alone_and_finer_units_stand_without_arms():
    task = task_of(NAME, make_evidence(0), draws=19)
    described = compared(task, NAME, variant="type")
    assert described.comparison.descriptive
    finer = compared(task, NAME, variant="position", by_labels=True)
    assert finer.arms == () and finer.beside == {}


def conditions(first: dict, second: dict, **options: object) -> Protocol:
    plan = protocol_of(NAME, draws=99, **options)
    data = plan.model_dump(exclude_none=True) | {"conditions": {"one": first, "two": second}}
    return Protocol.model_validate(data)


TARGET = ({"target": {"matches": "a"}}, {"target": {"matches": "b"}})
TOKEN = ({"token": {"matches": "a"}}, {"token": {"matches": "b"}})


@pytest.mark.parametrize(("told", "unit"), [(TARGET, "type"), (TOKEN, "token")])
def test_the_unit_follows_from_the_conditions(told, unit):
    plan = conditions(*told)
    assert plan.nulls.label_shuffled.unit is None
    assert declared_null(plan, NAME).options.unit == unit
    assert NULL.unfit(declared_null(plan, NAME).options, plan) == ""
    assert NULL.only_describes(declared_null(plan, NAME).options, plan) == ""


def test_a_unit_that_tears_labels_apart_is_refused_and_a_finer_one_describes():
    torn = conditions(*TARGET, unit="token")
    said = NULL.unfit(declared_null(torn, NAME).options, torn)
    assert said.startswith(
        "labels of one and two are shuffled over token types, and over types of the current"
    )
    assert said.endswith("found token: leave `unit` out, or take one of type, document_type, position")
    fine = conditions(*TARGET, unit="position")
    assert NULL.unfit(declared_null(fine, NAME).options, fine) == ""
    assert "shuffling them over a finer unit (position) rejects too often" in NULL.only_describes(
        declared_null(fine, NAME).options, fine
    )


def test_labels_told_by_two_things_are_not_calibrated():
    both = conditions({"all": [*TARGET[:1], *TOKEN[:1]]}, {"all": [*TARGET[1:], *TOKEN[1:]]})
    said = NULL.only_describes(declared_null(both, NAME).options, both)
    assert "for which shuffled labels are not calibrated" in said


def test_how_many_relabellings_there_are():
    """Of 4 types of two rows 2 are rare: 4 choose 2 labellings."""
    plan, names = conditions(*TARGET), ["rare", "rare", "common", "common"] * 2
    frame = pl.DataFrame(
        {
            "document": np.arange(8),
            "target": [0, 1, 2, 3] * 2,
            "condition": pl.Series(names, dtype=pl.Enum(["rare", "common"])),
        }
    )
    options = declared_null(plan, NAME).options
    logarithm, what = NULL.distinct(options, plan, frame, None)
    assert logarithm == pytest.approx(math.log10(6)) and what == "relabellings (over token types)"
    mixed = frame.with_columns(target=pl.Series([0, 1, 0, 3] * 2))
    with pytest.raises(EvidenceError, match=r"nulls\.label_shuffled: labels cannot be shuffled"):
        NULL.distinct(options, plan, mixed, None)


def test_options_are_refused_with_their_place():
    require_refused(NAME, "draws", 0, 10**6 + 1)
    require_refused(NAME, "unit", "word", "types", 3)
    require_refused(NAME, "stop_after", 5)


def test_words_say_whether_the_selection_is_repeated():
    for select, said in (
        ({"top": 5}, "groups that the same selection finds"),
        ({"ids": [1]}, "the same neurons"),
    ):
        plan = protocol_of(NAME, select, draws=1234)
        options = declared_null(plan, NAME).options
        assert "1,234" in NULL.words.explained(options, plan) and said in NULL.words.explained(options, plan)
        assert "over token types" in NULL.words.method(options, plan)
        assert ("the selection repeated" in NULL.words.registered(options, plan)) is (select == {"top": 5})
        assert NULL.words.registered(options, plan).endswith("It decides selectivity alone.")
