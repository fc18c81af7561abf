"""The commands, a file for each group. One function each, no logic: they read arguments, call, and print."""

from hypotest.cli import cache, planning, protocols, results, runs, tool
from hypotest.cli.app import app

__all__ = ["app", "cache", "planning", "protocols", "results", "runs", "tool"]
