"""Keys of the specification that are not available yet are called that, and nothing else."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    ("old", "new", "where", "key"),
    [
        ("seed: 1", "seed: 1\ndecision: {correction: shaffer}", "19:24", "decision.correction"),
    ],
)  # fmt: skip
def test_not_available_yet(problems_of, old, new, where, key):
    errors = [problem for problem in problems_of((old, new)) if problem.severity == "error"]
    assert len(errors) == 1, errors
    assert errors[0].message.startswith("not available yet: ")
    assert errors[0].where.endswith(f"p.yaml:{where}")
    assert errors[0].key == key


def test_what_the_language_never_had_is_unknown(problems_of):
    (problem,) = problems_of(("nulls:", "nulls:\n  bootstrap: {}"))
    assert problem.message == (
        "unknown key 'bootstrap'; known keys: size_matched, covariate_matched, local_matched, "
        "label_shuffled, rewired, rotated_correlation, random_directions, untrained"
    )
