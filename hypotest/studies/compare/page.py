"""What ``hypotest compare`` leaves behind.

<folder>/
  comparison.md        figures/*.svg, *.png
  comparison.json
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath

from hypotest.engine.progress import StartStage, silent
from hypotest.pages.document import Document, Heading, Items, Note, Part, Table, document, table
from hypotest.pages.inline import Inline, prose, strong, with_code
from hypotest.pages.markdown import write_markdown
from hypotest.records.stored.folders import replace_folder
from hypotest.report.numbers import fixed, p_text, range_text
from hypotest.report.picture import Picture, figures_of
from hypotest.report.results_file import fields_without, json_text
from hypotest.report.text import capital, file_slug
from hypotest.studies.compare.record import (
    COMPARISON_SCHEMA,
    ClaimCheck,
    ComparedPrediction,
    ComparedRun,
    Comparison,
)
from hypotest.studies.compare.words import (
    INTERVALS,
    count_line,
    decimals_of,
    interval_of,
    measured_text,
    model_text,
    pooled_line,
    reason_lines,
    weight_text,
)

_RULE = (
    "A claimed range holds (agrees) if the run's 95 % interval of that quantity lies inside it, fails "
    "(disagrees) if the interval lies wholly outside, and is open else, as where the number has no interval "
    "of its own. A number that was published without a spread is shown beside the measured one and not "
    "judged; of a row of a table, the value of the run's model, or the range over the paper's models where "
    "the run's is none of them (*). A claimed outcome agrees with that outcome of the run, disagrees with "
    "another one, and is open where the run is inconclusive."
)
_REPLICABILITY = (
    "A pooled effect can be carried by one model. At least so many models have the outcome, with 1 less the "
    "level as confidence; p is of the hypothesis that fewer have it (partial conjunction of Benjamini and "
    "Heller 2008, by Bonferroni, which holds whatever the models share, such as text). The last column "
    "divides the level by the number of deciding predictions."
)


def write_comparison(comparison: Comparison, start_stage: StartStage = silent) -> None:
    """Write Markdown, JSON and figures into the comparison's folder.

    Raises:
        OutputError: If it cannot be written.
    """
    plain = {"schema_version": COMPARISON_SCHEMA, **fields_without(comparison, "folder")}
    with replace_folder(comparison.folder) as folder:
        (folder / "comparison.json").write_text(json_text(plain), encoding="utf-8", newline="\n")
        pictures = _draw(comparison, folder, start_stage)
        write_markdown(folder / "comparison.md", comparison_page(comparison, pictures))


def _draw(comparison: Comparison, folder: Path, start_stage: StartStage) -> tuple[Picture, ...]:
    shown = [
        (number, item)
        for number, item in enumerate(comparison.predictions, start=1)
        if sum(effect.interval is not None for effect in item.runs) > 1
    ]
    if not shown:
        return ()
    # Imported here: everything else answers without matplotlib.
    from hypotest.report.figures.style import house_style, save
    from hypotest.studies.compare.figure import draw_forest, forest_in_words

    (folder / "figures").mkdir()
    names = {run.label: PurePath(run.model).name for run in comparison.runs}
    step = start_stage("figures", len(shown))
    pictures = []
    with house_style():
        for number, item in shown:
            caption = (
                "Effect of each run with its 95 % interval; marks show the outcome and grow with the weight, "
                "hollow ones are not pooled. Diamond: the pooled effect with its 95 % interval; the line "
                "under it: where another such model is expected; band: effects that count as equivalent in "
                "every run."
            )
            said = forest_in_words(item, names)
            picture = Picture(f"{number:02d}-{file_slug(item.id)}", str(number), caption, said)
            save(draw_forest(item, names), folder / "figures", picture.name)
            pictures.append(picture)
            step()
    return tuple(pictures)


def comparison_page(comparison: Comparison, pictures: Sequence[Picture] = ()) -> Document:
    """The report."""
    return document(_parts(comparison, pictures))


def _parts(comparison: Comparison, pictures: Sequence[Picture]) -> Iterator[Part]:
    yield Heading("Comparison", 1)
    yield _runs_table(comparison.runs)
    if comparison.warnings:
        yield Note("warning", (Items(tuple(f"{item}." for item in comparison.warnings)),))
    if comparison.checks:
        yield Heading(f"Claims of {comparison.claims_source}")
        yield f"{comparison.claims_title}. {count_line(comparison.checks)}"
        yield _claimed_table(comparison.checks)
        yield _RULE
        for run in comparison.runs:
            yield Heading(f"{run.label}: {model_text(run)}", 3)
            yield _checks_table([item for item in comparison.checks if item.run == run.label])
        if reasons := tuple(reason_lines(comparison.checks)):
            yield Items(reasons)
    if comparison.predictions:
        yield Heading("Predictions")
        yield prose(
            "Random-effects meta-analysis over models: tau² by Paule and Mandel, intervals by Hartung and"
            " Knapp on Student's t, never narrower than the usual random-effects interval. Each effect is"
            " the centre of its run's interval. Errors of a *new selection* are those of another study, "
            "which draws its rows anew and selects its group again; with errors of a *fixed group*, of the "
            "neurons at hand, studies of one network would look heterogeneous several times too often, so"
            " that differences are then not tested. The null's SD counts as known. The prediction "
            "interval is where the effect of another such model is expected. Outcomes of pooled effects "
            "are at level {}.",
            f"{comparison.level:g}",
        )
        yield with_code(f"{capital(INTERVALS)}.")
    for number, item in enumerate(comparison.predictions, start=1):
        yield Heading(item.id, 3)
        yield f"{item.title}, against {item.against}; effects in {item.scale}."
        yield _effects_table(item)
        yield pooled_line(item)
        yield from figures_of(pictures, str(number))
    if any(item.replicability for item in comparison.predictions):
        yield Heading("Replicability")
        yield _REPLICABILITY
        yield _replicability_table(comparison)


def _replicability_table(comparison: Comparison) -> Table:
    rows = [
        (
            item.id,
            one.outcome,
            f"{one.at_least} of {one.n_models}",
            p_text(one.p_values[max(0, one.at_least - 1)]),
            "" if one.at_least_adjusted is None else str(one.at_least_adjusted),
        )
        for item in comparison.predictions
        for one in item.replicability
    ]
    head = ["prediction", "outcome", "at least", "p", "over all predictions"]
    return table(head, rows, numeric=(3, 4))


def _runs_table(runs: Sequence[ComparedRun]) -> Table:
    hypotheses = tuple(dict.fromkeys(name for run in runs for name in run.statuses))
    rows = [
        (
            run.label,
            model_text(run),
            "" if run.layer is None else str(run.layer),
            run.protocol_id,
            *(run.statuses.get(name, "") for name in hypotheses),
            run.folder,
        )
        for run in runs
    ]
    return table(["run", "model", "layer", "protocol", *hypotheses, "folder"], rows, numeric=(2,))


def _effects_table(item: ComparedPrediction) -> Table:
    decimals = decimals_of(item)
    rows: list[tuple[Inline, ...]] = [
        (
            effect.run,
            fixed(effect.effect, decimals),
            range_text(effect.interval, decimals),
            effect.errors_of,
            weight_text(effect.weight),
            effect.outcome,
            effect.why_not_pooled,
        )
        for effect in item.runs
    ]
    if item.pooled is not None:
        interval = item.pooled.interval_95
        cells = (
            "pooled",
            fixed(item.pooled.effect, decimals),
            range_text((interval.low, interval.high), decimals),
            "",
            "100 %",
            str(item.outcome),
        )
        rows.append((*map(strong, cells), ""))
    head = ["run", "effect", "95 % interval", "errors", "weight", "outcome", "not pooled because"]
    return table(head, rows, numeric=(1, 4))


def _claimed_table(checks: Sequence[ClaimCheck]) -> Table:
    by_claim = {item.claim: item for item in reversed(checks)}
    rows = [
        (
            item.claim,
            item.says + (f". {item.note}" if item.note else ""),
            item.where + (f" ({item.read_in})" if item.read_in else ""),
            item.claimed,
        )
        for item in reversed(by_claim.values())
    ]
    return table(["claim", "what it says", "where", "claimed"], rows)


def _checks_table(checks: Sequence[ClaimCheck]) -> Table:
    rows = [
        (
            item.claim,
            item.where,
            item.claimed,
            measured_text(item),
            interval_of(item),
            item.agreement if item.same_model else f"{item.agreement} *",
        )
        for item in checks
    ]
    return table(["claim", "where", "claimed", "measured", "95 % interval", "agrees"], rows)
