"""What neurons can be alike in apart from influence, in words; see `hypotest.groups.matching`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from hypotest.records.evidence.channels import UNITS_LACK, Channel
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.units import kind_name
from hypotest.records.protocol.wording import tested_facts
from hypotest.records.results.sentences import sentence_list

Covariate = Literal["activation_mean", "activation_sd", "activation_rate", "output_norm"]
LocalCovariate = Literal[
    "activation_sd", "base_influence", "activation_mean", "activation_rate", "output_norm"
]
"""With influence on the second condition; see `hypotest.groups.local`."""

OUTPUT_NORM = "output_norm"
PLAIN = {
    "activation_mean": "mean activation",
    "activation_sd": "spread of activation",
    "activation_rate": "how often they are active",
    "output_norm": "output weight",
    "base_influence": "influence on the second condition",
}
EXACT = {
    "activation_mean": "log mean |activation|",
    "activation_sd": "log activation SD",
    "activation_rate": "the share of positions with a positive activation",
    "output_norm": "the log norm of the output weights",
    "base_influence": "influence on the condition that the group was not selected on (log mean |change of "
    "loss|)",
}
TRANSFORMED = "Covariates other than the rate of positive activations are natural logarithms."


def in_words(names: Sequence[str], words: dict[str, str], protocol: Protocol) -> str:
    """Covariates as a sentence lists them; the units of a network need not have weights that are known."""
    left = (OUTPUT_NORM,) if without_weights(protocol) or protocol.material == "rows" else ()
    left = () if tuple(names) == left else left
    said = [words[name] for name in names if name not in left]
    if protocol.material == "rows":
        said += [f"{words[name]} (where it is known)" for name in names if name in left]
    return sentence_list(said)


def without_weights(protocol: Protocol) -> bool:
    """Whether the units that a protocol tests have no weights of their own."""
    return Channel.WEIGHTS in UNITS_LACK.get(kind_name(protocol.subject.units), ())


def reads(options: Any) -> frozenset[Channel]:
    """Channels without which nothing is left to match on.

    Args:
        options: Of any null.
    """
    return frozenset({Channel.WEIGHTS} if tuple(getattr(options, "on", ())) == (OUTPUT_NORM,) else ())


def needs_weights(options: Any, protocol: Protocol) -> str:
    """Why groups cannot be matched on what units of this kind do not have; empty if they can.

    Args:
        options: Of a null that matches ``on`` covariates.
        protocol: Whose units.
    """
    if tuple(options.on) != (OUTPUT_NORM,) or not without_weights(protocol):
        return ""
    many = tested_facts(protocol).many
    return f"on: {OUTPUT_NORM} alone cannot be matched, since {many} have no output weights: add another one"
