"""The plan as `hypotest power` rehearses it: with some of its predictions, other sizes, fewer draws."""

from __future__ import annotations

from collections.abc import Sequence

from hypotest.measures.registry import for_outcomes
from hypotest.nulls.form import Form
from hypotest.nulls.registry import declared, form_of, needed_nulls, with_nulls
from hypotest.records.protocol.group import Rule
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol

SIZES = (0.5, 2.0)
"""Other group sizes, as multiples of the declared one."""
MOST_OF_LAYER = 0.2
"""Larger groups are not tried: they would overlap their own random controls too much."""
_SMALLEST_GROUP = 5

QUICK_DRAWS = 499
"""Of each null in a quick look, at most."""


def other_sizes(size: int, n_neurons: int) -> tuple[int, ...]:
    """Group sizes that are tried beside the declared one."""
    sizes = {round(size * factor) for factor in SIZES}
    return tuple(sorted(k for k in sizes if _SMALLEST_GROUP <= k <= MOST_OF_LAYER * n_neurons and k != size))


def foreseeable(prediction: Prediction) -> bool:
    """Whether a prediction's null can be drawn from this network."""
    return form_of(prediction.contrast) not in (Form.NETWORKS, Form.EDGES)


def by_null(predictions: Sequence[Prediction]) -> list[list[Prediction]]:
    """Predictions apart that need different nulls: each null costs every measure."""
    names = dict.fromkeys(item.contrast.null for item in predictions)
    return [[item for item in predictions if item.contrast.null == name] for name in names]


def variant(
    plan: Protocol,
    predictions: Sequence[Prediction],
    *,
    draws: int | None = None,
) -> Protocol:
    """The plan with some of its predictions.

    Args:
        plan: The protocol.
        predictions: Which; those that cannot be foreseen are left out.
        draws: Of each null, at most; without, as many as the plan has.
    """
    nulls: dict[str, object] = {}
    for item in declared(plan):
        # other networks: nothing here stands in for them; what never decides carries no prediction
        left_out = item.null.form is Form.NETWORKS or (draws is not None and item.null.never_decides)
        nulls[item.name] = None if left_out else item.null.fewer(item.options, draws)
    smaller = with_nulls(plan, nulls).model_copy(
        update={
            "predictions": tuple(item for item in predictions if foreseeable(item)),
            "splits": 1,
        }
    )
    return for_outcomes(smaller)


def against_one_null(plan: Protocol, part: Sequence[Prediction], draws: int) -> Protocol:
    """The plan with predictions that need the same null, and no more nulls than that."""
    nulls = {name for item in part for name in needed_nulls(item)}
    return variant(plan, part, draws=draws).with_nulls(nulls)


def resized(plan: Protocol, fraction: float) -> Protocol:
    """The plan with a group of another size, a share of the layer."""
    group = plan.group.model_copy(update={"select": Rule(top_fraction=fraction)})
    return plan.model_copy(update={"group": group})
