"""The protocols that are put to the proof: shipped ones and a user's own, as far as they can be simulated.

Predictions, contrasts, options, margins, level, correction and rule stay as they are. Draws become as few as
the level allows: a randomization test is exact at any number of draws B for which (B + 1) level / 2 is whole,
so that its rate of false positives is that of the protocol's own number.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from hypotest.errors import ProtocolError
from hypotest.measures.measure import ConditionMeasure, Measure
from hypotest.measures.registry import MEASURES, measure_of
from hypotest.nulls.form import Form
from hypotest.nulls.registry import SD_NULL, declared, form_of, names_of, with_nulls
from hypotest.records.protocol.group import Largest, Rule
from hypotest.records.protocol.prediction import Contrast, Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration.template import shipped_plan, template_names
from hypotest.studies.calibration.rows import NAMES

UNSIMULATED = {
    *("id", "title", "source", "seed", "subject", "corpus", "frequencies", "sample", "split", "placebos"),
}
"""Parts of a protocol that a simulation does not depend on, or that layers and rows stand for."""
FLAGSHIP = "rare-tokens"
"""The template that is simulated in every scenario."""
OTHER_LABELS = frozenset({"induction", "code", "language", "agreement"})
"""Templates whose labels belong to something else than token types (positions of one type, documents, pairs),
which simulated rows do not have."""
_SD_DRAWS = 279
"""From which the SD of random groups, the unit of margins, is known to 4 %; exact up to M = 7."""


@dataclass(frozen=True, slots=True, eq=False)
class Simulated:
    """A protocol that simulated layers can be put to."""

    names: tuple[str, ...]
    """Of the protocols that become this one."""
    protocol: Protocol
    left_out: tuple[str, ...]
    """What simulated layers cannot give, and why."""

    @property
    def name(self) -> str:
        """Of the first."""
        return self.names[0]


@cache
def shipped() -> tuple[Simulated, ...]:
    """The shipped protocols, the flagship first; those that differ in nothing that is simulated are one."""
    names = sorted(set(template_names()) - OTHER_LABELS, key=lambda name: (name != FLAGSHIP, name))
    protocols: list[Simulated] = []
    for name in names:
        one = simulated(_of_rare_tokens(shipped_plan(name)), name)
        for place, other in enumerate(protocols):
            if _same(one.protocol) == _same(other.protocol):
                protocols[place] = Simulated((*other.names, name), other.protocol, other.left_out)
                break
        else:
            protocols.append(one)
    return tuple(protocols)


def _of_rare_tokens(plan: Protocol) -> Protocol:
    """The same questions about the conditions whose rows are simulated: labels of token types."""
    flagship = shipped_plan(FLAGSHIP)
    predictions = tuple(
        item.model_copy(update={"contrast": item.contrast.model_copy(update={"conditions": NAMES})})
        if item.contrast.conditions
        else item
        for item in plan.predictions
    )
    return plan.model_copy(update={"conditions": flagship.conditions, "predictions": predictions})


def _same(protocol: Protocol) -> dict[str, object]:
    return protocol.model_dump(exclude=UNSIMULATED)


def simulated(plan: Protocol, name: str) -> Simulated:
    """What of a protocol can be simulated.

    Args:
        plan: A valid protocol; of a series, one of its runs.
        name: What it is called.

    Raises:
        ProtocolError: If nothing of it is left.
    """
    left_out = []
    predictions = []
    for item in plan.predictions:
        if item.contrast.trajectory:
            left_out.append(f"{item.id}: a course over checkpoints, of which there is one here")
        elif form_of(item.contrast) is Form.NETWORKS:
            left_out.append(f"{item.id}: {item.contrast.null} networks have no simulated counterpart")
        else:
            predictions.append(item)
    if not any(item.role != "descriptive" for item in predictions):
        raise ProtocolError(
            f"{name}: no prediction that decides can be simulated ({'; '.join(left_out) or 'all describe'})"
        )
    plan = plan.model_copy(
        update={
            "predictions": tuple(predictions),
            "multiverse": None,
            "splits": 1,
        }
    )
    nulls = {}
    for null in declared(plan):
        unused = plan.n_tests_of(null.name) == 0
        if null.null.form is Form.NETWORKS:
            why = "other networks have no simulated counterpart"
        elif null.null.never_decides and unused:
            why = "it never decides"
        else:
            draws = _draws(plan, null.name)
            nulls[null.name] = null.null.fewer(null.options, draws)
            continue
        nulls[null.name] = None
        left_out.append(f"{null.name}: {why}")
    return Simulated((name,), with_nulls(plan, nulls), tuple(left_out))


def _draws(plan: Protocol, null: str) -> int:
    """The fewest draws with which a null's tests are exact, and reach their level."""
    draws = plan.decision.fewest_draws(max(1, plan.n_tests_of(null)))
    return max(_SD_DRAWS, draws) if null == SD_NULL else draws


def with_share(protocol: Protocol, share: float) -> Protocol:
    """The same where the group is another share of the layer, without a plateau."""
    if protocol.group.size_varies:
        update: dict[str, Largest] = {"otherwise": Largest(top_fraction=share)}
    else:
        update = {"select": Rule(top_fraction=share)}
    return protocol.model_copy(update={"group": protocol.group.model_copy(update=update)})


def alone(name: str) -> Simulated:
    """The flagship with one measure beside its premises, by the contrast that decides such measures.

    Raises:
        ProtocolError: If a measure needs a number of its own.
    """
    flagship = shipped()[0]
    premises = tuple(item for item in flagship.protocol.predictions if item.role == "premise")
    plan = flagship.protocol.model_copy(update={"predictions": (*premises, _alone(MEASURES[name]))})
    return Simulated((name,), plan, flagship.left_out)


def _alone(measure: Measure) -> Prediction:
    if measure.decided_by_labels:
        contrast = Contrast(null=names_of([Form.LABELS])[0])
    elif Form.GROUPS in measure.contrasts:
        contrast = Contrast(null=next(_nulls_of_groups()))
    elif Form.BY_DOCUMENT in measure.contrasts:
        contrast = Contrast(conditions=NAMES, by="document")
    elif isinstance(measure, ConditionMeasure) and measure.no_difference is not None:
        contrast = Contrast(reference=measure.no_difference)
    else:
        accepted = ", ".join(measure.contrasts)
        raise ProtocolError(
            f"measure {measure.name!r} cannot be calibrated alone: it is compared with {accepted}, and no "
            "null or other condition decides it; calibrate a protocol that gives its number"
        )
    return Prediction(
        id=measure.name.replace("_", "-"),
        measure=measure.name,
        contrast=contrast,
        expects={"modular": (), "distributed": ()},
    )


def _nulls_of_groups() -> Iterator[str]:
    """Nulls that decide group measures in the flagship."""
    for item in shipped()[0].protocol.deciding:
        if measure_of(item).level == "group" and item.contrast.null is not None:
            yield item.contrast.null
