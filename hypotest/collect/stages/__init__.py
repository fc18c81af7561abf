"""The stages of a split's collection."""
