"""What is said of a registration, on the console, in the report, and when registering."""

from __future__ import annotations

import dataclasses
import io
import re
from pathlib import Path

import pytest
from rich.console import Console

from hypotest.pages.console import PAGE as CONSOLE
from hypotest.pages.console import shown
from hypotest.pages.document import Document
from hypotest.pages.inline import plain
from hypotest.pages.markdown import PAGE
from hypotest.records.registered import Registered
from hypotest.records.registration import Deviation, GitState, Lock, Registration
from hypotest.records.results.results import Results
from hypotest.records.seen import Seen, SeenBy
from hypotest.registration import load_protocol
from hypotest.registration.locks.lock import compose_lock
from hypotest.report.results_file import parse_results, results_text
from hypotest.report.run_page import run_page
from hypotest.report.run_summary import run_summary
from hypotest.report.sections.registration import (
    deviations_section,
    registered_page,
    status_alert,
    status_line,
    verified_page,
)
from tests.registrations import EVIDENCE_EXISTED, NOTHING_SEEN, REGISTERED, fingerprint_of

ROOT = Path(__file__).parents[3]
WHEN = "2026-11-21T12:00:00+00:00"
CONFIRMATORY = Registration("confirmatory", (), WHEN, 64 * "a")
DEVIATING = Registration(
    "exploratory",
    ("2 deviations from what was registered",),
    WHEN,
    64 * "a",
    (
        Deviation("predictions.coordination.margin.null_sd", 2.0, 3.0),
        Deviation("hashes.text.<b>|*.txt", 64 * "b", None),
    ),
)


def rendered(results: Results) -> str:
    return PAGE.render(run_page(results, {}, ()))


def said(page: Document) -> str:
    return " ".join(CONSOLE.render(page).split())


def printed(what: Document, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, _environ={})
    console.print(shown(what))
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue()


@pytest.fixture
def lock() -> Lock:
    return compose_lock(
        fingerprint_of(load_protocol(ROOT / "protocols" / "rare-tokens.yaml")),
        "rare-tokens.yaml",
        64 * "0",
        registered=REGISTERED,
        seen=NOTHING_SEEN,
        git=GitState("f" * 40, "main", True, False),
    )


def test_the_first_line_says_what_a_run_is(results: Results) -> None:
    for registration, word in ((CONFIRMATORY, "Confirmatory"), (DEVIATING, "Exploratory")):
        run = dataclasses.replace(results, registration=registration)
        assert rendered(run).splitlines()[0].startswith(f"**{word}**: ")
        assert printed(run_summary(run)).startswith(f"{word.upper()}: ")
    assert "(lock aaaaaaaaaaaa…), nothing" in plain(status_alert(CONFIRMATORY))
    assert plain(status_alert(DEVIATING)) == (
        f"EXPLORATORY: 2 deviations from what was registered. Registered on {WHEN}."
    )


def test_older_results_say_nothing(results: Results) -> None:
    assert results.registration is None
    assert status_line(None) == "" and list(deviations_section(None)) == []
    assert rendered(results).startswith("# ")
    assert "EXPLORATORY" not in printed(run_summary(results))


@pytest.mark.parametrize("registration", [CONFIRMATORY, DEVIATING])
def test_a_registration_comes_back(results: Results, registration: Registration) -> None:
    run = dataclasses.replace(results, registration=registration)
    assert parse_results(results_text(run), "here") == run


@pytest.mark.parametrize("name", ["rare-tokens", "rare-tokens-as-published"])
def test_the_shipped_examples_stay_readable(name: str) -> None:
    path = ROOT / "reports" / name / "example" / "results.json"
    assert parse_results(path.read_text(encoding="utf-8"), str(path)).protocol_id == name


def test_deviations_are_a_table_in_the_report(results: Results) -> None:
    report = rendered(dataclasses.replace(results, registration=DEVIATING))
    assert "\n## Deviations from the registration\n" in report
    assert "| predictions.coordination.margin.null_sd | 2.0 | 3.0 |" in report
    assert r"| hashes.text.\<b\>\|\*.txt | bbbbbbbbbbbb… | (absent) |" in report
    clean = rendered(dataclasses.replace(results, registration=CONFIRMATORY))
    assert "Deviations" not in clean


def test_deviations_are_a_table_on_the_console(results: Results) -> None:
    text = printed(run_summary(dataclasses.replace(results, registration=DEVIATING)))
    assert max(map(len, text.splitlines())) <= 80
    assert "Deviations from the registration" in text
    assert re.search(r"predictions\.coordination\.margin\.null_sd +2\.0 +3\.0", text)
    many = dataclasses.replace(DEVIATING, deviations=30 * DEVIATING.deviations[:1])
    text = printed(run_summary(dataclasses.replace(results, registration=many)))
    assert "... and 10 more: see the report" in text


def test_names_cannot_colour_the_terminal(results: Results) -> None:
    evil = Deviation("hashes.text.\x1b[31mred", "\x1b[2J", ["[bold]", "\n"])
    registration = dataclasses.replace(DEVIATING, reasons=("\x1b[31m",), deviations=(evil,))
    assert "\x1b" not in printed(run_summary(dataclasses.replace(results, registration=registration)))
    assert "\x1b" not in rendered(dataclasses.replace(results, registration=registration))


def test_what_registering_says(lock: Lock) -> None:
    new = Registered(lock, Path("protocols/rare-tokens.lock.json"), 3, 64 * "c", True, "2026-11-20T00:00:00")
    text = said(registered_page(new))
    assert "protocols/rare-tokens.yaml is registered as of 2026-11-21T12:00:00+00:00" in text
    assert "replaces its registration of 2026-11-20T00:00:00, which stays in the registry" in text
    assert "protocols/registry.jsonl, entry 3 (cccccccccccc…)" in text
    assert "ffffffffffff… on main, clean, NOT pushed" in text
    assert "confirmatory as long as nothing" in text

    again = said(registered_page(dataclasses.replace(new, is_new=False, replaced=None)))
    assert "is registered already, on 2026-11-21T12:00:00+00:00, and nothing has changed" in again
    assert "restored" not in again
    restored = dataclasses.replace(new, is_new=False, replaced=None, restored=True)
    assert "missing or altered: restored from the registry" in said(registered_page(restored))

    seen = dataclasses.replace(lock, seen=EVIDENCE_EXISTED, git=None)
    loud = said(registered_page(dataclasses.replace(new, lock=seen)))
    assert "*** Its runs are exploratory: the cache held evidence, before the registration" in loud
    assert "no commit" in loud and "confirmatory" not in loud

    first, last = "2026-11-19T08:00:00.5+00:00", "2026-11-20T09:00:00+00:00"
    by = SeenBy("pilot", 64 * "d", 2, "evaluation", 31, 3, first, last)
    some = Seen(documents=31, by=(by,), unlogged_evidence=False, damaged_lines=1)
    named = said(registered_page(dataclasses.replace(new, lock=dataclasses.replace(lock, seen=some))))
    assert (
        "31 of the 31 evaluation documents were seen before the registration, between 2026-11-19T08:00:00 "
        "and 2026-11-20T09:00:00, by pilot (dddddddddddd…, layer 2): 31 evaluated"
    ) in named
    assert "31 evaluated; 1 line of the cache's log of documents could not be read" in named
    assert "--fresh-documents" in named
    damaged = dataclasses.replace(lock, seen=dataclasses.replace(NOTHING_SEEN, damaged_lines=2))
    unknown = said(registered_page(dataclasses.replace(new, lock=damaged)))
    assert (
        "*** Its runs are exploratory: 2 lines of the cache's log of documents could not be read" in unknown
    )
    assert "No evaluation document was seen" not in unknown and "--fresh-documents" not in unknown


@pytest.mark.parametrize("seen", [NOTHING_SEEN, EVIDENCE_EXISTED])
def test_registering_says_what_no_tool_can_see(lock: Lock, seen: Seen) -> None:
    done = Registered(dataclasses.replace(lock, seen=seen), Path("p.lock.json"), 1, 64 * "c", True, None)
    text = said(registered_page(done))
    for what in ("another machine", "the cache and its log were deleted", "published by others"):
        assert what in text


def test_registering_names_the_number_of_documents_kept_out(lock: Lock) -> None:
    fresh = dataclasses.replace(lock, kept_out=("a" * 16, "b" * 16))
    text = said(registered_page(Registered(fresh, Path("p.lock.json"), 1, 64 * "c", True, None)))
    assert "2 documents that were seen before are kept out of the evaluation split" in text


def test_what_verifying_says() -> None:
    good = said(verified_page(Path("protocols"), 1, ()))
    assert good.startswith("protocols: 1 entry, and locks that agree")
    assert "cannot show that all of it was rewritten" in good
    bad = said(verified_page(Path("protocols"), 2, ("registry.jsonl:1: altered", "b.lock.json: missing")))
    assert bad == "protocols/registry.jsonl:1: altered protocols/b.lock.json: missing"
