import numpy as np

from tests.pipeline.planted import make_evidence


def test_some_rows_take_every_channel_and_the_heads_of_their_documents():
    split = make_evidence(0).selection
    rows = (split.documents % 2 == 0) & split.mask("rare")
    part = split.of_rows(rows)
    assert part.documents.tolist() == split.documents[rows].tolist()
    assert set(part.channels) == set(split.channels)
    for channel, array in part.channels.items():
        np.testing.assert_array_equal(array, split.channels[channel][rows])
    # heads were summed over documents, and stay whole
    assert part.head_ablation.documents.tolist() == sorted(set(split.documents[rows].tolist()))
    np.testing.assert_array_equal(part.head_ablation.base, split.head_ablation.base[::2])
    # with all rows of some documents it is `of_documents`
    whole = split.of_rows(split.documents % 2 == 0)
    same = split.of_documents(np.arange(0, 40, 2))
    assert whole.positions.equals(same.positions)
    np.testing.assert_array_equal(whole.activations, same.activations)
