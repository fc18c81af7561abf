"""Corpora: documents, blocks, token counts, and samples of positions of two conditions."""
