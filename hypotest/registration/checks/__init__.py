"""Checks of a protocol, a file for each part."""
