"""Pages of docs that are made from the package have everything that a protocol can name."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
import yaml

from hypotest.measures.registry import MEASURES
from hypotest.nulls.registry import NULLS
from hypotest.predicates.registry import PREDICATES
from hypotest.records.protocol.conditions import condition_model, leaves
from hypotest.records.protocol.protocol import Protocol
from tests.texts import DOCS, README, ROOT
from tests.texts import pages as written_pages

sys.path.insert(0, str(ROOT))
from docs.made import errors, pages, remedies
from docs.made.calibrated import calibration
from docs.made.reports import copy_reports, linked_outwards


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages.made_pages()


def test_every_noun_has_a_page(made: dict[str, str]) -> None:
    for kind, names in (("measures", MEASURES), ("nulls", NULLS), ("predicates", PREDICATES)):
        for name in names:
            text = made[f"{kind}/{name}.md"]
            assert text.startswith(f"# `{name}`") and "## In a protocol" in text
            assert f"(../{kind}/{name}.md)" in made[f"reference/{kind}.md"]


@pytest.mark.parametrize("name", sorted(MEASURES))
def test_a_measure_says_what_its_outcomes_mean(made: dict[str, str], name: str) -> None:
    text, words = made[f"measures/{name}.md"], MEASURES[name].words
    assert words.less.partition("{")[0] in text and words.greater.partition("{")[0] in text
    assert "```text" in text  # its formula
    assert all(f"`{option}`" in text for option in MEASURES[name].options)


def test_a_measure_of_a_committed_report_shows_its_figures(made: dict[str, str]) -> None:
    """Each link leads to a file; a measure that no report is about has no example."""
    shown = {name for name in MEASURES if "## Example" in made[f"measures/{name}.md"]}
    assert {"modularity", "effective_dimension", "attention_gini", "top_head_impact"} <= shown
    for name in shown:
        linked = re.findall(r"\]\((../../reports/[^)]+)\)", made[f"measures/{name}.md"])
        assert any(link.endswith(".png") for link in linked)
        assert all((DOCS / "measures" / link).resolve().is_file() for link in linked)
    assert "-eigenvalues.png" in made["measures/effective_dimension.md"]


def test_the_language_has_every_key(made: dict[str, str]) -> None:
    text = made["reference/protocol.md"]
    assert all(f"| `{name}`" in text for name in Protocol.model_fields)


def test_errors_are_collected_with_their_remedies(made: dict[str, str]) -> None:
    collected = errors.messages()
    assert sum(map(len, collected.values())) > 150
    assert set(collected) <= set(errors.KINDS)
    assert all(
        remedies.remedy_of(message) is not None for messages in collected.values() for message in messages
    )
    assert "Exit code 2." in made["reference/errors.md"] and "Exit code 1." in made["reference/errors.md"]


def test_every_remedy_is_one_that_a_message_lacks() -> None:
    """And a message that says nothing of what to do has none until somebody writes one."""
    lacking = [text for texts in errors.messages().values() for text in texts if remedies.remedy_of(text)]
    for pattern, remedy in remedies.REMEDIES:
        assert any(re.search(pattern, text) for text in lacking), pattern
        assert re.match(r"[A-Z][a-z]+ ", remedy) and not remedy.endswith("."), remedy
    with pytest.raises(LookupError, match="does not say what to do"):
        remedies.remedy_of("the moon is no cheese …")


def test_only_pages_that_changed_are_written(tmp_path: Path, made: dict[str, str], monkeypatch) -> None:
    monkeypatch.setattr(pages, "made_pages", lambda: made)
    (tmp_path / "nulls").mkdir()
    (tmp_path / "nulls" / "gone.md").touch()
    pages.write_pages(tmp_path)
    times = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.md")}
    assert len(times) == len(made)  # and the page of a null that is gone is gone
    pages.write_pages(tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.md")} == times
    ignored = (DOCS / ".gitignore").read_text(encoding="utf-8").split()
    assert all(f"/{name}".startswith(tuple(ignored)) for name in made)


@pytest.mark.parametrize("name", sorted(PREDICATES))
def test_a_predicate_shows_conditions_that_the_language_takes(made: dict[str, str], name: str) -> None:
    (shown,) = re.findall(r"```yaml\n(conditions:\n.*?)```", made[f"predicates/{name}.md"], flags=re.S)
    conditions = yaml.safe_load(shown)["conditions"]
    read = [condition_model().model_validate_json(json.dumps(item)) for item in conditions.values()]
    assert name in {leaf.name for condition in read for leaf in leaves(condition)}


@pytest.mark.parametrize("name", sorted(PREDICATES))
def test_a_predicate_is_said_in_sentences(made: dict[str, str], name: str) -> None:
    text = made[f"predicates/{name}.md"]
    (said,) = re.findall(r"^\*\*It holds for rows where (.*)\.\*\*$", text, flags=re.M)
    assert re.match(r"(the|a|this|columns) ", said) and re.search(r" (is|lies|have|says|occurred) ", said)
    for about in PREDICATES[name].about:
        assert re.search(rf"under `{about}:` \(.*?\)", text)


@pytest.mark.parametrize(
    "page", [*(f"measures/{name}.md" for name in MEASURES), *(f"nulls/{name}.md" for name in NULLS)]
)
def test_every_page_has_pitfalls_and_says_what_was_simulated(made: dict[str, str], page: str) -> None:
    """A table of rates, or that none has been simulated, and what that means."""
    name, (_, calibrated) = Path(page).stem, made[page].split("## Calibration")
    assert "## Pitfalls\n\n- " in made[page]
    said = f"`{name}` has been simulated**"
    assert ("| claimed | hardest |" in calibrated) != (said in calibrated)
    cells = [cell for item in calibration().scenarios for cell in item.cells]
    ids = {known for known, _ in NULLS[name].ids()} if name in NULLS else set()
    assert (said in calibrated) != any(cell.measure == name or cell.null in ids for cell in cells)


def test_a_null_of_many_units_has_one_question_and_a_list(made: dict[str, str]) -> None:
    (row,) = (
        line for line in made["reference/nulls.md"].splitlines() if line.startswith("| [`label_shuffled`]")
    )
    units = [variant for variant in NULLS["label_shuffled"].words.variants if variant]
    assert len(row) < 400 and row.count("?") == 1
    assert all(f"| `{unit}` | " in made["nulls/label_shuffled.md"] for unit in units)
    assert all(f"`{unit}`" in row for unit in units[1:])


def test_links_to_reports_open_on_the_site(made: dict[str, str], tmp_path: Path) -> None:
    """Those of the gallery among them, folders of registered runs too; none is a file to be saved."""
    copy_reports(tmp_path)
    written = {
        f"{path.relative_to(DOCS)}": path.read_text(encoding="utf-8")
        for path in written_pages()
        if path != README
    }
    for name, text in {**written, **made}.items():
        linked = linked_outwards(text, name.removesuffix(".md"))
        assert not re.search(r"(?<!!)\[[^\]]*\]\((path:)?[./]*reports/[^)]*(\.md|\.html|/\w+)\)", linked), (
            name
        )
        for address in re.findall("<a href='([^']*)'>", linked):
            assert (tmp_path / Path(name).parent / address).resolve().is_file(), (name, address)
    gallery = linked_outwards(written["results/gallery.md"], "results/gallery")
    assert gallery.count("/report.html'>") == 10 and "reports/registered/numbers/" in gallery
    page = (tmp_path / "reports" / "controls" / "controls.html").read_text(encoding="utf-8")
    shown = re.findall(r'<img src="([^"]+)"', page)
    assert shown and all((tmp_path / "reports" / "controls" / figure).is_file() for figure in shown)
    assert "<table>" in page and "[!NOTE]" not in page


def test_a_null_of_a_committed_report_shows_it(made: dict[str, str]) -> None:
    shown = {name for name in NULLS if "## Example" in made[f"nulls/{name}.md"]}
    assert shown >= {"size_matched", "local_matched", "label_shuffled", "rewired"}
    assert not [name for name in NULLS if "\n.\n" in made[f"nulls/{name}.md"]]
