import pytest

from hypotest.engine.streams import Streams
from hypotest.measures.top_head_share import compare
from hypotest.pipeline.analysis.outcomes import classify_prediction
from hypotest.testing.heads import head_layers
from hypotest.testing.selection import select
from tests.pipeline.planted import make_evidence, make_protocol, make_task

SHARE = {"measure": "top_head_share", "contrast": {"reference": 0.5}}


def setup(prediction, **truth):
    protocol = make_protocol(prediction)
    return protocol.predictions[0], make_evidence(2, **truth), protocol


def test_top_head_share_is_squared_change_over_that_of_its_layer():
    item, evidence, protocol = setup(SHARE, loud=3.0)
    selection = select(protocol, evidence, Streams(protocol.seed))
    comparison = compare(item, make_task(protocol, evidence))
    ablation = evidence.evaluation.head_ablation
    expected = (
        ablation.single[:, 1][:, selection.group].sum() / ablation.layer[:, 0][:, selection.group].sum()
    )
    assert comparison.observed == pytest.approx(expected)
    assert comparison.secondary["top_head_layer"].value == 1
    assert comparison.secondary["top_head"].value == 1  # the head planted in both splits
    assert classify_prediction(item, comparison, protocol).outcome == "greater"
    assert head_layers(evidence).tolist() == [0, 0, 1, 1]
