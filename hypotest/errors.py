"""Every error a user can meet.

    HypotestError
    +-- ProtocolError       the protocol or the command is wrong             exit code 2
    +-- RunError            the run could not be finished                    exit code 1
        +-- SubjectError    the model: not found, unknown family or layer
        +-- CorpusError     the text, the frequency table, the positions
        +-- EvidenceError   what was collected: not finite, damaged, missing
        +-- SelfCheckError  the fast ablation disagrees with the model
        +-- OutputError     a run's folder: cannot be written or read
        +-- StoppedError    somebody stopped it                              exit code 130

Messages say what was required, what was found, where, and what to do. The command line prints them
without a traceback.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class HypotestError(Exception):
    """Root of the tree; never raised itself."""

    exit_code = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a protocol."""

    where: str
    """``file:line:column``, or the file alone."""
    key: str
    """Dotted path of the key, such as ``conditions.rare``; empty for the whole file."""
    message: str
    """What was required, what was found, what to do."""
    severity: str = "error"
    """``error``; ``warning`` for a protocol that can be run but may disappoint; ``note`` for what cannot be
    checked yet."""

    def __str__(self) -> str:
        return f"{self.where} {self.key}: {self.message}" if self.key else f"{self.where}: {self.message}"


class ProtocolError(HypotestError):
    """The protocol or the command is wrong; carries all problems that were found."""

    exit_code = 2

    def __init__(self, problems: Sequence[Problem] | str) -> None:
        self.problems: tuple[Problem, ...] = () if isinstance(problems, str) else tuple(problems)
        lines = [
            f"{'' if item.severity == 'error' else f'{item.severity}: '}{item}" for item in self.problems
        ]
        super().__init__(problems if isinstance(problems, str) else "\n".join(lines))


class RunError(HypotestError):
    """The run could not be finished; evidence that was finished stays in the cache."""


class SubjectError(RunError):
    """The model was not found, or its family, layer or weights are not what is needed."""


class CorpusError(RunError):
    """The text, the frequency table or the sampled positions are not what is needed."""


class EvidenceError(RunError):
    """Collected arrays are not finite, damaged or missing."""


class SelfCheckError(RunError):
    """The fast ablation disagrees with an intervention in the whole model."""


class UncheckedError(RunError):
    """Nothing of a run that was verified differs, and something of it could not be checked."""

    exit_code = 3


class StoppedError(RunError):
    """Somebody stopped the run, by Ctrl-C for instance; evidence that was finished stays in the cache."""

    exit_code = 130


class OutputError(RunError):
    """A run's folder cannot be written or read."""


def one_line(error: BaseException, most: int | None = 300) -> str:
    """What an error says, as the part of a sentence: in one line, and cut where it is long.

    Args:
        error: Whatever was raised.
        most: Characters; None for all of them.

    Examples:
        >>> one_line(ValueError("first   second"), most=9)
        'first sec'
    """
    return " ".join(str(error).split())[:most]


def error_line(error: Exception) -> str:
    """What went wrong, in one line: all that an error says, or what it is where it says nothing."""
    return one_line(error, None) or type(error).__name__
