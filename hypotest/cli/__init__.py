"""The commands, a file for each group. One function each, no logic: they read arguments, call, and print."""

from hypotest.cli import planning, protocols, results, runs, tool
from hypotest.cli.app import app

__all__ = ["app", "planning", "protocols", "results", "runs", "tool"]
