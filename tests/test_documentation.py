"""What README and docs say is what a user gets."""

import json
import re
import shutil
import subprocess
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from hypotest.cli import app
from hypotest.cli.cache import cache
from hypotest.cli.planning import registry
from hypotest.cli.protocols import corpus
from hypotest.cli.tool import reference
from hypotest.measures.registry import MEASURES
from hypotest.pages.markdown import PAGE, markdown
from hypotest.registration import load_protocol, protocol_hash
from hypotest.report.numbers import fixed, p_text, significant
from hypotest.report.run import Run
from hypotest.studies.calibration.calibrate import read_calibration
from hypotest.studies.calibration.cases import choose_cases
from hypotest.studies.calibration.page import calibration_page, calibration_summary
from hypotest.studies.series.page import write_series
from hypotest.subjects.reference import REFERENCE
from tests import calibration, science
from tests import series as committed
from tests.example import (
    AS_PUBLISHED,
    BOTH,
    EXAMPLE,
    FIRST_RUN,
    TABLE,
    VERDICT,
    VOCABULARY,
    measures_table,
    shown,
    side_by_side,
)
from tests.texts import DOCS, README, ROOT, fenced, pages, stands

TEMPLATES = ROOT / "hypotest" / "registration" / "templates"
TEXTS = {path: path.read_text(encoding="utf-8") for path in pages()}
EVERYTHING = "\n".join(TEXTS.values())


def said_on(page):
    return " ".join(TEXTS[page].split())


def of_prediction(results, name):
    return next(item for item in results.predictions if item.id == name)


def test_the_readme_is_short():
    assert len(TEXTS[README].splitlines()) < 150


def test_the_tables_of_the_example_are_what_show_prints():
    assert stands(shown(), VERDICT)
    assert stands(shown(FIRST_RUN), TABLE)


def test_the_findings_are_those_of_the_committed_runs():
    assert stands(science.public(), science.PUBLIC)
    assert stands(science.findings(), science.FINDINGS)
    assert stands(science.registered(), science.REGISTERED)
    assert stands(science.alternatives(), science.ALTERNATIVES)
    for folder, made in committed.COMMITTED.items():
        assert stands(made(), folder.name)


@pytest.mark.parametrize("folder", committed.COMMITTED, ids=lambda folder: folder.name)
def test_a_committed_series_is_what_its_numbers_give(folder, tmp_path):
    """Page and figure, made of the numbers once more."""
    again = shutil.copytree(folder, tmp_path / "again")
    write_series(committed.read_series(again))
    for file in sorted((folder / "series").rglob("*")):
        if file.suffix in (".md", ".json", ".svg"):
            assert (again / file.relative_to(folder)).read_bytes() == file.read_bytes()


def test_taus_of_the_training_are_those_of_its_effects():
    """Counted by hand: pairs of checkpoints in order, less those against it."""
    series = committed.read_series(committed.TRAINING)
    courses = {course.prediction: [point.effect for point in course.points] for course in series.courses}
    for item in series.trends:
        pairs = [np.sign(b - a) for a, b in combinations(courses[item.prediction], 2)]
        assert item.tau == pytest.approx(np.mean(pairs))


def test_the_comparison_is_of_the_committed_runs():
    record = json.loads((science.COMPARED / "comparison.json").read_text(encoding="utf-8"))
    runs = {item["label"]: Run.open(ROOT / item["folder"]).results for item in record["runs"]}
    assert len(runs) == len(science.MODELS)
    for check in record["checks"]:
        if check["prediction"] is None:
            continue
        (item,) = (one for one in runs[check["run"]].predictions if one.id == check["prediction"])
        assert check["measured_outcome"] in (None, item.outcome)
        if check["quantity"] in ("observed", "effect"):
            assert check["measured"] in (None, getattr(item, check["quantity"]))


def test_what_the_readme_says_of_the_public_model_is_what_its_run_found():
    run = Run.open(science.MODELS[1].matched).results
    shared, selected = sum(item.in_both for item in run.members), len(run.group.neurons)
    said = " ".join(TEXTS[README].split())
    assert f"{shared} of the same {selected} for common ones" in said
    assert {item.hypothesis: item.status for item in run.verdicts} == {
        "modular": "refuted",
        "distributed": "undecided",
    }
    outcomes = {item.id: item.outcome for item in run.predictions}
    assert (outcomes["coordination"], outcomes["clustering"]) == (
        "less",
        "inconclusive",
    )  # no longer by design
    assert {item.hypothesis: item.status for item in Run.open(EXAMPLE).results.verdicts} == {
        item.hypothesis: item.status for item in run.verdicts
    }


def test_what_is_written_of_the_example_is_what_its_run_found():
    """Every number of the paragraph, from the results."""
    run = Run.open(EXAMPLE).results
    item, fewer = of_prediction(run, "coordination"), run.group.draws["local_matched"]["movable"]
    numbers = [fixed(item.observed, 1), fixed(item.reference_value, 1), fixed(item.reference_sd, 2)]
    (placebo,) = (one for one in run.placebos.predictions if one.prediction == item.id)
    for said in (
        "{} dimensions against {} ({})".format(*numbers),
        f"p {p_text(item.p_value)}, and {p_text(item.p_adjusted)} after correction",
        f"only {fewer:g} of the {len(run.group.neurons)} members have such neighbours",
        f"({fixed(placebo.effect_by_loss, 2)}, p {p_text(placebo.p_by_loss)})",
        f"*lowers* the loss on rare targets (by {-run.ablation.group.together:.2g} nats)",
    ):
        assert said in said_on(DOCS / "results" / "rare-tokens.md"), said


def test_what_the_limits_say_of_clustering_is_what_the_run_found():
    run = Run.open(science.MODELS[1].matched).results
    item = of_prediction(run, "clustering")
    matched = next(rung for rung in item.ladder if rung.null == "covariate_matched")
    for said in (
        f"Q is the best of {MEASURES[item.measure].options['restarts'].default} restarts",
        f"p of SmolLM2's clustering is {p_text(item.p_value)} against {item.reference}, the null that "
        f"decides, with a margin of ±{significant(item.margin[1], 2)}",
        f"Against covariate_matched it is {p_text(matched.p_value)}, from which nothing is concluded, since "
        "that " + matched.blocked.partition(" (")[0],
    ):
        assert said in said_on(DOCS / "limits.md"), said


def test_no_committed_number_is_of_a_gpu():
    """As the limits say; whoever commits one tells there what it shows."""
    assert "No number on these pages is of a GPU" in said_on(DOCS / "limits.md")
    manifests = [
        json.loads(path.read_text(encoding="utf-8")) for path in science.REPORTS.rglob("manifest.json")
    ]
    assert manifests and '"device": "cuda' not in json.dumps(manifests)
    assert not re.search(r"device cuda\b.*load average|load average.*device cuda\b", EVERYTHING)


def test_both_verdicts_are_those_of_the_examples():
    assert stands(side_by_side(Run.open(EXAMPLE), Run.open(AS_PUBLISHED)), BOTH)


def test_the_table_of_measures_is_that_of_the_language():
    assert stands(measures_table(), VOCABULARY)


def test_the_minimal_protocol_is_the_one_that_init_writes(tmp_path):
    plans = fenced("yaml", DOCS / "guide" / "own-protocol.md")
    (text,) = (plan for plan in plans if plan.startswith("hypotest: 1\nid: minimal\n"))
    path = tmp_path / "p.yaml"
    path.write_text(text, encoding="utf-8")
    assert protocol_hash(load_protocol(path)) == protocol_hash(load_protocol(TEMPLATES / "minimal.yaml"))


@pytest.mark.parametrize("example", [EXAMPLE, AS_PUBLISHED])
def test_the_example_was_run_with_the_shipped_protocol_and_model(example):
    manifest = json.loads((example / "manifest.json").read_text(encoding="utf-8"))
    protocol = load_protocol(ROOT / "protocols" / f"{example.parent.name}.yaml")
    assert manifest["hashes"]["protocol"] == protocol_hash(protocol)
    card = json.loads((REFERENCE / "card.json").read_text(encoding="utf-8"))
    for source in card["evaluation_text"]["sources"]:
        assert manifest["hashes"]["text"][f"{source['name']} {source['version']}"] == source["sha256"]


def test_the_calibration_in_the_docs_is_the_committed_one():
    summary = ""
    if calibration.RESULT.exists():
        committed = read_calibration(calibration.RESULT)
        names = [item.name for item in committed.scenarios]
        every = [item.name for item in choose_cases(())]
        assert set(names) <= set(every) and len(names) == len(set(names))
        fewest = min(item.n_simulations for item in committed.scenarios)
        if fewest < 2000 or len(names) < len(every):  # readers see how many, and that more are planned
            assert f"{fewest} simulations of {len(names)} of the {len(every)} kinds" in EVERYTHING
        page = calibration.RESULT.with_suffix(".md").read_text(encoding="utf-8")
        assert page == PAGE.render(calibration_page(committed))
        summary = markdown(*calibration_summary(committed).blocks)
        for hard in (item for item in committed.scenarios if item.name == "covariates"):
            (cell,) = [
                item
                for item in hard.cells
                if (item.prediction, item.null) == ("coordination", "covariate_matched")
            ]
            said = f"reject in {100 * cell.rejected.count / cell.rejected.n:.0f} % instead of 5 %"
            assert said in EVERYTHING and said in (EXAMPLE / "report.md").read_text(encoding="utf-8")
    assert stands(summary, calibration.MARK)


def test_every_command_is_documented():
    groups = {"": app, "reference ": reference, "registry ": registry, "corpus ": corpus, "cache ": cache}
    names = [
        prefix + (command.name or command.callback.__name__)
        for prefix, group in groups.items()
        for command in group.registered_commands
    ]
    assert len(names) == len(set(names)) == 25
    commands = TEXTS[DOCS / "reference" / "commands.md"]
    for name in names:
        assert f"`hypotest {name} " in commands or f"`hypotest {name}`" in commands, name


def test_the_first_commands_are_targets_of_the_makefile():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = re.findall(r"^\$ make (\w+)", TEXTS[README], flags=re.M)
    assert commands == ["verdict", "test"]
    for command in commands:
        assert re.search(rf"^{command}:", makefile, flags=re.M)
    assert "`make test-quick`" in EVERYTHING and re.search(r"^test-quick:", makefile, flags=re.M)
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "page", [*TEXTS, EXAMPLE / "report.md", AS_PUBLISHED / "report.md"], ids=lambda path: path.name
)
def test_links_to_files_lead_somewhere(page):
    made = (DOCS / ".gitignore").read_text(encoding="utf-8").split()
    for link in re.findall(r"\]\((?!https?:)([^)# ]+)[^)]*\)", page.read_text(encoding="utf-8")):
        to = (page.parent / link).resolve()
        inside = to.is_relative_to(DOCS) and f"/{to.relative_to(DOCS)}".startswith(tuple(made))
        assert inside or to.exists(), link


@pytest.mark.parametrize("name", ["torch", "nnsight", "transformers"])
def test_constraints_pin_exact_versions(name):
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", line) for line in pinned)  # no local part such as +cpu
    assert any(line.startswith(f"{name}==") for line in pinned)


def test_the_package_says_where_everything_is():
    import hypotest

    folders = {path.parent.name for path in (ROOT / "hypotest").glob("*/__init__.py")}
    for name in folders | {"cli", "verdict", "errors"}:
        assert re.search(rf"^    {name}\b", hypotest.__doc__, flags=re.M), name


def test_tracked_files_hold_no_weights_but_the_reference():
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split("\0")
    for name in filter(None, tracked):
        path = Path(ROOT, name)
        if path.exists() and path.stat().st_size > 2_000_000:
            kept = ("/report.html", "reports/controls/controls.json")  # lesions of every unit of 650 networks
            assert name.startswith("hypotest/subjects/reference/") or name.endswith(kept), name
