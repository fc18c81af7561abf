"""Functions of other packages, called so that what goes wrong in them is an outcome with their name in it.

What our own measures raise where there is nothing to compute is arithmetic that we know. What another
package raises may be that, or a slip of the keyboard: either way the run, which may have seen its evaluation
split, must leave its report, and the report must say whose code it was, and where.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

from hypotest.errors import HypotestError

F = TypeVar("F", bound=Callable[..., Any])


def guarded(function: F, what: str) -> F:
    """The same function; what it raises of its own becomes `hypotest.testing.undefined.Undefined`.

    Args:
        function: Of another package.
        what: Whose it is: ``measure 'kurtosis'``.
    """

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        from hypotest.testing.undefined import Undefined  # protocols are checked without its libraries

        try:
            return function(*args, **kwargs)
        except (HypotestError, Undefined, MemoryError, OSError):
            raise
        except Exception as error:
            raise Undefined(failed(error, what)) from error

    return cast(F, call)


def failed(error: Exception, what: str) -> str:
    """What a function of another package did, in words: exception, its message, file and line."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    said = f": {error}" if str(error) else ""
    return f"{what} raised {type(error).__name__}{said} ({Path(last.filename).name}, line {last.lineno})"
