"""The ways in which a contrast can be written: with a null of some kind, another condition, or a number."""

from __future__ import annotations

from enum import StrEnum


class Form(StrEnum):
    """What an observed value is compared with. The first four are kinds of null."""

    GROUPS = "random groups"
    """The same measure on other groups of neurons."""
    LABELS = "shuffled labels"
    """The same measure where the labels of the conditions mean nothing."""
    EDGES = "graphs with other edges"
    """The same measure on other graphs between as many neurons, in the place of the group's own."""
    NETWORKS = "other networks"
    """The same measure on the group that the same rule finds in other networks."""
    BY_DOCUMENT = "{conditions: [first, second], by: document}"
    REFERENCE = "{reference: a number}"


OF_NULLS = (Form.GROUPS, Form.LABELS, Form.EDGES, Form.NETWORKS)
RANDOM_GROUPS = (Form.GROUPS, Form.NETWORKS)
"""Of measures whose evidence cannot be relabelled."""
GROUP_NULLS = (*RANDOM_GROUPS, Form.LABELS)
