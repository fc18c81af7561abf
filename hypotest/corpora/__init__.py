"""Corpora: documents, blocks, frequencies, and the positions that count as rare or common."""
