"""Tests of one measure on evidence: selection, nulls, intervals, comparison. No model, no files."""
