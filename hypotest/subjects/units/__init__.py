"""Kinds of units of a language model: how each is read, and what its ablation changes.

kind         what all kinds have in common
neurons      inputs of an MLP's down-projection
heads        attention heads: slices of the input of the attention output projection
experts      whole experts of a mixture
residual     dimensions of the residual stream behind a block
latents      latents of a sparse autoencoder, and its error kept
autoencoder  such an autoencoder, read from its folder
chosen       the kind that a protocol names
"""
