"""The shipped protocol as text, and ways to break it."""

from __future__ import annotations

import pathlib
from collections.abc import Callable

import pytest

from hypotest.errors import Problem
from hypotest.registration import read_protocol

ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope="session")
def shipped() -> pathlib.Path:
    """The protocol that the package ships."""
    return ROOT / "protocols" / "rare-tokens.yaml"


SMALL = """\
hypotest: 1
id: small
title: Is this a small protocol?
conditions:
  rare: {target: {frequency: {below_percentile: 15}}}
  common: {target: {frequency: {from_percentile: 15}}}
group: {select: plateau, otherwise: {top_fraction: 0.02}}
nulls:
  size_matched: {draws: 999}
  label_shuffled: {draws: 999}
predictions:
  - id: coordination
    measure: effective_dimension
    contrast: {null: size_matched}
    margin: {null_sd: 2}
    modular: greater
    distributed: less
seed: 1
"""
"""Valid, without warnings. The prediction begins on line 12."""


@pytest.fixture
def small() -> str:
    return SMALL


@pytest.fixture
def problems_of(tmp_path: pathlib.Path) -> Callable[..., list[Problem]]:
    """Apply replacements to the small protocol and return what is wrong with it, or the notes on it."""

    def read(*replacements: tuple[str, str], text: str = SMALL, notes: bool = False) -> list[Problem]:
        for old, new in replacements:
            assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the protocol"
            text = text.replace(old, new)
        path = tmp_path / "p.yaml"
        path.write_text(text, encoding="utf-8")
        protocol, problems = read_protocol(path)
        failed = any(problem.severity == "error" for problem in problems)
        assert (protocol is None) is failed
        return [item for item in problems if (item.severity == "note") is notes]

    return read
