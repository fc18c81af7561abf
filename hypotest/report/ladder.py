"""The ladder of nulls: which claim survives which opponent, for all predictions at once.

The protocol names the null that decides. The others ask weaker, stricter or different questions of
the same group, and a claim that survives only one of them is a claim about that one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hypotest.inference.multiplicity import monte_carlo_floor
from hypotest.measures.partition_agreement import SHUFFLED
from hypotest.nulls.registry import NULLS, counted_together, one_sided
from hypotest.pages.document import Heading, Items, Part, Table, table
from hypotest.pages.inline import BREAK, Inline, Kind, Span, emphasis, joined, prose, term
from hypotest.predicates.units import EXCHANGES, permuted_name
from hypotest.records.protocol.conditions import UNNAMED, Conditions, named
from hypotest.records.protocol.design import PERMUTED
from hypotest.records.protocol.prediction import Outcome
from hypotest.records.results.prediction_result import NullComparison, PredictionResult
from hypotest.records.results.results import Results
from hypotest.report.numbers import (
    DECLARED_VALUE,
    count_text,
    fixed,
    p_text,
    prediction_text,
    significant,
)
from hypotest.report.picture import Picture, figures_of, panel_id, prediction_picture

LADDER_SECTION = "ladder of nulls"
"""Not a name that a prediction can have."""
OTHER_CONDITION = "the other condition"
SIGNS: dict[Outcome, str] = {
    "less": "▼",
    "greater": "▲",
    "equivalent": "≈",
    "inconclusive": "○",
    "undefined": "×",
}
NO_CONCLUSION_SIGN = "⊘"
"""Of a comparison that allows no conclusion, whatever its p."""
EQUIVALENCE_SIGN = "‡"
_LARGE_Z = 100

_OTHERS = {
    PERMUTED: "do {first} and {second} targets differ more than token types of like count whose labels "
    "are dealt out at random? Each draw is divided by its own standard error, and stands beside the test "
    "by t.",
    **{
        permuted_name(unit): "do {first} and {second} targets differ more than where labels are dealt out "
        + item.over
        + " at random? Each draw is divided by its own standard error, and stands beside the test by t."
        for unit, item in EXCHANGES.items()
        if unit != "type"
    },
    OTHER_CONDITION: "do {first} and {second} targets differ, by t with the error over documents and "
    "types? No draws, and no z.",
    SHUFFLED: "do the neurons that act together belong to one declared part more often than where the "
    "parts are dealt out anew over the group's neurons?",
    DECLARED_VALUE: "is it unlike a number that the protocol fixed in advance? No draws, and no z.",
}


def _questions(names: Conditions) -> dict[str, str]:
    """What each opponent asks, in the order of the ladder."""
    asked = {
        name: null.words.question_of(variant, names)
        for null in NULLS.values()
        for name, variant in null.ids()
    }
    return {**asked, **{name: named(text, names) for name, text in _OTHERS.items()}}


@dataclass(frozen=True, slots=True)
class Step:
    """One prediction against one opponent."""

    opponent: str
    outcome: Outcome
    """Direction where p is within the level; for the opponent that decides, the prediction's outcome."""
    z: float | None
    p_value: float | None
    of_equivalence: bool
    """Whether p is that of the equivalence test."""
    decides: bool
    descriptive: bool
    too_few: int | None = None
    """Number of draws, where with so few no p can reach the level; then their mean stands for z and p."""
    mean: float | None = None
    """Of the draws."""
    no_conclusion: bool = False
    """Whether the comparison allows none, as where matching leaves the null's groups apart from the group."""

    @property
    def sign(self) -> str:
        """What was found; nothing where nothing could be."""
        if self.too_few is not None:
            return ""
        return NO_CONCLUSION_SIGN if self.no_conclusion else SIGNS[self.outcome]

    @property
    def z_text(self) -> str:
        """``-6.10``, or nothing where the null does not vary; with too few draws, their mean."""
        if self.too_few is not None:
            return significant(self.mean, 3)
        return "" if self.z is None else fixed(self.z, 2 if abs(self.z) < _LARGE_Z else 0)

    @property
    def p_text(self) -> str:
        """``p 0.0002``, marked where it is that of equivalence; ``mean of 3`` with too few draws."""
        if self.too_few is not None:
            return f"mean of {count_text(self.too_few)}"
        return "" if self.p_value is None else f"p {p_text(self.p_value)}{self.mark}"

    @property
    def mark(self) -> str:
        """Marks a p-value of equivalence."""
        return EQUIVALENCE_SIGN if self.of_equivalence else ""


@dataclass(frozen=True, slots=True)
class Ladder:
    """All rungs of a run: predictions by opponents."""

    opponents: tuple[str, ...]
    """Those that can decide first, in the order of the question they ask; then the descriptive ones."""
    n_descriptive: int
    """How many opponents at the end are descriptive for every prediction."""
    rungs: dict[str, dict[str, Step]]
    """Prediction -> opponent -> rung; absent where that opponent makes no sense."""

    @property
    def every_rung(self) -> list[Step]:
        """Row by row."""
        return [rung for row in self.rungs.values() for rung in row.values()]


def ladder_of(results: Results) -> Ladder:
    """Collect what every prediction found against every opponent."""
    level = level_of(results)
    rungs = {item.id: {rung.opponent: rung for rung in _rungs(item, level)} for item in results.predictions}
    drawn = list(dict.fromkeys(name for row in rungs.values() for name in row))
    known = list(_questions(UNNAMED))
    drawn.sort(key=lambda name: known.index(name) if name in known else len(known))
    apart = [name for name in drawn if all(row[name].descriptive for row in rungs.values() if name in row)]
    return Ladder((*(name for name in drawn if name not in apart), *apart), len(apart), rungs)


def claims_of(item: PredictionResult) -> dict[str, str]:
    """What each hypothesis claims here, as signs: ``{"distributed": "≈▼"}``; silent ones are left out."""
    return {
        name: "".join(sign for outcome, sign in SIGNS.items() if outcome in expected)
        for name, expected in item.expects.items()
        if expected
    }


def ladder_section(results: Results, figures: Sequence[Picture]) -> Iterable[Part]:
    """Table, figure and reading aid; nothing where no prediction has an opponent that was drawn."""
    if not any(item.ladder for item in results.predictions):
        return
    ladder = ladder_of(results)
    blocked = any(rung.no_conclusion for rung in ladder.every_rung)
    yield Heading("The ladder of nulls")
    yield prose(
        "Predictions stand below one another, their opponents side by side: the {}'s z and two-sided p{}, "
        "unadjusted, among that opponent's draws. ▲ and ▼ say that the group lies significantly above or "
        "below them, ○ that it cannot be told apart from them{}, and the name beneath is the hypothesis "
        "whose claim survives there; **bold** is the opponent that the protocol lets decide{}",
        term("group"),
        one_sided(ladder.opponents),
        f", {NO_CONCLUSION_SIGN} that the comparison allows no conclusion" if blocked else "",
        prose(", *italic* ones describe and never decide.")
        if any(rung.descriptive for rung in ladder.every_rung)
        else ".",
    )
    yield from figures_of(figures, LADDER_SECTION)
    yield ladder_table(results, figures)
    if blocked:
        yield (
            f"{NO_CONCLUSION_SIGN} has its reason at the prediction or at the balance of covariates: none of "
            "its p-values says anything, however small."
        )
    if any(rung.of_equivalence for rung in ladder.every_rung):
        yield (
            f"≈ lies inside the margin of equivalence, which is asked of the deciding opponent only; "
            f"{EQUIVALENCE_SIGN} p of that equivalence test."
        )
    if any(rung.too_few for rung in ladder.every_rung):
        yield "Without a sign: so few draws that no p could reach the level; their mean stands there."
    yield "What each opponent asks:"
    questions = _questions(Conditions(*results.corpus.conditions))
    yield Items(
        tuple((term(name), f": {questions.get(name, 'see the methods.')}") for name in ladder.opponents)
    )
    yield from counted_together(ladder.opponents)


def ladder_table(results: Results, figures: Sequence[Picture] = ()) -> Table:
    """Predictions by opponents; each cell opens its panel, where a format can.

    Args:
        results: The run.
        figures: Those beside the page.
    """
    drawn = {item.name for item in figures}
    ladder = ladder_of(results)
    first_apart = len(ladder.opponents) - ladder.n_descriptive
    opponents = [
        emphasis(f"{name}, descriptive") if place >= first_apart else name
        for place, name in enumerate(ladder.opponents)
    ]
    rows: list[tuple[Inline, ...]] = []
    for number, item in enumerate(results.predictions, start=1):
        picture = prediction_picture(number, item.id)
        opens = f"figures/{picture}" if picture in drawn else ""
        claims = joined(BREAK, (f"{sign} {name}" for name, sign in claims_of(item).items()))
        rungs = ladder.rungs[item.id]
        cells = (_cell(rungs[name], item, opens) if name in rungs else "" for name in ladder.opponents)
        rows.append((item.id + ("" if item.role == "deciding" else f" ({item.role})"), claims, *cells))
    return table(["prediction", "claimed", *opponents], rows)


def _rungs(item: PredictionResult, level: float) -> Iterable[Step]:
    # A contrast with a declared number or with another condition is decided by its interval; what was drawn
    # stands beside it. And one without an outcome has none that decides among its nulls.
    opponent = {"value": DECLARED_VALUE, "condition": OTHER_CONDITION}.get(item.reference, "")
    none_decides = opponent or item.outcome == "undefined"
    if none_decides:
        yield _deciding(item, opponent or item.against, None, level)
    for place, rung in enumerate(item.ladder):
        if place == 0 and not none_decides:
            yield _deciding(item, rung.id, rung.z, level, rung.blocked is not None)
        else:
            yield Step(
                opponent=rung.id,
                outcome=_outcome(rung, level),
                z=rung.z,
                p_value=rung.p_value,
                of_equivalence=False,
                decides=False,
                descriptive=rung.descriptive,
                too_few=rung.n_draws if too_few_draws(rung, level) else None,
                mean=rung.mean,
                no_conclusion=rung.blocked is not None,
            )


def _deciding(
    item: PredictionResult, opponent: str, z: float | None, level: float, blocked: bool = False
) -> Step:
    # An interval or a median that contradicts a small p leaves the outcome open, as imbalance does.
    contradicted = item.p_value is not None and item.p_value <= level
    of_equivalence = prediction_text(item).of_equivalence
    return Step(
        opponent=opponent,
        outcome=item.outcome,
        z=z,
        p_value=item.p_equivalence if of_equivalence else item.p_value,
        of_equivalence=of_equivalence,
        decides=item.role != "descriptive",
        descriptive=item.role == "descriptive",
        no_conclusion=item.outcome == "inconclusive" and (blocked or contradicted),
    )


def _outcome(rung: NullComparison, level: float) -> Outcome:
    """The direction is relative to the null's median, as for the null that decides."""
    if rung.blocked is not None or rung.p_value > level or rung.percentile == 50:
        return "inconclusive"
    return "greater" if rung.percentile > 50 else "less"


def _cell(rung: Step, item: PredictionResult, opens: str) -> Inline:
    label = " z " if rung.too_few is None else ""
    z = f"{label}{rung.z_text}" if rung.z_text else ""
    numbers = ", ".join(part for part in (f"{rung.sign}{z}".strip(), rung.p_text) if part)
    kind: Kind = "strong" if rung.decides else "emphasis" if rung.descriptive else "plain"
    survivors = (name for name, signs in claims_of(item).items() if rung.sign and rung.sign in signs)
    if opens and any(null.id == rung.opponent for null in item.ladder):
        opens = f"{opens}#{panel_id(rung.opponent)}"
    elif item.ladder:
        opens = ""  # the figure shows what was drawn, which this opponent was not
    return joined(BREAK, [Span(numbers, kind, opens=opens), *survivors])


def too_few_draws(rung: NullComparison, level: float) -> bool:
    """Whether a comparison has so few draws that no p of it could reach the level."""
    return monte_carlo_floor(rung.planned_draws or rung.n_draws) > level


def level_of(results: Results) -> float:
    """Of a single test, as the protocol says."""
    return float((results.protocol.get("decision") or {}).get("level", 0.05))
