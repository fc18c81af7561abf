"""Clusters of jobs that a queueing system runs, as a file describes them."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from hypotest.errors import ProtocolError

SYSTEMS = ("slurm", "pbs", "lsf", "sge")
"""Queueing systems, as dask-jobqueue knows them."""
ADVICE = "pip install 'hypotest-nn[cluster]'"
_REQUIRED = ("system", "jobs", "memory")
_NOT_OF_A_FILE = frozenset(
    {
        "self", "n_workers", "job_cls", "loop", "security", "silence_logs", "asynchronous", "scheduler",
        "scheduler_cls", "nanny", "config_name", "job_name",
    }
)  # fmt: skip
"""What dask-jobqueue takes from programs alone, or takes from this one."""


def queued(file: Path) -> Any:
    """A cluster of jobs, as a file describes them.

    Raises:
        ProtocolError: If it does not.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        data = YAML(typ="safe").load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError) as error:
        raise ProtocolError(f"{file}: cannot be read: {' '.join(str(error).split())}") from None
    if not isinstance(data, dict) or data.get("system") not in SYSTEMS:
        raise ProtocolError(f"{file}: system: must be one of {', '.join(SYSTEMS)}")
    options = {str(key): value for key, value in data.items()}
    system, jobs = str(options.pop("system")), options.pop("jobs", None)
    if type(jobs) is not int or jobs < 1:
        raise ProtocolError(f"{file}: jobs: must be a whole number of at least 1; found {jobs}")
    try:
        import dask_jobqueue
    except ImportError as error:
        raise ProtocolError(f"{file}: needs {error.name}: {ADVICE}") from None
    kind = getattr(dask_jobqueue, f"{system.upper()}Cluster")
    _require_known(file, options, kind)
    _require_memory(file, options, system)
    try:
        cluster = kind(**{"cores": 1, "processes": 1, **options})
    except (TypeError, ValueError, RuntimeError, OSError) as error:
        said = str(error).strip().partition("\n")[0].removesuffix(", for example:")  # what follows is Python
        raise ProtocolError(f"{file}: dask-jobqueue does not take it: {said}") from None
    cluster.scale(jobs=jobs)
    return cluster


def _require_known(file: Path, options: Mapping[str, Any], kind: Any) -> None:
    """Refuse a key that such jobs do not have."""
    classes = [kind, *(item for item in kind.job_cls.__mro__ if item is not object)]
    known = {
        item.name
        for one in classes
        for item in inspect.signature(one.__init__).parameters.values()
        if item.kind not in (item.VAR_KEYWORD, item.VAR_POSITIONAL)
    } - _NOT_OF_A_FILE
    for name in options:
        if name not in known:
            others = ", ".join(sorted(known - {*_REQUIRED}))
            close = get_close_matches(name, known, 1)
            raise ProtocolError(
                f"{file}: {name}: no such key{f' ({close[0]}?)' if close else ''}. "
                f"Required are {', '.join(_REQUIRED)}; there are besides: {others}"
            )


def _require_memory(file: Path, options: Mapping[str, Any], system: str) -> None:
    """Refuse jobs of no size, which Dask's own configuration may say as well."""
    import dask.config
    from dask.utils import parse_bytes

    size = options.get("memory", dask.config.get(f"jobqueue.{system}.memory", None))
    words = "must be what each job gets, with a unit, such as 16GB"
    if size is None:
        raise ProtocolError(f"{file}: memory: {words}; it is required, as are system and jobs")
    try:
        parse_bytes(size if isinstance(size, str) and not size.strip().isdecimal() else "no unit")
    except ValueError:
        raise ProtocolError(f"{file}: memory: {words}; found {size}") from None
