"""What a simulated layer and its text are like: all settings, and nothing drawn yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np

Carriers = Literal["specialists", "random", "loud", "influential"]
"""Who has the planted property: the specialists for rare targets; as many random neurons; every neuron, the
more the louder it is, or the more influential on all targets."""


@dataclass(frozen=True, slots=True)
class Planted:
    """What is true of some neurons and not of the others; the defaults plant nothing.

    Two things, apart from each other: who prefers which targets, and who has a property (acts together, has
    another spectrum, another head).
    """

    rarity: float = 0.0
    """Rare targets raise the |delta_loss| of the specialists for them by this share."""
    commonness: float = 0.0
    """Common targets do so for as many other neurons."""
    loud: float = 1.0
    """Factor of the specialists' |delta_loss| on every target."""
    carriers: Carriers = "specialists"
    """Who has what follows."""
    shared: float = 0.0
    """Loading of their activations on one factor of their own: coordination, 0 to 1."""
    communities: int = 0
    """Blocks into which they fall, each with a factor of its own."""
    cohesion: float = 0.0
    """Loading on the block's factor, 0 to 1."""
    spectrum: float = 0.0
    """Their output weights' variance falls with the direction's rank r as r^(-2 spectrum); 0: isotropic."""
    head_impact: float = 1.0
    """Factor of the squared change that the top attention head makes in them."""


@dataclass(frozen=True, slots=True)
class Layer:
    """How large a simulated layer and its text are, how hard their data, and what is planted."""

    n_neurons: int = 160
    size: int = 16
    """Specialists: a uniformly random subset of the layer, the planted neurons."""
    planted: Planted = field(default_factory=Planted)
    dead: float = 0.0
    """Share of neurons, none of them planted, that are constant and have no influence."""

    n_documents: int = 40
    """Per split."""
    per_document: int = 6
    """Rare positions of a document, and as many common ones; the mean if lengths are unequal."""
    unequal: bool = False
    """Whether the documents' lengths are lognormal (SD of the logarithm 0.8) and not all the same."""
    n_types: int = 1000
    """Token types of each condition, which both splits share; the r-th is drawn in proportion to 1/r: so many
    that effectively some 30 occur, without which there is no interval over types."""
    burst: float = 0.0
    """Share of positions that repeat the type of an earlier one of their document and condition."""
    run: int = 0
    """Positions in a row with one label; 0: in random order."""
    autocorrelation: float = 0.0
    """Of z and of the noise, from one position of a document to the next."""
    document_share: float = 0.1
    """Share of the variance of z and of the noise of |delta_loss| that belongs to the document."""

    type_activation: float = 0.0
    """SD over types of the mean of z, where z has SD 1; each neuron has its own mean on each type, like on
    types and documents through the factors that neurons share."""
    type_influence: float = 0.0
    """SD over types of log |delta_loss|, of all neurons alike."""
    type_attention: float = 0.0
    """SD over types of the factor of attention's logits."""
    quirks: float = 0.0
    """SD of the logarithm of each neuron's factor on each type, the same in both splits."""

    activation_spread: float = 0.3
    """SD of the logarithm of the neurons' activation SDs."""
    n_factors: int = 4
    """Latent factors of the activations; each neuron loads on a random mixture of them."""
    loading: float = 0.7
    """On that mixture, 0 to 1: two neurons correlate by its square times the cosine between mixtures."""
    degrees_of_freedom: float = np.inf
    """Of Student's t, whose tails activations and noise get."""

    influence_spread: float = 0.3
    """SD of the logarithm of the neurons' influence, unrelated to everything else."""
    influence_of_activation: float = 0.0
    """Slope of log influence on log activation SD, in SDs: influence that follows a covariate."""
    preference_spread: float = 0.0
    """SD over neurons of the logarithm of what rare targets add to a neuron's influence."""
    commonness_spread: float = 0.0
    """The same of what common targets add to it."""
    rare_loss: float = 1.0
    """Factor of every neuron's |delta_loss|, and of the loss itself, at rare targets."""
    noise: float = 1.0
    """SD of the logarithm of |delta_loss| over positions."""
    noise_of_activation: float = 0.0
    """Share of that variance which is the neuron's own z: correlated neurons have correlated influences."""

    attention_noise: float = 0.2
    """SD over documents of the attention logits."""
    concentration: float = 0.0
    """Factor by which rare targets raise the attention logits, less 1."""
    concentration_spread: float = 0.0
    """SD of that factor over documents."""
    rerouting: float = 0.0
    """Share of the variance of the attention logits in which rare and common targets differ."""
    head_share: float = 0.5
    """Of the top head in the squared change that its whole layer of heads makes."""
