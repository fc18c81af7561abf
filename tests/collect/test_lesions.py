from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from hypotest.collect.forward import forward_arrays
from hypotest.collect.lesions import (
    AskedLesions,
    check_lesions,
    collect_lesions,
    has_lesions,
    lesions_digest,
    lesions_key,
    read_lesions,
)
from hypotest.collect.replacement import Replacement
from hypotest.collect.sample import Sample
from hypotest.collect.scoring import Scoring
from hypotest.collect.self_check import intervene
from hypotest.engine.session import Session
from hypotest.errors import EvidenceError, SelfCheckError
from hypotest.records.evidence.channels import Channel
from hypotest.records.evidence.split import SplitEvidence
from tests.collect.families import CONTEXT, hooked_losses, positions, small_model

GROUPS = (np.array([0, 1, 2]), np.array([5, 9, 12, 39]), *(np.array([n, n + 9]) for n in range(9)))
NEITHER = (np.array([0, 1, 1, 3]), np.array([3, 2, 9, 12]))


def frame(tokens, block, index, split):
    return pl.DataFrame(
        {"document": block // 2, "block": block, "index": index, "target": tokens[block, index + 1]}
    ).with_columns(pl.lit(split).alias("split"))


@pytest.fixture(scope="module", params=[("gpt2", "last"), ("gpt_neox", 1)], ids=["identity", "passes"])
def collected(request, tmp_path_factory):
    subject = small_model(*request.param)
    tokens, block, index, _ = positions()
    seen = forward_arrays(subject, tokens, block, index)
    channels = {Channel.ACTIVATIONS: seen["activations"], Channel.RESIDUAL: seen["residual"]}
    split = SplitEvidence(frame(tokens, block, index, "evaluation"), channels)
    neither = Sample(tokens, frame(tokens, *NEITHER, "neither"), np.empty(0, dtype=np.int64))
    replacement = Replacement.of("mean", split.activations, block, index, seed=2)
    session = replace(Session.start(1, memory=1.0), anew=tmp_path_factory.mktemp("lesions"))
    asked = AskedLesions(GROUPS, np.arange(len(GROUPS)) > 1)
    key = lesions_key({"evaluation": split}, neither, asked, "selection")
    arguments = (subject, tokens, {"evaluation": split}, neither, replacement, asked, key, session)
    collect_lesions(*arguments)
    return key, arguments


def test_rows_of_both_kinds_change_as_plain_hooks_in_float64_say(collected):
    key, (subject, tokens, splits, _, replacement, _, _, session) = collected
    lesions = read_lesions(session.evidence, key)["evaluation"]
    assert [group.tolist() for group in lesions.groups] == [group.tolist() for group in GROUPS]
    assert lesions.random.tolist() == [False, False] + 9 * [True]
    split = splits["evaluation"]
    for (block, index), change in (
        ((split.blocks, split.indices), lesions.change),
        (NEITHER, lesions.neither),
    ):
        base = hooked_losses(subject, tokens, block, index)
        for column in (0, 1, 8, 10):  # of both shards
            values = {
                int(neuron): np.broadcast_to(replacement.values[0][neuron], (4, CONTEXT))
                for neuron in GROUPS[column]
            }
            expected = hooked_losses(subject, tokens, block, index, values) - base
            np.testing.assert_allclose(change[:, column], expected, atol=2e-5)
    assert lesions.documents.tolist() == (NEITHER[0] // 2).tolist()
    assert lesions.targets.tolist() == tokens[NEITHER[0], NEITHER[1] + 1].tolist()


def test_what_is_there_is_not_made_again_and_other_groups_have_another_name(collected, monkeypatch):
    key, arguments = collected
    monkeypatch.setattr("hypotest.collect.lesions.ablate_groups", lambda *_, **__: pytest.fail("made again"))
    collect_lesions(*arguments)
    *before, asked, _, session = arguments
    _, _, splits, neither, _ = before
    assert has_lesions(session.evidence, key)
    fewer = AskedLesions(asked.groups[:3], asked.random[:3])
    other = lesions_key(splits, neither, fewer, "selection")
    assert other != key != lesions_key(splits, neither, asked, "another")
    with pytest.raises(pytest.fail.Exception, match="made again"):
        collect_lesions(*before, fewer, other, session)


def test_they_agree_with_interventions_in_the_whole_model(collected):
    key, (subject, tokens, splits, _, replacement, _, _, session) = collected
    split, lesions = splits["evaluation"], read_lesions(session.evidence, key)["evaluation"]
    rng = np.random.default_rng
    assert check_lesions(subject, tokens, split, lesions, replacement, 1e-4, rng(1)) < 1e-4
    wrong = replace(lesions, change=lesions.change + np.float32(0.01))
    with pytest.raises(SelfCheckError, match=r"lesion of 3 neurons at once differs by 0\.01"):
        check_lesions(subject, tokens, split, wrong, replacement, 1e-4, rng(1))


def test_damage_to_the_cache_is_found(collected):
    key, (*_, session) = collected
    digest = lesions_digest(session.evidence, key)
    array = next((session.evidence / key / "lesions" / "00000").glob("evaluation*.npy"))
    content = array.read_bytes()
    array.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(EvidenceError):
        read_lesions(session.evidence, key)
    array.write_bytes(content)
    assert lesions_digest(session.evidence, key) == digest
    with pytest.raises(EvidenceError, match="no finished lesions"):
        read_lesions(session.evidence, "0" * 32)


def test_of_a_logit_difference_it_is_the_change_of_that_at_rows_of_every_kind(collected, tmp_path):
    _, (subject, tokens, splits, neither, replacement, asked, *_) = collected
    rng = np.random.default_rng(6)

    def with_foils(positions):
        return positions.with_columns(pl.Series("foil", rng.integers(0, 200, positions.height)))

    split = replace(splits["evaluation"], positions=with_foils(splits["evaluation"].positions))
    neither = replace(neither, positions=with_foils(neither.positions))
    session = replace(Session.start(1, memory=1.0), anew=tmp_path)
    few = AskedLesions(asked.groups[:2], asked.random[:2])
    key = lesions_key({"evaluation": split}, neither, few, "selection")
    how = (few, key, session, "logit_difference")
    collect_lesions(subject, tokens, {"evaluation": split}, neither, replacement, *how)
    lesions = read_lesions(session.evidence, key)["evaluation"]
    again = np.random.default_rng
    assert check_lesions(subject, tokens, split, lesions, replacement, 1e-4, again(1), how[-1]) < 1e-4
    with pytest.raises(SelfCheckError):
        check_lesions(subject, tokens, split, lesions, replacement, 1e-4, again(1))
    group = asked.groups[1]
    for row, (block, index) in enumerate(zip(*NEITHER, strict=True)):
        scoring = Scoring.of(neither.positions, how[-1]).part(np.array([row]))
        values = replacement.within(block, CONTEXT)[:, group]
        expected, _ = intervene(subject, tokens[block], np.array([index]), group, values, scoring)
        assert lesions.neither[row, 1] == pytest.approx(expected[0], abs=1e-4)
