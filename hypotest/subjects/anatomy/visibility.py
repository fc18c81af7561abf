"""What a query can see: everything before it, or a window of the nearest keys."""

from __future__ import annotations

from typing import Any

from hypotest.errors import SubjectError

_SLIDING, _CHUNKED, _LOCAL = "sliding_attention", "chunked_attention", "local"


def attention_window(config: Any, layer: int, name: str) -> int | None:
    """Keys that a query of a layer sees at most, itself included; None for all up to itself.

    Args:
        config: The ``transformers`` configuration of the language model.
        layer: Block, counted from 0.
        name: Of the model, for errors.

    Raises:
        SubjectError: If keys are hidden in a way that is no window.
    """
    kinds = getattr(config, "layer_types", None)
    if kinds:
        kind = kinds[layer]
        if kind == _CHUNKED:
            raise SubjectError(
                f"subject.layer: the attention of layer {layer} of {name} sees chunks of the text "
                "(chunked_attention), which hypotest does not measure; name a layer that it does not reach"
            )
        return _number(config, "sliding_window") if kind == _SLIDING else None
    if getattr(config, "attention_layers", None):  # GPT-Neo
        return _number(config, "window_size") if config.attention_layers[layer] == _LOCAL else None
    if getattr(config, "use_sliding_window", True) is False:
        return None
    return _number(config, "sliding_window")


def _number(config: Any, name: str) -> int | None:
    value = getattr(config, name, None)
    return None if value is None else int(value)
