"""The public names, as Tab shows them."""

from __future__ import annotations

import re

import hypotest
from tests.texts import DOCS

NAMES = {
    "Analysis",
    "Evidence",
    "Network",
    "Protocol",
    "Run",
    "Units",
    "ablate_neurons",
    "analyse",
    "bundle",
    "cache_contents",
    "compare",
    "controls",
    "demo",
    "explore",
    "forecast",
    "groups_to_lesion",
    "load_evidence",
    "load_protocol",
    "multiverse",
    "open_run",
    "power",
    "progress",
    "prune_cache",
    "record",
    "register",
    "run",
    "run_series",
    "verify",
}


def test_tab_shows_nouns_and_verbs_and_nothing_else():
    assert {name for name in dir(hypotest) if not name.startswith("_")} == NAMES
    assert set(hypotest.__all__) == NAMES


def test_all_of_them_are_there():
    for name in NAMES:
        assert getattr(hypotest, name).__doc__, name


def test_each_has_its_place_among_the_pages():
    text = (DOCS / "reference" / "api.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^\.\. auto\w+:: (\w+)$", text, flags=re.M)) == NAMES


def test_the_version_is_a_version():
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", hypotest.__version__)
