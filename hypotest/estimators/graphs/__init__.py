"""Graphs of a group: their weights, communities and what is put in their place."""
