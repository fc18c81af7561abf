"""Checks of a protocol's material: a text or examples, and what can be asked of which."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from hypotest.nulls.form import Form
from hypotest.nulls.registry import declared
from hypotest.predicates.combine import predicate_of
from hypotest.records.protocol.conditions import leaves
from hypotest.records.protocol.design import MatchFactor
from hypotest.records.protocol.material import Material
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration.findings import Finding, KeyPath

_EXAMPLES: KeyPath = ("examples",)
_UNMATCHED = {
    "block": "each example is a block of its own",
    "length": "a block is as long as its prompt: write index",
}
"""Ways of matching that examples do not have, and why."""
_OF_TOKENS = {
    name: "a row has a cluster, and no text" for name in get_args(MatchFactor) if name != "document"
}
"""Those that the rows of a network do not have."""
_NETWORK: KeyPath = ("subject", "network")
_CALLED: dict[Material, str] = {"text": "a text", "examples": "examples", "rows": "the rows of a network"}


def material_findings(protocol: Protocol) -> Iterator[Finding]:
    """Check ``examples``, ``outcome``, and predicates and matching for what they are asked of.

    Args:
        protocol: A protocol whose keys and types are right.

    Yields:
        Errors.
    """
    examples = protocol.examples
    if protocol.material != "text" and protocol.corpus is not None:
        taken = "examples, which take its place" if examples else "a network, which brings its rows"
        message = f"must not stand beside {taken}: remove one of the two"
        yield Finding(("corpus",), message, at_key=True, depends=(_EXAMPLES, _NETWORK))
    if protocol.material == "rows":
        yield from _network(protocol)
    yield from _outcome(protocol)
    material = protocol.material
    for name, condition in protocol.conditions.items():
        for leaf in leaves(condition):
            if material not in predicate_of(leaf).material:
                asked = " or ".join(_CALLED[item] for item in predicate_of(leaf).material)
                instead = (
                    ": where a network or evidence brings its rows, name it, `subject: {network: NAME}`"
                    if material == "text"
                    else ": write `field: {COLUMN: VALUE}`"
                )
                message = f"is asked of {asked}, and this protocol has {_CALLED[material]}{instead}"
                yield Finding(("conditions", name, *leaf.path), message, depends=(_EXAMPLES, _NETWORK))
    if material != "text":
        yield from _match(protocol)


def _outcome(protocol: Protocol) -> Iterator[Finding]:
    examples, outcome, depends = protocol.examples, protocol.outcome, (_EXAMPLES,)
    if examples is None and outcome != "loss":
        read = "a text is read" if protocol.material == "text" else "the network brings its own"
        message = f"must be loss where {read}: {outcome} needs examples; found {outcome}"
        yield Finding(("outcome",), message, depends=depends)
    elif examples is not None and outcome == "logit_difference" and examples.foil is None:
        message = (
            "needs the foil whose logit is compared with the target's; found logit_difference: write "
            "examples.foil, the name of its column"
        )
        yield Finding(("outcome",), message, depends=depends)


def _network(protocol: Protocol) -> Iterator[Finding]:
    """A network is what it is given as: nothing of it is chosen here."""
    given = protocol.subject.model_fields_set - {"network"}
    for key in sorted(given):
        if getattr(protocol.subject, key) != type(protocol.subject).model_fields[key].default:
            message = "is of a language model, and this subject is a network: remove it"
            yield Finding(("subject", key), message, at_key=True, depends=(_NETWORK,))
    if protocol.examples is not None:
        message = "must not stand beside a network, which brings its rows: remove one of the two"
        yield Finding(_EXAMPLES, message, at_key=True, depends=(_NETWORK,))
    for item in declared(protocol):
        if item.null.form is Form.NETWORKS:
            message = (
                "makes a language model again without its training, and this subject is a network: remove it"
            )
            yield Finding(("nulls", item.name), message, at_key=True, depends=(_NETWORK,))


def _match(protocol: Protocol) -> Iterator[Finding]:
    for place, name in enumerate(protocol.sample.match):
        why: str | None = _OF_TOKENS.get(name) if protocol.material == "rows" else _UNMATCHED.get(name)
        if protocol.examples is not None and protocol.examples.pair:
            why = "examples.pair says which example belongs to which"
        if why:
            what = _CALLED[protocol.material]
            message = f"cannot match {what} on {name}: {why}; found {name}: take it out of the list"
            yield Finding(("sample", "match", place), message, depends=(_EXAMPLES,))
