"""Clusters of jobs that a queueing system runs, as a file describes them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypotest.errors import ProtocolError

SYSTEMS = ("slurm", "pbs", "lsf", "sge")
"""Queueing systems, as dask-jobqueue knows them."""
ADVICE = "pip install 'hypotest-nn[cluster]'"


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
    try:
        cluster = kind(**{"cores": 1, "processes": 1, **options})
    except (TypeError, ValueError) as error:
        raise ProtocolError(f"{file}: {' '.join(str(error).split())}") from None
    cluster.scale(jobs=jobs)
    return cluster
