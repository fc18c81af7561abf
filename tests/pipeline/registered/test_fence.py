"""A corrected word leaves a registration valid, a changed number does not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import hypotest
from hypotest.pipeline.registered.fence import FENCED, NO_NUMBERS, code_hash, normal_form

PACKAGE = Path(hypotest.__file__).parent


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package."""
    copy = tmp_path_factory.mktemp("copy") / "hypotest"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def hash_with(package: Path, file: str, before: str, after: str) -> str:
    path = package / file
    text = path.read_text(encoding="utf-8")
    assert before in text, f"{file} no longer says {before!r}"
    try:
        path.write_text(text.replace(before, after, 1), encoding="utf-8")
        return code_hash(package=package)
    finally:
        path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("measures/hill_alpha.py", "a heavier tail", "a tail that is heavier"),
        ("measures/hill_alpha.py", '"the group\'s weight rows"', '"which rows"'),
        ("measures/hill_alpha.py", "weights have no documents", "there are no documents"),
        ("measures/effective_dimension.py", '"share of the variance that is kept"', '"share kept"'),
        ("ladder/group_tests.py", '"""T(G).', '"""The value of the group.'),
        ("estimators/ranks.py", "weights must be whole numbers", "weights have to be whole numbers"),
        ("nulls/size_matched.py", "number of random groups, at most", "how many random groups"),
        ("estimators/attention/concentration.py", "# Hidden keys become zeros", "# Hidden keys get zeros"),
        ("report/sections/methods.py", "def ", "def  "),
        ("pipeline/analysis/limitations.py", "= 50", "= 51"),
        ("pipeline/cache/room.py", "+", "-"),
        ("pipeline/registered/manifest.py", "return", "return not"),
    ],
)
def test_a_word_is_outside(package, file, before, after):
    assert hash_with(package, file, before, after) == code_hash(package=package)


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("measures/effective_dimension.py", "Option(0.95", "Option(0.9"),
        ("measures/attention_gini.py", "mean(axis=1)", "max(axis=1)"),
        ("records/protocol/design.py", "PERMUTATIONS = 1999", "PERMUTATIONS = 199"),
        ("nulls/size_matched.py", "default=9999", "default=999"),
        ("verdict.py", "return", "return not"),
        ("ladder/group_tests.py", "0.95", "0.9"),
        ("subjects/beginning.py", "True", "False"),
        ("collect/stages/forward.py", "BLOCKS_PER_SHARD = 64", "BLOCKS_PER_SHARD = 32"),
    ],
)
def test_a_number_is_inside(package, file, before, after):
    assert hash_with(package, file, before, after) != code_hash(package=package)


def test_what_a_known_network_is_lies_in_its_own_fingerprint(package):
    change = (
        "subjects/controls/two_tasks.py",
        "INPUTS, HIDDEN, CLASSES = 20",
        "INPUTS, HIDDEN, CLASSES = 22",
    )
    assert hash_with(package, *change) == code_hash(package=package)


def test_a_file_that_moves_or_comes_is_seen(package):
    before = code_hash(package=package)
    new = package / "measures" / "another.py"
    new.write_text("X = 1\n")
    assert code_hash(package=package) != before
    new.unlink()
    (package / "report" / "another.py").write_text("X = 1\n")
    assert code_hash(package=package) == before


def test_what_is_fenced_is_there():
    for name in (*FENCED, *NO_NUMBERS):
        assert (PACKAGE / name).exists(), name


def test_layout_and_line_breaks_do_not_count():
    assert normal_form("x = [1,\n     2]\r\n") == normal_form("x = [1, 2]  # two")
    assert normal_form("x = 1") != normal_form("x = 1.0")
    assert normal_form("x = 1") != normal_form("x = True")


def test_the_package_in_use_is_hashed_and_its_copy_is_the_same(package):
    assert len(code_hash()) == 64
    assert code_hash(package=package) == code_hash()
