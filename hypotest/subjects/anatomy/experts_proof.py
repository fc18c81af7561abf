"""That the experts of a mixture lie where they are looked for, proved on a few tokens."""

from __future__ import annotations

from collections.abc import Iterator

from hypotest.errors import SubjectError
from hypotest.subjects.anatomy.anatomy import Routing
from hypotest.subjects.anatomy.experts import ExpertNeurons, as_probabilities
from hypotest.subjects.anatomy.passes import RELATIVE, ROUNDING, Passes, hidden_of
from hypotest.subjects.precision import full_precision


def mixture_problems(passes: Passes) -> Iterator[tuple[str, str]]:
    """What does not hold of a mixture.

    Neurons of all experts, times their experts' weights, times output vectors must be what it gives.

    Args:
        passes: Over a few tokens.

    Yields:
        Field of the anatomy, and what is wrong there.
    """
    routed = passes.base.outputs.get(passes.at("router"))
    n_tokens = int(passes.ids.shape[1])
    if not isinstance(routed, tuple) or len(routed) != 3 or any(len(item) != n_tokens for item in routed):
        shapes = [tuple(item.shape) for item in routed] if isinstance(routed, tuple) else []
        yield (
            "router",
            "must give logits (n_tokens, n_experts), and weights and numbers of the experts that each token "
            f"goes through (n_tokens, n_chosen); found {shapes or type(routed).__name__}",
        )
        return
    hidden = passes.base.inputs.get(passes.at("experts"))
    if hidden is None:
        yield "experts", "must be called with what it reads as its first argument"
        return
    try:
        neurons = ExpertNeurons.of(passes.model, passes.anatomy, passes.layer)
    except SubjectError as error:
        yield "experts", str(error).removeprefix(passes.at("experts")).strip()
        return
    with full_precision():
        active, output = neurons.activations(hidden).double(), neurons.output_vectors.double()
        biases = neurons.biases(hidden).double()
    given = hidden_of(passes.base.outputs[passes.at("mlp")]).reshape(hidden.shape).double()
    size = active.abs() @ output.abs() + biases.abs()
    off = (given - active @ output - biases).abs() > ROUNDING * size
    if bool(off.any()) or not neurons.experts.is_linear_in_up:
        yield (
            "experts",
            "must multiply what its up-projection gives by a gate, each neuron by the weight of its expert, "
            "and project that down, to which at most a shared expert is added; the mixture's output is "
            "something else, so that its experts lie in another way in their tensors than they say "
            "(is_transposed, is_concatenated, has_bias, has_gate)",
        )


def routing_of(passes: Passes) -> Routing | None:
    """To which function of its logits the weights are in proportion that a router gives.

    Args:
        passes: Over a few tokens.

    Returns:
        Empty where that is none that is known; None where each token goes to one expert, which tells nothing.
    """
    logits, weights, numbers = passes.base.outputs[passes.at("router")]
    if numbers.shape[1] == 1:
        return None
    kinds: tuple[Routing, ...] = ("softmax", "sigmoid")
    for kind in kinds:
        ratio = weights.double() / as_probabilities(logits.double(), kind).gather(1, numbers)
        if bool((ratio.amax(dim=1) <= (1 + RELATIVE) * ratio.amin(dim=1)).all()):
            return kind
    return ""
