"""Examples in the place of a text: from a table and a protocol to the report, on the reference model."""

import json
import re
from pathlib import Path

import polars as pl
import pytest

from hypotest.report.results_file import require_schema
from tests import agreement

pytestmark = pytest.mark.slow
SMALL = agreement.NOUNS[:12]
"""Nouns: 96 prompts."""


def written(folder: Path, change=lambda text: text, rows=None) -> Path:
    """A protocol about 48 pairs of 12 nouns, and its table."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = list(agreement.examples(SMALL)) if rows is None else rows
    (folder / "agreement.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    text = re.sub(r"positions: 200", "positions: 48", agreement.PROTOCOL).replace("draws: 999", "draws: 99")
    path = folder / "agreement.yaml"
    path.write_text(change(text), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def run(hypotest, tmp_path_factory):
    folder = tmp_path_factory.mktemp("agreement")
    path = written(folder)
    registered = hypotest("register", path)
    assert registered.returncode == 0, registered.stderr
    done = hypotest("run", path, "--out", folder / "reports")
    assert done.returncode == 0, done.stderr
    (report,) = (folder / "reports" / "agreement").glob("2*")
    return report, done, path


def test_a_registered_run_is_confirmatory_and_verifies(run, hypotest):
    report, done, path = run
    assert "CONFIRMATORY" in done.stdout
    verified = hypotest("verify", report, "--protocol", path)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    again = hypotest("verify", report, "--recollect", "--protocol", path)
    assert again.returncode == 0, again.stdout + again.stderr


def test_results_say_what_was_looked_at(run):
    results = json.loads((run[0] / "results.json").read_text(encoding="utf-8"))
    require_schema(results["schema_version"], "results.json")
    corpus = results["corpus"]
    assert (corpus["outcome"], corpus["documents"], corpus["blocks"]) == ("logit_difference", 12, 96)
    assert corpus["words"]["units"] == "nouns"
    assert set(corpus["correct"]) == {"singular", "plural"}
    assert set(corpus["positions"].values()) == {24}
    assert corpus["documents_used"] == {"selection": 6, "evaluation": 6}


def test_pages_speak_of_examples_and_nouns(run):
    report, done, _ = run
    page = (report / "report.md").read_text(encoding="utf-8")
    prose = page.split("## Provenance")[0]
    assert not re.search(r"\bdocuments?\b(?!_)", prose)
    for said in ("12 nouns", "on 24 singular and 24 plural examples from 6 nouns", "target above foil"):
        assert said in prose
    assert "Every change of the logit difference lies within" in prose
    assert not re.search(r"\bdocuments?\b", done.stdout)


@pytest.mark.parametrize("command", [("explain",), ("power", "--quick"), ("explore",), ("export",)])
def test_other_commands_speak_of_them_too(command, run, hypotest):
    _, _, path = run
    more = () if command[0] in ("explain", "export") else ("--out", path.parent / "reports")
    done = hypotest(*command, path, *more)
    assert done.returncode == 0, done.stderr
    assert "noun" in done.stdout.lower()
    assert not re.search(r"\bdocuments?\b", done.stdout)


def test_robustness_is_told_in_nouns_too(run, hypotest):
    path = run[2].with_name("robust.yaml")
    plan = run[2].read_text(encoding="utf-8")
    path.write_text(
        f"{plan}\nmultiverse:\n  select: [{{top_fraction: 0.05}}]\n  draws: 39\n", encoding="utf-8"
    )
    done = hypotest("multiverse", path, "--out", path.parent / "reports")
    assert done.returncode == 0, done.stderr
    page = (path.parent / "reports" / "agreement" / "multiverse" / "multiverse.md").read_text("utf-8")
    assert "specifications of 4 predictions" in page
    assert not re.search(r"\b(documents?|rarity|text)\b", page)


def test_the_check_shows_prompts_with_their_targets(run, hypotest):
    _, _, path = run
    done = hypotest("corpus", "check", path, "--out", path.parent / "reports")
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    for text in (
        "96 examples in 12 nouns", "singular: where the column number is singular; 48 in the table",
        "- The argument of this module» is«", "␣is (12)", "examples nouns effective",
    ):  # fmt: skip
        assert text in said
    assert "document" not in said


def test_pairs_stay_together_on_one_side(run):
    from hypotest.engine.session import Session
    from hypotest.pipeline.prepare import prepare
    from hypotest.registration import load_protocol

    plan = load_protocol(run[2])
    prepared = prepare(plan, run[2].parent, Session.start(plan.seed, device="cpu"), kept_out=())
    rows = prepared.sampled.positions
    pairs = rows.group_by("pair").agg(
        pl.col("split").n_unique(), pl.col("document").n_unique().alias("nouns"), pl.col("condition")
    )
    assert pairs.height == 48
    assert pairs["split"].to_list() == pairs["nouns"].to_list() == [1] * 48
    assert all(set(item) == {"singular", "plural"} for item in pairs["condition"].to_list())
    split = rows.group_by("document").agg(pl.col("split").n_unique())["split"]
    assert split.to_list() == [1] * 12


def rows_with(change, row=1):
    rows = list(agreement.examples(SMALL))
    rows[row] = {**rows[row], **change}
    return rows


BAD = {
    "an empty prompt": (rows_with({"prompt": ""}), None, "row 2: the prompt is empty"),
    "a foil that is the target": (rows_with({"foil": " are"}), None, "row 2: the foil is the target"),
    "a foil with its first token": (rows_with({"foil": " are many"}), None, "begin with the same token"),
    "a prompt beyond the context": (
        rows_with({"prompt": "key " * 600}),
        None,
        r"row 2: prompt and target have [\d,]+ tokens, and reference",
    ),
    "a prompt of one token": (rows_with({"prompt": "The"}), None, "the prompt 'The' is one token"),
    "a target in the middle of a word": (
        rows_with({"prompt": "The tes", "target": "t"}),
        None,
        "joins the end of the prompt with the target 't'",
    ),
    "a pair with one example": (
        rows_with({"item": "alone"}),
        None,
        "pair .* must have one example in each condition; found 1 of singular and 0",
    ),
    "a pair of one number": (
        rows_with({"number": "singular"}),
        None,
        "found 2 of singular and 0 of plural",
    ),
    "a column that is not there": (
        None,
        ("{number: plural}", "{colour: red}"),
        "no row has the column 'colour'",
    ),
    "a value that is not there": (None, ("{number: plural}", "{number: dual}"), "no row has dual"),
    "conditions that overlap": (
        None,
        ("plural: {field: {number: plural}}", "plural: {not: {field: {noun: axis}}}"),
        r"44 examples belong to both singular and plural, such as .* 'agreement.jsonl', row 1\b",
    ),
    "clusters of both conditions, and no pairs": (
        None,
        ("  pair: item\n", ""),
        "have both labels .* name the column that pairs share as `examples.pair`",
    ),
    "one cluster": (
        [{**row, "noun": "axis"} for row in agreement.examples(SMALL)],
        None,
        "all examples of this table are of one noun: some nouns select the neurons, and others measure",
    ),
    "too few": (
        None,
        ("positions: 48", "positions: 60"),
        "48 examples of singular in 12 nouns, at most 16 from each noun",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_refused_with_its_place_before_any_weights(name, hypotest, tmp_path, monkeypatch):
    rows, change, said = BAD[name]
    path = written(tmp_path, lambda text: text.replace(*change) if change else text, rows)
    from hypotest.pipeline import prepare

    def weights(*_arguments, **_options):
        raise AssertionError("weights are loaded")

    monkeypatch.setattr(prepare, "load_subject", weights)
    for command in (("corpus", "check"), ("run",)):
        done = hypotest(*command, path, "--out", tmp_path / "reports")
        assert done.returncode != 0
        assert re.search(said, done.stderr), done.stderr


@pytest.mark.parametrize("outcome", ["loss", "sequence"])
def test_targets_of_several_tokens(outcome, hypotest, tmp_path):
    rows = [{**row, "target": f"{row['target']} not always"} for row in agreement.examples(SMALL)]
    path = written(
        tmp_path, lambda text: text.replace("outcome: logit_difference", f"outcome: {outcome}"), rows
    )
    checked = hypotest("corpus", "check", path, "--out", tmp_path / "reports")
    assert checked.returncode == 0, checked.stderr
    noted = "examples.target: 96 of 96 have several tokens" in " ".join(checked.stdout.split())
    assert noted == (outcome == "loss")
    done = hypotest("run", path, "--out", tmp_path / "reports")
    assert done.returncode == 0, done.stderr
    (report,) = (tmp_path / "reports" / "agreement").glob("2*")
    results = json.loads((report / "results.json").read_text(encoding="utf-8"))
    (row,) = (row for row in results["corpus"]["balance"] if row["covariate"] == "loss")
    assert row["first"][0] > (8 if outcome == "sequence" else 0)


@pytest.mark.parametrize(
    ("change", "said"),
    [(lambda row: {**row, "target": row["target"].strip()},
      "examples.target: 96 of 96 run into the prompt, such as"),
     (lambda row: {**row, "prompt": f"{row['prompt']} "}, "96 of 96 leave two spaces"),
     (lambda row: row, "")],
)  # fmt: skip
def test_spaces_between_prompt_and_target_are_noted(change, said, hypotest, tmp_path):
    rows = [change({**row, "foil": row["foil"] + "x"}) for row in agreement.examples(SMALL)]
    checked = hypotest("corpus", "check", written(tmp_path, str, rows), "--out", tmp_path / "reports")
    assert checked.returncode == 0, checked.stderr
    noted = " ".join(checked.stdout.split())
    assert said in noted and ("if that is not meant" in noted) == bool(said)


def test_examples_of_a_middle_layer_go_through_forward_passes(hypotest, tmp_path):
    path = written(
        tmp_path, lambda text: text.replace("layer: last", "layer: 2"), list(agreement.examples(SMALL[:6]))
    )
    path.write_text(
        path.read_text(encoding="utf-8").replace("positions: 48", "positions: 24"), encoding="utf-8"
    )
    done = hypotest("run", path, "--out", tmp_path / "reports")
    assert done.returncode == 0, done.stderr
    (report,) = (tmp_path / "reports" / "agreement").glob("2*")
    assert "interventions in forward passes" in (report / "report.md").read_text(encoding="utf-8")
