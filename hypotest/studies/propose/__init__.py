"""A protocol proposed from a model and a text."""
