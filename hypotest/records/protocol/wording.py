"""What the rows of a protocol, their independent units, and what is tested are called in its texts.

Most sentences are written for neurons and running text: positions in documents. Where rows are examples, or
heads are tested, `MaterialWords.said` puts their nouns in the place of these, so that no sentence has to be
written twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from hypotest.records.protocol.examples import Outcome
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.units import OF_NETWORK, UnitFacts, unit_facts

Predicted = Literal["next", "masked"]
"""The token behind, or of an encoder the one that was masked."""
_CHANGES: dict[Outcome, tuple[str, str]] = {
    "loss": ("change{} of loss", "mean loss"),
    "logit_difference": ("change{} of the logit difference", "mean logit of the foil less the target's"),
    "sequence": ("change{} of the target's loss", "mean loss of the whole target"),
}
"""What an ablation gives, and what it changes."""


_CROSSED = (
    r"\bdocuments and (?:of )?(?:target |token )?types(?:, two crossed random factors)?\b",
    r"\bdocuments, (?:and of the types|of types and of their cells)\b",
    r"\bdocuments or types\b",
    r"\bdocuments, types and cells(?: of both)?\b",
    r"\bdocuments, of each condition's token types, which both splits share, and of their cells\b",
)
"""What is a sample in running text: of examples clusters alone."""
_BEFORE_ROWS = (
    r"[0-9][0-9,]*",
    *("[Ss]ampled", "single", "neighbouring", "[Nn]eighbouring sampled", "of", "same"),
)
"""Words with which positions are rows; of attention they are places within a prompt."""


@dataclass(frozen=True, slots=True)
class MaterialWords:
    """Nouns for what is looked at."""

    row: str = "position"
    rows: str = "positions"
    unit: str = "document"
    """What stays on one side of the split."""
    units: str = "documents"
    whole: str = "text"
    """All of it, as what gives rows."""
    more: str = "text"
    """What there can be more of."""
    names: tuple[str, ...] = ()
    """Of the conditions; none where nothing is said otherwise."""
    outcome: Outcome = "loss"
    """What an ablation changes."""
    in_nats: bool = True
    """Whether that is in nats; a network's own outcome has a unit of its own."""
    tested: str = "neuron"
    """What a group is made of."""
    all_tested: str = "neurons"
    predicted: Predicted = "next"
    """Which token is predicted."""

    @property
    def are_usual(self) -> bool:
        """Whether sentences stay as they are."""
        return not self.names and self.tested == "neuron" and self.predicted == "next"

    def said(self, sentence: str) -> str:
        """A sentence about positions in documents, about these rows.

        Examples:
            >>> words = MaterialWords("example", "examples", "noun", "nouns", "table", "examples", ("a", "b"))
            >>> words.said("200 positions in 5 documents. Documents differ, and so do a positions.")
            '200 examples in 5 nouns. Nouns differ, and so do a examples.'
        """
        for pattern, noun in self._nouns():
            sentence = re.sub(pattern, partial(_in_place, noun), sentence)
        return sentence

    def _nouns(self) -> Iterator[tuple[str, str]]:
        if self.predicted != "next":
            yield r"\bnext token\b", f"{self.predicted} token"
        if self.tested != "neuron":
            yield r"\b[Nn]eurons\b", self.all_tested
            yield r"\b[Nn]euron\b", self.tested
        if not self.names:
            return
        change, mean = _CHANGES[self.outcome]
        before = "|".join((*map(re.escape, self.names), *_BEFORE_ROWS))
        for phrase in _CROSSED:
            yield phrase, self.units
        yield r"\b[Dd]ocuments\b", self.units
        yield r"\b[Dd]ocument\b", self.unit
        yield rf"\b((?:{before}) )positions\b", self.rows
        yield rf"\b((?:{before}) )position\b", self.row
        yield r"\b[Ff]inite text\b", f"few {self.rows}"
        yield r"\b((?:more|this|the|that) )text\b", self.more
        yield r"\b((?:most|[0-9]+) )blocks\b", "prompts"
        yield r"\b[Cc]hanges of loss\b", change.format("s")
        yield r"\b[Cc]hange of loss\b", change.format("")
        yield r"\b[Mm]ean loss\b", mean
        if not self.in_nats:
            yield rf"\b((?:{before}) )targets\b", self.rows
            yield r"\bin nats\b", "in its unit"
            yield r" nats\b", ""


def _in_place(noun: str, match: re.Match[str]) -> str:
    """The noun behind the words before it, or with a capital where there was one."""
    if match.lastindex:
        return f"{match[1]}{noun}"
    return noun[:1].upper() + noun[1:] if match[0][0].isupper() else noun


OF_TEXT = MaterialWords()


def material_words(protocol: Protocol, predicted: Predicted = "next") -> MaterialWords:
    """Of a text, or of examples by the names of their columns; and of the units that are tested.

    Examples without clusters or pairs are their own units.

    Args:
        protocol: A protocol, which does not know whether its model is an encoder.
        predicted: Which token the model predicts.
    """
    facts = tested_facts(protocol)
    return replace(_of_material(protocol), tested=facts.one, all_tested=facts.many, predicted=predicted)


def tested_facts(protocol: Protocol) -> UnitFacts:
    """What the units that a protocol tests are called."""
    return unit_facts(OF_NETWORK if protocol.subject.network else protocol.subject.units)


def _of_material(protocol: Protocol) -> MaterialWords:
    examples = protocol.examples
    if protocol.material == "rows":
        nouns = ("row", "rows", "cluster", "clusters", "table", "rows")
        return MaterialWords(*nouns, protocol.names, in_nats=False)
    if examples is None:
        return OF_TEXT
    unit = (examples.cluster or examples.pair or "example").replace("_", " ")
    return MaterialWords(
        *("example", "examples", unit, plural(unit), "table", "examples"), protocol.names, protocol.outcome
    )


def words_of(stored: Mapping[str, Any]) -> MaterialWords:
    """`material_words` of a protocol as results hold it.

    Args:
        stored: Canonical form, or with defaults written out.
    """
    return material_words(Protocol.model_validate(stored))


def plural(noun: str) -> str:
    """The plural of the name of a column.

    Examples:
        >>> plural("template"), plural("category"), plural("class"), plural("lemmas")
        ('templates', 'categories', 'classes', 'lemmas')
    """
    if re.search(r"[^usi]s$", noun):
        return noun
    if re.search(r"[^aeiou]y$", noun):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if re.search(r"(s|x|z|ch|sh)$", noun) else f"{noun}s"
