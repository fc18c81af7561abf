"""The network under test: a Hugging Face causal language model, traced by nnsight."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from nnsight import NNsight
from numpy.typing import NDArray

from hypotest.records.evidence.channels import Channel
from hypotest.subjects.anatomy.anatomy import Anatomy
from hypotest.subjects.anatomy.experts import ExpertNeurons
from hypotest.subjects.anatomy.modules import longest_context
from hypotest.subjects.anatomy.neurons import DenseNeurons, Neurons
from hypotest.subjects.anatomy.passes import hidden_of
from hypotest.subjects.anatomy.recognition import of_block, row_of
from hypotest.subjects.anatomy.visibility import attention_window
from hypotest.subjects.beginning import Beginning, beginning_of
from hypotest.subjects.fingerprints import settings_fingerprint, weights_fingerprint
from hypotest.subjects.masking import Masking
from hypotest.subjects.tokenizing import encode, tokenizer_fingerprint
from hypotest.subjects.units.kind import Kind, columns_of
from hypotest.subjects.units.neurons import NEURONS


@dataclass(frozen=True, slots=True)
class WeightsFile:
    """The one file that weights and tokenizer were read from."""

    name: str
    """Without its folder."""
    sha256: str
    quantization: str
    """How weights are kept in it, that of most entries first: ``Q4_1, Q8_0, F32``."""

    @property
    def words(self) -> str:
        """For reports: ``as expanded from Q4_1 (also Q8_0, F32)``."""
        first, *others = self.quantization.split(", ")
        return f"as expanded from {first}" + (f" (also {', '.join(others)})" if others else "")


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A loaded model with what collection needs to know of it. Parameters are float32."""

    name: str
    """As the protocol names it."""
    model: Any
    """The ``transformers`` model, in evaluation mode, with eager attention."""
    tokenizer: Any
    anatomy: Anatomy
    layer: int
    """Block whose units are tested, counted from 0."""
    device: torch.device
    revision: str | None = None
    """Commit that the Hub resolved, if it came from there."""
    file: WeightsFile | None = None
    """The GGUF file that it came from, if it did."""
    kind: Kind = NEURONS
    """What is tested in the block."""

    @cached_property
    def traced(self) -> Any:
        """The model wrapped by nnsight."""
        with warnings.catch_warnings():  # BERT's modules called output are found below, by what they are
            warnings.filterwarnings("ignore", message=".*which nnsight already serves on every module")
            return NNsight(self.model)

    @cached_property
    def _envoys(self) -> dict[int, Any]:
        return {id(envoy._module): envoy for envoy in self.traced.modules()}

    def envoy(self, module: str, layer: int | None = None) -> Any:
        """Nnsight's handle on a module of the anatomy, in the tested block unless said otherwise."""
        return self._envoys[id(self.module(module, layer))]

    def module(self, module: str, layer: int | None = None) -> Any:
        """The torch module itself."""
        path = self.anatomy.at(module, self.layer if layer is None else layer)
        return self.model.get_submodule(path)

    @property
    def config(self) -> Any:
        """The configuration of the language model, also of one that sees."""
        return self.model.config.get_text_config()

    @property
    def channels(self) -> frozenset[Channel]:
        """What can be collected of its units."""
        return self.kind.channels(self)

    @property
    def n_layers(self) -> int:
        """Transformer blocks."""
        return int(self.config.num_hidden_layers)

    @property
    def n_heads(self) -> int:
        """Attention heads per block."""
        return int(self.config.num_attention_heads)

    @property
    def d_model(self) -> int:
        """Width of the residual stream."""
        return int(self.config.hidden_size)

    @cached_property
    def tested(self) -> Neurons:
        """The neurons of the tested block, whatever its units are."""
        if self.anatomy.experts:
            return ExpertNeurons.of(self.model, self.anatomy, self.layer)
        up, down = self.module("up_projection"), self.module("down_projection")
        return DenseNeurons(up, down, self.anatomy.fused_gate)

    @property
    def is_masked(self) -> bool:
        """Whether it is an encoder, which predicts masked tokens."""
        return bool(self.anatomy.head)

    @cached_property
    def masking(self) -> Masking | None:
        """How a target is masked; None of a decoder, which does not see it.

        Raises:
            SubjectError: If an encoder has no tokenizer, or it has no mask token.
        """
        return Masking.of(self.tokenizer, self.name) if self.is_masked else None

    def length_of(self, context: int) -> int:
        """Tokens that a pass over a block of text has at most."""
        return context + (len(self.masking.ending) if self.masking else 0)

    @property
    def routed(self) -> ExpertNeurons | None:
        """They, where a router sends tokens to them by probabilities that are known, and units are theirs."""
        known = isinstance(self.tested, ExpertNeurons) and self.tested.routing and self.kind.is_of_neurons
        return self.tested if known and isinstance(self.tested, ExpertNeurons) else None

    @property
    def n_neurons(self) -> int:
        """Units that are tested: neurons of the MLP, unless a protocol says otherwise."""
        return self.kind.n_units(self)

    @property
    def output_vectors(self) -> torch.Tensor:
        """What each coordinate of the units adds to the residual stream, shape (n_coordinates, d_model)."""
        return self.kind.vectors(self)

    def columns(self, units: NDArray[np.integer]) -> NDArray[np.int64]:
        """Coordinates of some units, one unit after the other."""
        return columns_of(units, self.kind.width(self))

    @contextmanager
    def recorded_units(self) -> Iterator[list[torch.Tensor]]:
        """A list that gets what the tested units are read from whenever their module runs."""
        seen: list[torch.Tensor] = []
        module = self.module(self.kind.reader(self))
        if self.kind.side == "input":
            hook = module.register_forward_pre_hook(lambda _, arguments: seen.append(arguments[0]))
        else:
            hook = module.register_forward_hook(lambda _, __, output: seen.append(hidden_of(output)))
        try:
            yield seen
        finally:
            hook.remove()

    def neurons(self, residual: torch.Tensor) -> torch.Tensor:
        """Activations of neurons, the tested units, given what enters the norm before the MLP.

        Args:
            residual: Shape (..., d_model).

        Returns:
            Shape (..., n_neurons).
        """
        with self.recorded_units() as seen:
            self.module("mlp")(self.module("mlp_norm")(residual))
        return self.tested.activations(seen[0])

    @property
    def identity_obstacle(self) -> str:
        """Why a unit's path to the logits is not linear up to the final norm; empty where it is."""
        return self.kind.identity_obstacle(self)

    @property
    def vocab_size(self) -> int:
        """Rows of the unembedding; may exceed the tokenizer's."""
        return int(self.module("unembedding").out_features)

    @property
    def context(self) -> int:
        """Most tokens of text that fit into one forward pass."""
        return longest_context(self.model.config) - self.length_of(0)

    @property
    def own_anatomy(self) -> dict[str, Any] | None:
        """The anatomy where it is not that of the model's family; None where it is."""
        row = row_of(self.model.config, self.name)
        standard = None if row is None else of_block(row, self.model, self.layer)
        return None if standard == self.anatomy else asdict(self.anatomy)

    @property
    def unit_settings(self) -> dict[str, Any]:
        """What numbers depend on beside weights and layer; empty for neurons."""
        return self.kind.settings

    @property
    def tested_words(self) -> str:
        """What is tested, for errors: family, layer and path."""
        return f"family {self.anatomy.family}, layer {self.layer}, path {self.kind.path(self)}"

    @property
    def family(self) -> str:
        """``config.model_type``."""
        return self.anatomy.family

    @property
    def n_parameters(self) -> int:
        """Of the whole model."""
        return sum(item.numel() for item in self.model.parameters())

    @property
    def n_bytes(self) -> int:
        """That its parameters take."""
        return sum(item.numel() * item.element_size() for item in self.model.parameters())

    @property
    def reaching_layers(self) -> tuple[int, ...]:
        """The last two blocks whose attention can reach the tested units."""
        return self.kind.looking(self)

    @property
    def attention_windows(self) -> tuple[int | None, ...]:
        """Keys that a query of each reaching layer sees at most, itself included; None for all before it."""
        return tuple(attention_window(self.config, layer, self.name) for layer in self.reaching_layers)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the weights."""
        return weights_fingerprint(self.model)

    @cached_property
    def settings_fingerprint(self) -> str:
        """SHA-256 of what the weights do not say: configuration, precision, and how targets are masked."""
        masking = {}
        if self.masking:  # some number positions from the padding token on
            masking["masking"] = [self.masking.token, self.masking.ending, self.config.pad_token_id]
        dtypes = sorted({str(item.dtype) for item in self.model.parameters()})
        return settings_fingerprint(self.config, dtypes=dtypes, **masking)

    @cached_property
    def tokenizer_fingerprint(self) -> str:
        """SHA-256 of the tokenizer's definition."""
        return tokenizer_fingerprint(self.tokenizer)

    @cached_property
    def beginning(self) -> Beginning:
        """What texts begin with."""
        return beginning_of(self.tokenizer, str(self.model.config.model_type), self.name)

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of each text, without special tokens."""
        return encode(self.tokenizer, texts)

    def token(self, token_id: int) -> str:
        """A token as it stands within a text; at the beginning of one, some tokenizers drop its space."""
        if token_id in self.tokenizer.all_special_ids:
            return str(self.tokenizer.convert_ids_to_tokens(token_id))
        (before,) = self.encode(["a"])
        known, whole = (str(self.tokenizer.decode(ids)) for ids in (before, [*before, token_id]))
        return (
            whole.removeprefix(known) if whole.startswith(known) else str(self.tokenizer.decode([token_id]))
        )

    def describe(self) -> dict[str, str | int | None]:
        """What a report says of the subject."""
        return {
            "name": self.name,
            "revision": self.revision,
            **({"weights": self.file.words} if self.file else {}),
            "family": self.anatomy.family,
            "layer": self.layer,
            **({"units": self.kind.name, **self.kind.described} if self.kind.settings else {}),
            "n_layers": self.n_layers,
            "n_heads": self.n_heads,
            "d_model": self.d_model,
            "n_neurons": self.n_neurons,
            **({"n_parts": len(parts.names)} if (parts := self.kind.partition(self)) else {}),
            "vocab_size": self.vocab_size,
            **({"mask": self.masking.text} if self.masking else {}),
            "n_parameters": self.n_parameters,
        }
