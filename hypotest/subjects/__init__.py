"""Subjects: the network under test."""
