"""What calibration prints and writes: rates of false positives, coverage, verdicts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hypotest.pages.document import Document, Heading, Items, Part, document, table
from hypotest.pages.inline import prose, strong
from hypotest.records.results.sentences import sentence_list
from hypotest.report.numbers import count_text
from hypotest.studies.calibration.one_simulation import WHOLE_SHARE
from hypotest.studies.calibration.record import (
    COVERAGE_TOLERANCE,
    Calibration,
    Cell,
    Miss,
)
from hypotest.studies.calibration.tables import (
    coverage_table,
    legend,
    level_tables,
    outcome_table,
    percent,
    total,
    verdict_table,
    with_bounds,
)


def conclusion(result: Calibration) -> str:
    """Whether every claimed level is kept, beyond what chance does among so many rates."""
    n_claimed, n_high = len(result.claimed), sum(cell.is_high(result.level) for _, cell in result.claimed)
    expected = n_claimed * (1 - result.confidence) / 2
    above = (
        f"Of {count_text(n_claimed)} claimed rates {n_high} lie above {100 * result.level:g} % by their own "
        f"interval, where chance alone would put up to {expected:.1f}"
    )
    if result.failures:
        places = [f"{name}: {cell.prediction} against {cell.null}" for name, cell in result.failures]
        return f"LEVEL EXCEEDED in {sentence_list(places)}. {above}."
    return f"No claimed level is exceeded, all rates taken together. {above}."


def calibration_page(calibration: Calibration) -> Document:
    """All tables, for a file and for the console; legible from 80 columns on."""
    return document(_parts(calibration))


def _parts(calibration: Calibration) -> Iterator[Part]:
    yield Heading("Calibration", 1)
    yield prose(
        "The pipeline on simulated layers whose truth is known (hypotest {}, code `{}`, seed {}). Numbers "
        "are per cent, each with {}.",
        calibration.hypotest_version,
        calibration.code[:16],
        str(calibration.seed),
        _confidence(calibration),
    )
    yield strong(conclusion(calibration), "bad" if calibration.failures else None)
    yield from _protocols(calibration)
    yield Heading("Decisions")
    yield verdict_table(calibration.scenarios)
    yield prose(
        "*wrong*: some hypothesis is refuted by an outcome that is not true, premises aside. Right verdicts "
        "carry a star. *diff.*: so many more would be refuted if a significant difference alone, not one "
        "beyond the margin, contradicted an expected equivalence."
    )
    if any(item.coverage for item in calibration.scenarios):
        yield from _coverage(calibration)
    yield Heading("False positives")
    if meanings := legend(calibration):
        yield prose(
            "Simulations with p <= {}; **bold** is what decides. {}.",
            f"{calibration.level:g}",
            f"{meanings[0].upper()}{meanings[1:]}",
        )
    for item in calibration.scenarios:
        if item.cells:
            yield Heading(item.name, 3)
            yield (
                f"{count_text(item.n_simulations)} simulations, {count_text(item.n_whole)} of them whole: "
                f"{item.what}."
            )
            if item.why_hard:
                yield f"In brackets, no level is claimed: {item.why_hard}."
            yield from level_tables(item, calibration.level)
    planted = [item for item in calibration.scenarios if item.planted]
    if planted:
        yield Heading("Outcomes where effects are planted")
    for item in planted:
        yield Heading(item.name, 3)
        yield f"{item.what}."
        yield outcome_table(item)


_MISSES: dict[Miss, str] = {
    "narrow": "is too narrow",
    "biased": "covers what texts of its own length would show, and not what more text would: effects of a "
    "group and of its controls are biased unequally by finite text",
    "wide": "is wider than it need be",
}


def _protocols(calibration: Calibration) -> Iterator[Part]:
    """What was put to the proof, how large, and what was not."""
    yield Heading("What was simulated")
    yield Items(
        tuple(
            prose(
                "{}: {}. Draws: {}.{}",
                sentence_list(item.names),
                item.sizes,
                ", ".join(f"{name} {count_text(draws)}" for name, draws in item.draws.items()),
                f" Left out: {'; '.join(item.left_out)}." if item.left_out else "",
            )
            for item in calibration.protocols
        )
    )
    yield (
        "Predictions, options, contrasts, margins, level, correction and rule are the protocols' own. Draws "
        "are as few as the level allows: the rate of false positives does not depend on their number. One "
        f"simulation in {WHOLE_SHARE} is whole; of the others only the tests that decide are made, "
        "with fewer draws still, and where effects are planted none."
    )


def _coverage(calibration: Calibration) -> Iterator[Part]:
    yield Heading("Coverage of intervals")
    yield prose(
        "How often intervals hold the true effect over new documents and new token types: in as much text as "
        "there is, and, *here*, as the mean over texts as long as the analysed one. *TOST*: how "
        "often equivalence is concluded with the margin at the true effect, which must not exceed {} %. ! is "
        "further than {} points below its level, + above it, by the rate's own interval.",
        f"{100 * calibration.level:g}",
        f"{100 * COVERAGE_TOLERANCE:g}",
    )
    yield coverage_table(calibration.scenarios)
    missed: dict[tuple[str, Miss], list[str]] = {}
    for name, row in calibration.missed:
        missed.setdefault((row.measure, row.miss), []).append(name)
    if missed:
        yield Items(
            tuple(
                f"{measure} {_MISSES[miss]} in {sentence_list(names)}."
                for (measure, miss), names in missed.items()
            )
        )


def calibration_summary(calibration: Calibration) -> Document:
    """One row per scenario, for the README."""
    rows = []
    for item in calibration.scenarios:
        claimed = [cell for cell in item.cells if cell.claimed]
        hard = [cell for cell in item.cells if not cell.claimed]
        covered = [row.of_90.value for row in item.coverage]
        right = [
            f"{row.hypothesis}: {percent(total(row.counts, row.right) / item.n_whole)}"
            for row in item.verdicts
        ]
        rows.append(
            (
                item.name,
                _worst(claimed),
                _worst(hard),
                f"{percent(min(covered))} to {percent(max(covered))}" if covered else "",
                with_bounds(item.family_wise_error),
                ", ".join(right),
            )
        )
    head = (
        "scenario",
        "highest claimed rate",
        "highest rate in a hard case",
        "90 % intervals cover",
        "wrong decisions",
        "right verdicts",
    )
    unplanted = [item.n_simulations for item in calibration.scenarios if not item.planted]
    fewest, fewest_whole = min(unplanted, default=0), min(item.n_whole for item in calibration.scenarios)
    least_covered = min((row.of_90.n for item in calibration.scenarios for row in item.coverage), default=0)
    number = (
        f"{fewest:,} simulations of each kind of layer in which nothing is planted; decisions and verdicts "
        f"from {fewest_whole:,} of them, coverage from {least_covered:,}."
    )
    return document([number, table(head, rows), conclusion(calibration)])


def _worst(cells: Sequence[Cell]) -> str:
    if not cells:
        return ""
    worst = max(cells, key=lambda cell: cell.rejected.value)
    return f"{with_bounds(worst.rejected)}: {worst.prediction}, {worst.null}"


def _confidence(calibration: Calibration) -> str:
    return f"its {100 * calibration.confidence:g} % Clopper-Pearson interval"
