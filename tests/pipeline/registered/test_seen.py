from dataclasses import replace

from hypotest.pipeline.registered.seen import documents_seen, seen_before
from hypotest.records.seen import Viewing

EARLY = Viewing("2026-11-01T00:00:00+00:00", "evaluation", "one", "aa", "w", 3, "e1", ("d1", "d2", "d9"))
LOG = (
    EARLY,
    replace(EARLY, time="2026-11-03T00:00:00+00:00", documents=("d2", "d3")),
    replace(EARLY, time="2026-11-02T00:00:00+00:00", use="selection", plan="two", layer=1, documents=("d3",)),
    replace(EARLY, weights="other", documents=("d4",)),
)


def test_documents_are_counted_once_and_by_plan_layer_and_use():
    seen = seen_before(LOG, ["w"], ["d1", "d2", "d3", "d4", "d5"])
    assert seen.documents == 3  # d4 was seen with other weights
    first, second = seen.by
    assert (first.plan, first.layer, first.use, first.documents, first.times) == (
        "one",
        3,
        "evaluation",
        3,
        2,
    )
    assert (first.first[:10], first.last[:10]) == ("2026-11-01", "2026-11-03")
    assert (second.plan, second.layer, second.use, second.documents) == ("two", 1, "selection", 1)
    assert not seen.nothing


def test_other_documents_and_other_weights_are_unseen():
    for documents, weights in ((["d5"], "w"), (["d1"], "third")):
        seen = seen_before(LOG, [weights], documents)
        assert (seen.documents, seen.by, seen.nothing) == (0, (), True)
    assert not seen_before((), ["w"], ["d1"], unlogged_evidence=True).nothing


def test_what_is_kept_out_is_everything_of_the_same_weights():
    assert documents_seen(LOG, ["w"]) == {"d1", "d2", "d3", "d9"}
    assert documents_seen(LOG, "third") == frozenset()


def test_a_series_has_seen_what_any_of_its_networks_has():
    seen = seen_before(LOG, ["w", "other"], ["d1", "d4", "d5"])
    assert seen.documents == 2
    assert documents_seen(LOG, ["w", "other"]) == {"d1", "d2", "d3", "d4", "d9"}
