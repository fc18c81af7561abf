"""Models of a series pooled, as a comparison of their runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypotest.engine.progress import StartStage
from hypotest.studies.compare.study import compare
from hypotest.studies.series.names import MemberName
from hypotest.studies.series.record import SeriesResult


def pooled(series: SeriesResult, names: Sequence[MemberName], start_stage: StartStage) -> SeriesResult:
    """The series with its effects pooled over models; as it is where a single model could be run.

    Of each model the member counts that stands last: its last checkpoint, and there its last layer. Others
    are of the same training, and no further witnesses.

    Args:
        series: What was found.
        names: Of its members.
        start_stage: Told of the figures, for progress.

    Raises:
        OutputError: If the comparison cannot be written.
    """
    last = {name.training: series.folder / name.folder for name in names}
    if len(last) < 2:
        return series
    comparison = compare(list(last.values()), out=series.folder, start_stage=start_stage)
    return replace(
        series,
        pooled=comparison.predictions,
        comparison=comparison.folder.relative_to(series.folder).as_posix(),
    )
