"""Evidence: what was collected from the subject, before any measure or test.

Arrays are float32 unless said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hypotest.records.evidence.arrays import FloatArray, IntArray
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.heads import Head
from hypotest.records.evidence.partition import Partition
from hypotest.records.evidence.split import SplitEvidence, missing


@dataclass(frozen=True, slots=True, eq=False)
class Weights:
    """The tested MLP's weights, one row per neuron."""

    output: FloatArray
    """Columns of the down-projection, shape (n_neurons, d_model)."""
    input: FloatArray
    """Rows of the up-projection, shape (n_neurons, d_model)."""

    def of_neurons(self, neurons: IntArray) -> Weights:
        """Of some of the neurons, in the order given."""
        return Weights(self.output[neurons], self.input[neurons])


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
    """``identity`` (certified, `collect.last_block`) or ``interventions`` (forward passes)."""
    reason: str
    """Why this engine."""
    outcome: str = "loss"
    """What the changes are of: the ``loss`` of the target; ``logit_difference``, by which the foil's logit
    exceeds the target's; ``sequence``, the losses of all tokens of the target, summed."""


@dataclass(frozen=True, slots=True, eq=False)
class Decomposition:
    """What each neuron's effect in the first condition is made of: means over some positions, in nats.

    The parts add up to the whole but for their interaction. Positive: the ablation raises the loss, or the
    entropy of the prediction.
    """

    n_positions: int
    """Positions of the first condition in the evaluation split."""
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
    weights: Weights | None
    heads: tuple[Head, ...]
    """As in `Evidence`."""
    mean_activation: FloatArray
    """Mean over the split, shape (n_neurons,)."""
    ablation: AblationMethod
    partition: Partition | None = None
    """As in `Evidence`."""

    @property
    def output_weights(self) -> FloatArray | None:
        """As in `Evidence`."""
        return None if self.weights is None else self.weights.output

    def of_neurons(self, neurons: IntArray) -> SelectionEvidence:
        """The same with some of its neurons only."""
        return replace(
            self,
            split=self.split.of_neurons(neurons),
            weights=None if self.weights is None else self.weights.of_neurons(neurons),
            mean_activation=self.mean_activation[neurons],
            partition=None if self.partition is None else self.partition.of_neurons(neurons),
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
    weights: Weights | None
    """None where units have none that are known."""
    heads: tuple[Head, ...]
    """Second axis of attention and of `HeadAblation.single`."""
    mean_activation: FloatArray
    """Mean over the selection split, shape (n_neurons,)."""
    ablation: AblationMethod
    decomposition: Decomposition | None
    """None where the identity does not hold, and of other outcomes than the loss of one token."""
    numbers: IntArray | None = None
    """Number in the layer of each neuron, ascending, shape (n_neurons,); None: the whole layer."""
    n_left_out: int = 0
    """Neurons of the layer that are not here."""
    partition: Partition | None = None
    """A declared division of the neurons; None where the subject has none."""

    @property
    def n_neurons(self) -> int:
        """Neurons that are here: second axis of activations and changes of loss."""
        return int(self.mean_activation.shape[0])

    @property
    def output_weights(self) -> FloatArray | None:
        """What each unit adds to what follows, shape (n_neurons, d_model); None where that is not known."""
        return None if self.weights is None else self.weights.output

    @property
    def known_weights(self) -> Weights:
        """`weights`.

        Raises:
            EvidenceError: If there are none.
        """
        if self.weights is None:
            raise missing(Channel.WEIGHTS, tuple(self.evaluation.channels))
        return self.weights

    @property
    def layer_size(self) -> int:
        """Neurons of the tested layer, those that were left out included."""
        return self.n_neurons + self.n_left_out

    def layer_numbers(self, neurons: IntArray) -> NDArray[np.int64]:
        """From columns of the arrays to numbers in the layer."""
        columns = np.asarray(neurons, dtype=np.int64)
        return columns if self.numbers is None else np.asarray(self.numbers, dtype=np.int64)[columns]

    def named(self, neurons: IntArray) -> tuple[str, ...]:
        """What some columns of the arrays are called: ``neuron 17``, or ``expert 3, neuron 17``."""
        called = () if self.partition is None else self.partition.called(neurons)
        return called or tuple(f"neuron {number}" for number in self.layer_numbers(neurons).tolist())

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
            weights=None if self.weights is None else self.weights.of_neurons(neurons),
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
            partition=None if self.partition is None else self.partition.of_neurons(neurons),
            numbers=self.layer_numbers(neurons),
            n_left_out=self.layer_size - len(neurons),
        )
