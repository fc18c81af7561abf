"""Checks of a protocol's material: a text or examples, and what can be asked of which."""

from __future__ import annotations

from collections.abc import Iterator

from hypotest.predicates.combine import predicate_of
from hypotest.records.protocol.conditions import leaves
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration.findings import Finding, Path

_EXAMPLES: Path = ("examples",)
_UNMATCHED = {
    "block": "each example is a block of its own",
    "length": "a block is as long as its prompt: write index",
}
"""Ways of matching that examples do not have, and why."""


def material_findings(protocol: Protocol) -> Iterator[Finding]:
    """Check ``examples``, ``outcome``, and predicates and matching for what they are asked of.

    Args:
        protocol: A protocol whose keys and types are right.

    Yields:
        Errors.
    """
    examples = protocol.examples
    if examples is not None and protocol.corpus is not None:
        message = "must not stand beside examples, which take its place: remove one of the two"
        yield Finding(("corpus",), message, at_key=True, depends=(_EXAMPLES,))
    yield from _outcome(protocol)
    material = "text" if examples is None else "examples"
    for name, condition in protocol.conditions.items():
        for leaf in leaves(condition):
            if material not in predicate_of(leaf).material:
                other = (
                    "examples, and this protocol has a text"
                    if examples is None
                    else ("a text, and this protocol has examples: write `field: {COLUMN: VALUE}`")
                )
                yield Finding(("conditions", name, *leaf.path), f"is asked of {other}", depends=(_EXAMPLES,))
    if examples is not None:
        yield from _match(protocol)


def _outcome(protocol: Protocol) -> Iterator[Finding]:
    examples, outcome, depends = protocol.examples, protocol.outcome, (_EXAMPLES,)
    if examples is None and outcome != "loss":
        message = f"must be loss where a text is read: {outcome} needs examples; found {outcome}"
        yield Finding(("outcome",), message, depends=depends)
    elif examples is not None and outcome == "logit_difference" and examples.foil is None:
        message = (
            "needs the foil whose logit is compared with the target's; found logit_difference: write "
            "examples.foil, the name of its column"
        )
        yield Finding(("outcome",), message, depends=depends)


def _match(protocol: Protocol) -> Iterator[Finding]:
    assert protocol.examples is not None  # who calls it has looked
    for place, name in enumerate(protocol.sample.match):
        why = (
            "examples.pair says which example belongs to which"
            if protocol.examples.pair
            else _UNMATCHED.get(name)
        )
        if why:
            message = f"cannot match examples on {name}: {why}; found {name}: take it out of the list"
            yield Finding(("sample", "match", place), message, depends=(_EXAMPLES,))
