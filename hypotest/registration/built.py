"""Protocols in Python: built, changed and written, with the checks and messages of a file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from hypotest.errors import Problem, ProtocolError
from hypotest.records.protocol import protocol as records
from hypotest.records.protocol.strict import Strict
from hypotest.registration.findings import Finding, KeyPath, ids_of, key_name
from hypotest.registration.load import judge
from hypotest.registration.load import load_protocol as load_record
from hypotest.registration.source import MAX_DEPTH, YamlSource, refusal
from hypotest.registration.writing import written, yaml_text


class Protocol(records.Protocol):
    """A protocol: what will be measured, and what each hypothesis expects of it.

    Keys are those of the file, with values as plain data; each expectation stands under its hypothesis::

        protocol = hypotest.Protocol(
            hypotest=1,
            id="one-question",
            title="Do these neurons prefer numbers?",
            conditions={
                "number": {"target": {"matches": "^ ?[0-9]+$"}},
                "word": {"target": {"matches": "^ ?[a-z]+$"}},
            },
            group={"select": {"top_fraction": 0.02}},
            nulls={"label_shuffled": {"draws": 999}},
            predictions=[
                {"id": "preference", "measure": "selectivity", "contrast": {"null": "label_shuffled"},
                 "modular": "greater"},
            ],
            seed=1,
        )

    What is run and registered is a file: ``Path("one-question.yaml").write_text(protocol.to_yaml())``. Files
    and the network that it names are looked at when the file is.

    Raises:
        ProtocolError: If anything is wrong; names everything, as `load_protocol` does.
    """

    def __init__(self, **keys: Any) -> None:
        checked = _checked(keys, "Protocol(...)")
        super().__init__(**{name: getattr(checked, name) for name in type(checked).model_fields})

    @classmethod
    def of(cls, record: records.Protocol) -> Protocol:
        """A protocol that is checked already."""
        return cls.model_construct(**{name: getattr(record, name) for name in type(record).model_fields})

    def replace(self, changes: Mapping[str, Any] | None = None, /, **keys: Any) -> Protocol:
        """The protocol with some keys changed; what is given takes the place of what was there, whole.

        Args:
            changes: Dotted path of a key -> its new value, ``{"nulls.size_matched.draws": 999}``; predictions
                go by their id, ``predictions.clustering.margin``. None takes a key out, so that its default
                holds.
            keys: The same for keys at the top, ``seed=3``.

        Raises:
            ProtocolError: If the result is no valid protocol; names everything that is wrong.
        """
        data = written(self)
        for path, value in {**(changes or {}), **keys}.items():
            _put(data, path, value)
        return Protocol.of(_checked(data, "replace(...)"))

    def to_yaml(self) -> str:
        """The file that a person would write: keys in the order of the language, defaults left out.

        Loaded again it gives an equal protocol.
        """
        return yaml_text(written(self))

    def _repr_html_(self) -> str:
        """Its YAML, for notebooks."""
        return f"<pre>{escape(self.to_yaml())}</pre>"


def load_protocol(
    path: str | os.PathLike[str], *, subject: bool = True, network: str | None = None
) -> Protocol:
    """Load a protocol, or refuse it with everything that is wrong.

    Args:
        path: A YAML file.
        subject: Whether the network that it names must fit its configuration on this machine; not where
            another one takes its place, or none is needed.
        network: Name of a network that is given in Python: the subject of a protocol that names none.

    Raises:
        ProtocolError: If the file cannot be read or there is any error; lists all of them by line.
    """
    return Protocol.of(load_record(protocol_file(path), subject=subject, network=network))


def protocol_file(protocol: str | os.PathLike[str]) -> Path:
    """The path of what a command is asked to run.

    Raises:
        ProtocolError: If it is a protocol in memory: what is run and registered is a file.
    """
    if isinstance(protocol, records.Protocol):
        name = f"{protocol.id}.yaml"
        raise ProtocolError(
            "protocol=: must be the path of a file, which can be registered; found a protocol in memory. "
            f'Write it first: Path("{name}").write_text(protocol.to_yaml(), encoding="utf-8")'
        )
    return Path(protocol)


def _checked(keys: Mapping[str, Any], where: str) -> records.Protocol:
    findings: list[Finding] = []
    data = {
        str(key): _plain(value, (str(key),), findings) for key, value in keys.items() if value is not None
    }
    protocol, more = judge(YamlSource(where, data=data, findings=findings))
    wrong = [item for item in more if item.severity == "error"]
    if protocol is None or wrong:
        ids = ids_of(data.get("predictions"))
        raise ProtocolError([Problem(where, key_name(item.path, ids), item.message) for item in wrong])
    return protocol


def _plain(value: Any, path: KeyPath, findings: list[Finding]) -> Any:
    """A value as a file could hold it; None, with a finding, if it cannot."""
    if isinstance(value, Strict):
        value = written(value)
    if hasattr(value, "item") and not isinstance(value, str | bytes):
        value = value.item()  # a number of numpy
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if len(path) > MAX_DEPTH:
        findings.append(Finding(path, f"must be nested at most {MAX_DEPTH} deep"))
        return None
    if isinstance(value, Mapping):
        given = {str(key): item for key, item in value.items() if item is not None}
        return {key: _plain(item, (*path, key), findings) for key, item in given.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, (*path, place), findings) for place, item in enumerate(value)]
    wrong = refusal(str(value), value) if isinstance(value, str | bool | int | float | None) else ""
    if not wrong and not isinstance(value, str | bool | int | float):
        wrong = f"must be plain data: a mapping, list, text or number; found {type(value).__name__}"
    if wrong:
        findings.append(Finding(path, wrong))
        return None
    return value


def _put(data: dict[str, Any], dotted: str, value: Any) -> None:
    """Set a key of a protocol as plain data; what lies on the way and is not there begins empty."""
    *way, last = dotted.split(".")
    if way[:1] == ["predictions"]:
        by_id = {str(item["id"]): item for item in data["predictions"]}
        name = [*way, last][1]
        if name not in by_id:
            raise ProtocolError(
                f"replace(...) {dotted}: there is no prediction {name}; there are {', '.join(by_id)}"
            )
        _put(by_id, dotted.partition(".")[2], value)
        data["predictions"] = list(by_id.values())
        return
    for part in way:
        if not isinstance(data.get(part), dict):
            data[part] = {}
        data = data[part]
    if value is None:
        data.pop(last, None)
    else:
        data[last] = value
