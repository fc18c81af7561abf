"""`hypotest.record`, begun only where the cache may grow, and the weights that it is to run here are here."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from hypotest.engine.session import cache_folder
from hypotest.errors import SubjectError
from hypotest.pipeline import hosted
from hypotest.pipeline.cache.full import require_quota_left

P = ParamSpec("P")
R = TypeVar("R")


def _checked(work: Callable[P, R]) -> Callable[P, R]:
    @wraps(work)
    def begun(*arguments: P.args, **options: P.kwargs) -> R:
        require_quota_left(cache_folder())
        if options.get("remote", True) in (False, "local"):
            _require_weights(arguments[0] if arguments else options.get("model"))
        return work(*arguments, **options)

    return begun


def _require_weights(model: Any) -> None:
    """Refuse to run a model here whose weights are elsewhere: evidence goes by their hash."""
    module = getattr(model, "_module", None)
    if module is not None and any(item.is_meta for item in module.parameters()):
        raise SubjectError(
            "some weights are not in memory: offloaded (device_map), or not loaded yet (nnsight: "
            "dispatch=True); load them all, or have a host run the model (remote=True, or its address)"
        )


record = _checked(hosted.record)
