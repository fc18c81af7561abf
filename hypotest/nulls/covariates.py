"""What neurons can be alike in apart from influence, in words; see `hypotest.groups.matching`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from hypotest.records.protocol.material import Material
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


def in_words(names: Sequence[str], words: dict[str, str], material: Material = "text") -> str:
    """Covariates as a sentence lists them; the units of a network need not have weights that are known."""
    left = (OUTPUT_NORM,) if material == "rows" and tuple(names) != (OUTPUT_NORM,) else ()
    said = [words[name] for name in names if name not in left]
    said += [f"{words[name]} (where it is known)" for name in names if name in left]
    return sentence_list(said)
