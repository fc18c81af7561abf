"""Verdicts: the rule's truth tables, and what must hold for every set of predictions."""

from __future__ import annotations

import dataclasses
import itertools
import random
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypotest.records.protocol.prediction import Outcome, Role
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.records.results.results import HypothesisVerdict
from hypotest.verdict import decide, stance

HYPOTHESES = ("modular", "distributed")


def prediction(
    name: str,
    outcome: Outcome,
    modular: tuple[str, ...] = (),
    distributed: tuple[str, ...] = (),
    role: Role = "deciding",
    p_adjusted: float | None = None,
    p_equivalence_adjusted: float | None = None,
) -> PredictionResult:
    return PredictionResult(
        id=name,
        role=role,
        measure="modularity",
        title="Q",
        observed=1.0,
        reference="size_matched",
        reference_value=0.5,
        reference_sd=0.1,
        effect=0.5,
        ratio=2.0,
        standardized=5.0,
        interval=None,
        interval_95=None,
        margin=None,
        equivalence_ceiling=None,
        p_value=None,
        p_error=None,
        p_adjusted=p_adjusted,
        p_equivalence=None,
        p_equivalence_adjusted=p_equivalence_adjusted,
        outcome=outcome,
        smallest_effect=None,
        expects={"modular": modular, "distributed": distributed},
        stances={},
    )


def verdicts(*predictions: PredictionResult) -> dict[str, HypothesisVerdict]:
    return {item.hypothesis: item for item in decide(predictions, HYPOTHESES, 0.05)}


class TestStance:
    @pytest.mark.parametrize(
        ("outcome", "expects", "expected"),
        [
            ("less", ("less",), "supports"),
            ("less", ("equivalent", "less"), "supports"),
            ("less", ("greater",), "contradicts"),
            ("less", ("equivalent",), "contradicts"),
            ("greater", ("equivalent", "less"), "contradicts"),
            ("equivalent", ("equivalent",), "supports"),
            ("equivalent", ("less",), "contradicts"),
            ("inconclusive", ("less",), "open"),
            ("inconclusive", ("equivalent",), "open"),
            ("inconclusive", (), "silent"),
            ("less", (), "silent"),
        ],
    )
    def test_table(self, outcome: Outcome, expects: tuple[str, ...], expected: str) -> None:
        assert stance(outcome, expects, "deciding") == expected
        assert stance(outcome, expects, "premise") == expected
        assert stance(outcome, expects, "descriptive") == "silent"


GREATER, LESS, SAME = ("greater",), ("less",), ("equivalent",)


class TestDecide:
    def test_one_supported_and_one_refuted(self) -> None:
        decided = verdicts(
            prediction("special", "greater", GREATER, GREATER, "premise"),
            prediction("regimes", "less", GREATER, GREATER, "descriptive"),
            prediction("dimension", "less", (), LESS, p_adjusted=0.001),
            prediction("clustering", "equivalent", GREATER, ("equivalent", "less"), p_adjusted=1.0,
                       p_equivalence_adjusted=0.012),
        )  # fmt: skip
        distributed, modular = decided["distributed"], decided["modular"]
        assert distributed.status == "supported"
        assert distributed.supported_by == ("special", "dimension", "clustering")
        assert distributed.silent == ("regimes",)
        assert distributed.reason == "As expected: special, dimension and clustering."
        assert modular.status == "refuted"
        assert (modular.contradicted_by, modular.refuted_by) == (("clustering",), ("clustering",))
        assert modular.silent == ("regimes", "dimension")
        assert modular.reason == ("clustering came out equivalent, expected greater (adjusted p = 0.012).")

    @pytest.mark.parametrize(
        ("outcome", "p", "p_equivalence", "expected"),
        [
            ("less", 0.05, None, "refuted"),
            ("less", 0.051, 0.001, "undecided"),
            ("less", None, 0.001, "undecided"),
            ("equivalent", 0.001, 0.05, "refuted"),
            ("equivalent", 0.001, 0.051, "undecided"),
            ("equivalent", 0.001, None, "undecided"),
            ("inconclusive", 0.06, 0.2, "undecided"),
            ("greater", 0.9, None, "supported"),  # support needs the unadjusted level only
        ],
    )
    def test_which_p_value_refutes(
        self, outcome: Outcome, p: float | None, p_equivalence: float | None, expected: str
    ) -> None:
        item = prediction("a", outcome, GREATER, (), "deciding", p, p_equivalence)
        assert verdicts(item)["modular"].status == expected

    @pytest.mark.parametrize(
        ("second", "expected"),
        [("greater", "supported"), ("inconclusive", "undecided"), ("less", "undecided")],
    )
    def test_every_prediction_is_needed(self, second: Outcome, expected: str) -> None:
        decided = verdicts(
            prediction("a", "greater", GREATER, p_adjusted=0.001),
            prediction("b", second, GREATER, p_adjusted=0.2),
        )
        assert decided["modular"].status == expected

    def test_one_contradiction_refutes_whatever_the_others_say(self) -> None:
        verdict = verdicts(
            prediction("a", "less", GREATER, p_adjusted=0.01),
            prediction("b", "greater", GREATER, p_adjusted=0.001),
            prediction("c", "inconclusive", GREATER, p_adjusted=1.0),
            prediction("d", "less", GREATER, p_adjusted=0.3),
        )["modular"]
        assert verdict.status == "refuted"
        assert (verdict.supported_by, verdict.open) == (("b",), ("c",))
        assert (verdict.contradicted_by, verdict.refuted_by) == (("a", "d"), ("a",))

    @pytest.mark.parametrize(
        ("premises", "expected"),
        [
            (("greater",), {"modular": "supported", "distributed": "refuted"}),
            (("less",), {"modular": "not applicable", "distributed": "not applicable"}),
            (("equivalent",), {"modular": "not applicable", "distributed": "not applicable"}),
            (("inconclusive",), {"modular": "undecided", "distributed": "undecided"}),
            (
                ("inconclusive", "less"),
                {"modular": "not applicable", "distributed": "not applicable"},
            ),
            (("greater", "inconclusive"), {"modular": "undecided", "distributed": "undecided"}),
        ],
    )
    def test_premises_are_gates(self, premises: tuple[Outcome, ...], expected: dict[str, str]) -> None:
        decided = verdicts(
            *(
                prediction(f"p{i}", outcome, GREATER, GREATER, "premise")
                for i, outcome in enumerate(premises)
            ),
            prediction("a", "greater", GREATER, LESS, p_adjusted=0.001),
        )
        assert {name: item.status for name, item in decided.items()} == expected

    def test_a_premise_of_one_hypothesis_is_a_gate_for_all(self) -> None:
        decided = verdicts(
            prediction("p", "less", GREATER, (), "premise", p_adjusted=0.001),
            prediction("a", "less", GREATER, LESS, p_adjusted=0.001),
        )
        assert decided["modular"].contradicted_by == ("p", "a")
        assert decided["modular"].refuted_by == ("a",)
        assert {item.status for item in decided.values()} == {"not applicable"}
        assert decided["distributed"].reason == "Premise failed: p came out less."

    def test_a_premise_on_which_none_speaks_is_no_gate(self) -> None:
        decided = verdicts(
            prediction("p", "inconclusive", (), (), "premise"),
            prediction("a", "less", GREATER, LESS, p_adjusted=0.001),
        )
        assert (decided["modular"].status, decided["distributed"].status) == ("refuted", "supported")

    def test_a_premise_alone_supports_nothing(self) -> None:
        decided = verdicts(prediction("p", "greater", GREATER, GREATER, "premise"))
        assert decided["modular"].status == "undecided"
        assert decided["modular"].supported_by == ("p",)
        assert decided["modular"].reason == "No deciding prediction says anything of it."

    def test_descriptive_predictions_never_decide(self) -> None:
        decided = verdicts(
            prediction("d", "less", GREATER, GREATER, "descriptive", p_adjusted=0.0001),
            prediction("a", "greater", GREATER, GREATER, p_adjusted=0.001),
        )
        assert {item.status for item in decided.values()} == {"supported"}

    def test_reasons_of_doubt_name_the_predictions(self) -> None:
        verdict = verdicts(
            prediction("a", "less", GREATER, p_adjusted=0.12),
            prediction("b", "inconclusive", GREATER, p_adjusted=1.0),
        )["modular"]
        assert verdict.reason == (
            "a came out less, expected greater (adjusted p = 0.12), not enough to refute it after "
            "the correction; inconclusive: b."
        )

    def test_no_predictions_and_unnamed_hypotheses(self) -> None:
        assert decide((), ("x",), 0.05)[0].status == "undecided"
        named = decide((prediction("a", "less", LESS),), ("modular", "third"), 0.05)
        assert [(item.hypothesis, item.status) for item in named] == [
            ("modular", "supported"),
            ("third", "undecided"),
        ]
        assert named[1].silent == ("a",)

    def test_refuses(self) -> None:
        with pytest.raises(ValueError, match="'majority'"):
            decide((), (), 0.05, "majority")  # type: ignore[arg-type]  # what is tested
        item = prediction("a", "less", LESS)
        with pytest.raises(ValueError, match="different ids"):
            decide((item, item), HYPOTHESES, 0.05)

    def test_the_whole_table_of_two_predictions(self) -> None:
        """A premise and a deciding prediction, both expected to be greater: 4 x 4 outcomes."""
        outcomes: tuple[Outcome, ...] = ("less", "greater", "equivalent", "inconclusive")
        for first, second, p in itertools.product(outcomes, outcomes, (0.01, 0.5)):
            if first == "inconclusive":
                expected = "undecided"
            elif first != "greater":
                expected = "not applicable"
            elif second == "greater":
                expected = "supported"
            elif second == "inconclusive" or p > 0.05:
                expected = "undecided"
            else:
                expected = "refuted"
            decided = verdicts(
                prediction("p", first, GREATER, (), "premise", p, p),
                prediction("a", second, GREATER, (), "deciding", p, p),
            )
            assert decided["modular"].status == expected, (first, second, p)


OUTCOMES: st.SearchStrategy[Outcome] = st.sampled_from(("less", "greater", "equivalent", "inconclusive"))
EXPECTS = st.sampled_from(((), LESS, GREATER, SAME, ("less", "equivalent"), ("less", "greater")))
ROLES: st.SearchStrategy[Role] = st.sampled_from(("deciding", "premise", "descriptive"))
P = st.one_of(st.none(), st.sampled_from((0.001, 0.05, 0.051, 1.0)))


@st.composite
def prediction_lists(draw: st.DrawFn) -> list[PredictionResult]:
    rows = draw(st.lists(st.tuples(OUTCOMES, EXPECTS, EXPECTS, ROLES, P, P), max_size=6))
    return [prediction(f"p{i}", *row) for i, row in enumerate(rows)]


def statuses(predictions: Sequence[PredictionResult], level: float = 0.05) -> list[str]:
    return [item.status for item in decide(predictions, HYPOTHESES, level)]


class TestInvariants:
    @given(predictions=prediction_lists())
    @settings(deadline=None, max_examples=200)
    def test_each_prediction_has_one_stance_and_the_status_follows(
        self, predictions: list[PredictionResult]
    ) -> None:
        for item in decide(predictions, HYPOTHESES, 0.05):
            parts = (item.supported_by, item.contradicted_by, item.open, item.silent)
            assert sorted(itertools.chain(*parts)) == sorted(x.id for x in predictions)
            assert set(item.refuted_by) <= set(item.contradicted_by)
            assert item.reason.endswith(".")
            if item.status == "supported":
                assert item.supported_by
                assert not item.contradicted_by
                assert not item.open
            if item.status == "refuted":
                assert item.refuted_by
            if item.refuted_by:
                assert item.status in ("refuted", "not applicable", "undecided")

    @given(predictions=prediction_lists(), outcome=OUTCOMES, role=ROLES, expects=EXPECTS, p=P)
    @settings(deadline=None, max_examples=200)
    def test_a_silent_prediction_changes_nothing(
        self,
        predictions: list[PredictionResult],
        outcome: Outcome,
        role: Role,
        expects: tuple[str, ...],
        p: float | None,
    ) -> None:
        said = expects if role == "descriptive" else ()
        silent = prediction("silent", outcome, said, said, role, p, p)
        before = decide(predictions, HYPOTHESES, 0.05)
        after = decide([*predictions, silent], HYPOTHESES, 0.05)
        assert [dataclasses.replace(item, silent=()) for item in after] == [
            dataclasses.replace(item, silent=()) for item in before
        ]

    @given(predictions=prediction_lists(), seed=st.integers(0, 1000))
    @settings(deadline=None, max_examples=200)
    def test_order_does_not_matter(self, predictions: list[PredictionResult], seed: int) -> None:
        shuffled = random.Random(seed).sample(predictions, len(predictions))
        assert statuses(shuffled) == statuses(predictions)
        assert [item.status for item in decide(predictions, HYPOTHESES[::-1], 0.05)] == statuses(predictions)[
            ::-1
        ]

    @given(predictions=prediction_lists())
    @settings(deadline=None, max_examples=100)
    def test_a_stricter_level_refutes_no_more(self, predictions: list[PredictionResult]) -> None:
        strict, lenient = statuses(predictions, 0.01), statuses(predictions, 0.05)
        for one, other in zip(strict, lenient, strict=True):
            assert one == other or (one, other) == ("undecided", "refuted")
