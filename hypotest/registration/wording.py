"""What pydantic found, in the words of the protocol language."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

from hypotest.records.protocol.conditions import condition_model
from hypotest.records.protocol.nulls import nulls_model
from hypotest.records.protocol.prediction import Prediction
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration.findings import Finding, KeyPath, nearest, shown, suggestion

_UNIONS: tuple[KeyPath, ...] = (
    ("sample", "max_per_type"),
    ("corpus", "text"),
    ("frequencies",),
    ("frequencies", "count"),
    ("group", "select"),
    ("subject", "layer"),
    ("subject", "revision"),
    ("subject", "units"),
)
"""Keys with alternatives, outer ones first: pydantic puts the name of the alternative behind them."""

_LISTED_UNION: KeyPath = ("multiverse", "select")

_KINDS = {
    "string_type": "text (in quotes, if it looks like a number)",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "int_parsing_size": "a smaller whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "bool_type": "true or false",
    "dict_type": "a mapping",
    "model_type": "a mapping, with its keys indented below it",
    "tuple_type": "a list",
    "list_type": "a list",
}

_BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}

_OUTCOMES = "must be less, greater, equivalent, a list of these, or any"


def data_path(error: ErrorDetails) -> KeyPath:
    """KeyPath of an error within the data that pydantic was given."""
    location: KeyPath = error["loc"]
    if location[:2] == _LISTED_UNION:  # of each item
        location = (*location[:3], *location[4:])
    for union in _UNIONS:
        depth = len(union)
        if location[:depth] == union and len(location) > depth:
            location = (*union, *location[depth + 1 :])
    return location


def written_path(path: KeyPath) -> KeyPath:
    """KeyPath of the same value in the YAML, where expectations stand beside the other keys."""
    if len(path) > 2 and path[0] == "predictions" and path[2] == "expects":
        return (*path[:2], *path[3:])
    return path


def known_keys(path: KeyPath, hypotheses: Sequence[str]) -> list[str]:
    """Keys that the mapping at a path may hold, as a user writes them.

    Args:
        path: Of the mapping; where there are alternatives, pydantic's own says which.
        hypotheses: Names that predictions may use as keys.
    """
    model = _model_at(path)
    if model is None:
        return []
    if model is Prediction:
        return [key for key in Prediction.model_fields if key != "expects"] + list(hypotheses)
    return list(model.model_fields)


def findings_of(
    errors: Sequence[ErrorDetails], data: dict[str, Any], hypotheses: Sequence[str], meant: set[KeyPath]
) -> Iterator[Finding]:
    """Translate pydantic's errors.

    Args:
        errors: Of one validation of `data`.
        data: What was validated; expectations under ``expects``.
        hypotheses: Names that predictions may use as keys.
        meant: Keys that misspelled ones most likely mean; those of these errors are added.

    Yields:
        One finding for each error, except for a missing key that only looks missing because it is
        misspelled.
    """
    for error in errors:
        if error["type"] == "extra_forbidden":
            path = written_path(data_path(error))
            match = nearest(str(path[-1]), known_keys(error["loc"][:-1], hypotheses))
            if match is not None:
                meant.add((*path[:-1], match))
    for error in errors:
        path = data_path(error)
        if error["type"] == "missing" and written_path(path) in meant:
            continue
        message = _message(error, path, hypotheses)
        if path[2:3] == ("expects",) and len(path) > 3:
            expected = data["predictions"][path[1]]["expects"][path[3]]
            # The schema makes a list of a single outcome; in the file there is no such item.
            path = written_path(path if isinstance(expected, list) else path[:4])
            yield Finding(path, _expectation(error))
        elif not _is_unknown(error):
            yield Finding(path, message)
        else:
            # In a prediction, a hypothesis whose declaration cannot be read looks unknown.
            echo_of = (("hypotheses",),) if path[:1] == ("predictions",) and len(path) == 3 else ()
            yield Finding(path, message, at_key=True, depends=echo_of)


def errors_in(error: ValidationError) -> list[ErrorDetails]:
    """What pydantic found, without what only follows from something else.

    It counts only the valid items of a list, and calls one short that is not. It makes no default from keys
    that are wrong themselves.
    """
    return [
        item
        for item in error.errors(include_url=False)
        if not (item["type"] == "too_short" and item["input"])
        and item["type"] != "default_factory_not_called"
    ]


def findings_in_record(errors: Sequence[ErrorDetails], record: type[BaseModel]) -> Iterator[Finding]:
    """Translate pydantic's errors about a file that is no protocol.

    Args:
        errors: Of one validation.
        record: What was validated; it has no alternatives.

    Yields:
        One finding for each error, except for a missing key that only looks missing because it is misspelled.
    """
    meant: set[KeyPath] = set()
    for error in errors:
        path = error["loc"]
        if _is_unknown(error):
            known = _keys_of(record, path[:-1])
            meant.add((*path[:-1], nearest(str(path[-1]), known) or ""))
            yield Finding(path, unknown_key(str(path[-1]), known), at_key=True)
    for error in errors:
        path = error["loc"]
        if error["type"] == "missing" and path not in meant:
            yield Finding(path, "is required and missing: add it")
        elif error["type"] != "missing" and not _is_unknown(error):
            yield Finding(path, _message(error, path, ()))


def _keys_of(record: type[BaseModel], path: KeyPath) -> list[str]:
    model: type[BaseModel] | None = record
    for part in path:
        if isinstance(part, str) and model is not None and part in model.model_fields:
            model = _model_in(model.model_fields[part].annotation)
    return list(model.model_fields) if model else []


def _is_unknown(error: ErrorDetails) -> bool:
    return error["type"] == "extra_forbidden"


def _expectation(error: ErrorDetails) -> str:
    value = error["input"]
    if isinstance(value, str) and value in ("inconclusive", "undefined"):
        return f"{_OUTCOMES}; {value} is what a test may say, never a prediction"
    if value == "any":
        return f"{_OUTCOMES}; found any inside a list: write it alone"
    known = ("less", "greater", "equivalent", "any")
    return f"{_OUTCOMES}; found {shown(value)}{suggestion(value, known)}"


def _message(error: ErrorDetails, path: KeyPath, hypotheses: Sequence[str]) -> str:
    kind = error["type"]
    value = error["input"]
    context = error.get("ctx", {})
    if _is_unknown(error):
        return unknown_key(str(path[-1]), known_keys(error["loc"][:-1], hypotheses))
    if kind == "missing":
        return f"is required and missing{_meaning(error['loc'])}: add it"
    if kind == "literal_error":
        return _choice(path, value, str(context.get("expected", "")))
    if kind in _BOUNDS:
        word, bound = _BOUNDS[kind]
        return f"must be {word} {_plain(context[bound])}; found {shown(value)}"
    if kind in _KINDS:
        return f"must be {_KINDS[kind]}; found {shown(value)}"
    if kind == "string_pattern_mismatch":
        return (
            "must be lower-case letters, digits, - or _, at most 64, and begin with a letter or "
            f"digit; found {shown(value)}"
        )
    if kind in ("string_too_short", "too_short"):
        return f"must not be empty; found {shown(value)}"
    if kind == "too_long":
        return f"must have at most {context['max_length']} entries; found {len(value)}"
    if kind == "string_too_long":
        return f"must have at most {context['max_length']} characters; found {len(value)}"
    if kind == "value_error":
        return f"{context['error']}; found {_entries(value)}"
    return f"{error['msg']}; found {shown(value)}"


def unknown_key(key: str, known: Sequence[str]) -> str:
    """The message for a key that a mapping may not hold."""
    meant = suggestion(key, known)
    listing = "" if meant or not known else f"; known keys: {', '.join(known)}"
    return f"unknown key {shown(key)}{meant}{listing}"


def _choice(path: KeyPath, value: Any, expected: str) -> str:
    if path == ("hypotest",):
        return f"must be 1, the version of the protocol language; found {shown(value)}"
    known = [word.strip("'") for word in expected.replace(" or ", ", ").split(", ")]
    required = known[0] if len(known) == 1 else "one of " + ", ".join(known)
    return f"must be {required}; found {shown(value)}{suggestion(value, known)}"


def _entries(value: Any) -> str:
    if isinstance(value, dict) and 0 < len(value) <= 4:
        return " and ".join(map(_entry, value))
    if isinstance(value, list) and 0 < len(value) <= 4:
        return f"[{', '.join(map(_entry, value))}]"
    return "none of them" if value == {} else shown(value)


def _entry(value: Any) -> str:
    """Short text without quotes, where it is safe to print; else as `shown`."""
    return value if isinstance(value, str) and len(value) <= 60 and value.isprintable() else shown(value)


def _plain(number: float) -> str:
    """A bound without a needless decimal point or a long row of digits."""
    return f"{number:g}" if abs(number) >= 10**7 else f"{number:.12g}"


def _meaning(path: KeyPath) -> str:
    """What a missing key says, from its description in the schema."""
    model = _model_at(path[:-1])
    name = path[-1]
    if model is None or not isinstance(name, str) or name not in model.model_fields:
        return ""
    entry = model.model_fields[name]
    inner = _model_in(entry.annotation)
    text = entry.description or (inner.__doc__ if inner else None) or ""
    first = text.strip().split("\n")[0].rstrip(".")
    return f" ({first[:1].lower() + first[1:]})" if first else ""


def _model_at(path: KeyPath) -> type[BaseModel] | None:
    model: type[BaseModel] | None = Protocol
    if path[:1] == ("nulls",):
        model, path = nulls_model(), path[1:]
    elif path[:1] == ("conditions",):
        model, path = (condition_model(), path[2:]) if len(path) > 1 else (None, ())
    alternatives: dict[str, type[BaseModel] | None] = {}
    for part in path:
        if isinstance(part, int):
            continue
        if part in alternatives:
            model, alternatives = alternatives[part], {}
            continue
        if model is None or part not in model.model_fields:
            return None
        annotation = model.model_fields[part].annotation
        model, alternatives = _model_in(annotation), _alternatives_in(annotation)
    return model


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    models = (_model_in(part) for part in get_args(annotation))
    return next((model for model in models if model is not None), None)


def _alternatives_in(annotation: Any) -> dict[str, type[BaseModel] | None]:
    """The models of a union, by the names that pydantic gives them in the places of errors."""
    return {
        tag.tag: _model_in(part)
        for part in get_args(annotation)
        for tag in getattr(part, "__metadata__", ())
        if isinstance(tag, Tag)
    }
