"""The report of a run whose report could not be rendered: where its numbers are."""

from __future__ import annotations

from hypotest.pages.document import Document, Heading, document
from hypotest.pages.inline import prose
from hypotest.records.results.results import Results
from hypotest.registration.titles import as_asked


def unrendered_page(results: Results, error: Exception) -> Document:
    """In the place of a report; the numbers are there all the same.

    Args:
        results: Of the run.
        error: Why there is no report.
    """
    verdict, what = results.verdict_line or "none", f"{type(error).__name__}: {error}"
    said = prose(
        "The report could not be rendered: {}. Every number of the run lies beside this file, in "
        "results.json and nulls.parquet. `hypotest report` with this folder renders it again, in a "
        "version in which the fault is mended.",
        what,
    )
    return document([Heading(as_asked(results.title), 1), said, f"Verdict: {verdict}."])
