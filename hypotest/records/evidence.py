"""Evidence: what was collected from the subject, before any measure or test.

Arrays are float32 unless said otherwise. Row i of every per-position array belongs to row i of
`positions`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]


@dataclass(frozen=True, slots=True, order=True)
class Head:
    """An attention head whose output can reach the tested MLP."""

    layer: int
    """Block, counted from 0."""
    head: int
    """Head within the block, counted from 0."""

    def __str__(self) -> str:
        return f"L{self.layer}H{self.head}"


@dataclass(frozen=True, slots=True, eq=False)
class HeadAblation:
    """How the layer's activations change when attention heads are ablated.

    Each head's slice of the input of the attention output projection is set to zero (eq. 8 of
    arXiv:2509.21163), at the rare positions of a sample of blocks.
    """

    documents: IntArray
    """Document of each row, shape (n_documents,)."""
    n_positions: IntArray
    """Positions summed per document, shape (n_documents,)."""
    base: FloatArray
    """Sum of squared activations, shape (n_documents, n_neurons)."""
    single: FloatArray
    """Sum of squared changes with one head ablated, shape (n_documents, n_heads, n_neurons)."""
    layer: FloatArray
    """The same with all heads of a layer ablated at once, shape (n_documents, n_layers, n_neurons);
    layers in the order in which they first occur in `Evidence.heads`."""


class Positioned:
    """What has a frame of positions: its columns as arrays, shape (n_positions,)."""

    __slots__ = ()
    positions: pl.DataFrame

    @property
    def documents(self) -> IntArray:
        """Document of each position."""
        return np.asarray(self.positions["document"].to_numpy())

    @property
    def blocks(self) -> NDArray[np.int64]:
        """Block of text."""
        return self._column("block")

    @property
    def indices(self) -> NDArray[np.int64]:
        """Place within the block."""
        return self._column("index")

    @property
    def targets(self) -> NDArray[np.int64]:
        """Token that is to be predicted."""
        return self._column("target")

    def mask(self, condition: str) -> NDArray[np.bool_]:
        """Whether a position belongs to a condition, ``rare`` or ``common``."""
        return np.asarray(self.positions["condition"].to_numpy() == condition)

    def _column(self, name: str) -> NDArray[np.int64]:
        return self.positions[name].to_numpy().astype(np.int64)  # writable, as torch wants it


@dataclass(frozen=True, slots=True, eq=False)
class SplitEvidence(Positioned):
    """What was collected at the positions of one split; NaN what was not (`hypotest.collect.measured`)."""

    positions: pl.DataFrame
    """Columns document, block, index (within its block), target (token id), condition (rare, common),
    split (selection, evaluation)."""
    activations: FloatArray
    """Input of the tested MLP's down-projection, shape (n_positions, n_neurons)."""
    delta_loss: FloatArray
    """Change of the target's cross-entropy in nats under mean ablation of each neuron, shape
    (n_positions, n_neurons); positive: the ablation hurts."""
    loss: FloatArray
    """Cross-entropy of the target in nats, shape (n_positions,)."""
    error_bound: FloatArray
    """Largest error of each change of loss in nats, proven, shape (n_positions, n_neurons), float16; NaN
    where the changes come from forward passes, whose rounding nothing bounds."""
    n_exact: IntArray
    """Neurons whose change was evaluated over the whole vocabulary, shape (n_positions,)."""
    residual: FloatArray
    """Input of the final norm, shape (n_positions, d_model); without columns where changes come from forward
    passes, which do not need it."""
    attention: FloatArray
    """Attention of the query at each position, shape (n_positions, n_heads, context); key positions
    that it cannot see hold zero: those behind it, and those before its window."""
    head_ablation: HeadAblation
    windows: IntArray | None = None
    """Keys that a query of each head sees at most, itself included, shape (n_heads,); None: all before it."""

    @property
    def head_windows(self) -> NDArray[np.int64]:
        """`windows`, the context where all keys before the query are seen."""
        n_heads, context = self.attention.shape[1:]
        found = np.full(n_heads, context) if self.windows is None else np.asarray(self.windows)
        return np.asarray(np.minimum(found, context), dtype=np.int64)

    def of_documents(self, documents: IntArray) -> SplitEvidence:
        """The part that belongs to some documents, in the same order."""
        rows = np.isin(self.documents, documents)
        mine = np.isin(self.head_ablation.documents, documents)
        arrays = {name: getattr(self, name)[rows] for name in _PER_POSITION}
        heads = {name: getattr(self.head_ablation, name)[mine] for name in _PER_DOCUMENT}
        positions = self.positions.filter(pl.Series(rows))
        return replace(self, positions=positions, head_ablation=HeadAblation(**heads), **arrays)

    def joined_with(self, other: SplitEvidence) -> SplitEvidence:
        """The rows of both, these first."""

        def stacked(one: object, two: object, names: tuple[str, ...]) -> dict[str, Any]:
            return {name: np.concatenate([getattr(one, name), getattr(two, name)]) for name in names}

        heads = HeadAblation(**stacked(self.head_ablation, other.head_ablation, _PER_DOCUMENT))
        arrays = stacked(self, other, _PER_POSITION)
        positions = pl.concat([self.positions, other.positions])
        return replace(self, positions=positions, head_ablation=heads, **arrays)

    def of_neurons(self, neurons: IntArray) -> SplitEvidence:
        """The same rows with some of the layer's neurons only, in the order given."""
        heads = self.head_ablation
        return replace(
            self,
            activations=self.activations[:, neurons],
            delta_loss=self.delta_loss[:, neurons],
            error_bound=self.error_bound[:, neurons],
            head_ablation=replace(
                heads,
                base=heads.base[..., neurons],
                single=heads.single[..., neurons],
                layer=heads.layer[..., neurons],
            ),
        )

    def named(self, split: str) -> SplitEvidence:
        """The same rows as another split."""
        return replace(self, positions=self.positions.with_columns(pl.lit(split).alias("split")))


_PER_POSITION = tuple(
    item.name for item in fields(SplitEvidence) if item.name not in ("positions", "head_ablation", "windows")
)
_PER_DOCUMENT = tuple(item.name for item in fields(HeadAblation))


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """The tested MLP's weights, one row per neuron."""

    output: FloatArray
    """Columns of the down-projection, shape (n_neurons, d_model)."""
    input: FloatArray
    """Rows of the up-projection, shape (n_neurons, d_model)."""


@dataclass(frozen=True, slots=True)
class AblationMethod:
    """How neurons were ablated."""

    replacement: str
    """What an ablated neuron was set to: ``mean`` over the selection split, ``zero``, or ``resample``, its
    activation at another position of the selection split."""
    tolerance: float
    """Nats: largest error of any change of loss, where the engine is certified."""
    seed: int
    """Of the donors, under ``resample``."""
    engine: str
    """``identity`` (certified, `hypotest.collect.ablation`) or ``interventions`` (forward passes)."""
    reason: str
    """Why this engine."""


@dataclass(frozen=True, slots=True, eq=False)
class Decomposition:
    """What each neuron's effect on rare targets is made of: means over some positions, in nats.

    The parts add up to the whole but for their interaction. Positive: the ablation raises the loss, or the
    entropy of the prediction.
    """

    n_positions: int
    """Rare positions of the evaluation split."""
    total: FloatArray
    """Change of loss, shape (n_neurons,)."""
    through_norm: FloatArray
    """Through the scale of the final norm alone, shape (n_neurons,)."""
    direct: FloatArray
    """Through the logits that the neuron writes alone, shape (n_neurons,)."""
    entropy: FloatArray
    """Change of the prediction's entropy, shape (n_neurons,)."""


@dataclass(frozen=True, slots=True, eq=False)
class SelectionEvidence:
    """What is known while nothing of the evaluation split is."""

    split: SplitEvidence
    weights: Weights
    heads: tuple[Head, ...]
    """As in `Evidence`."""
    mean_activation: FloatArray
    """Mean over the split, shape (n_neurons,)."""
    ablation: AblationMethod

    def of_neurons(self, neurons: IntArray) -> SelectionEvidence:
        """The same with some of its neurons only."""
        return replace(
            self,
            split=self.split.of_neurons(neurons),
            weights=Weights(self.weights.output[neurons], self.weights.input[neurons]),
            mean_activation=self.mean_activation[neurons],
        )


@dataclass(frozen=True, slots=True, eq=False)
class Selected:
    """What the selection split says is to be measured on the evaluation split."""

    neurons: NDArray[np.int64]
    """Of the group, as numbers in the layer, ascending; none where none can be selected."""
    heads: NDArray[np.int64]
    """Counted over the reaching layers; read where heads are wanted."""


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Evidence:
    """Everything the measures need."""

    selection: SplitEvidence
    """Documents on which neurons are selected."""
    evaluation: SplitEvidence
    """Other documents, on which everything is measured."""
    weights: Weights
    heads: tuple[Head, ...]
    """Second axis of `attention` and of `head_ablation.single`."""
    mean_activation: FloatArray
    """Mean over the selection split, shape (n_neurons,)."""
    ablation: AblationMethod
    decomposition: Decomposition | None
    """None where the identity does not hold."""
    numbers: IntArray | None = None
    """Number in the layer of each neuron, ascending, shape (n_neurons,); None: the whole layer."""
    n_left_out: int = 0
    """Neurons of the layer that are not here."""

    @property
    def n_neurons(self) -> int:
        """Neurons that are here: second axis of activations and changes of loss."""
        return int(self.mean_activation.shape[0])

    @property
    def layer_size(self) -> int:
        """Neurons of the tested layer, those that were left out included."""
        return self.n_neurons + self.n_left_out

    def layer_numbers(self, neurons: IntArray) -> NDArray[np.int64]:
        """From columns of the arrays to numbers in the layer."""
        columns = np.asarray(neurons, dtype=np.int64)
        return columns if self.numbers is None else np.asarray(self.numbers, dtype=np.int64)[columns]

    def of_neurons(self, neurons: IntArray) -> Evidence:
        """The same with some of its neurons only.

        Args:
            neurons: Columns to keep, ascending, shape (n_kept,).
        """
        parts = self.decomposition
        return replace(
            self,
            selection=self.selection.of_neurons(neurons),
            evaluation=self.evaluation.of_neurons(neurons),
            weights=Weights(self.weights.output[neurons], self.weights.input[neurons]),
            mean_activation=self.mean_activation[neurons],
            decomposition=None
            if parts is None
            else replace(
                parts,
                total=parts.total[neurons],
                through_norm=parts.through_norm[neurons],
                direct=parts.direct[neurons],
                entropy=parts.entropy[neurons],
            ),
            numbers=self.layer_numbers(neurons),
            n_left_out=self.layer_size - len(neurons),
        )
