"""`hypotest compare` as a user meets it."""

import pytest

from tests.example import AS_PUBLISHED, EXAMPLE
from tests.texts import ROOT

PAPER = ROOT / "protocols" / "papers" / "arxiv-2509.21163.yaml"


def test_a_run_beside_the_claims_of_a_paper(hypotest, tmp_path):
    done = hypotest("compare", AS_PUBLISHED, "--with", PAPER, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Claims of arXiv:2509.21163" in done.stdout
    assert "disagrees*" in done.stdout and " agrees*" in done.stdout
    (folder,) = (tmp_path / "comparisons").iterdir()
    assert str(folder.name) in done.stdout.replace("\n", "")


def test_what_came_out_stands_before_the_tables(hypotest, tmp_path):
    done = hypotest("compare", EXAMPLE, AS_PUBLISHED, "--with", PAPER, "--out", tmp_path)
    before = done.stdout.partition("claimed ")[0]
    assert len(before.splitlines()) < 40
    said = " ".join(before.split())
    assert "claims held against runs A and B" in said and "modular: refuted" in said
    assert "open: the run is too uncertain to say" in said and "shown: published without a spread" in said


def test_runs_beside_each_other(hypotest, tmp_path):
    done = hypotest("compare", EXAMPLE, AS_PUBLISHED, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    assert "have the same weights" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((AS_PUBLISHED,), 2, "at least two runs, or one run and claims"),
        ((), 2, "RUN..."),
        ((AS_PUBLISHED, AS_PUBLISHED), 2, "the same run twice"),
        ((AS_PUBLISHED, ROOT / "protocols"), 1, "Is "),
        ((AS_PUBLISHED, "--with", ROOT / "protocols" / "rare-tokens.yaml"), 2, "found a protocol"),
    ],
)
def test_wrong_input_is_one_clear_message(hypotest, tmp_path, arguments, code, message):
    done = hypotest("compare", *arguments, "--out", tmp_path / "out")
    assert done.returncode == code, done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_an_unknown_key_in_the_claims_is_named_by_line(hypotest, tmp_path):
    path = tmp_path / "claims.yaml"
    text = PAPER.read_text(encoding="utf-8").replace("\n    where:", "\n    were:", 1)
    path.write_text(text, encoding="utf-8")
    done = hypotest("compare", AS_PUBLISHED, "--with", path, "--out", tmp_path)
    assert done.returncode == 2
    assert "claims.plateau-rare.were: unknown key 'were'; did you mean 'where'?" in done.stderr
