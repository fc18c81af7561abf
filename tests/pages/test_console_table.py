"""Tables in narrow terminals: nothing is cut, and no number is broken in two."""

import io
import re

import pytest
from rich.console import Console
from rich.text import Text

from hypotest.pages.console import shown
from hypotest.pages.console_table import NARROWEST, ConsoleTable
from hypotest.report.export import read_results
from hypotest.report.run_summary import run_summary
from tests.example import EXAMPLE


def printed(renderable, width):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(renderable)
    return console.file.getvalue()


def example():
    table = ConsoleTable(title="Things")
    table.add_column(Text("name\n  null"))
    table.add_column(Text("observed\nreference"), justify="right")
    table.add_column("n")
    table.add_row(Text("a\n  b"), Text("1,234.5\n-0.001"), "7")
    table.add_row(Text("c"), Text("2\n"), Text(""))
    return table


def test_a_narrow_table_is_a_list():
    assert printed(example(), 20).splitlines() == [
        "Things", "a", "  b", "  observed: 1,234.5", "  reference: -0.001", "  n: 7", "c", "  observed: 2",
    ]  # fmt: skip


def test_a_table_with_room_is_a_table():
    assert "1,234.5" in printed(example(), NARROWEST) and "observed:" not in printed(example(), NARROWEST)


@pytest.mark.parametrize("width", [30, 40, 60, 71])
def test_the_numbers_of_a_run_are_whole(width):
    results = read_results(EXAMPLE / "results.json")
    wide, narrow = printed(shown(run_summary(results)), 120), printed(shown(run_summary(results)), width)
    assert max(map(len, narrow.splitlines())) <= width
    number = re.compile(r"(?<![\w.])-?\d+\.\d+(?!\w)")
    assert set(number.findall(wide)) == set(number.findall(narrow))
