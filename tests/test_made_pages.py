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
from tests.texts import DOCS, ROOT

sys.path.insert(0, str(ROOT))
from docs.made import errors, pages


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
    assert "Exit code 2." in made["reference/errors.md"] and "Exit code 1." in made["reference/errors.md"]


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


def test_a_null_of_a_committed_report_shows_it(made: dict[str, str]) -> None:
    shown = {name for name in NULLS if "## Example" in made[f"nulls/{name}.md"]}
    assert shown >= {"size_matched", "local_matched", "label_shuffled", "rewired"}
    assert not [name for name in NULLS if "\n.\n" in made[f"nulls/{name}.md"]]
