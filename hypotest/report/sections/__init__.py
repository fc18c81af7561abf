"""Sections of the report: each says one thing of a run."""
