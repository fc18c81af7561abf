"""The made-up run of the report's tests, for the pages of studies."""

from tests.report.conftest import (  # noqa: F401
    drawn_run,
    make_not_applicable,
    make_undecided,
    manifest,
    nulls,
    results,
    written_run,
)
