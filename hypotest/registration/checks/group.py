"""Checks of the section ``group``: are these neurons of the layer, and can they be compared with others?"""

from __future__ import annotations

from collections.abc import Iterator

from hypotest.nulls.form import Form
from hypotest.nulls.registry import declared, names_of
from hypotest.records.protocol.group import INFLUENCE, neuron_layer, neuron_letter, neuron_number
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.protocol.wording import tested_facts
from hypotest.registration.findings import Finding, KeyPath, shown

_SELECT: KeyPath = ("group", "select")
_IDS: KeyPath = (*_SELECT, "ids")
_REMAINING = (Form.LABELS, Form.EDGES, Form.NETWORKS)
"""Kinds of null that draw no other groups of the layer."""


def group_findings(protocol: Protocol) -> Iterator[Finding]:
    """Check the section ``group``, as far as it can be without the network.

    Args:
        protocol: A protocol whose keys and types are right.

    Yields:
        Errors, and warnings for what is not used.
    """
    group = protocol.group
    if group.select == "plateau" and group.otherwise is None:
        message = (
            "is required with `select: plateau`, for the case that there is none; add "
            "`otherwise: {top_fraction: 0.02}`"
        )
        yield Finding(("group", "otherwise"), message, depends=(("group",),))
    if group.select != "plateau" and group.otherwise is not None:
        message = "is used with `select: plateau` only; remove it"
        yield Finding(("group", "otherwise"), message, "warning", (("group",),))
    if group.size_varies and group.by != INFLUENCE:
        message = (
            f"a plateau is one of the curve of influence; found {group.by}: write `by: delta_loss`, or say "
            "how many neurons, `select: {top_fraction: 0.02}`"
        )
        yield Finding(("group", "by"), message, depends=(_SELECT,))
    if not group.is_selected:
        yield from _given(protocol)
    yield from _listed(protocol)
    if group.is_whole:
        yield from _no_other_groups(protocol)


def _given(protocol: Protocol) -> Iterator[Finding]:
    """What says how to select, where nothing is selected."""
    why = "is the whole layer" if protocol.group.is_whole else "names the neurons"
    if "by" in protocol.group.model_fields_set and protocol.group.by != INFLUENCE:
        message = f"nothing is selected, since group.select {why}; found {protocol.group.by}: remove it"
        yield Finding(("group", "by"), message, "warning", (_SELECT,))
    if protocol.intervals.reselection:
        message = (
            f"nothing is selected again, since group.select {why}; the intervals over documents are those of "
            "another study of the same neurons: remove it"
        )
        yield Finding(("intervals", "reselection"), message, "warning", (_SELECT,))


def _listed(protocol: Protocol) -> Iterator[Finding]:
    """Neurons that are named twice, or of several layers."""
    seen: dict[int, int | str] = {}
    layers: dict[int, int | str] = {}
    for place, item in enumerate(protocol.group.ids):
        number, layer, letter = neuron_number(item), neuron_layer(item), neuron_letter(item)
        own = tested_facts(protocol)
        if letter not in (None, own.letter):
            message = (
                f"must be {own.many}, named as L{layer}{own.letter}{number} (subject.units); found {item}"
            )
            yield Finding((*_IDS, place), message, depends=(_SELECT, ("subject", "units")))
        if number in seen:
            message = f"must be listed once; found {shown(item)} again: remove it"
            yield Finding((*_IDS, place), message, depends=(_SELECT,))
        seen.setdefault(number, item)
        if layer is None:
            continue
        layers.setdefault(layer, item)
        first = next(iter(layers.values()))
        if layer != next(iter(layers)):
            message = f"must be of one layer, as {first} is; found {item}: test each layer by itself"
            yield Finding((*_IDS, place), message, depends=(_SELECT,))
    for axis in protocol.subject.axes if protocol.group.ids else ():
        if axis != "revision":
            message = f"are neurons of one layer of one model, and subject.{axis} names several: name theirs"
            yield Finding(_IDS, message, depends=(_SELECT, ("subject", axis)))


def _no_other_groups(protocol: Protocol) -> Iterator[Finding]:
    nulls = [item.name for item in declared(protocol, Form.GROUPS)]
    for name in nulls:
        message = (
            "draws other groups of the layer, and the group is the whole layer: remove it; what can be "
            f"declared are {', '.join(names_of(_REMAINING))}"
        )
        yield Finding(("nulls", name), message, depends=(_SELECT,), at_key=True)


def neuron_findings(
    protocol: Protocol, n_neurons: int | None, layer: int | None, depends: tuple[KeyPath, ...] = ()
) -> Iterator[Finding]:
    """Check the section ``group`` against the layer.

    Args:
        protocol: A protocol whose keys and types are right.
        n_neurons: Neurons of the layer; None where that is not known.
        layer: Number of the block, counted from 0; None where that is not known.
        depends: Other keys that say which layer it is.

    Yields:
        Errors.
    """
    group, many = protocol.group, tested_facts(protocol).many
    on = (_SELECT, *depends)
    for place, item in enumerate(group.ids):
        own = neuron_layer(item)
        if layer is not None and own is not None and own != layer:
            message = (
                f"must be of the tested layer {layer} (subject.layer); found {item}: name that layer, or "
                "other neurons"
            )
            yield Finding((*_IDS, place), message, depends=on)
        elif n_neurons is not None and neuron_number(item) >= n_neurons:
            message = (
                f"must be one of the layer's {n_neurons:,} {many}, 0 to {n_neurons - 1}; found {shown(item)}"
            )
            yield Finding((*_IDS, place), message, depends=on)
    declared_size = group.declared
    if n_neurons is None or declared_size is None or declared_size.key != "top":
        return
    path: KeyPath = (*_SELECT, "top") if declared_size is group.select else ("group", "otherwise", "top")
    if declared_size.value >= n_neurons:
        whole = ": write `all` for the whole layer" if path[1] == "select" else ": lower it"
        message = f"must be less than the layer's {n_neurons:,} {many}; found {declared_size.value:,}{whole}"
        yield Finding(path, message, depends=on)
