"""One thing to simulate: a scenario, the protocol that is put to it, and the rows of its text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

import numpy as np

from hypotest.errors import ProtocolError
from hypotest.groups.select import declared_size
from hypotest.measures.registry import MEASURES
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration.findings import suggestion
from hypotest.studies.calibration.documents import Texts
from hypotest.studies.calibration.protocols import (
    FLAGSHIP,
    UNSIMULATED,
    Simulated,
    alone,
    shipped,
    with_share,
)
from hypotest.studies.calibration.scenarios import SCENARIOS, Scenario

TRUTH_GROUPS = 1500
"""Few enough would blur the truth by more than their own interval (200: by 0.4 of its standard error for the
impact of a head)."""
TEXTS = 10
"""Other texts, each of the size of the simulated one, from which the truth is read. Its own error adds 1/10
to the variance of the difference, by which intervals are widened before they are judged."""


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One thing to simulate."""

    scenario: Scenario
    simulated: Simulated
    texts: Texts | None = None
    """Rows of a text at hand, by split; None: drawn as the scenario says."""
    own_size: bool = False
    """Whether the protocol's own size of the group stands, and not the scenario's."""
    n_texts: int = TEXTS
    n_groups: int = TRUTH_GROUPS
    """Random groups behind the true mean of their null."""

    @property
    def name(self) -> str:
        """Of the scenario, with the protocol's where it is not the flagship's."""
        if self.simulated.name == FLAGSHIP:
            return self.scenario.name
        return f"{self.scenario.name} ({self.simulated.name})"

    @property
    def protocol(self) -> Protocol:
        """The protocol, with a group of the scenario's size."""
        plan = self.simulated.protocol
        return plan if self.own_size else with_share(plan, self.scenario.group_share)

    @property
    def sizes(self) -> str:
        """Of layer, group and text, in words."""
        layer = self.scenario.layer
        group = declared_size(self.protocol.group, layer.n_neurons)
        named = f"{layer.n_neurons:,} neurons, a group of {group:,} where no plateau is found"
        if self.texts is None:
            return (
                f"{named}, {layer.n_documents:,} documents with {layer.per_document:,} rare and as many "
                "common positions in each split, unless a scenario says otherwise"
            )
        rows = self.texts["evaluation"]
        return (
            f"{named}; on the rows of the protocol's own text, {rows.rare.sum():,} rare and "
            f"{(~rows.rare).sum():,} common ones of {np.unique(rows.documents).size:,} documents and "
            f"{np.unique(rows.types).size:,} token types in the evaluation split"
        )

    def key(self, code: str, seed: int) -> str:
        """A hash of what its simulations, and what is counted of them, depend on."""
        texts = hashlib.sha256()
        for split, rows in sorted((self.texts or {}).items()):
            texts.update(split.encode())
            for array in (rows.documents, rows.rare, rows.types, rows.for_heads):
                texts.update(b"\0" if array is None else array.tobytes())
        depends = {
            "code": code,
            "layer": asdict(self.scenario.layer),
            "texts": texts.hexdigest() if self.texts else None,
            "truth": [self.n_texts, self.n_groups],
            "planted": self.scenario.planted,
            "right": {item.id: self.scenario.true_outcomes(item) for item in self.protocol.predictions},
            "protocol": self.protocol.model_dump(mode="json", exclude=UNSIMULATED),
            "seed": seed,
        }
        text = json.dumps(depends, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def choose_cases(names: Sequence[str], measure: str | None = None) -> tuple[Case, ...]:
    """What to simulate for these scenarios, all of them if there is no name.

    Args:
        names: Of scenarios.
        measure: One to be calibrated alone, such as that of another package: in the scenarios in which
            nothing is planted, since what it says of a planted effect is not known here.

    Raises:
        ProtocolError: If a name is unknown, or a measure cannot be calibrated alone.
    """
    chosen = choose_scenarios(names)
    if measure is None:
        return tuple(_of_shipped(chosen))
    if measure not in MEASURES:
        meant = suggestion(measure, MEASURES) or f"; there are {', '.join(MEASURES)}"
        raise ProtocolError(f"there is no measure {measure!r}{meant}")
    simulated = replace(alone(measure), names=(FLAGSHIP,))
    cases = tuple(Case(item, simulated) for item in chosen if not item.planted)
    if not cases:
        raise ProtocolError(
            f"effects are planted in {', '.join(names)}: false positives of {measure} need others"
        )
    return cases


def choose_scenarios(names: Sequence[str]) -> tuple[Scenario, ...]:
    """The scenarios of these names, all of them if there is no name.

    Raises:
        ProtocolError: If a name is unknown.
    """
    known = {item.name: item for item in SCENARIOS}
    for name in names:
        if name not in known:
            raise ProtocolError(f"there is no scenario {name!r}; there are {', '.join(known)}")
    return tuple(known[name] for name in dict.fromkeys(names)) if names else SCENARIOS


def _of_shipped(scenarios: Sequence[Scenario]) -> Iterator[Case]:
    for place, simulated in enumerate(shipped()):
        for scenario in scenarios:
            if place == 0 or scenario.everywhere:
                yield Case(scenario, simulated)
