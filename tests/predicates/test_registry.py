"""What packages may add, and that conditions of a protocol are named in few places."""

import ast
import dataclasses
import pathlib
import re

import pytest

from hypotest.predicates.registry import PREDICATES, _checked

ROOT = pathlib.Path(__file__).parents[2] / "hypotest"
ALLOWED = {
    "predicates/frequency.py",  # its own file
    "registration/template.py",  # what its template is about
}
"""Files that may speak of rare and common targets."""
SIMULATED = "calibration"
"""Folder of the simulated text, which has rare and common targets."""


SPOKEN = re.compile(r"\b(rare|common) (targets|positions|types|ones)\b")


def words_in(path):
    """Names and texts of a file that speak of a condition of the rare-token protocol, docstrings apart."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs
        if is_text and (node.value in ("rare", "common") or SPOKEN.search(node.value)):
            yield node.lineno, node.value
        names = (getattr(node, key, None) for key in ("id", "attr", "arg", "name"))
        yield from ((node.lineno, name) for name in names if name == "rare" or str(name).endswith("_rare"))


def test_names_of_conditions_are_those_of_the_protocol():
    """Else any two conditions would be called rare and common somewhere."""
    named = {
        f"{path.relative_to(ROOT)}:{line}: {word}"
        for path in ROOT.rglob("*.py")
        if str(path.relative_to(ROOT)) not in ALLOWED and path.parent.name != SIMULATED
        for line, word in words_in(path)
    }
    assert named == set()


def test_a_predicate_s_name_occurs_in_its_own_file_only():
    for name, item in PREDICATES.items():
        if name in ("in", "index", "document", "labels", "seen", "span"):
            continue  # words of every day
        for path in ROOT.rglob("*.py"):
            if path != item.home and path.parent.name != "predicates":
                constants = {
                    node.value
                    for node in ast.walk(ast.parse(path.read_text("utf-8")))
                    if isinstance(node, ast.Constant)
                }
                assert name not in constants or str(path.relative_to(ROOT)) in ALLOWED, (name, path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"interface": 2}, "version 2 of the interface"), ({"about": ("sentence",)}, "about must name"),
     ({"about": (), "exchange": None}, "exchange must be one of"),
     ({"exchange": "word"}, "exchange must be one of"),
     ({"name": "target"}, "taken"), ({"name": "all"}, "taken")],
)  # fmt: skip
def test_what_a_package_cannot_add(changes, said):
    made = dataclasses.replace(PREDICATES["seen"], **{"name": "new", **changes})
    with pytest.raises(ValueError, match=said):
        _checked(made.name, made, {})


def test_what_is_no_predicate():
    with pytest.raises(ValueError, match="must be a Predicate; found str"):
        _checked("new", "new", {})
