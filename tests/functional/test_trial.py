"""Trials: what they look at, what they show, and that none ends in a traceback."""

from __future__ import annotations

import json
import re

import pytest

import hypotest as package
from hypotest.errors import HypotestError, ProtocolError
from hypotest.pipeline.texts.document_log import read_log
from tests.functional.protocols import with_predictions
from tests.functional.watching import watch_model

CONCLUSIONS = re.compile(
    r"\bp\b(?!-values)|adjusted|outcome(?!s: these)|equivalent|inconclusive|\bless\b|\bgreater\b|"
    r"supported|refuted|confirmatory|exploratory|interval|percentile|\bz\b",
    flags=re.I,
)


@pytest.fixture(scope="module")
def with_plateau(small_protocol):
    """As `hypotest init` writes it: a plateau is looked for under every shuffled labelling."""
    text = small_protocol.read_text(encoding="utf-8")
    text = with_predictions(text, "specialization", "coordination")
    rule = "group: {select: plateau, otherwise: {top_fraction: 0.15}}"
    text = text.replace("group: {select: {top_fraction: 0.15}}", rule)
    text = text.replace("nulls:\n", "nulls:\n  local_matched: {draws: 399}\n")
    path = small_protocol.with_name("plateau.yaml")
    text = text.replace("contrast: {null: size_matched}", "contrast: {null: local_matched}")
    path.write_text(text.replace("    margin: {null_sd: 2}\n", ""), encoding="utf-8")
    return path


@pytest.mark.parametrize("limit", [16, 64, 128, 100_000])
def test_no_trial_runs_the_model_over_an_evaluation_document(limit, small_protocol, tmp_path, monkeypatch):
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))
    prepared, seen, forbidden = watch_model(small_protocol, monkeypatch)
    tried = package.run(small_protocol, limit=limit, out=tmp_path, device="cpu")
    assert seen and forbidden
    assert not seen & forbidden
    evaluation = {
        prepared.documents[number] for number in prepared.samples["evaluation"].positions["document"]
    }
    (line,), damaged = read_log(tmp_path / "cache")
    assert (line.use, damaged) == ("selection", 0)
    assert line.documents and not evaluation & set(line.documents)
    assert tried.positions == min(limit, 60)  # all that the selection split has
    assert len(line.documents) == tried.selecting + tried.measuring
    assert tried.untouched == len(evaluation)


def test_nothing_can_be_concluded_from_a_trial(hypotest, small_protocol, tmp_path):
    done = hypotest("run", small_protocol, "--out", tmp_path, "--limit", "40")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / "small" / "trial"
    assert sorted(path.name for path in folder.iterdir()) == ["trial.json", "trial.md"]
    report = (folder / "trial.md").read_text(encoding="utf-8")
    data = json.loads((folder / "trial.json").read_text(encoding="utf-8"))
    for text in (done.stdout, report):
        said = " ".join(text.split())
        assert "on the selection split alone" in said
        assert "there are no p-values and no outcomes" in said
        assert CONCLUSIONS.findall(said) == []
    assert set(data["predictions"][0]) == {
        "id", "role", "measure", "title", "reference", "observed", "reference_value", "note",
    }  # fmt: skip
    assert len(data["predictions"]) == 9
    assert all(item["observed"] is not None for item in data["predictions"])
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "CONFIRMATORY" not in done.stderr and "EXPLORATORY" not in done.stderr


def test_trials_of_every_small_size_work_or_say_what_to_do(
    with_plateau, small_protocol, tmp_path, monkeypatch
):
    monkeypatch.setenv("HYPOTEST_CACHE", str(tmp_path / "cache"))
    for limit in range(2, 8):
        with pytest.raises(ProtocolError, match=rf"limit={limit}: must be at least 8, .* take 64"):
            package.run(with_plateau, limit=limit, out=tmp_path, device="cpu")
    for path in (with_plateau, small_protocol):
        for limit in (8, 9, 10, 11, 13, 16):
            try:
                tried = package.run(path, limit=limit, out=tmp_path, device="cpu")
            except HypotestError as error:
                assert "limit=" in str(error) or "take more" in str(error)
                continue
            assert tried.selecting >= 4 and tried.measuring >= 4
            for item in tried.predictions:
                assert item.effect is not None or "so few positions" in item.note, item


def test_too_small_is_said_at_once_without_a_traceback(hypotest, tmp_path):
    done = hypotest("run", tmp_path / "none.yaml", "--limit", "2")
    assert done.returncode == 2
    assert done.stderr.startswith("error: --limit 2: must be at least 8")
    assert "Traceback" not in done.stderr


def test_a_series_is_tried_member_by_member(hypotest, small_protocol, small_model_folder, tmp_path):
    text = with_predictions(small_protocol.read_text(encoding="utf-8"), "coordination")
    text = re.sub(r"subject: \{.*\}", f"subject: {{model: {small_model_folder}, layer: all}}", text)
    path = small_protocol.with_name("every-layer.yaml")
    path.write_text(text.replace("  label_shuffled: {draws: 399}\n", ""), encoding="utf-8")
    done = hypotest("run", path, "--out", tmp_path, "--limit", "24", HYPOTEST_CACHE=str(tmp_path / "cache"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("*** TRIAL: 24 positions per condition. NO VERDICT. ***") == 3
    assert len(list((tmp_path / "small" / "trial").glob("layer-*/trial.md"))) == 3  # none reaches layer 0
    assert {item.use for item in read_log(tmp_path / "cache")[0]} == {"selection"}
