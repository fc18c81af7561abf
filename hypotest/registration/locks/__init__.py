"""Locks and the registry."""
