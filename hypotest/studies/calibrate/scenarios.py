"""What calibration simulates, which tests it puts to the proof there, and which verdict is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from hypotest.errors import ProtocolError
from hypotest.measures.measure import Measure
from hypotest.measures.registry import MEASURES
from hypotest.nulls.form import Form
from hypotest.nulls.registry import names_of
from hypotest.records.protocol import Protocol
from hypotest.studies.calibrate.simulation import NAMES, Layer, Planted

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
    """Patterns of predictions and of nulls that claim nothing here."""
    why_hard: str = ""
    outcomes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Prediction -> true outcomes; what is not named differs from nothing: only `equivalent` is true."""
    verdicts: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {"modular": UNDECIDED, "distributed": UNDECIDED}
    )
    """Hypothesis -> right verdicts."""
    planted: bool = False
    """Whether effects are real, so that rejections are no false positives."""
    coverage: bool = True
    """Whether the truth behind the intervals is computed, on documents by the thousand."""
    top_fraction: float = 0.1
    """Size of the selected group, a share of the layer."""

    measure: str = ""
    """Of what is tested beside the premise, instead of everything that the rare-token protocol names."""

    def claims(self, prediction: str, null: str) -> bool:
        """Whether the null hypothesis is true of this prediction."""
        return not self.planted and not any(
            fnmatchcase(prediction, hard_prediction) and fnmatchcase(null, hard_null)
            for hard_prediction, hard_null in self.hard
        )

    def true_outcomes(self, prediction: str) -> tuple[str, ...]:
        """What a test may say of a prediction without being wrong, beside `inconclusive`."""
        return self.outcomes.get(prediction, ("equivalent",))


_GROUPS = (("*", "size_matched"), ("*", "covariate_matched"))
_MODULE = Planted(rarity=1.5, communities=4, cohesion=0.85, head_impact=2.5)
_DISTRIBUTED = Planted(rarity=1.5, shared=0.85, spectrum=1.0)
_DISTRIBUTED_OUTCOMES = {
    "specialization": ("greater",),
    "coordination": ("less",),
    "clustering": ("less", "equivalent"),
    "single-head": ("less",),
    "spectrum": ("less",),
}

SCENARIOS = (
    Scenario("nothing", "neurons are correlated, influence is unrelated to that and to rarity", Layer()),
    Scenario(
        "heavy-tails",
        "the same, with the tails of Student's t (3 degrees of freedom) in activations and changes of loss",
        Layer(degrees_of_freedom=3.0),
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
    Scenario(
        "large-group",
        "the group is a fifth of the layer",
        Layer(n_neurons=80),
        top_fraction=0.2,
    ),
    Scenario(
        "correlated-influence",
        "neurons that act alike have like influence in finite text; rarity plays no part",
        Layer(loading=0.95, noise_of_activation=1.0, influence_spread=0.02, document_share=0.3, n_factors=6),
        hard=(*_GROUPS, ("*", "local_matched")),
        why_hard="the most influential neurons act alike, random ones do not; noise that neurons share makes "
        "neighbours that rare targets chose act alike, too",
        coverage=False,
    ),
    Scenario(
        "covariates",
        "influence follows the spread of a neuron's activations; rarity plays no part",
        Layer(influence_of_activation=0.3),
        hard=(("*", "size_matched"),),
        why_hard="the group has larger activations than random neurons",
        outcomes={"coordination": ("less", "greater", "equivalent")},
        coverage=False,
    ),
    Scenario(
        "influential",
        "a coordinated group is influential on every target alike; rarity plays no part",
        Layer(planted=Planted(loud=3.0, shared=0.6)),
        hard=_GROUPS,
        why_hard="the group differs from random neurons, not because of rarity",
        outcomes={"coordination": ("less", "equivalent"), "clustering": ("less", "equivalent")},
        coverage=False,
    ),
    Scenario(
        "clustered-types",
        "few token types, and each neuron has its own factor on each, the same in both splits",
        Layer(n_types=12, quirks=0.5),
        hard=(
            ("specialization", "size_matched"),
            ("specialization", "covariate_matched"),
            ("*", "label_shuffled (document_type)"),
            ("*", "label_shuffled (position)"),
        ),
        why_hard="single positions and types within documents do not carry labels of their own; neurons do "
        "prefer the few rare types",
        coverage=False,
    ),
    Scenario(
        "runs",
        "labels come in runs of six, in text whose neighbouring positions are alike",
        Layer(run=6, autocorrelation=0.8, document_share=0.0),
        hard=(("*", "label_shuffled*"),),
        why_hard="neighbours share label and noise, shuffled labels do not",
        coverage=False,
    ),
    Scenario(
        "module",
        "a module: influential on rare targets, tight communities, driven by one head, other attention",
        Layer(planted=_MODULE, concentration=0.6, rerouting=0.3, head_share=0.8),
        outcomes={
            "specialization": ("greater",),
            "coordination": ("less",),
            "clustering": ("greater",),
            "attention": ("greater",),
            "routing": ("less",),
            "single-head": ("greater",),
            "head-specificity": ("greater",),
        },
        verdicts={"modular": ("supported",), "distributed": ("refuted",)},
        planted=True,
    ),
    Scenario(
        "distributed",
        "a distributed group: influential on rare targets, coordinated by one factor, ordinary attention",
        Layer(planted=_DISTRIBUTED, head_share=0.35),
        outcomes=_DISTRIBUTED_OUTCOMES,
        verdicts={"modular": ("refuted",), "distributed": ("supported",)},
        planted=True,
    ),
    Scenario(
        "inside-margin",
        "the distributed group, and attention that differs by 0.7 of the margin of equivalence",
        Layer(planted=_DISTRIBUTED, head_share=0.35, concentration=0.14, concentration_spread=0.25),
        outcomes=_DISTRIBUTED_OUTCOMES,
        verdicts={"modular": ("refuted",), "distributed": ("supported", "undecided")},
        planted=True,
        coverage=False,
    ),
)


def calibration_protocol(scenario: Scenario) -> Protocol:
    """The rare-token protocol with as few draws as its levels allow.

    With 7 deciding predictions, 2 / (B + 1) reaches 0.05 / 7 from B = 279. A test is exact at 0.05 where
    (B + 1) / 40 is whole: 39 draws of the nulls that decide at the unadjusted level,
    or do not decide.
    """
    frequency = {"below_percentile": 15.0}
    return Protocol.model_validate(
        {
            "hypotest": 1,
            "id": "calibration",
            "title": f"Calibration: {scenario.name}",
            "conditions": {
                NAMES.first: {"target": {"frequency": frequency}},
                NAMES.second: {"target": {"frequency": {"from_percentile": 15.0}}},
            },
            "group": {"select": {"top_fraction": scenario.top_fraction}},
            "nulls": {
                "size_matched": {"draws": 279},
                "covariate_matched": {"draws": 39},
                "local_matched": {"draws": 279},
                "label_shuffled": {"draws": 39, "unit": "type"},
            },
            "predictions": _predictions(scenario.measure),
            "intervals": {"resamples": 100},
            "seed": 0,
        }
    )


def _predictions(measure: str) -> list[dict[str, Any]]:
    """The premise, and either one measure or everything that the rare-token protocol names."""
    margin, expects = {"null_sd": 2.0}, _expectations
    premise = {
        "id": "specialization",
        "role": "premise",
        "measure": "selectivity",
        "contrast": {"null": "label_shuffled"},
        "expects": expects("greater", "greater"),
    }
    if measure:
        return [premise, _alone(MEASURES[measure])]
    return [
        premise,
        *(
            {
                "id": f"regimes-{condition}",
                "role": "descriptive",
                "measure": "plateau_flatness",
                "options": {"condition": condition},
                "contrast": {"null": "label_shuffled"},
            }
            for condition in NAMES
        ),
        {
            "id": "coordination",
            "measure": "effective_dimension",
            "contrast": {"null": "local_matched"},
            "margin": margin,
            "expects": expects("any", "less"),
        },
        {
            "id": "clustering",
            "measure": "modularity",
            "options": {"restarts": 1},
            "contrast": {"null": "local_matched"},
            "margin": margin,
            "expects": expects("greater", ["equivalent", "less"]),
        },
        {
            "id": "attention",
            "measure": "attention_gini",
            "contrast": {"conditions": list(NAMES), "by": "document"},
            "margin": {"raw": 0.05},
            "expects": expects("greater", "equivalent"),
        },
        {
            "id": "routing",
            "measure": "routing_similarity",
            "contrast": {"reference": 1.0},
            "margin": {"raw": 0.1},
            "expects": expects("less", "equivalent"),
        },
        {
            "id": "single-head",
            "measure": "top_head_share",
            "contrast": {"reference": 0.5},
            "expects": expects("greater", "less"),
        },
        {
            "id": "head-specificity",
            "measure": "top_head_impact",
            "contrast": {"null": "size_matched"},
            "margin": margin,
            "expects": expects("greater", "equivalent"),
        },
        {
            "id": "spectrum",
            "measure": "hill_alpha",
            "contrast": {"null": "local_matched"},
            "margin": margin,
            "expects": expects("any", "less"),
        },
    ]


def _alone(measure: Measure) -> dict[str, Any]:
    """A prediction of one measure, by the contrast that decides it in the rare-token protocol.

    Raises:
        ProtocolError: If it has none that needs no number of its own.
    """
    if measure.decided_by_labels:
        contrast: dict[str, Any] = {"null": "label_shuffled"}
    elif Form.GROUPS in measure.contrasts:
        contrast = {"null": names_of([Form.GROUPS])[-1]}
    elif Form.BY_DOCUMENT in measure.contrasts:
        contrast = {"conditions": list(NAMES), "by": "document"}
    else:
        accepted = ", ".join(measure.contrasts)
        raise ProtocolError(
            f"measure {measure.name!r} cannot be calibrated alone: it is compared with {accepted}, and no "
            "null or other condition decides it"
        )
    expects = _expectations("any", "any")
    return {
        "id": measure.name.replace("_", "-"),
        "measure": measure.name,
        "contrast": contrast,
        "expects": expects,
    }


def _expectations(modular: str | list[str], distributed: str | list[str]) -> dict[str, str | list[str]]:
    return {"modular": modular, "distributed": distributed}
