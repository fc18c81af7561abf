"""What has no value is an outcome, never a failed run.

A run that has seen its evaluation split must leave its report: registering it again could only say that the
evidence existed. So whatever a measure, a null or a test cannot do with the evidence at hand becomes the
outcome ``undefined`` of its prediction, with the reason, and the other predictions go on. What the machine
cannot do (a full disk, no memory, a damaged cache) still stops a run, which then continues where it stopped.
"""

from __future__ import annotations

import math

from hypotest.errors import EvidenceError
from hypotest.records.results.prediction_result import NullComparison
from hypotest.testing.contrast import MeasuredContrast


class Undefined(Exception):
    """A number that the evidence does not give; the message says which, and why.

    It never leaves the pipeline, and so is no `HypotestError`.
    """


NO_VALUE = (Undefined, EvidenceError, ValueError, ArithmeticError, IndexError)
"""What arithmetic on evidence raises where there is nothing to compute: too few neurons, positions or
documents, no variation, singular matrices."""


def why(error: BaseException) -> str:
    """The reason of an outcome, as reports print it."""
    if isinstance(error, Undefined | EvidenceError):
        return str(error)
    return f"it could not be computed on this evidence: {error or type(error).__name__}"


def defined(value: float, otherwise: str) -> float:
    """The value.

    Raises:
        Undefined: With the reason, if it is not finite.
    """
    if not math.isfinite(value):
        raise Undefined(otherwise)
    return float(value)


def without_outcome(
    reference: str,
    reason: str,
    *,
    variant: str = "",
    observed: float | None = None,
    ladder: tuple[NullComparison, ...] = (),
) -> MeasuredContrast:
    """The contrast of a prediction that has no outcome.

    Args:
        reference: What it would have been compared with; see `hypotest.nulls.registry.reference_of`.
        reason: Why there is no outcome.
        variant: Of the null, where it is drawn in several ways.
        observed: The measured value, where only its null or its test is undefined.
        ladder: Nulls that it could be compared with, none of which decides.
    """
    return MeasuredContrast(
        observed=observed,
        reference=reference,
        variant=variant,
        reference_value=None,
        p_value=None,
        undefined=reason,
        ladder=ladder,
    )
