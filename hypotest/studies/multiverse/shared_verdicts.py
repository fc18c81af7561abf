"""Verdicts of a multiverse, under each combination of choices that all predictions share."""

from __future__ import annotations

from collections.abc import Sequence

from hypotest.pipeline.analysis.outcomes import adjust_together, judge
from hypotest.records.protocol.choices import is_shared
from hypotest.records.protocol.protocol import Protocol
from hypotest.studies.multiverse.record import SharedVerdict, SpecificationResult
from hypotest.studies.multiverse.specifications import shared_choices


def shared_verdicts(plan: Protocol, tests: Sequence[SpecificationResult]) -> tuple[SharedVerdict, ...]:
    """The verdict under each combination of shared choices, with each prediction's own options declared.

    There the tests form a complete protocol, adjusted together as in a run.
    """
    own = {
        item.specification.prediction: {
            name: value for name, value in item.specification.choices.items() if not is_shared(name)
        }
        for item in tests
        if item.specification.is_declared
    }
    verdicts = []
    for place, shared in enumerate(shared_choices(plan)):
        results = [
            item.result
            for item in tests
            if all(
                value == (shared[name] if is_shared(name) else own[item.specification.prediction][name])
                for name, value in item.specification.choices.items()
            )
        ]
        judged = judge(adjust_together(results, plan), plan)
        verdicts.append(SharedVerdict(shared, place == 0, {item.hypothesis: item.status for item in judged}))
    return tuple(verdicts)
