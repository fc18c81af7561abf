"""Weights against the configuration beside them: none missing, of another shape, or without a place."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from hypotest.errors import SubjectError


def require_complete(loading: Mapping[str, Any], config: Any, name: str) -> None:
    """Refuse a model of which weights were not found: transformers draws them at random, and only warns.

    Args:
        loading: What ``from_pretrained`` tells with ``output_loading_info``.
        config: The ``transformers`` configuration.
        name: Of the model, for errors.

    Raises:
        SubjectError: Names a weight that is missing, or of another shape.
    """
    shapes = sorted((str(key), tuple(has), tuple(wants)) for key, has, wants in loading["mismatched_keys"])
    if shapes:
        key, has, wants = shapes[0]
        raise SubjectError(
            f"subject.model: {len(shapes)} of the weights of {name!r} have other shapes than its config.json "
            f"asks for, such as {key}: {has}, not {wants}. They belong to another configuration"
        )
    missing = sorted(map(str, loading["missing_keys"]))
    kind = ", ".join(config.architectures or ())
    if missing == ["lm_head.weight"] and "CausalLM" not in kind:
        raise SubjectError(
            f"subject.model: {name!r} has no head that predicts the next token (lm_head.weight): "
            f"{f'it was saved as {kind}' if kind else 'its weights lack it'}. Save the causal language model"
        )
    if missing:
        raise SubjectError(
            f"subject.model: the weights of {name!r} lack parameters that its config.json asks for "
            f"({len(missing)}, such as {missing[0]}); they belong to another configuration, or are damaged"
        )


_WITHOUT_EFFECT = re.compile(
    r"(^|[._])(inv_freq|masked_bias|position_ids)$|\.(attn|attention)\.bias$|(^|\.)(pooler|seq_relationship)\."
)
"""Of tensors: masks, numbers of positions and frequencies that older versions of transformers saved; what
encoders judge sentences by, beside the masked tokens."""
_NAMED = 3


def require_all_used(loading: Mapping[str, Any], name: str) -> None:
    """Refuse a model of which weights were passed over: transformers has no place for them.

    Args:
        loading: As for `require_complete`.
        name: Of the model, for errors.

    Raises:
        SubjectError: Names such weights.
    """
    unused = sorted(
        key for item in loading["unexpected_keys"] if not _WITHOUT_EFFECT.search(key := str(item))
    )
    if unused:
        more = f" and {len(unused) - _NAMED:,} more" if len(unused) > _NAMED else ""
        raise SubjectError(
            f"subject.model: {name!r} holds weights for which its config.json has no place: "
            f"{', '.join(unused[:_NAMED])}{more}. It would be tested as another network than it is: correct "
            "config.json (num_hidden_layers, biases), or save the model without them"
        )
