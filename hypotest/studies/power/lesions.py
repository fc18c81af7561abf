"""The lesions that a power analysis reads: of the groups of every size that it tries."""

from __future__ import annotations

from hypotest.collect.sample import selection_key
from hypotest.groups.live import without_dead
from hypotest.pipeline.analysis.lesioned import reads_lesions
from hypotest.pipeline.lesions import lesioned
from hypotest.records.evidence.evidence import Evidence
from hypotest.studies.power.variants import other_sizes, resized
from hypotest.studies.selection_split import SelectionLook
from hypotest.testing.selection import select_group


def halves_with_lesions(looked: SelectionLook, halves: Evidence) -> Evidence:
    """The halves with the lesions that the rehearsals read, of groups of all sizes that are tried."""
    plan, live = looked.plan, without_dead(halves)
    if not reads_lesions(plan):
        return halves
    size = len(select_group(live.selection, plan.group, looked.session.streams))
    others = [resized(plan, k / live.n_neurons) for k in other_sizes(size, live.n_neurons)]
    plans = [item.model_copy(update={"splits": 1}) for item in (plan, *others)]
    prepared, source = looked.prepared, looked.selection
    after = selection_key(prepared.subject, looked.sample, source.ablation)
    return lesioned(plans, prepared, halves, source.split, after, looked.session, "selection")[0]
