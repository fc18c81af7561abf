"""What differs between a registration and a run, key by key.

Any deviation makes a run exploratory. There is no list of harmless keys: who may say which change of seed,
text or library is harmless would be decided after the fact, and registering anew costs nothing while the
evaluation split is unseen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from hypotest.records.registration import Deviation, Fingerprint
from hypotest.registration.locks.canonical import canonical_json

_ABSENT = object()
_ORDER_OF_CONDITIONS = "order of conditions"
_ORDER = "order of predictions"


def find_deviations(registered: Fingerprint, run: Fingerprint) -> tuple[Deviation, ...]:
    """Everything that a run does otherwise than registered: the plan's keys first, then the lock's.

    Args:
        registered: From the lock.
        run: From the protocol as it is run, with another seed applied.
    """
    one, two = asdict(registered), asdict(run)
    deviations = list(_differences(_by_id(one.pop("plan")), _by_id(two.pop("plan")), ""))
    for data in (one, two):  # named by the plan's keys already
        del data["protocol_id"], data["seed"]
    hashes = one["hashes"].pop("protocol"), two["hashes"].pop("protocol")
    if hashes[0] != hashes[1] and not deviations:
        deviations.append(Deviation("hashes.protocol", *hashes))
    deviations += _differences(one, two, "")
    return tuple(deviations)


def _by_id(plan: dict[str, Any]) -> dict[str, Any]:
    """The plan with predictions by id and conditions by name, and their order apart; else as it is."""
    conditions = plan.get("conditions")
    if isinstance(conditions, list) and all(isinstance(item, dict) for item in conditions):
        by_name = {name: condition for item in conditions for name, condition in item.items()}
        plan = {**plan, "conditions": by_name, _ORDER_OF_CONDITIONS: list(by_name)}
    predictions = plan.get("predictions")
    if not isinstance(predictions, list) or not all(
        isinstance(item, dict) and isinstance(item.get("id"), str) for item in predictions
    ):
        return plan
    return {
        **plan,
        "predictions": {item["id"]: item for item in predictions},
        _ORDER: [item["id"] for item in predictions],
    }


def _differences(one: Any, two: Any, path: str) -> Iterator[Deviation]:
    if isinstance(one, dict) and isinstance(two, dict):
        # in the order of the run: its plan has the order of the language, a lock that was read the alphabet
        for key in [*two, *(key for key in one if key not in two)]:
            if key in (_ORDER, _ORDER_OF_CONDITIONS) and sorted(one.get(key, ())) != sorted(two.get(key, ())):
                continue  # those that came or went are named one by one
            place = f"{path}.{key}" if path else key
            yield from _differences(one.get(key, _ABSENT), two.get(key, _ABSENT), place)
    elif isinstance(one, list) and isinstance(two, list) and len(one) == len(two) and _are_long(one, two):
        for number, pair in enumerate(zip(one, two, strict=True)):
            yield from _differences(*pair, f"{path}[{number}]")
    elif _text(one) != _text(two):
        yield Deviation(path, None if one is _ABSENT else one, None if two is _ABSENT else two)


def _are_long(one: list[Any], two: list[Any]) -> bool:
    """Whether a list reads better item by item: a corpus of many files."""
    return len(canonical_json([one, two])) > 120


def _text(value: Any) -> str:
    # compared as text: 1 and 1.0 and true are equal in Python, and not to the hash
    return "" if value is _ABSENT else canonical_json(value)
