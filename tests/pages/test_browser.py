"""A report in a browser: opened from disk, clicked, narrow and wide, light and dark, without its script."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

import pytest

from hypotest.pages.html import PAGE
from hypotest.studies.view.page import index_page
from hypotest.studies.view.record import RunEntry
from tests.example import EXAMPLE
from tests.pages.browser import MISSING, opened

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.skipif(bool(MISSING), reason=MISSING)]
REPORT = EXAMPLE / "report.html"


@pytest.mark.parametrize("width", [360, 1400])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_opens_from_disk_and_fetches_nothing(width: int, dark: bool) -> None:
    with opened(REPORT, width, dark) as (page, heard):
        assert page.title() == "Are the neurons that predict rare tokens a module, or spread out?"
        assert (heard.requests, heard.complaints) == ([], [])
        assert (
            page.evaluate("document.documentElement.scrollWidth") <= width
        )  # only tables scroll, in themselves
        assert page.locator("figure svg").count() == page.locator("figure").count() > 20


def test_words_and_paper_have_contrast() -> None:
    """At least 4.5 to 1 (WCAG 2.1 AA) for all that is text, in light and dark."""
    script = """() => {
      const parse = (text) => text.match(/[\\d.]+/g).slice(0, 3).map(Number);
      const light = (rgb) => {
        const linear = (v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
        const part = rgb.map((v) => linear(v / 255));
        return 0.2126 * part[0] + 0.7152 * part[1] + 0.0722 * part[2];
      };
      const ground = (item) => {
        for (let place = item; place; place = place.parentElement) {
          const colour = getComputedStyle(place).backgroundColor;
          if (!/, 0\\)$|transparent/.test(colour)) return parse(colour);
        }
        return [255, 255, 255];
      };
      const found = {};
      const text = "p, li, td, th, a, small, dd, dt, summary, figcaption, button, code, strong, span";
      for (const item of document.querySelectorAll(text)) {
        if (item.closest("svg")) continue;
        const pair = [light(parse(getComputedStyle(item).color)), light(ground(item))];
        const [one, two] = pair.sort((a, b) => b - a);
        const ratio = (one + 0.05) / (two + 0.05);
        if (ratio < 4.5) found[`${item.tagName}.${item.className}`] = ratio;
      }
      return found;
    }"""
    for dark in (False, True):
        with opened(REPORT, dark=dark) as (page, _):
            assert page.evaluate(script) == {}


def test_headings_go_down_one_by_one_and_everything_has_a_name() -> None:
    with opened(REPORT) as (page, _):
        levels = page.eval_on_selector_all(
            "h1, h2, h3", "items => items.map((item) => Number(item.tagName[1]))"
        )
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(after - before <= 1 for before, after in pairwise(levels))
        assert page.locator("svg[role=img]:not([aria-label])").count() == 0
        nameless = "items => items.filter((item) => !item.textContent.trim()).length"
        assert page.eval_on_selector_all("button, a", nameless) == 0
        ids = page.eval_on_selector_all("[id]", "items => items.map((item) => item.id)")
        assert len(ids) == len(set(ids))
        targets = page.eval_on_selector_all(
            "a[href^='#']", "items => items.map((item) => item.hash.slice(1))"
        )
        assert {name for name in targets if name} <= set(ids)


def test_a_cell_of_the_ladder_opens_the_histogram_of_its_null() -> None:
    with opened(REPORT) as (page, heard):
        row = page.locator("tr", has=page.locator("th", has_text=re.compile("^coordination$"))).filter(
            has=page.locator("a.opens")
        )
        row.locator("a.opens").nth(1).click()
        dialog = page.locator("dialog[open]")
        assert dialog.locator("h3").inner_text() == "coordination: covariate_matched"
        box = [float(part) for part in dialog.locator("svg").get_attribute("viewBox").split()]
        assert 0 < box[2] < 250 and 0 < box[3] < 250  # one panel of the figure, in points
        page.keyboard.press("Escape")
        assert page.locator("dialog[open]").count() == 0
        assert heard.complaints == []


def test_a_prediction_is_folded_until_it_is_asked_for() -> None:
    with opened(REPORT) as (page, _):
        part = page.locator("details.folded").first
        assert part.get_attribute("open") is None
        part.locator("summary").press("Enter")  # by keyboard
        assert part.get_attribute("open") is not None
        page.get_by_role("button", name="Open all").click()
        assert page.locator("details.folded:not([open])").count() == 0


def test_neurons_are_sorted_by_a_column() -> None:
    with opened(REPORT) as (page, _):
        page.get_by_text("neurons one by one").click()
        table = page.locator("table.sorts").first
        head = table.locator("th", has_text="influence, common")
        head.get_by_role("button").click()
        place = head.evaluate("item => item.cellIndex")
        values = table.locator(f"tbody tr > :nth-child({place + 1})").all_inner_texts()
        assert [float(value) for value in values] == sorted(map(float, values))
        assert head.get_attribute("aria-sort") == "ascending"
        head.get_by_role("button").click()
        assert table.locator(f"tbody tr > :nth-child({place + 1})").all_inner_texts() == values[::-1]


def test_a_word_explains_itself_to_mouse_and_keyboard() -> None:
    with opened(REPORT) as (page, _):
        word = page.locator("main a.term").first
        word.hover()
        assert page.locator("#tip").is_visible()
        said = page.locator("#tip").inner_text()
        assert said == page.locator(f"dt{word.get_attribute('href')} + dd").inner_text()
        page.mouse.move(0, 0)
        assert not page.locator("#tip").is_visible()
        word.focus()
        assert page.locator("#tip").is_visible()


def test_a_tapped_word_explains_itself_and_the_place_stays() -> None:
    with opened(REPORT, 360) as (page, _):
        word = page.locator("main section a.term").nth(3)
        word.scroll_into_view_if_needed()
        place = page.evaluate("scrollY")
        word.click()
        assert page.locator("#tip").is_visible()
        assert (page.evaluate("scrollY"), page.evaluate("location.hash")) == (place, "")
        page.locator("h1").dispatch_event("click")
        assert not page.locator("#tip").is_visible()


def test_a_table_that_scrolls_is_in_shade_where_more_follows() -> None:
    """Its right edge is darker than the paper until it is scrolled to the end."""
    script = """(item) => {
      const style = getComputedStyle(item);
      return [style.backgroundAttachment, style.backgroundImage.split("linear-gradient").length - 1];
    }"""
    with opened(REPORT, 360) as (page, _):
        tables = page.locator(".scroll")
        assert page.evaluate(
            "[...document.querySelectorAll('.scroll')].some((item) => item.scrollWidth > item.clientWidth)"
        )
        assert tables.first.evaluate(script) == ["local, local, scroll, scroll", 4]
        names = page.eval_on_selector_all(".scroll", "items => items.map((item) => item.ariaLabel)")
        assert len(names) == len(set(names)) and "table" not in names


def test_a_margin_is_seen_on_dark_ground() -> None:
    script = "items => items.map((item) => Number(getComputedStyle(item).opacity))"
    with opened(REPORT, dark=True) as (page, _):
        shown = page.eval_on_selector_all("figure svg .tint", script)
        assert shown and min(shown) > 0.4


def test_a_figure_is_downloaded_as_a_whole_svg() -> None:
    with opened(REPORT) as (page, heard), page.expect_download() as download:
        page.get_by_role("link", name="Download SVG").first.click()
        text = Path(download.value.path()).read_text(encoding="utf-8")
        assert text.startswith("<svg") and "fill: #ffffff" in text and text.endswith("</svg>")
        assert heard.requests == []


def test_without_its_script_all_of_it_is_there() -> None:
    with opened(REPORT, script=False) as (page, heard):
        assert heard.complaints == []
        page.locator("details.folded summary").first.click()
        assert page.locator("details.folded[open]").count() == 1
        assert page.locator("button").count() == 0  # none that does nothing
        assert page.locator("dl dt").count() > 20


def test_on_paper_predictions_are_unfolded_and_tables_fit() -> None:
    with opened(REPORT, 760) as (page, _):
        page.emulate_media(media="print")
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        left = page.locator("details:not([open])")  # nobody can open them there
        assert page.locator("details.folded:not([open])").count() == 0
        assert 0 < left.count() == page.locator("details + details + details + details:not(.folded)").count()
        assert not left.first.locator("table").is_visible()
        assert not page.locator("nav").is_visible() and not page.locator(".tool").first.is_visible()


_A4 = {"upright": 680, "landscape": 1009}
"""CSS pixels between the margins: 180 and 267 mm."""


@pytest.mark.parametrize(
    ("sheet", "tables"), [("upright", ".scroll:not(.wide)"), ("landscape", ".scroll.wide")]
)
def test_on_paper_tables_fit_and_break_neither_words_nor_numbers(sheet: str, tables: str) -> None:
    script = """(items) => {
      const broken = new Set();
      for (const item of items) {
        const width = document.documentElement.clientWidth;
        if (item.firstElementChild.offsetWidth > width) broken.add(item.ariaLabel);
        const walker = document.createTreeWalker(item, NodeFilter.SHOW_TEXT);
        for (let node = walker.nextNode(); node; node = walker.nextNode()) {
          for (const word of node.data.matchAll(/[A-Za-z]+|\\d+(?:[.,]\\d+)*/g)) {
            const range = document.createRange();
            range.setStart(node, word.index);
            range.setEnd(node, word.index + word[0].length);
            const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.top)));
            if (lines.size > 1) broken.add(word[0]);
          }
        }
      }
      return [...broken];
    }"""
    with opened(REPORT, _A4[sheet]) as (page, _):
        page.emulate_media(media="print")
        page.add_style_tag(content=".page { padding: 0 !important; }")
        page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
        assert page.locator(tables).count() > 0
        assert page.eval_on_selector_all(tables, script) == []


def test_a_wide_table_has_a_sheet_across(tmp_path: Path) -> None:
    with opened(REPORT) as (page, _):
        page.emulate_media(media="print")
        sheets = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", page.pdf(format="A4"))
        across = [float(width) > float(height) for width, height in sheets]
        assert len(across) < 48
        assert any(across) and not across[0] and sum(across) < len(across) / 10


def test_an_index_of_runs_is_sorted_by_verdict(tmp_path: Path) -> None:
    entries = [
        RunEntry(
            "b/1",
            "report.html",
            "b",
            "B?",
            "one",
            (("modular", "refuted"),),
            "exploratory",
            "2026-02-01 10:00",
        ),
        RunEntry(
            "a/1", "report.html", "a", "A?", "two", (("modular", "open"),), "confirmatory", "2026-01-01 10:00"
        ),
        RunEntry("c/1", "", problem="ValueError: damaged"),
    ]
    file = tmp_path / "index.html"
    file.write_text(PAGE.render(index_page(entries)), encoding="utf-8")
    with opened(file, 360) as (page, heard):
        page.get_by_role("button", name="verdict").click()
        names = page.locator("tbody tr > :first-child").all_inner_texts()
        assert [name.splitlines()[0] for name in names] == ["c/1", "A?", "B?"]
        assert page.locator("tbody a").first.get_attribute("href") == "./a/1/report.html"
        assert heard.complaints == [] and heard.requests == []
        name = page.locator("tbody th").first.bounding_box()
        assert name and name["width"] > 130  # and no word a line
    with opened(file, 1400) as (page, _):  # nothing stands beside it, and so it has the width of its own
        assert page.evaluate("document.querySelector('main').clientWidth") > 700
        assert page.evaluate("document.documentElement.scrollWidth") <= 1400


def test_row_names_stay_while_a_table_scrolls() -> None:
    """Signs and p say nothing without the prediction that they are of."""
    with opened(REPORT, 360) as (page, _):
        table = page.locator(".scroll", has=page.locator("a.opens")).first
        before = table.locator("tbody th").first.bounding_box()
        table.evaluate("item => { item.scrollLeft = 300; }")
        after = table.locator("tbody th").first.bounding_box()
        assert before and after and after["x"] == pytest.approx(before["x"], abs=1)


def test_sentences_of_a_table_stand_beneath_each_other_on_a_phone() -> None:
    with opened(REPORT, 360) as (page, _):
        cells = page.locator(".prose tbody tr").first.locator("th, td")
        boxes = [box for cell in cells.all() if (box := cell.bounding_box())]
        assert len(boxes) > 2 and all(one["y"] < two["y"] for one, two in pairwise(boxes))
        assert max(box["width"] for box in boxes) <= 360


@pytest.mark.parametrize("section", ["Methods", "Provenance", "Verdict"])
def test_the_list_marks_where_the_reader_is(section: str) -> None:
    """Also after a jump, and at the end of the page."""
    with opened(REPORT, 1400) as (page, _):
        page.get_by_role("navigation").get_by_role("link", name=section).click()
        page.wait_for_timeout(300)
        assert page.locator("nav a.here").all_inner_texts() == [section]


def test_a_panel_says_what_its_axis_and_marks_are() -> None:
    with opened(REPORT, 1400) as (page, _):
        page.locator("a.opens").nth(6).click()
        said = page.locator("dialog p").inner_text()
        assert "observed value" in said and "draws" in said


def test_numbers_within_names_are_sorted_as_numbers() -> None:
    with opened(REPORT, 1400) as (page, _):
        table = page.locator("table.sorts").first
        table.evaluate("item => { const folded = item.closest('details'); if (folded) folded.open = true; }")
        table.get_by_role("button", name="neuron").first.click()
        names = table.locator("tbody tr > :nth-child(2)").all_inner_texts()
        numbers = [int(name) for name in names]
        assert numbers == sorted(numbers) and len(numbers) > 20
