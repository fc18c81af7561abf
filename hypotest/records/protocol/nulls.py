"""The section ``nulls`` of a protocol: what the group of neurons is compared with.

Which nulls there are, and what options they take, stands in a file for each (`hypotest.nulls`, and packages
that add some). This record lies below them and cannot import them. It asks for them by the name of their
folder, once the first protocol is read; so what is wrong in an option is reported like any other key.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Annotated, Any

from pydantic import create_model
from pydantic.fields import FieldInfo

from hypotest.records.protocol.strict import BuiltLate, Strict


class Nulls(Strict):
    """What the group is compared with."""


@cache
def nulls_model() -> type[Nulls]:
    """The record with a field for every null that is known: its options, or None where it is not declared."""
    known = import_module("hypotest.nulls.registry").NULLS
    fields: dict[str, Any] = {
        name: (null.options | None, FieldInfo(default=None, description=null.summary))
        for name, null in known.items()
    }
    return create_model("Nulls", __base__=Nulls, __doc__=Nulls.__doc__, **fields)


AllNulls = Annotated[Nulls, BuiltLate(nulls_model)]
