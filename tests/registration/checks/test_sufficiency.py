"""Enough draws and documents, and nothing counted twice."""

from __future__ import annotations

import pytest

SEED = "seed: 1"
DRAWS = "size_matched: {draws: 999}"


def test_a_text_counts_once(problems_of, tmp_path):
    (tmp_path / "a.txt").write_text("A text.", encoding="utf-8")
    problems = problems_of((SEED, f"{SEED}\ncorpus: {{text: {{files: [a.txt, a.txt]}}}}"))
    (error,) = [problem for problem in problems if problem.severity == "error"]
    assert error.key == "corpus.text.files.#2"
    assert error.message == "must be listed once; found 'a.txt' again: remove it"
    assert error.where.endswith(":19:32")


def test_a_covariate_counts_once(problems_of):
    twice = "covariate_matched: {on: [output_norm, output_norm]}"
    (problem,) = problems_of((DRAWS, f"{DRAWS}\n  {twice}"))
    assert problem.key == "nulls.covariate_matched.on.#2"


@pytest.mark.parametrize(
    # Half of the positions are measured, and no document without a position.
    ("positions", "selection", "most"),
    [(39, 0.5, 19), (40, 0.5, None), (100, 0.9, 10), (100, 0.8, None)],
)
def test_documents_to_measure_on(problems_of, positions, selection, most):
    problems = problems_of(
        ("group:", f"sample: {{positions: {positions}}}\ngroup:"),
        (SEED, f"{SEED}\nsplit: {{selection: {selection}}}"),
    )
    if most is None:
        assert problems == []
    else:
        (problem,) = problems
        assert (problem.key, problem.severity) == ("sample.positions", "warning")
        assert f"at most {most} documents" in problem.message


def test_documents_of_a_data_set_to_measure_on(problems_of):
    def problems_with(documents):
        text = f"{{hub: a/b, split: train, documents: {documents}}}"
        return problems_of((SEED, f"{SEED}\ncorpus: {{text: {text}}}\nfrequencies: {{count: {text}}}"))

    assert problems_with(40) == []
    (problem,) = problems_with(39)
    assert (problem.key, problem.severity) == ("corpus.text.documents", "warning")


@pytest.mark.parametrize(
    # 1 / sqrt(2 * 34) = 0.121, 1 / sqrt(2 * 35) = 0.1195
    ("draws", "severity", "words"),
    [(1, "error", "at least 2"), (2, "warning", "71 %"), (35, "warning", "12 %"), (36, None, "")],
)
def test_margins_in_null_sd_need_a_spread(problems_of, draws, severity, words):
    problems = problems_of(
        (DRAWS, f"size_matched: {{draws: {draws}}}\n  covariate_matched: {{draws: 999}}"),
        ("contrast: {null: size_matched}", "contrast: {null: covariate_matched}"),
    )
    if severity is None:
        assert problems == []
    else:
        (problem,) = problems
        assert (problem.key, problem.severity) == ("nulls.size_matched.draws", severity)
        assert words in problem.message


def test_draws_without_margins_in_null_sd_are_no_matter(problems_of):
    changed = (("margin: {null_sd: 2}", "margin: {ratio: 0.1}"), (DRAWS, "size_matched: {draws: 39}"))
    assert problems_of(*changed) == []


@pytest.mark.parametrize(("stop_after", "n_problems"), [(499, 0), (500, 1)])
def test_stopping_that_cannot_happen(problems_of, stop_after, n_problems):
    problems = problems_of((DRAWS, f"size_matched: {{draws: 999, stop_after: {stop_after}}}"))
    assert [problem.key for problem in problems] == ["nulls.size_matched.stop_after"] * n_problems


def _three(problems_of, *expected):
    names = "\n".join(f"    {name}: {outcome}" for name, outcome in zip("abc", expected, strict=True))
    return problems_of(
        ("    modular: greater\n    distributed: less", names), (SEED, f"{SEED}\nhypotheses: [a, b, c]")
    )


def test_two_of_three_hypotheses_that_agree_everywhere(problems_of):
    (problem,) = _three(problems_of, "greater", "greater", "less")
    assert problem.severity == "warning"
    assert problem.message.startswith("a and b expect the same of every prediction that decides")
    assert _three(problems_of, "greater", "equivalent", "less") == []


def test_a_hypothesis_that_is_silent_is_named_once(problems_of):
    problems = _three(problems_of, "any", "any", "less")
    assert all("expects nothing" in problem.message for problem in problems)
    assert len(problems) == 2


def test_a_revision_belongs_to_a_hub_id(problems_of):
    (problem,) = problems_of((SEED, f"{SEED}\nsubject: {{revision: main}}"))
    assert (problem.key, problem.severity) == ("subject.revision", "warning")
