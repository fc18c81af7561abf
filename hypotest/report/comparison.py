"""What ``hypotest compare`` leaves behind.

<folder>/
  comparison.md        figures/*.svg, *.png
  comparison.json
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import get_args

from hypotest.records.comparison import (
    COMPARISON_SCHEMA,
    Agreement,
    ClaimCheck,
    ComparedPrediction,
    ComparedRun,
    Comparison,
)
from hypotest.records.folders import replace_folder
from hypotest.records.progress import StartStage, silent
from hypotest.report.numbers import UNDEFINED, decimals_for, fixed, p_text, range_text, significant
from hypotest.report.picture import Picture
from hypotest.report.results_file import fields_without, json_text
from hypotest.report.tables import figure, table
from hypotest.report.text import escape_markdown, file_slug, sentence_list

_RULE = (
    "A claimed range holds (agrees) if the run's 95 % interval of that quantity lies inside it, fails "
    "(disagrees) if the interval lies wholly outside, and is open else, as where the number has no interval "
    "of its own. A number that was published without a spread is shown beside the measured one and not "
    "judged; of a row of a table, the value of the run's model, or the range over the paper's models where "
    "the run's is none of them (*). A claimed outcome agrees with that outcome of the run, disagrees with "
    "another one, and is open where the run is inconclusive."
)
_METHOD = (
    "Random-effects meta-analysis over models: tau² by Paule and Mandel, intervals by Hartung and Knapp on "
    "Student's t, never narrower than the usual random-effects interval. Each effect is the centre of its "
    "run's interval over documents (corrected for the bias of resampling). The null's SD counts as known. "
    "The prediction interval is where the effect of another such model is expected."
)


def write_comparison(found: Comparison, start_stage: StartStage = silent) -> None:
    """Write Markdown, JSON and figures into the comparison's folder.

    Raises:
        OutputError: If it cannot be written.
    """
    plain = {"schema_version": COMPARISON_SCHEMA, **fields_without(found, "folder")}
    with replace_folder(found.folder) as folder:
        (folder / "comparison.json").write_text(json_text(plain), encoding="utf-8", newline="\n")
        pictures = _draw(found, folder, start_stage)
        text = render_comparison(found, pictures)
        (folder / "comparison.md").write_text(text, encoding="utf-8", newline="\n")


def _draw(found: Comparison, folder: Path, start_stage: StartStage) -> tuple[Picture, ...]:
    shown = [
        (number, item)
        for number, item in enumerate(found.predictions, start=1)
        if sum(effect.interval is not None for effect in item.runs) > 1
    ]
    if not shown:
        return ()
    # Imported here: everything else answers without matplotlib.
    from hypotest.report.figure_style import house_style, save
    from hypotest.report.forest_figure import draw_forest

    (folder / "figures").mkdir()
    names = {run.label: PurePath(run.model).name for run in found.runs}
    step = start_stage("figures", len(shown))
    pictures = []
    with house_style():
        for number, item in shown:
            caption = (
                "Effect of each run with its 95 % interval over documents; squares grow with their weight, "
                "hollow ones are not pooled. Diamond: the pooled effect with its 95 % interval; grey line: "
                "where another such model is expected; band: effects that count as equivalent in every run."
            )
            picture = Picture(f"{number:02d}-{file_slug(item.id)}", str(number), caption)
            save(draw_forest(item, names), folder / "figures", picture.name)
            pictures.append(picture)
            step()
    return tuple(pictures)


def render_comparison(found: Comparison, pictures: Sequence[Picture] = ()) -> str:
    """The comparison as GitHub-flavoured Markdown."""
    return "\n\n".join(_parts(found, pictures)) + "\n"


def _parts(found: Comparison, pictures: Sequence[Picture]) -> Iterator[str]:
    yield "# Comparison"
    yield _runs_table(found.runs)
    if found.warnings:
        yield "> [!WARNING]\n" + "\n".join(f"> - {escape_markdown(item)}." for item in found.warnings)
    if found.checks:
        yield f"## Claims of {escape_markdown(found.claims_source)}"
        yield f"{escape_markdown(found.claims_title)}. {count_line(found.checks)}"
        yield _claimed_table(found.checks)
        yield _RULE
        for run in found.runs:
            yield f"### {run.label}: {escape_markdown(model_text(run))}"
            yield _checks_table([item for item in found.checks if item.run == run.label])
        yield from _reasons(found.checks)
    if found.predictions:
        yield "## Predictions"
        yield _METHOD + f" Outcomes of pooled effects are at level {found.level:g}."
    for number, item in enumerate(found.predictions, start=1):
        yield f"### {escape_markdown(item.id)}"
        yield escape_markdown(f"{item.title}, against {item.against}; effects in {item.scale}.")
        yield _effects_table(item)
        yield escape_markdown(pooled_line(item))
        yield from figure(pictures, str(number))


def _runs_table(runs: Sequence[ComparedRun]) -> str:
    hypotheses = tuple(dict.fromkeys(name for run in runs for name in run.statuses))
    head = ["run", "model", "layer", "protocol", *map(escape_markdown, hypotheses), "folder"]
    rows = [
        [
            run.label,
            escape_markdown(model_text(run)),
            "" if run.layer is None else str(run.layer),
            escape_markdown(run.protocol_id),
            *(verdict_of(run, name) for name in hypotheses),
            escape_markdown(run.folder),
        ]
        for run in runs
    ]
    return table(head, rows, numeric=(2,))


def model_text(run: ComparedRun) -> str:
    """The model, with the revision that was asked for."""
    return run.model if run.revision is None else f"{run.model} at {run.revision}"


def verdict_of(run: ComparedRun, hypothesis: str) -> str:
    """The verdict on a hypothesis."""
    return run.statuses.get(hypothesis, "")


def _effects_table(item: ComparedPrediction) -> str:
    decimals = decimals_of(item)
    rows = [
        [
            effect.run,
            fixed(effect.effect, decimals),
            range_text(effect.interval, decimals),
            weight_text(effect.weight),
            effect.outcome,
            escape_markdown(effect.why_not_pooled),
        ]
        for effect in item.runs
    ]
    if item.pooled is not None:
        interval = item.pooled.interval_95
        cells = (
            "pooled",
            fixed(item.pooled.effect, decimals),
            range_text((interval.low, interval.high), decimals),
            "100 %",
            str(item.outcome),
        )
        rows.append([*(f"**{cell}**" for cell in cells), ""])
    head = ["run", "effect", "95 % interval", "weight", "outcome", "not pooled because"]
    return table(head, rows, numeric=(1, 3))


def decimals_of(item: ComparedPrediction) -> int:
    """Decimals that all effects of one prediction share."""
    errors = [effect.standard_error for effect in item.runs if effect.standard_error]
    return decimals_for(min(errors, default=None), tuple(effect.effect for effect in item.runs))


def weight_text(weight: float | None) -> str:
    """Weight in the pooled effect, ``51 %``; empty where there is none."""
    return "" if weight is None else f"{100 * weight:.0f} %"


def pooled_line(item: ComparedPrediction) -> str:
    """How much models differ, what else is known of the pooled effect, or why there is none."""
    if item.pooled is None:
        return f"Not pooled: {item.why_not_pooled}."
    found, decimals = item.pooled, decimals_of(item)
    words = [
        f"Between models: tau {significant(found.tau2**0.5)}, I² {100 * found.i2:.0f} %, "
        f"Q {significant(found.q)} on {found.n_effects - 1} degrees of freedom "
        f"(p {p_text(found.p_heterogeneity)})"
    ]
    if found.prediction is not None:
        words.append(f"95 % prediction interval {range_text(found.prediction, decimals)}")
    words.append(f"difference from 0: p {p_text(item.p_value)}")
    if item.margin is not None:
        narrowest = "" if item.margins_agree else ", the narrowest of margins that differ"
        p_equivalence = p_text(item.p_equivalence)
        words.append(f"equivalence within {range_text(item.margin, decimals)}{narrowest}: p {p_equivalence}")
    if found.shared_errors:
        words.append("errors over documents counted as shared")
    return "; ".join(words).replace("p <", "p < ") + "."


def unpooled_lines(found: Comparison) -> list[str]:
    """Why predictions are not pooled; one line per reason, with the predictions that it holds for."""
    by_reason: dict[str, list[str]] = {}
    for item in found.predictions:
        if item.pooled is None:
            by_reason.setdefault(item.why_not_pooled, []).append(item.id)
    return [f"{sentence_list(names)}: not pooled, {reason}" for reason, names in by_reason.items()]


def count_line(checks: Sequence[ClaimCheck]) -> str:
    """How many claims agree, disagree, are open, shown or not measured; those about other models apart."""
    own = [item for item in checks if item.same_model]
    others = [item for item in checks if not item.same_model]
    parts = [
        f"{where}: {_counts(part)}."
        for where, part in (
            ("On the model and layer that they are about", own),
            ("On another model or layer (*)", others),
        )
        if part
    ]
    return " ".join([f"{len(checks)} claims held against {_runs_text(checks)}.", *parts])


def _counts(checks: Sequence[ClaimCheck]) -> str:
    found = Counter(item.agreement for item in checks)
    return ", ".join(f"{name} {found[name]}" for name in get_args(Agreement) if found[name])


def _runs_text(checks: Sequence[ClaimCheck]) -> str:
    labels = list(dict.fromkeys(item.run for item in checks))
    return f"run{'s' if len(labels) > 1 else ''} {sentence_list(labels)}"


def _claimed_table(checks: Sequence[ClaimCheck]) -> str:
    by_claim = {item.claim: item for item in reversed(checks)}
    rows = [
        [
            escape_markdown(item.claim),
            escape_markdown(item.says + (f". {item.note}" if item.note else "")),
            escape_markdown(item.where + (f" ({item.read_in})" if item.read_in else "")),
            escape_markdown(item.claimed),
        ]
        for item in reversed(by_claim.values())
    ]
    return table(["claim", "what it says", "where", "claimed"], rows)


def _checks_table(checks: Sequence[ClaimCheck]) -> str:
    rows = [
        [
            escape_markdown(item.claim),
            escape_markdown(item.where),
            escape_markdown(item.claimed),
            escape_markdown(measured_text(item)),
            interval_of(item),
            agreement_text(item),
        ]
        for item in checks
    ]
    return table(["claim", "where", "claimed", "measured", "95 % interval", "agrees"], rows)


def agreement_text(item: ClaimCheck) -> str:
    """``agrees``, with a star where the claim is about another model."""
    return item.agreement + ("" if item.same_model else " \\*")


def measured_text(item: ClaimCheck) -> str:
    """What was measured: the outcome with its effect, or the number that the claim is about."""
    if item.measured is None:
        return UNDEFINED
    number = fixed(item.measured, _decimals(item))
    return f"{item.measured_outcome} ({number})" if item.quantity == "outcome" else number


def interval_of(item: ClaimCheck) -> str:
    """Interval of the measured number; of the effect, for an outcome."""
    return "" if item.interval is None else range_text(item.interval, _decimals(item))


def _decimals(item: ClaimCheck) -> int:
    width = None if item.interval is None else (item.interval[1] - item.interval[0]) / 4
    return decimals_for(width, (item.measured or 0.0,))


def _reasons(checks: Sequence[ClaimCheck]) -> Iterator[str]:
    lines = [f"- {escape_markdown(line)}" for line in reason_lines(checks)]
    if lines:
        yield "\n".join(lines)


def reason_lines(checks: Sequence[ClaimCheck]) -> list[str]:
    """Why claims are open or not measured; one line per reason, with the claims and runs it holds for."""
    labels = list(dict.fromkeys(item.run for item in checks))
    by_reason: dict[str, dict[str, list[str]]] = {}
    for item in checks:
        if item.reason:
            runs_of = by_reason.setdefault(f"{item.agreement}, {item.reason}", {})
            runs_of.setdefault(item.claim, []).append(item.run)
    lines = []
    for reason, runs_of in by_reason.items():
        names = [
            claim if runs == labels else f"{claim} ({', '.join(runs)})" for claim, runs in runs_of.items()
        ]
        lines.append(f"{sentence_list(names)}: {reason}")
    return lines
