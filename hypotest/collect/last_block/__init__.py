"""Ablation in the last block, by an identity that is exact and certified."""
