"""A model's anatomy, proved on a few tokens with plain hooks.

Each check is an equation that holds if the paths lead where they should: rows of attention weights sum to one
and see nothing ahead; the heads' slices times the output projection give its output; the neurons times the
down-projection give its output, and moving that moves the output of the MLP by as much; the norm in front of
the MLP is what its first projection reads; ablating the neurons changes the logits. What a family chooses is
measured: the kind of the final norm, whether a block's attention reaches its own MLP, how a router weighs
experts, and what lies between the last MLP and the logits. Of a mixture, the neurons of all experts, each
times the weight of its expert, times their output vectors give its output.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from hypotest.errors import SubjectError
from hypotest.subjects.anatomy.anatomy import Anatomy, Norm, Routing
from hypotest.subjects.anatomy.experts_proof import mixture_problems, routing_of
from hypotest.subjects.anatomy.modules import longest_context
from hypotest.subjects.anatomy.passes import RELATIVE, Passes, hidden_of
from hypotest.subjects.anatomy.readout_path import (
    mlp_obstacle,
    moved_by,
    norm_kind_of,
    norm_obstacle,
    projection_problems,
)

_TOKENS = 8
"""Or as many as the model takes at once, if that is fewer."""
_FEWEST = 2


@dataclass(frozen=True, slots=True)
class Findings:
    """What was measured; the names are those of `Anatomy`."""

    norm: Norm | None
    """None where the final norm is of no known kind."""
    parallel_residual: bool
    identity_obstacle: str
    fused_gate: bool = False
    routing: Routing | None = None
    """None where there is no router, or it sends every token to one expert, whose weight tells nothing."""


def examine(model: Any, anatomy: Anatomy, layer: int, name: str) -> Findings:
    """Prove an anatomy, and measure what a family chooses.

    Args:
        model: The ``transformers`` model.
        anatomy: Its paths.
        layer: Block that is proved; what follows the last MLP is looked at as well.
        name: For errors.

    Raises:
        SubjectError: If a path leads nowhere or to something else (names it), or a value is not finite.
    """
    passes = _admit(model, anatomy, layer, name)
    for module, problem in _problems(passes):
        raise SubjectError(f"subject.anatomy.{module}: {name}: {passes.at(module)} {problem}")
    norm = norm_kind_of(passes)
    routing = routing_of(passes) if anatomy.experts else None
    return Findings(norm, _is_parallel(passes), mlp_obstacle(passes, norm), _is_fused(passes), routing)


def stream_obstacle(model: Any, anatomy: Anatomy, layer: int, name: str) -> str:
    """What lies between the last block's output and the logits, beside final norm and unembedding.

    Arguments as for `examine`; empty where there is nothing.

    Raises:
        SubjectError: If the block's output is not what the next block reads: no residual stream.
    """
    passes = _admit(model, anatomy, layer, name)
    is_last = layer == passes.last
    reader = anatomy.at("final_norm", layer) if is_last else anatomy.at("block", layer + 1)
    both = replace(passes, watched=passes.watched | {reader})
    given, read = both.base.outputs[both.at("block")], both.base.inputs[reader]
    stream = hidden_of(given)
    if not isinstance(stream, Tensor) or not torch.equal(stream, read.to(stream.device)):
        if is_last:
            return "something lies between the last block and the final norm"
        raise SubjectError(
            f"subject.units: {name}: what {both.at('block')} gives is not what {reader} reads, so that its "
            "residual stream is not known; test neurons or heads"
        )
    return norm_obstacle(passes, norm_kind_of(passes))


def mlp_is_added(model: Any, anatomy: Anatomy, layer: int, name: str) -> bool:
    """Whether a block adds what its MLP gives to the residual stream as it is; arguments as for `examine`."""
    passes = _admit(model, anatomy, layer, name)
    block = passes.at("block")
    before = hidden_of(passes.base.outputs[block])
    shift, moved = passes.shifted(passes.at("mlp"), before)
    return moved_by(shift, before, hidden_of(moved.outputs[block]))


def attention_is_added(model: Any, anatomy: Anatomy, layer: int, name: str) -> bool:
    """Whether a block adds what its attention gives to the residual stream as it is; as `mlp_is_added`.

    Behind the attention the MLP's norm reads that stream, or where both read the same, nothing does.
    """
    passes = _admit(model, anatomy, layer, name)
    own = passes.at(anatomy.attends[-1])
    if anatomy.parallel_residual:
        before = hidden_of(passes.base.outputs[passes.at("block")])
        shift, moved = passes.shifted(own, before)
        return moved_by(shift, before, hidden_of(moved.outputs[passes.at("block")]))
    if not anatomy.mlp_norm:
        return False
    before = passes.base.inputs[passes.at("mlp_norm")]
    shift, moved = passes.shifted(own, before)
    return moved_by(shift, before, moved.inputs[passes.at("mlp_norm")])


def _admit(model: Any, anatomy: Anatomy, layer: int, name: str) -> Passes:
    last = int(model.config.get_text_config().num_hidden_layers) - 1
    there = {path for path, _ in model.named_modules(remove_duplicate=False)}
    paths = [(module, anatomy.at(module, layer)) for module in anatomy.modules]
    paths += [(module, anatomy.at(module, last)) for module in ("block", "mlp")]
    for module, path in paths:
        if path not in there:
            raise SubjectError(f"subject.anatomy.{module}: {name} has no module {path!r}")
    watched = frozenset(path for _, path in paths)
    n_tokens = int(model.get_input_embeddings().weight.shape[0])
    longest = longest_context(model.config)
    if longest < _FEWEST:
        raise SubjectError(
            f"subject.model: {name} takes at most {longest} token at once, so that its attention has nothing "
            "to choose from"
        )
    ids = torch.randint(0, n_tokens, (1, min(_TOKENS, longest)), generator=torch.Generator().manual_seed(0))
    ids = ids.to(next(model.parameters()).device)
    passes = Passes(model, anatomy, layer, last, ids, watched)
    if not bool(torch.isfinite(passes.base.logits).all()):
        raise SubjectError(
            f"subject.model: {name}: logits are not finite; the weights are damaged or overflow in this "
            "precision"
        )
    return passes


def _problems(passes: Passes) -> Iterator[tuple[str, str]]:
    """Field of the anatomy, and what does not hold there."""
    yield from _attention(passes)
    yield from projection_problems(passes, "attention_projection", "the heads")
    yield from _heads(passes)
    if passes.anatomy.experts:
        yield from mixture_problems(passes)
        yield from _mlp_norm(passes, "experts")
    else:
        yield from projection_problems(passes, "down_projection", "the neurons")
        yield from _mlp(passes)
    yield from _ablation(passes)
    yield from _head(passes)


def _attention(passes: Passes) -> Iterator[tuple[str, str]]:
    output = passes.base.outputs.get(passes.at("attention"))
    weights = output[1] if isinstance(output, tuple) and len(output) > 1 else None
    n_tokens = int(passes.ids.shape[1])
    shape = (1, passes.n_heads, n_tokens, n_tokens)
    if not isinstance(weights, Tensor) or tuple(weights.shape) != shape:
        actual = tuple(weights.shape) if isinstance(weights, Tensor) else type(weights).__name__
        yield (
            "attention",
            f"must give attention weights of shape {shape} as its second output; found {actual}",
        )
    elif bool((weights < 0).any()) or bool((weights.double().sum(dim=-1) > 1 + RELATIVE).any()):
        yield (
            "attention",
            "must give attention weights whose rows sum to one, or less where a sink takes some",
        )
    elif not passes.anatomy.head and bool(weights.triu(1).any()):
        yield "attention", "must give causal attention weights; some look ahead"
    elif passes.anatomy.head and not bool(weights.triu(1).any()):
        yield "attention", "must look ahead in an encoder; it gives causal attention weights"


def _heads(passes: Passes) -> Iterator[tuple[str, str]]:
    path = passes.at("attention_projection")
    width = passes.base.inputs[path].shape[-1]
    if width % passes.n_heads:
        yield (
            "attention_projection",
            f"must read {passes.n_heads} heads side by side; found {width} features",
        )
    before = passes.base.outputs[passes.at("attention")][0]
    if torch.equal(before, passes.base.inputs[path]):
        return  # BERT's attention ends where its projection begins
    shift, moved = passes.shifted(path, before)
    if not moved_by(shift, before, moved.outputs[passes.at("attention")][0]):
        yield "attention_projection", "must be what the attention ends with"


def _mlp(passes: Passes) -> Iterator[tuple[str, str]]:
    down = passes.base.inputs[passes.at("down_projection")]
    for module in ("up_projection", "gate_projection"):
        if not getattr(passes.anatomy, module):
            continue
        output = passes.base.outputs.get(passes.at(module))
        if module == "up_projection" and _is_fused(passes):
            yield from _fused(passes, down)
        elif not isinstance(output, Tensor) or output.shape != down.shape:
            yield module, f"must have one output per neuron ({down.shape[-1]})"
            return
    yield from _mlp_norm(passes, "up_projection")
    path, before = passes.at("mlp"), passes.base.outputs[passes.at("mlp")]
    shift, moved = passes.shifted(passes.at("down_projection"), before)
    if not moved_by(shift, before, moved.outputs[path]):
        yield "mlp", "must give what the down-projection gives, possibly with something added"


def _is_fused(passes: Passes) -> bool:
    """Whether the up-projection is that of the gate, too."""
    if passes.anatomy.experts or passes.anatomy.gate_projection:
        return False
    output = passes.base.outputs[passes.at("up_projection")]
    return bool(output.shape[-1] == 2 * passes.base.inputs[passes.at("down_projection")].shape[-1])


def _fused(passes: Passes, down: Tensor) -> Iterator[tuple[str, str]]:
    """Neurons are twice what they were when the second half of the up-projection's output is."""
    n_neurons = down.shape[-1]
    factor = torch.repeat_interleave(torch.tensor([1.0, 2.0]), n_neurons).to(down)
    doubled = passes.edited(passes.at("up_projection"), lambda output: output * factor, output=True)
    if not torch.allclose(doubled.inputs[passes.at("down_projection")], 2 * down, rtol=RELATIVE):
        yield "up_projection", "must give gates and what they multiply, in this order"


def _head(passes: Passes) -> Iterator[tuple[str, str]]:
    """What an encoder's head gives at some places is what it gives when it reads these alone."""
    if not passes.anatomy.head:
        return
    some = slice(1, None, 2)
    narrowed = passes.edited(passes.at("head"), lambda hidden: hidden[:, some], output=False).logits
    whole = passes.base.logits[:, some]
    if narrowed.shape != whole.shape or not torch.allclose(narrowed, whole, rtol=RELATIVE, atol=RELATIVE):
        yield "head", "must be the first module behind the last block, and run at each place alone"


def _mlp_norm(passes: Passes, reader: str) -> Iterator[tuple[str, str]]:
    if not passes.anatomy.mlp_norm:
        return
    normed = passes.base.outputs[passes.at("mlp_norm")]
    read = passes.base.inputs[passes.at(reader)]
    if normed.numel() != read.numel() or not torch.equal(read, normed.reshape(read.shape)):
        yield "mlp_norm", "must be the norm whose output the MLP reads"


def _ablation(passes: Passes) -> Iterator[tuple[str, str]]:
    module = "mlp" if passes.anatomy.experts else "down_projection"
    ablated = passes.edited(passes.at(module), torch.zeros_like, output=module == "mlp")
    if torch.equal(ablated.logits, passes.base.logits):
        yield module, "changes no logit when all neurons are set to zero"


def _is_parallel(passes: Passes) -> bool:
    """Whether a block's MLP does not see what its attention writes."""
    residual = passes.base.inputs[passes.at("block")]
    _, moved = passes.shifted(passes.at("attention_projection"), residual)
    neurons = passes.at("experts" if passes.anatomy.experts else "down_projection")
    return torch.equal(moved.inputs[neurons], passes.base.inputs[neurons])
