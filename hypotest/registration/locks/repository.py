"""What git knows of a protocol, asked through the ``git`` command.

Recorded because a chain of hashes cannot show that all of it was rewritten, while a commit that others have
can. Only read: nothing is staged, committed or fetched.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from hypotest.records.registration import GitState

_SECONDS = 20.0


def git_state(protocol: Path, own_files: tuple[str, ...] = ()) -> GitState | None:
    """Describe the repository that a protocol lies in.

    Args:
        protocol: The protocol's file.
        own_files: Names beside it that registering writes itself; changes to these do not count.

    Returns:
        Commit, branch, whether everything is committed, whether a remote has it; None if the file lies
        in no repository, there is no commit yet, git is missing, refuses or does not answer in 20 s.
    """
    path = protocol.resolve()
    folder, name = path.parent, path.name
    commit = _ask(folder, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    if not commit:
        return None
    return GitState(
        commit=commit,
        branch=_ask(folder, "symbolic-ref", "--quiet", "--short", "HEAD") or None,
        clean=_is_committed(folder, name) and not _changed_files(folder, own_files),
        pushed=bool(_ask(folder, "for-each-ref", "--count=1", f"--contains={commit}", "refs/remotes")),
    )


def _is_committed(folder: Path, name: str) -> bool:
    """Whether the commit holds the file with the content that it has now.

    Compared by content: `git status` can be told to overlook a file.
    """
    committed = _ask(folder, "rev-parse", "--verify", "--quiet", f"HEAD:./{name}")
    return bool(committed) and committed == _ask(folder, "hash-object", "--", name)


def _changed_files(folder: Path, own_files: tuple[str, ...]) -> bool:
    """Whether any tracked file of the repository, but for `own_files`, differs from the commit."""
    top = _ask(folder, "rev-parse", "--show-toplevel")
    if not top:
        return True
    prefix = _ask(folder, "rev-parse", "--show-prefix") or ""
    excluded = [f":(top,exclude,literal){prefix}{name}" for name in own_files]
    listed = _ask(folder, "status", "--porcelain=v1", "--untracked-files=no", "-z", "--", ":(top)", *excluded)
    return listed is None or listed != ""


def _ask(folder: Path, *arguments: str) -> str | None:
    """The answer of a git command without its line break; None if it failed."""
    # variables such as GIT_DIR, set inside a hook, would point to another repository
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            # a repository's own configuration may name a program for fsmonitor: not started here
            ["git", "-c", "core.fsmonitor=false", "-C", str(folder), *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    if done.returncode != 0:
        return None
    return done.stdout.decode("utf-8", "surrogateescape").rstrip("\r\n")
