"""What calibration simulates, and what is true there: a table of scenarios, by predictions' ids or roles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from hypotest.records.protocol.prediction import Prediction
from hypotest.studies.calibration.settings import Layer, Planted

UNDECIDED = ("undecided", "not applicable")


@dataclass(frozen=True, slots=True)
class Scenario:
    """One kind of simulated layer.

    A *claimed* cell is a prediction and a null whose hypothesis is true in every layer of this kind: its
    false-positive rate must not exceed the level. The other cells are hard cases, shown with their rates.
    """

    name: str
    what: str
    """One sentence for the report."""
    layer: Layer
    hard: tuple[tuple[str, str], ...] = ()
    """Patterns of predictions, or their roles, and of nulls that claim nothing here."""
    why_hard: str = ""
    outcomes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Prediction, or role -> true outcomes; what is not named differs from nothing: only `equivalent` is
    true, and of dissociation that the conditions share their neurons."""
    verdicts: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {"modular": UNDECIDED, "distributed": UNDECIDED}
    )
    """Hypothesis -> right verdicts."""
    planted: bool = False
    """Whether effects are real, so that rejections are no false positives."""
    group_share: float = 0.1
    """Size of the selected group without a plateau, a share of the layer."""
    everywhere: bool = False
    """Whether it is simulated for every shipped protocol, and not only for the first."""

    def claims(self, prediction: Prediction, null: str) -> bool:
        """Whether the null hypothesis is true of this prediction."""
        return not self.planted and not any(
            (fnmatchcase(prediction.id, pattern) or prediction.role == pattern)
            and fnmatchcase(null, hard_null)
            for pattern, hard_null in self.hard
        )

    def true_outcomes(self, prediction: Prediction) -> tuple[str, ...]:
        """What a test may say of a prediction without being wrong, beside `inconclusive`."""
        of_role = self.outcomes.get(prediction.role, _SHARED.get(prediction.measure, ("equivalent",)))
        return self.outcomes.get(prediction.id, of_role)


_RANDOM, _COVARIATES = ("*", "size_matched"), ("*", "covariate_matched")
_LABELS = ("*", "label_shuffled*")
_GROUPS = (_RANDOM, _COVARIATES)
_PREMISE = ("premise", "*")
_TRUE_PREMISE = {"premise": ("greater",)}
_TRUE = (_PREMISE, _LABELS)
_WHY_TRUE = "the premise is true, so that labels do not mean nothing"
_OF_TYPES = (
    ("premise", "*_matched"),
    ("*", "label_shuffled (document_type)"),
    ("*", "label_shuffled (position)"),
)
_WHY_TYPES = (
    "single positions and types within documents carry no labels of their own; neurons prefer the rare types "
    "at hand, which is no preference for rare types"
)
_SHARED = {"dissociation_index": ("less",), "influence_similarity": ("greater",)}
"""Measure -> what is true where neurons serve both conditions: no group does three times as much for one."""
_NO_MODULE = ("undecided", "refuted")
_MODULE = Planted(rarity=12.0, commonness=12.0, communities=4, cohesion=0.85, head_impact=2.5)
_GREATER = "specialization clustering attention single-head head-specificity dissociation other-direction"
_MODULE_OUTCOMES = dict.fromkeys(_GREATER.split(), ("greater",))
_MODULE_OUTCOMES |= dict.fromkeys(("coordination", "routing", "shared-influence"), ("less",))
_DISTRIBUTED = Planted(rarity=1.5, shared=0.85, spectrum=1.0)
_DISTRIBUTED_OUTCOMES: dict[str, tuple[str, ...]] = dict.fromkeys(
    ("coordination", "single-head", "spectrum"), ("less",)
)
_DISTRIBUTED_OUTCOMES |= {"specialization": ("greater",), "clustering": ("less", "equivalent")}
_COORDINATED = {"coordination": ("less", "equivalent"), "clustering": ("less", "equivalent")}
_GRADED = Planted(shared=0.7, spectrum=0.7, head_impact=2.0)


def _types(sd: float) -> Scenario:
    """Everything differs by token type, with no difference between rare and common types as such."""
    return Scenario(
        f"types-{100 * sd:02.0f}",
        f"influence, activations and attention differ from type to type (SD {sd:g}), not from rare to common",
        Layer(type_activation=sd, type_influence=sd, type_attention=sd, quirks=sd),
        hard=_OF_TYPES,
        why_hard=_WHY_TYPES,
        everywhere=sd == 0.15,
    )


def _premise(name: str, what: str, layer: Layer, *hard: tuple[str, str], why: str = "") -> Scenario:
    """Specialists for rare targets are real, and something else is true of neurons."""
    return Scenario(
        name,
        what,
        layer,
        hard=(*_TRUE, *hard),
        why_hard="; ".join(filter(None, [_WHY_TRUE, why])),
        outcomes=_TRUE_PREMISE,
        verdicts={"modular": _NO_MODULE, "distributed": ("undecided",)},
    )


SCENARIOS = (
    Scenario(
        "nothing",
        "neurons are correlated, influence is unrelated to that and to rarity",
        Layer(),
        everywhere=True,
    ),
    Scenario(
        "heavy-tails",
        "the same, with the tails of Student's t (3 degrees of freedom) in activations and changes of loss",
        Layer(degrees_of_freedom=3.0),
    ),
    Scenario(
        "loud-tails",
        "such tails in neurons of very unequal loudness (SD of the logarithm 1)",
        Layer(degrees_of_freedom=3.0, activation_spread=1.0),
    ),
    Scenario(
        "few-documents",
        "20 documents of 12 rare positions, the fewest for which there are intervals",
        Layer(n_documents=20, per_document=12, document_share=0.2),
    ),
    Scenario(
        "unequal-documents",
        "documents of very unequal length (lognormal)",
        Layer(unequal=True, document_share=0.2),
    ),
    Scenario("large-group", "the group is a fifth of the layer", Layer(n_neurons=80), group_share=0.2),
    Scenario("dead-units", "six neurons in ten are constant and without influence", Layer(dead=0.6)),
    Scenario(
        "rare-loss",
        "every change of loss, and the loss itself, is twice as high at rare targets",
        Layer(rare_loss=2.0),
        hard=(("premise", "label_shuffled*"),),
        why_hard="labels do mean something, of every neuron alike, which the premise does not rule out",
        outcomes=_TRUE_PREMISE,
        verdicts={"modular": (*UNDECIDED, "refuted"), "distributed": UNDECIDED},
    ),
    _types(0.04),
    _types(0.07),
    _types(0.15),
    _types(0.5),
    Scenario(
        "few-types",
        "250 token types of each condition, effectively some 20, with effects of types (SD 0.15)",
        Layer(n_types=250, type_activation=0.15, type_influence=0.15, type_attention=0.15),
        hard=_OF_TYPES,
        why_hard=_WHY_TYPES,
    ),
    Scenario(
        "bursty-types",
        "six rows in ten repeat the type before them in their document, with effects of types (SD 0.15)",
        Layer(burst=0.6, type_activation=0.15, type_influence=0.15, type_attention=0.15),
        hard=_OF_TYPES,
        why_hard=_WHY_TYPES,
    ),
    Scenario(
        "clustered-types",
        "12 token types, and each neuron has its own factor on each, the same in both splits",
        Layer(n_types=12, quirks=0.5),
        hard=_OF_TYPES,
        why_hard=_WHY_TYPES,
    ),
    Scenario(
        "runs",
        "labels come in runs of six, in text whose neighbouring positions are alike",
        Layer(run=6, autocorrelation=0.8, document_share=0.0),
        hard=(_LABELS,),
        why_hard="neighbours share label and noise, shuffled labels do not",
    ),
    Scenario(
        "correlated-influence",
        "neurons that act alike have like influence in finite text; rarity plays no part",
        Layer(loading=0.95, noise_of_activation=1.0, influence_spread=0.02, document_share=0.3, n_factors=6),
        hard=(*_GROUPS, ("*", "local_matched")),
        why_hard="the most influential neurons act alike, random ones do not; noise that neurons share makes "
        "neighbours that rare targets chose act alike, too",
    ),
    Scenario(
        "covariates",
        "influence follows the spread of a neuron's activations; rarity plays no part",
        Layer(influence_of_activation=0.3),
        hard=(_RANDOM,),
        why_hard="the group has larger activations than random neurons",
        outcomes={"coordination": ("less", "greater", "equivalent")},
    ),
    Scenario(
        "influential",
        "a coordinated group is influential on every target alike; rarity plays no part",
        Layer(planted=Planted(loud=3.0, shared=0.6)),
        hard=_GROUPS,
        why_hard="the group differs from random neurons, not because of rarity",
        outcomes=_COORDINATED,
    ),
    _premise(
        "specialists-rare",
        "some neurons matter more for rare targets, and are like others in all else",
        Layer(planted=Planted(rarity=1.5)),
    ),
    _premise(
        "specialists-common",
        "some neurons matter more for common targets, and are like others in all else",
        Layer(planted=Planted(commonness=1.5)),
    ),
    _premise(
        "specialists-both",
        "some neurons matter more for rare targets, some for common ones; they are like others in all else",
        Layer(planted=Planted(rarity=1.5, commonness=1.5)),
    ),
    _premise(
        "property-unrelated",
        "specialists for rare targets; other neurons act together, with weights and heads of their own",
        Layer(planted=replace(_GRADED, rarity=1.5, carriers="random")),
    ),
    _premise(
        "property-of-loudness",
        "specialists for rare targets; the louder neurons are, the more they act together and matter",
        Layer(influence_of_activation=0.3, preference_spread=0.3, planted=replace(_GRADED, carriers="loud")),
        _RANDOM,
        why="random neurons are less loud",
    ),
    _premise(
        "property-of-influence",
        "specialists for rare targets; the more neurons matter on any target, the more they act together",
        Layer(preference_spread=0.3, planted=replace(_GRADED, carriers="influential")),
        *_GROUPS,
        why="random neurons, and those that are as loud, matter less",
    ),
    _premise(
        "common-influence",
        "the same, and common targets add influence of their own: what two conditions cannot tell",
        Layer(
            influence_spread=0.5,
            preference_spread=0.4,
            planted=replace(_GRADED, carriers="influential"),
            commonness_spread=0.4,
        ),
        *_GROUPS,
        ("*", "local_matched"),
        why="influence on common targets is a blurred match",
    ),
    Scenario(
        "specialists-coordinated",
        "specialists for rare targets act together (loading 0.6): power",
        Layer(planted=Planted(rarity=1.5, shared=0.6)),
        outcomes={**_TRUE_PREMISE, **_COORDINATED},
        planted=True,
    ),
    Scenario(
        "module",
        "a module for rare targets: tight communities, driven by one head, other attention; as many other "
        "neurons serve common targets",
        Layer(planted=_MODULE, concentration=0.6, rerouting=0.3, head_share=0.8),
        outcomes=_MODULE_OUTCOMES,
        verdicts={"modular": ("supported",), "distributed": ("refuted",)},
        planted=True,
        everywhere=True,
    ),
    Scenario(
        "distributed",
        "a distributed group: influential on rare targets, coordinated by one factor, ordinary attention",
        Layer(planted=_DISTRIBUTED, head_share=0.35),
        outcomes=_DISTRIBUTED_OUTCOMES,
        verdicts={"modular": ("refuted",), "distributed": ("supported",)},
        planted=True,
        everywhere=True,
    ),
    Scenario(
        "inside-margin",
        "the distributed group, and attention that differs by 0.7 of the margin of equivalence",
        Layer(planted=_DISTRIBUTED, head_share=0.35, concentration=0.14, concentration_spread=0.25),
        outcomes=_DISTRIBUTED_OUTCOMES,
        verdicts={"modular": ("refuted",), "distributed": ("supported", "undecided")},
        planted=True,
    ),
    Scenario(
        "at-margin",
        "attention that differs by the margin of equivalence, about, and varies from document to document",
        Layer(planted=_DISTRIBUTED, head_share=0.35, concentration=0.2, concentration_spread=0.25),
        outcomes={**_DISTRIBUTED_OUTCOMES, "attention": ("greater", "equivalent")},
        verdicts={"modular": ("refuted",), "distributed": ("supported", "undecided", "refuted")},
        planted=True,
    ),
)
