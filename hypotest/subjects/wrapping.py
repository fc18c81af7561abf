"""A subject from a model that is in memory: what must hold of it, and which block is tested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import transformers
from nnsight import NNsight

from hypotest.errors import SubjectError
from hypotest.records.protocol.units import SparseAutoencoder, UnitName
from hypotest.subjects.admission import require_plain, require_testable
from hypotest.subjects.anatomy.recognition import anatomy_of
from hypotest.subjects.language_model import LanguageModel
from hypotest.subjects.masking import is_masked
from hypotest.subjects.units.chosen import kind_of


def wrap_language_model(
    model: Any,
    *,
    layer: str | int = "last",
    tokenizer: Any = None,
    name: str | None = None,
    anatomy: Mapping[str, Any] | None = None,
    units: UnitName | SparseAutoencoder = "neurons",
    base: Path | None = None,
) -> LanguageModel:
    """Take a ``transformers`` causal language model that is in memory already.

    Args:
        model: The model in float32 (or float64), itself or wrapped by nnsight. It is put into evaluation
            mode, its attention computed eagerly, so that weights can be seen, and without a cache.
        layer: ``last``, or a block's number, from the end if negative.
        tokenizer: A fast tokenizer; only reading text needs one. Nnsight's own, if it has one, by default.
        name: For reports and errors; by default the model's own.
        anatomy: Fields of `subjects.anatomy.anatomy.Anatomy` that the model's family does not have so.
        units: What is tested in the layer.
        base: Folder that the path of a sparse autoencoder starts from; the current one by default.

    Raises:
        SubjectError: If it is not clear where neurons and heads are or the proof of that fails, the model
            has no such layer, or is of low precision, or an autoencoder does not fit it.
    """
    if isinstance(model, NNsight):
        tokenizer = getattr(model, "tokenizer", None) if tokenizer is None else tokenizer
        model = model._module  # nnsight's only way to what it wraps
    model = getattr(model, "_orig_mod", model)  # what torch.compile wraps; both have the same weights
    if not hasattr(model, "config") or not hasattr(model.config, "get_text_config"):
        raise SubjectError(
            f"{name or 'the model in memory'}: must be a transformers causal language model (such as "
            f"GPT2LMHeadModel), a folder or a Hub id; found {type(model).__name__}"
        )
    config = model.config
    name = name or f"{getattr(config, 'name_or_path', '') or type(model).__name__} (in memory)"
    if any(item.is_meta for item in model.parameters()):
        raise SubjectError(
            f"{name}: some weights are not in memory: offloaded to processor or disk (device_map), being too "
            "large for the devices there are, or not loaded yet (nnsight: dispatch=True). The certified "
            "ablation reads weights, so that offloaded models are not taken. Name the model in the protocol "
            "with device=balanced, which spreads it over several GPUs; or give evidence of its forward "
            "passes (hypotest.Evidence), such as a host makes it (hypotest.record)"
        )
    require_testable(config, name)
    require_plain(model, name)
    if is_masked(config):
        if type(model) not in transformers.MODEL_FOR_MASKED_LM_MAPPING.values():
            raise SubjectError(
                f"{name}: has no head that predicts masked tokens; take the class of its family that "
                f"has one, such as BertForMaskedLM; found {type(model).__name__}"
            )
    elif not hasattr(model, "lm_head"):
        raise SubjectError(
            f"{name}: has no head that predicts the next token (lm_head); take the class of its family that "
            f"has one, such as GPT2LMHeadModel; found {type(model).__name__}"
        )
    if config._attn_implementation != "eager":
        model.set_attn_implementation("eager")
    if getattr(config, "_experts_implementation", None) not in (None, "eager"):
        model.set_experts_implementation("eager")  # the one that every layout of experts has
    for each in (config, config.get_text_config()):
        each.use_cache = False  # a block that runs again must not see its own keys twice
    n_layers = int(config.get_text_config().num_hidden_layers)
    if layer != "last" and (isinstance(layer, bool) or not isinstance(layer, int)):
        raise SubjectError(f"subject.layer: must be `last` or a block's number, found {layer!r}")
    number = n_layers - 1 if layer == "last" else int(layer) + (n_layers if int(layer) < 0 else 0)
    if not 0 <= number < n_layers:
        raise SubjectError(
            f"subject.layer: {name} has the layers 0 to {n_layers - 1}, from the end -1 to -{n_layers}; "
            f"found {layer}"
        )
    model.eval().requires_grad_(False)
    subject = LanguageModel(
        name=name,
        model=model,
        tokenizer=tokenizer,
        anatomy=anatomy_of(model, number, name, anatomy),
        layer=number,
        device=model.get_input_embeddings().weight.device,
    )
    return replace(subject, kind=kind_of(units, subject, model, base))
