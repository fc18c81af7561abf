"""How often outcomes and verdicts change over the specifications, and with which choice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations

from hypotest.studies.multiverse.record import ChoiceFlips, Robustness, SpecificationResult


def robustness(tests: Sequence[SpecificationResult]) -> Robustness:
    """Count the flips of one prediction.

    A choice's part in them is counted where it alone changes: between the declared specification and its
    neighbours, and over all pairs of specifications, which does not hang on the point where one stands.
    Estimators differ in nothing but themselves, whatever the number of bins of one of them.

    Args:
        tests: Of one prediction, each specification once, one of them declared.
    """
    (declared,) = (item for item in tests if item.specification.is_declared)
    outcomes = Counter(item.result.outcome for item in tests)
    names = tuple(declared.specification.choices)
    pairs: Counter[str] = Counter()
    pair_flips: Counter[str] = Counter()
    alternatives: Counter[str] = Counter()
    flips: Counter[str] = Counter()
    for one, other in combinations(tests, 2):
        changed = _changed(one, other)
        if len(changed) != 1:
            continue
        differs = one.result.outcome != other.result.outcome
        pairs[changed[0]] += 1
        pair_flips[changed[0]] += differs
        if one is declared or other is declared:
            alternatives[changed[0]] += 1
            flips[changed[0]] += differs
    return Robustness(
        prediction=declared.specification.prediction,
        n_specifications=len(tests),
        declared=declared.result.outcome,
        outcomes=dict(sorted(outcomes.items(), key=lambda item: -item[1])),
        n_flips=len(tests) - outcomes[declared.result.outcome],
        by_choice=tuple(
            ChoiceFlips(name, alternatives[name], flips[name], pairs[name], pair_flips[name])
            for name in names
            if pairs[name]
        ),
    )


def _changed(one: SpecificationResult, other: SpecificationResult) -> list[str]:
    """The choices in which two specifications differ; one that only one of them makes does not count."""
    first, second = one.specification.choices, other.specification.choices
    return [
        name
        for name in first
        if first[name] != second[name] and first[name] is not None and second[name] is not None
    ]
