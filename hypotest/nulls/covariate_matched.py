"""The null of neurons that resemble the group in declared covariates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field

from hypotest.nulls.covariates import EXACT, PLAIN, Covariate, in_words, needs_weights
from hypotest.nulls.draws import RANDOM_GROUPS_LIMIT, exact_draws, plain_draws
from hypotest.nulls.form import Form
from hypotest.nulls.null import Null, NullWords, StopAfter
from hypotest.records.protocol.design import LARGEST_IMBALANCE
from hypotest.records.protocol.strict import Strict
from hypotest.records.results.sentences import sentence_list

if TYPE_CHECKING:
    from hypotest.records.evidence.evidence import Evidence
    from hypotest.records.results.group_result import GroupResult
    from hypotest.records.results.prediction_result import PredictionResult
    from hypotest.testing.matched import Matched
    from hypotest.testing.rung import Rung
    from hypotest.testing.task import Task, Tested

MEMBERS_PER_STRATUM = 4
"""In large groups, which are cut more finely than at their deciles. Within a tenth, neurons still differ:
with 82 members 1.3 SD off the layer, deciles rejected 0.10 of true nulls at 0.05, twenty strata 0.04."""


class CovariateMatched(Strict):
    """Random neurons that resemble the group in declared covariates."""

    draws: int = Field(default=9999, ge=1, le=10**6, description="number of matched groups, at most")
    on: tuple[Covariate, ...] = Field(
        default=("activation_mean", "activation_sd", "output_norm"),
        min_length=1,
        description="what the groups are matched on",
    )
    stop_after: StopAfter = None


def prepare(options: CovariateMatched, task: Task) -> Matched:
    """Groups with as many neurons as the tested one in every stratum of a propensity score.

    What they are matched on is read on the selection split: matching looks at nothing that is tested.
    """
    import numpy as np

    from hypotest.groups import matching
    from hypotest.records.evidence.channels import Channel
    from hypotest.records.evidence.split import missing
    from hypotest.testing.matched import draw_matched

    evidence, group = task.evidence, task.selection.group
    known = matching.activation_covariates(evidence.selection.activations, evidence.output_weights)
    on = tuple(name for name in options.on if name in known)
    if not on:
        raise missing(Channel.WEIGHTS, tuple(evidence.selection.channels))
    covariates = np.column_stack([known[name] for name in on])
    n_strata = max(10, group.size // MEMBERS_PER_STRATUM)
    strata = matching.strata(matching.propensity_scores(covariates, group), group, n_strata)
    matched = draw_matched(NULL.name, group, strata, covariates, on, options.draws, task.streams)
    worst = max(matched.balance, key=lambda item: abs(item.after))
    if abs(worst.after) <= LARGEST_IMBALANCE:
        return matched
    obstacle = (
        f"matching leaves the group {abs(worst.after):.2f} SD away in {worst.covariate} (at most "
        f"{LARGEST_IMBALANCE:g} allowed): no conclusion from {NULL.name} groups"
    )
    return replace(matched, obstacle=obstacle)


def compare(tested: Tested, options: CovariateMatched, matched: Matched, variant: str) -> Rung:
    """The group among them."""
    return matched.compare(tested, options.stop_after)


def balanced(group: GroupResult) -> Iterator[str]:
    """Whether it worked."""
    rows = [row for row in group.balance if row.null == NULL.name]
    apart = [row.covariate for row in rows if abs(row.after) > LARGEST_IMBALANCE]
    if apart:
        yield (
            f"After matching, more than {LARGEST_IMBALANCE:g} is left in {sentence_list(apart)}: no "
            f"conclusion is drawn from {NULL.name} groups."
        )
    elif rows:
        yield f"After matching, none of {NULL.name} exceeds {LARGEST_IMBALANCE:g}, the most allowed."


def limits(
    options: CovariateMatched,
    matched: Matched,
    results: Sequence[PredictionResult],
    evidence: Evidence,
    group: GroupResult,
) -> Iterator[str]:
    """What matching within strata leaves open."""
    if any(item.reference == NULL.name for item in results):
        yield RANDOM_GROUPS_LIMIT
    if any(rung.null == NULL.name for item in results for rung in item.ladder):
        yield (
            "Groups matched in covariates are matched within strata, not exactly: on simulated layers where "
            "the covariates explain a difference altogether, they still reject in 9 % instead of 5 % "
            "(`hypotest calibrate`, `covariates`)."
        )


NULL = Null(
    name="covariate_matched",
    form=Form.GROUPS,
    options=CovariateMatched,
    summary="random neurons that resemble the group in declared covariates",
    place=20,
    words=NullWords(
        question="is it unlike neurons that resemble it in the declared covariates, such as how active "
        "they are and how strongly they write?",
        they="the covariate_matched groups",
        explained=lambda null, protocol: (
            f"{plain_draws(null.draws, null.stop_after)} groups of random neurons that resemble the group in "
            f"{in_words(null.on, PLAIN, protocol)}"
        ),
        method=lambda null, protocol: (
            f"{exact_draws(null.draws, null.stop_after)} groups with as many neurons as this one in each "
            "stratum, a tenth of the group or less, of a propensity score of membership given "
            f"{in_words(null.on, EXACT, protocol)} (covariate_matched)"
        ),
        registered=lambda null, protocol: (
            f"{exact_draws(null.draws, null.stop_after)} groups with as many neurons as the tested one in "
            "each stratum of a propensity score of membership given "
            f"{in_words(null.on, EXACT, protocol)}, from the selection split. If matching leaves "
            f"more than {LARGEST_IMBALANCE:g} SD of the layer in one of them, the contrast is inconclusive."
        ),
        short="covar.",
        legend="random groups matched in covariates",
        narrow="covar._matched",
    ),
    unfit=needs_weights,
    prepare=prepare,
    compare=compare,
    imbalance_blocks=True,
    describe=lambda matched, result: matched.describe(result),
    balanced=balanced,
    limits=limits,
)
