"""The store's evidence is named by the version of what collects it: other code, other names."""

from __future__ import annotations

from hypotest.collect.sample import COLLECTION_VERSION
from hypotest.pipeline.registered.fence import code_hash

COLLECTS = (
    "collect",
    "subjects/anatomy",
    "subjects/kinds.py",
    "subjects/network",
    "subjects/units",
    "subjects/masking.py",
    "subjects/wrapping.py",
)
PINNED = (7, "09ee6295e56749559510cfac4a7ad2903d7db8384d26296d9ad67d5aac584c86")


def test_what_collects_evidence_is_of_the_version_that_names_it() -> None:
    """Two versions of the code on one store read each other's arrays where this number is the same.

    After a change of these files: if arrays may differ in any bit, raise `COLLECTION_VERSION`; then pin what
    there is now.
    """
    assert (COLLECTION_VERSION, code_hash(places=COLLECTS)) == PINNED
