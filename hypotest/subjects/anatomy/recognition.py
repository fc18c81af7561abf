"""Which anatomy a model has: its family's row, with what its configuration and its protocol say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any, get_args

from hypotest.errors import SubjectError
from hypotest.subjects.admission import beyond_description, needs_of_a_mixture
from hypotest.subjects.anatomy.anatomy import MODULES, Anatomy, Norm, Routing
from hypotest.subjects.anatomy.examination import Findings, examine
from hypotest.subjects.anatomy.experts import ExpertNeurons
from hypotest.subjects.anatomy.families import DENSE_BLOCKS, FALCON_PARALLEL, FALCON_TWO_NORMS, FAMILIES
from hypotest.subjects.anatomy.modules import by_input
from hypotest.subjects.masking import is_masked
from hypotest.subjects.memory import without_weights

_OF_MIXTURES = ("experts", "router")
_OF_MLPS = ("up_projection", "down_projection")
"""A model has the ones or the others."""
_OPTIONAL = ("mlp_norm", "gate_projection", "shared_gate")
"""Paths that a model need not have."""
_YES_OR_NO = ("parallel_residual", "fused_gate")
_DESCRIBABLE = (*MODULES, "norm", "routing", *_YES_OR_NO, "identity_obstacle")


def anatomy_of(model: Any, layer: int, name: str, given: Mapping[str, Any] | None = None) -> Anatomy:
    """Find a model's anatomy and prove it on a few tokens.

    A family without a row is taken for another one if all of that one's modules are there and the proof
    holds; what the proof can measure (kind of the final norm, parallel residual, what lies between the last
    MLP and the logits) is measured then.

    Args:
        model: The ``transformers`` model, on its device.
        layer: Block that will be tested.
        name: For errors.
        given: What the protocol says in ``subject.anatomy``: fields of `Anatomy`.

    Raises:
        SubjectError: If nothing fits, or the proof fails; names the path.
    """
    family = str(model.config.model_type)
    row = row_of(model.config, name)
    row = None if row is None else of_block(row, model, layer)
    if given:
        _require_known(given, name)
        row = _described(model.config, row, given, name)
    if row is None:
        return _recognised(model, family, layer, name)
    seen = examine(model, row, layer, name)
    if given:
        _require_truth(given, seen, name)
        return _measured(row, seen, given, model.config)
    _require_agreement(row, seen, name)
    return row


def row_of(config: Any, name: str) -> Anatomy | None:
    """The row of a family, with what the configuration chooses; None for a family without a row.

    Args:
        config: The ``transformers`` configuration.
        name: Of the model, for errors.

    Raises:
        SubjectError: If the configuration chooses what no row describes.
    """
    row = FAMILIES.get(str(config.model_type))
    if row is None or bool(row.head) != is_masked(config):
        return None
    if row.family == "gpt_neox":
        row = replace(row, parallel_residual=bool(config.use_parallel_residual))
    elif row.family == "falcon":
        row = _falcon(row, config)
    elif row.family == "opt" and not (config.do_layer_norm_before and not config._remove_final_layer_norm):
        raise SubjectError(
            f"subject.model: {name} has its norms behind attention and MLP and no final norm "
            "(do_layer_norm_before: false, as in OPT-350m); hypotest has no way to ablate its neurons. Take "
            "another size of OPT"
        )
    return _with_cap(row, config)


def of_block(row: Anatomy, model: Any, layer: int) -> Anatomy:
    """The row of one block: some blocks of a mixture have an MLP like any other."""
    if not row.experts or any(path == row.at("experts", layer) for path, _ in model.named_modules()):
        return row
    return DENSE_BLOCKS[row.family]


def n_neurons(config: Any, layer: str | int, name: str, given: Mapping[str, Any] | None = None) -> int | None:
    """Neurons of one block's MLP, from its down-projection, before any weights are read.

    Configurations need not say it: GPT-2's leaves ``n_inner`` empty, BLOOM's has no such key.

    Args:
        config: The ``transformers`` configuration.
        layer: ``last``, or a block's number, from the end if negative.
        name: For errors.
        given: What the protocol says in ``subject.anatomy``.

    Returns:
        None where the family is not known and its modules are not those of a known one, or there is no such
        layer.

    Raises:
        SubjectError: If the configuration chooses what no row describes.
    """
    model = without_weights(config)
    last = int(config.get_text_config().num_hidden_layers) - 1
    number = layer if isinstance(layer, int) else last
    number += last + 1 if number < 0 else 0
    row = row_of(config, name)
    there = dict(model.named_modules())
    given = {name: path for name, path in (given or {}).items() if name in ("down_projection", "experts")}
    for item in [row] if row else _by_detail():
        own = replace(of_block(item, model, number), **given)
        if own.experts:
            if own.at("experts", number) in there:
                return int(ExpertNeurons.of(model, own, number).output_vectors.shape[0])
            continue
        module = there.get(own.at("down_projection", number))
        if getattr(module, "weight", None) is not None:
            return int(by_input(module).shape[0])
    return None


def _with_cap(row: Anatomy, config: Any) -> Anatomy:
    """Whatever else lies behind the last MLP, capped logits are named."""
    capped = getattr(config.get_text_config(), "final_logit_softcapping", None)
    return replace(row, identity_obstacle="the logits are capped") if capped else row


def _falcon(row: Anatomy, config: Any) -> Anatomy:
    """Three kinds of blocks: sequential, parallel with one norm, parallel with two."""
    if not (config.new_decoder_architecture or config.parallel_attn):
        return row
    two = config.new_decoder_architecture and config.num_ln_in_parallel_attn in (None, 2)
    return FALCON_TWO_NORMS if two else FALCON_PARALLEL


def _require_known(given: Mapping[str, Any], name: str) -> None:
    """Only fields of an anatomy, with values that they can have."""
    kinds: dict[str, tuple[str, ...]] = {"norm": get_args(Norm), "routing": get_args(Routing)[1:]}
    for key, value in given.items():
        if key not in _DESCRIBABLE:
            raise SubjectError(
                f"subject.anatomy.{key}: {name}: is no part of an anatomy; known: {', '.join(_DESCRIBABLE)}"
            )
        if value not in kinds.get(key, (value,)):
            without = "A model without a norm in front of its unembedding cannot be tested"
            raise SubjectError(
                f"subject.anatomy.{key}: {name}: must be one of {', '.join(kinds[key])}; found {value!r:.60}"
                + (f". {without}" if key == "norm" else "")
            )
        expected = bool if key in _YES_OR_NO else str
        if not isinstance(value, expected):
            raise SubjectError(
                f"subject.anatomy.{key}: {name}: must be "
                f"{'true or false' if expected is bool else 'text'}; found {value!r:.60}"
            )


def _require_truth(given: Mapping[str, Any], seen: Findings, name: str) -> None:
    """What was measured cannot be described otherwise; an obstacle may be named where there is none."""
    for key in ("norm", "routing", *_YES_OR_NO):
        measured = getattr(seen, key)
        if key in given and measured is not None and given[key] != measured:
            raise SubjectError(
                f"subject.anatomy.{key}: {name}: found {given[key]!r}, and a forward pass shows "
                f"{measured!r}; remove it"
            )
    if given.get("identity_obstacle") == "" and seen.identity_obstacle:
        raise SubjectError(
            f"subject.anatomy.identity_obstacle: {name}: found none, and {seen.identity_obstacle}; remove it"
        )


def _described(config: Any, row: Anatomy | None, given: Mapping[str, Any], name: str) -> Anatomy:
    """The row with what the protocol says in its place, or the protocol's description alone."""
    if row is not None:
        return replace(row, **given)
    family = str(config.model_type)
    other = (*(_OF_MLPS if given.get("experts") else _OF_MIXTURES), *(() if is_masked(config) else ("head",)))
    missing = [key for key in MODULES if key not in (*_OPTIONAL, *other) and not given.get(key)]
    if missing:
        raise SubjectError(
            f"subject.anatomy: hypotest does not know the family {family!r} of {name}, so that its anatomy "
            f"must be described in full; missing: {', '.join(missing)}"
        )
    values: dict[str, Any] = {**dict.fromkeys((*_OPTIONAL, *other), ""), "norm": "layer", **given}
    return Anatomy(family=family, **values)


def _measured(row: Anatomy, seen: Findings, given: Mapping[str, Any], config: Any) -> Anatomy:
    """A row with what was measured, unless the protocol says otherwise."""
    values = {key: value for key, value in asdict(seen).items() if key not in given and value is not None}
    return _with_cap(replace(row, **values), config)


def _require_agreement(row: Anatomy, seen: Findings, name: str) -> None:
    """What a row claims is what was measured."""
    claims = (
        ("final_norm", "norm", row.norm, seen.norm),
        ("attention_projection", "parallel_residual", row.parallel_residual, seen.parallel_residual),
        ("up_projection", "fused_gate", row.fused_gate, seen.fused_gate),
        ("router", "routing", row.routing, row.routing if seen.routing is None else seen.routing),
        ("mlp", "identity_obstacle", bool(row.identity_obstacle), bool(seen.identity_obstacle)),
    )
    for module, key, claimed, measured in claims:
        if claimed != measured:
            raise SubjectError(
                f"subject.model: {name} is not what hypotest knows of the family {row.family}: {key} of "
                f"{getattr(row, module)} should be {claimed} and is {measured} "
                f"({seen.identity_obstacle or 'nothing between the last MLP and the logits'}). If the model "
                "was changed, describe it under subject.anatomy"
            )


def _recognised(model: Any, family: str, layer: int, name: str) -> Anatomy:
    """Another family's row that fits a model of a family without one."""
    there = {path for path, _ in model.named_modules(remove_duplicate=False)}
    lacking = {
        row: [path for module in row.modules if (path := row.at(module, layer)) not in there]
        for row in dict.fromkeys(of_block(item, model, layer) for item in _by_detail())
        if bool(row.head) == is_masked(model.config)
    }
    problems = []
    for row in (row for row, missing in lacking.items() if not missing):
        try:
            seen = examine(model, row, layer, name)
        except SubjectError as error:
            problems.append(str(error))
            continue
        return _measured(replace(row, family=family), seen, {}, model.config)
    hopeless = beyond_description(model)
    if hopeless:
        raise SubjectError(
            f"subject.model: {name} is of the family {family!r}, which hypotest cannot test, nor would a "
            f"description in the protocol help: {hopeless}"
        )
    nearest = min(lacking, key=lambda row: len(lacking[row]))
    lacks = f"of the modules of {nearest.family} it lacks {', '.join(lacking[nearest])}"
    why = problems[0] if problems else lacks
    keys = ", ".join(f"{key}: PATH" for key in MODULES)
    raise SubjectError(
        f"subject.model: {name} is of the family {family!r}, which hypotest does not know (known: "
        f"{', '.join(sorted(FAMILIES))}), and its modules do not say for certain where neurons and heads "
        f"are: {why}. Describe it in the protocol: subject: {{anatomy: {{{keys}}}}}, with paths as in "
        "model.named_modules() and {layer} for the block's number" + needs_of_a_mixture(model)
    )


def _by_detail() -> Iterator[Anatomy]:
    """Each set of paths once, those with most modules first."""
    seen = set()
    rows = (*FAMILIES.values(), FALCON_PARALLEL, FALCON_TWO_NORMS)
    for row in sorted(rows, key=lambda row: -len(row.modules)):
        paths = tuple(getattr(row, key) for key in MODULES)
        if paths not in seen:
            seen.add(paths)
            yield row
