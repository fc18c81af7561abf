import numpy as np
import pytest

from hypotest.errors import EvidenceError
from hypotest.records.evidence.lesions import Lesions
from hypotest.records.evidence.partition import Partition


def lesions(groups, rows, start=0.0, random=None, documents=()):
    change = start + np.arange(rows * len(groups), dtype=np.float32).reshape(rows, len(groups))
    return Lesions(
        groups=tuple(np.array(group) for group in groups),
        random=np.zeros(len(groups), dtype=bool) if random is None else np.array(random),
        change=change,
        neither=np.ones((len(documents), len(groups)), dtype=np.float32),
        documents=np.array(documents, dtype=np.int64),
        targets=np.array(documents, dtype=np.int64) + 100,
    )


def test_a_group_is_found_in_whatever_order_its_members_are_given():
    made = lesions([[1, 4], [0, 2, 3]], 2)
    assert made.column(np.array([4, 1])) == 0
    assert made.column(np.array([3, 0, 2])) == 1
    assert made.column(np.array([1])) is None


def test_rows_and_rows_of_neither_condition_follow_their_documents():
    made = lesions([[0], [1]], 3, documents=[7, 8, 8])
    part = made.of_rows(np.array([True, False, True]), np.array([8]))
    assert part.change.tolist() == [[0, 1], [4, 5]]
    assert part.documents.tolist() == [8, 8] and part.targets.tolist() == [108, 108]
    assert part.neither.shape == (2, 2)


def test_joined_rows_have_the_groups_of_both_and_nothing_made_up():
    one = lesions([[0], [1]], 1, documents=[5], random=[False, True])
    two = lesions([[1], [2, 3]], 2, start=10, documents=[6], random=[True, False])
    both = one.joined_with(two)
    assert [group.tolist() for group in both.groups] == [[0], [1], [2, 3]]
    assert both.random.tolist() == [False, True, False]
    nan = np.nan
    np.testing.assert_array_equal(both.change, [[0, 1, nan], [nan, 10, 11], [nan, 12, 13]])
    np.testing.assert_array_equal(both.neither, [[1, 1, nan], [nan, 1, 1]])
    assert both.documents.tolist() == [5, 6]


def test_shapes_that_do_not_fit_are_refused_by_name():
    with pytest.raises(EvidenceError, match=r"lesions\.change must have shape \(2, 2\); found \(2, 1\)"):
        Lesions(
            groups=(np.array([0]), np.array([1])),
            random=np.zeros(2, dtype=bool),
            change=np.zeros((2, 1)),
            neither=np.zeros((0, 2)),
            documents=np.zeros(0, dtype=int),
            targets=np.zeros(0, dtype=int),
        )


def test_parts_are_named_and_checked():
    made = Partition.of(["b", "a", "b"])
    assert made.names == ("a", "b") and made.parts.tolist() == [1, 0, 1]
    assert made.of_neurons(np.array([2, 1])).parts.tolist() == [1, 0]
    with pytest.raises(EvidenceError, match="places among the 2 names"):
        Partition(("a", "b"), np.array([0, 2]))
    with pytest.raises(EvidenceError, match="one whole number for each neuron"):
        Partition(("a",), np.zeros((2, 1), dtype=int))
