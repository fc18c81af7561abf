import re
from dataclasses import replace

import numpy as np
import pytest

from hypotest.engine.cluster import Cluster
from hypotest.errors import ProtocolError
from hypotest.registration import load_protocol
from hypotest.registration.template import template_text
from hypotest.studies.calibration.calibrate import calibrate
from hypotest.studies.calibration.own_text import OWN_SCENARIOS, own_cases


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    """A small protocol of one's own, on the reference text."""
    path = tmp_path_factory.mktemp("own") / "mine.yaml"
    text = template_text("minimal").replace("id: minimal", "id: mine")
    text, n = re.subn(r"positions: \d+", "positions: 1024", text)
    assert n == 1
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def cases(own):
    return own_cases(own)


def test_its_layer_group_and_text_are_the_protocols_own(own, cases):
    plan = load_protocol(own)
    assert [item.scenario.name for item in cases] == list(OWN_SCENARIOS)
    for case in cases:
        assert case.scenario.layer.n_neurons == 2048  # of the reference model
        assert case.scenario.layer.size == 41  # the top 2 %
        assert case.protocol.group == plan.group
        assert case.protocol.predictions == plan.predictions
        for split in ("selection", "evaluation"):
            rows = case.texts[split]
            assert rows.rare.sum() == (~rows.rare).sum() == 512
            assert np.bincount(rows.documents, weights=rows.rare).max() <= plan.sample.max_per_document
            assert np.all(np.bincount(rows.documents) > 0)
            assert not set(rows.types[rows.rare]) & set(rows.types[~rows.rare])
    selected, measured = (set(cases[0].texts[split].types) for split in ("selection", "evaluation"))
    assert selected & measured  # a type is the same in both


@pytest.mark.slow
def test_a_protocol_of_ones_own_is_put_to_the_proof(cases, tmp_path):
    few = replace(cases[0], n_texts=2, n_groups=40)
    calibration = calibrate([few], 1, tmp_path / "counts.json", where=Cluster(1))
    (rates,) = calibration.scenarios
    assert rates.protocol == "mine"
    deciding = {cell.prediction: cell.null for cell in rates.cells if cell.decides}
    assert deciding == {
        "specialization": "label_shuffled (type)",
        "clustering": "local_matched",
        "coordination": "local_matched",
    }
    assert {row.prediction for row in rates.coverage} == set(deciding)
    (protocol,) = calibration.protocols
    assert "2,048 neurons" in protocol.sizes and "512 rare" in protocol.sizes


def test_a_series_is_refused(tmp_path):
    path = tmp_path / "series.yaml"
    path.write_text(
        template_text("minimal").replace(
            "#subject: {model: reference, layer: last}", "subject: {layer: all}"
        ),
        encoding="utf-8",
    )
    with pytest.raises(ProtocolError, match="calibrate"):
        own_cases(path)
