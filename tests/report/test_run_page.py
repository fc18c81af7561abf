from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from hypotest.errors import OutputError
from hypotest.pages.document import blocks
from hypotest.pages.markdown import PAGE, markdown
from hypotest.records.results.reselection import Reselection
from hypotest.records.results.results import Results
from hypotest.report.numbers import UNDEFINED, opponent_text, p_text, prediction_text, significant
from hypotest.report.picture import Picture
from hypotest.report.run_page import overview, run_page
from hypotest.report.text import value_of

PICTURES = (
    Picture("effects", "verdict", "All *effects*."),
    Picture("01-x", "coordination", "One."),
)
Variant = Callable[[Results], Results]


def render_report(results: Results, manifest: dict[str, Any], figures: tuple[Picture, ...]) -> str:
    return PAGE.render(run_page(results, manifest, figures))


def test_every_prediction_has_its_section(results: Results, manifest: dict[str, Any]) -> None:
    report = render_report(results, manifest, PICTURES)
    for item in results.predictions:
        assert f"### {item.id}: {item.outcome}" in report
        assert item.title in report
        for note in item.notes:
            assert note in report
        for rung in item.ladder:
            assert f"| {rung.id} | {value_of(rung.statistic)} |" in report
        for arm in item.arms:
            assert f"| label_shuffled (type) | {value_of(arm.statistic)} |" in report
    assert "![All \\*effects\\*.](figures/effects.svg)" in report


def test_the_table_holds_the_numbers_of_the_results(results: Results) -> None:
    rows = [
        [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in markdown(*blocks(overview(results))).splitlines()
        if line.startswith("|")
    ][2:]
    assert len(rows) == len(results.predictions)
    for row, item in zip(rows, results.predictions, strict=True):
        numbers = prediction_text(item)
        interval = "" if numbers.interval == UNDEFINED else f" {numbers.interval}"
        assert row[0].split()[0] == item.id
        assert row[1] == numbers.observed
        assert float(row[1]) == pytest.approx(item.observed, abs=0.5)
        assert row[2] == opponent_text(item.against) != "value"
        assert row[3] == numbers.reference
        assert row[4] == numbers.effect + interval
        equivalent = item.outcome == "equivalent"
        assert row[5].rstrip("‡") == p_text(item.p_equivalence if equivalent else item.p_value)
        if item.p_adjusted is not None:
            adjusted = item.p_equivalence_adjusted if equivalent else item.p_adjusted
            assert row[6].rstrip("‡") == p_text(adjusted)
        assert row[7] == f"**{item.outcome}**"
        assert row[8:] == [item.stances["modular"], item.stances["distributed"]]


def test_the_tables_are_tables(results: Results, manifest: dict[str, Any]) -> None:
    report = render_report(results, manifest, PICTURES)
    tokens = MarkdownIt("commonmark").enable("table").parse(report)
    # the overview, the verdict, the ladder, verdicts and outcomes of splits, per prediction expectations (9)
    # and ladders (8), balance of neurons and rows, parts of the effect, text, layers, heads, provenance; the
    # members, contexts of two neurons, assumptions, damage
    assert sum(token.type == "table_open" for token in tokens) == 3 + 2 + 8 + 8 + 7 + 5
    assert "NaN" not in report and "nan" not in re.findall(r"\w+", report)


def test_the_verdict_comes_first_in_plain_words(results: Results, manifest: dict[str, Any]) -> None:
    report = render_report(results, manifest, ())
    assert report.index("## Verdict") < report.index("## Predictions")
    assert "41 of the 2,048 neurons of layer 5 of reference" in report
    assert "*distributed* is **supported** by all 8 predictions on which it speaks: " in report
    assert "*modular* is **refuted** by what it did not expect, also after correction" in report
    assert "no difference that matters in concentration of attention (attention)" in report
    assert "the top head has a smaller share: many heads contribute (single-head)." not in report
    why = [line for line in report.splitlines() if line.startswith("The hypothesis *")]
    assert len(why) == 2 and all(line.count(". ") == 0 for line in why)  # a sentence each
    assert "likewise" in why[0] and len(max(why, key=len)) < 700
    assert "**modular: refuted**; **distributed: supported**" in report


def test_undecided(results: Results, manifest: dict[str, Any], make_undecided: Variant) -> None:
    report = render_report(make_undecided(results), manifest, ())
    assert (
        "*modular* stays **undecided**: the data do not settle modularity Q of the group's network "
        "(clustering); against it, but not after correction for multiple tests, is: "
    ) in report
    assert "the smallest effect that would have been seen is 1.92" in report


def test_not_applicable(results: Results, manifest: dict[str, Any], make_not_applicable: Variant) -> None:
    report = render_report(make_not_applicable(results), manifest, ())
    assert (
        "The hypotheses *modular* and *distributed* do **not apply**: the premise specialization "
        "did not hold" in report
    )


def test_methods_name_their_sources(results: Results, manifest: dict[str, Any]) -> None:
    report = render_report(results, manifest, ())
    for source in (
        "arXiv:2509.21163",
        "arXiv:2505.12822",
        "doi:10.2202/1544-6115.1585",
        "doi:10.1177/1948550617697177",
    ):
        assert f"[{source}](https://" in report
    assert "Bonferroni correction over the 7 deciding predictions" in report
    assert "9,999 groups" in report and "among the rarest 15 % of token types" in report
    assert "Computed with hypotest 0.1.0." in report


def test_methods_say_how_each_null_was_drawn(results: Results, manifest: dict[str, Any]) -> None:
    report = render_report(results, manifest, ())
    assert "up to 4,999 groups with as many neurons as this one in each stratum" in report
    assert "given log mean |activation|, log activation SD and the log norm of the output" in report
    assert (
        "1,999 groups in which membership is dealt out anew within bins of 10 neurons of consecutive ranks "
        "in a propensity score of membership given log activation SD and influence on the condition that the "
        "group was not selected on (log mean |change of loss|), all from the selection split (local_matched)"
        in report
    )
    assert "permuted over token types (label_shuffled, which decides selectivity alone; " in report
    assert "compared with 499 of the same strengths" in report
    assert "3 untrained networks, each with a fresh initialisation (untrained; so few describe" in report
    assert "(h = 50 for covariate_matched)" in report
    assert "repeated on 10 such divisions, the first of which decides" in report


@pytest.mark.parametrize(
    ("unit", "words"),
    [
        ("type", "over token types"),
        ("document_type", "over pairs of document and token type"),
        ("position", "over single positions within documents"),
    ],
)
def test_every_unit_of_permutation_has_words(
    results: Results, manifest: dict[str, Any], unit: str, words: str
) -> None:
    nulls = {"size_matched": {}, "label_shuffled": {"unit": unit}, "untrained": {"networks": 279}}
    changed = dataclasses.replace(results, protocol={**results.protocol, "nulls": nulls})
    report = render_report(changed, manifest, ())
    assert f"labels rare and common are permuted {words} (" in report
    # 2 M / level - 1 = 2 * 7 / 0.05 - 1 = 279 networks can decide
    assert "279 untrained networks, each with a fresh initialisation (untrained)." in report
    assert "Drawing stopped early" not in report


def test_the_ladder_of_a_prediction_says_how_p_came_about(results: Results, manifest: dict[str, Any]) -> None:
    report = render_report(results, manifest, ())
    section = next(text for text in report.split("\n### ") if text.startswith("clustering"))
    assert "| draws | p | SE of p |  |" in section
    rung = next(item for item in results.predictions if item.id == "clustering").ladder[1]
    row = next(line for line in section.splitlines() if line.startswith("| covariate_matched"))
    assert (
        f"| {p_text(rung.p_value)} | {significant(rung.p_error, 1)} | h/l after 137 of 4,999 draws |" in row
    )
    assert "| descriptive |" in next(line for line in section.splitlines() if line.startswith("| rewired"))


def test_the_arms_of_shuffled_labels_stand_in_the_table_of_nulls(
    results: Results, manifest: dict[str, Any]
) -> None:
    sections = {part.partition(":")[0]: part for part in render_report(results, manifest, ()).split("\n### ")}
    item = next(one for one in results.predictions if one.id == "specialization")
    rows = [line for line in sections["specialization"].splitlines() if line.startswith("| label_shuffled")]
    assert [row.split(" | ")[1] for row in rows] == ["rare", "common", "rare - common"]
    for row, arm in zip(rows, (item.ladder[0], *item.arms), strict=True):
        assert f"| {p_text(arm.p_value)} |" in row  # each among its own draws
        assert ("descriptive" in row) == (arm is not item.ladder[0])
    assert "| common |" not in sections["spectrum"]  # where none were drawn


def test_the_unit_of_every_number_is_said(results: Results, manifest: dict[str, Any]) -> None:
    sections = {part.partition(":")[0]: part for part in render_report(results, manifest, ()).split("\n### ")}
    kappa = "(kappa: how steeply influence falls with rank: minus the slope of the power law)"
    for id, unit in (("coordination", "dimensions"), ("regimes", f"1 - |left slope| / kappa {kappa}")):
        assert f"; scale: {unit}. Effect " in sections[id]
        assert "; all in" not in sections[id]
    unknown = dataclasses.replace(results.predictions[2], measure="own")
    shown = render_report(dataclasses.replace(results, predictions=(unknown,)), manifest, ())
    assert "scale: " not in shown and "all in" not in shown


def test_a_blocked_comparison_says_so_in_its_row(results: Results, manifest: dict[str, Any]) -> None:
    item = next(one for one in results.predictions if one.id == "coordination")
    blocked = dataclasses.replace(item.ladder[2], blocked="matching leaves the group 0.31 SD away")
    changed = dataclasses.replace(item, ladder=(*item.ladder[:2], blocked, *item.ladder[3:]))
    for one, said in ((item, False), (changed, True)):
        report = render_report(dataclasses.replace(results, predictions=(one,)), manifest, ())
        (row,) = [line for line in report.splitlines() if line.startswith(f"| {blocked.null} | the group")]
        assert ("no conclusion" in row) == said


def test_methods_say_when_drawing_neighbours_stopped(results: Results, manifest: dict[str, Any]) -> None:
    nulls = {"local_matched": {"draws": 999, "bin": 8, "on": ["activation_mean"], "stop_after": 30}}
    changed = dataclasses.replace(results, protocol={**results.protocol, "nulls": nulls})
    report = render_report(changed, manifest, ())
    assert "up to 999 groups in which membership is dealt out anew within bins of 8 neurons" in report
    assert "given log mean |activation|, all from the selection split (local_matched)" in report
    assert "(h = 30 for local_matched)" in report


def test_a_difference_is_put_beyond_the_margin_where_equivalence_was_expected(
    results: Results, manifest: dict[str, Any]
) -> None:
    beyond = {"p_beyond": 0.002, "p_beyond_adjusted": 0.014}

    def sections(**changes: Any) -> dict[str, str]:
        predictions = tuple(
            dataclasses.replace(item, **{"outcome": "greater", **beyond, **changes})
            if item.id in ("clustering", "single-head")
            else item
            for item in results.predictions
        )
        parts = render_report(dataclasses.replace(results, predictions=predictions), manifest, ()).split(
            "\n### "
        )
        return {part.partition(":")[0]: part for part in parts}

    sentence = "Beyond the margin: p = 0.0020, adjusted = 0.0140."
    assert sentence in sections()["clustering"]
    assert "Beyond the margin" not in sections()["single-head"]  # where nobody expects equivalence
    assert "Beyond the margin" not in sections(interval=None, p_beyond=None)["clustering"]
    plain = render_report(results, manifest, ())
    assert "Beyond the margin" not in plain
    assert "expects equivalence, a difference contradicts it only if" in plain


def test_no_interval_is_said_in_so_many_words(results: Results, manifest: dict[str, Any]) -> None:
    sections = render_report(results, manifest, ()).split("\n### ")
    said = "without an interval, since none is valid here"
    assert [part.partition(":")[0] for part in sections if said in part] == ["regimes", "spectrum"]


def test_provenance_and_material(results: Results, manifest: dict[str, Any]) -> None:
    report = render_report(results, manifest, ())
    assert f"| hashes: text: xarray | {'22be' * 16} |" in report
    assert "| durations: collect | 6 min 53 s |" in report
    assert "| L4H3 | 0.124 |" in report
    assert "␣eigenvector (31)" in report and " | (27)" in report and "\\<b\\> (20)" in report
    for limitation in results.limitations:
        assert limitation in report


def test_the_share_of_the_text_and_what_was_left_out(results: Results, manifest: dict[str, Any]) -> None:
    corpus = dataclasses.replace(
        results.corpus, tokens=900, text_tokens=1000, padded_blocks=4, empty=1, copies=2300
    )
    page = render_report(dataclasses.replace(results, corpus=corpus), manifest, ())
    assert "90.0 % of the text's 1,000 tokens lie in blocks; 4 hold a short document, padded" in page
    assert "Files or rows that were left out: 1 without text and 2,300 with the text of another." in page
    corpus = dataclasses.replace(corpus, empty=0, copies=0)
    assert "left out:" not in render_report(dataclasses.replace(results, corpus=corpus), manifest, ())


def test_a_ratio_to_nearly_nothing_is_left_out(results: Results, manifest: dict[str, Any]) -> None:
    sections = render_report(results, manifest, ()).split("\n### ")
    assert "ratio" not in next(text for text in sections if text.startswith("regimes"))
    assert "ratio 0.902" in next(text for text in sections if text.startswith("coordination"))


def test_names_cannot_change_the_page(results: Results, manifest: dict[str, Any]) -> None:
    bad = "<script>x</script> | **b** [l](http://e) ![i](x)"
    first = dataclasses.replace(results.predictions[0], id=bad, title=bad, notes=(bad,), measure="own")
    changed = dataclasses.replace(
        results,
        title=bad,
        predictions=(first, *results.predictions[1:]),
        limitations=(bad,),
        subject={bad: bad},
        verdicts=tuple(dataclasses.replace(item, hypothesis=bad) for item in results.verdicts),
        corpus=dataclasses.replace(results.corpus, source=bad, text_differs=(bad,)),
    )
    report = render_report(changed, {**manifest, bad: bad}, ())
    markdown = MarkdownIt("commonmark").enable("table")
    html = markdown.render(report)
    assert "<script" not in html and 'href="http://e"' not in html and "<img" not in html
    plain = markdown.render(render_report(results, manifest, ()))
    assert html.count("<table") == plain.count("<table")


def test_an_unknown_protocol_is_refused(results: Results, manifest: dict[str, Any]) -> None:
    with pytest.raises(OutputError, match="protocol"):
        render_report(dataclasses.replace(results, protocol={"id": "x"}), manifest, ())


def test_a_run_without_heads_elbow_or_limitations(results: Results, manifest: dict[str, Any]) -> None:
    figures = dataclasses.replace(
        results.figures,
        heads=(),
        layer_impacts={},
        spectrum=None,
        frequencies=dataclasses.replace(results.figures.frequencies, elbow_rank=None),
    )
    report = render_report(dataclasses.replace(results, figures=figures, limitations=()), manifest, ())
    assert "## Attention heads" not in report
    assert "No types were dropped at the rare end" in report
    assert "None was found beyond those of the method itself." in report


@pytest.mark.slow
def test_figures_of_the_report_exist(drawn_run: Path) -> None:
    report = (drawn_run / "report.md").read_text(encoding="utf-8")
    links = re.findall(r"\((figures/[^)]+)\)", report)
    assert len(links) >= 2 * 9
    assert all((drawn_run / link).stat().st_size > 1000 for link in links)
    on_disk = {f"figures/{path.name}" for path in (drawn_run / "figures").iterdir()}
    assert on_disk == set(links)


def test_another_study_stands_beside_these_neurons(results: Results, manifest: dict[str, Any]) -> None:
    item = next(one for one in results.predictions if one.id == "coordination")
    again = Reselection(0.75, 31, (-7.5, -4.5), 0.3, 0.4, 0.2, 310, 0.871, (39, 44))

    def page(reselection: Reselection) -> str:
        changed = tuple(
            dataclasses.replace(one, reselection=reselection) if one is item else one
            for one in results.predictions
        )
        return render_report(dataclasses.replace(results, predictions=changed), manifest, ())

    text = page(again)
    assert "If the group is selected again, in another study: standard error 0.75 (" in text
    assert "310 selections of 39 to 44 neurons on half of the text keep 87% of these" in text
    none = Reselection(None, None, None, None, None, None, 310, 0.9, (41, 41), "too few documents")
    assert "If the group is selected again: no interval, too few documents" in page(none)
    assert "selected again" not in render_report(results, manifest, ()).split("## Limitations")[0]
