"""Measures of what the loss of a whole group does."""

from dataclasses import replace

import numpy as np
import pytest

from hypotest.pipeline.analysis.analysis import analyse
from hypotest.pipeline.analysis.lesioned import groups_to_lesion
from hypotest.records.evidence.lesions import Lesions
from hypotest.records.protocol.prediction import Prediction
from hypotest.testing.lesions import most_selective
from tests.pipeline.planted import make_evidence, make_protocol

SPEAKS = {"expects": {"modular": "greater", "distributed": "less"}}


def index(reference=0.5, **options):
    return {
        "measure": "dissociation_index",
        "contrast": {"reference": reference},
        "options": options,
        **SPEAKS,
    }


def knows(reference=0.1, **options):
    return {"measure": "competence", "contrast": {"reference": reference}, "options": options, **SPEAKS}


def lesioned(protocol, damage, seed=2, neither=0.0, noise=0.05, **truth):
    """Planted evidence; damage of each group: (on rare, on common), of the first, the second, random ones."""
    evidence = make_evidence(seed, **truth)
    groups, random = groups_to_lesion(protocol, evidence)
    split, rng = evidence.evaluation, np.random.default_rng(9)
    change = noise * rng.normal(size=(split.positions.height, len(groups)))
    for place in range(len(groups)):
        change[:, place] += np.where(split.first, *damage[min(place, 2)])
    n = 60
    lesions = Lesions(
        groups, random, change, np.full((n, len(groups)), neither) + 0.01 * rng.normal(size=(n, 1)),
        np.arange(n) // 2, np.arange(n),
    )  # fmt: skip
    return replace(evidence, evaluation=replace(split, lesions=lesions))


def result(prediction, damage, **given):
    protocol = make_protocol(prediction)
    (tested,) = analyse(protocol, lesioned(protocol, damage, **given)).predictions
    return tested


DAMAGE = ((1.0, 0.2), (0.3, 0.9), (0.1, 0.1))


def test_the_index_of_the_group_that_the_first_condition_selects():
    tested = result(index(), DAMAGE, effect=2.0, neither=0.05)
    assert tested.observed == pytest.approx(0.8 / 1.2, abs=0.01)  # (1.0 - 0.2) / (1.0 + 0.2)
    assert tested.outcome == "greater"
    assert tested.secondary["damage_rare"].value == pytest.approx(1.0, abs=0.01)
    assert tested.secondary["damage_common"].value == pytest.approx(0.2, abs=0.01)
    assert tested.secondary["off_target_damage"].value == pytest.approx(0.05, abs=0.01)
    assert tested.secondary["random_groups_index"].value == pytest.approx(0.0, abs=0.05)
    low, high = tested.secondary["off_target_damage"].interval_95
    assert low < 0.05 < high


def test_a_number_that_no_group_of_the_layer_reaches_is_said_to_be_so():
    protocol = make_protocol(index(reference=0.5))
    evidence = lesioned(protocol, DAMAGE)  # nothing is planted: the most selective are other neurons
    lesions, split = evidence.evaluation.group_lesions, evidence.evaluation
    furthest = most_selective(evidence.selection, evidence.selection.first, len(lesions.groups[0]))
    change = lesions.change.copy()
    change[:, lesions.column(furthest)] = np.where(split.first, 1.0, 0.5)
    evidence = replace(evidence, evaluation=replace(split, lesions=replace(lesions, change=change)))
    (tested,) = analyse(protocol, evidence).predictions
    assert tested.secondary["most_selective_index"].value == pytest.approx(0.5 / 1.5)
    assert any(
        "most selective for rare read 0.33: 0.5 is hardly within reach" in note for note in tested.notes
    )
    (easier,) = analyse(make_protocol(index(reference=0.3)), evidence).predictions
    assert not any("within reach" in note for note in easier.notes)


def test_the_most_selective_neurons_are_those_that_prefer_the_rows():
    evidence = make_evidence(3, effect=2.0)
    split = evidence.selection
    chosen = most_selective(split, split.first, 5)
    sizes = np.abs(split.delta_loss)
    ratio = sizes[split.first].mean(axis=0) / sizes[~split.first].mean(axis=0)
    assert set(chosen.tolist()) == set(np.argsort(ratio)[-5:].tolist())


def test_the_other_direction_is_that_of_the_group_that_the_second_selects():
    tested = result(index(selected_on="common"), DAMAGE, effect=2.0)
    assert tested.observed == pytest.approx(0.6 / 1.2, abs=0.01)  # (0.9 - 0.3) / (0.9 + 0.3)
    assert {"effective_common_types", "effective_rare_types"} <= set(tested.secondary)


def test_sizes_of_changes_do_not_cancel():
    damage = ((1.0, -0.5), (0.3, 0.9), (0.1, 0.1))
    assert result(index(), damage, effect=2.0).observed == pytest.approx(1.5 / 0.5, abs=0.1)
    tested = result(index(change="size"), damage, effect=2.0)
    assert tested.observed == pytest.approx(0.5 / 1.5, abs=0.01)
    assert tested.secondary["size_common"].value == pytest.approx(0.5, abs=0.01)


def test_blocks_have_an_index_of_one_without_any_doubt():
    tested = result(index(), ((1.0, 0.0), (0.0, 1.0), (0.2, 0.2)), effect=2.0, noise=0.0)
    assert (tested.observed, tested.outcome, tested.p_value) == (1.0, "greater", 0.0)


def test_without_damage_there_is_no_index():
    tested = result(index(least=0.3), ((0.2, 0.05), (0.0, 0.0), (0.0, 0.0)), effect=2.0)
    assert tested.outcome == "undefined"
    assert "together not above the declared 0.3 (`least`)" in tested.notes[0]


def test_a_sum_within_its_noise_has_no_interval():
    tested = result(index(), ((0.02, 0.01), (0.0, 0.0), (0.0, 0.0)), effect=2.0, noise=0.5)
    assert tested.interval is None and tested.outcome in ("inconclusive", "undefined")


def test_groups_that_were_not_lesioned_are_named():
    protocol = make_protocol(index())
    evidence = lesioned(protocol, DAMAGE, effect=2.0)
    others = replace(evidence.evaluation.group_lesions, groups=tuple(
        group + 1 for group in evidence.evaluation.group_lesions.groups
    ))  # fmt: skip
    other = replace(evidence, evaluation=replace(evidence.evaluation, lesions=others))
    (tested,) = analyse(protocol, other).predictions
    assert tested.outcome == "undefined" and "was not lesioned" in tested.notes[0]


def test_random_groups_do_not_decide():
    from hypotest.registration.checks.predictions import vocabulary_findings

    item = Prediction(id="a", measure="dissociation_index", contrast={"null": "size_matched"})
    (finding,) = vocabulary_findings(item, ("predictions", 0))
    assert "not compared with random groups: selecting on a condition favours it" in finding.message


@pytest.mark.parametrize(
    ("chance", "damage", "outcome", "value"),
    [
        (3.0, 0.5, "greater", None),  # loss is about 1: two nats above a guess
        (1.15, 0.5, "inconclusive", None),  # hardly above a guess
        (3.0, 0.02, "less", 0.02),  # knows, and does not need the group
        (0.5, 0.5, "less", None),  # worse than a guess
    ],
)
def test_competence_needs_knowledge_and_damage(chance, damage, outcome, value):
    tested = result(knows(chance=chance), ((damage, 0.1), (0.1, 0.1), (0.1, 0.1)), effect=2.0)
    assert tested.outcome == outcome
    if value is not None:
        assert tested.observed == pytest.approx(value, abs=0.01)
    both = [tested.secondary[name].value for name in ("above_chance", "lesion_damage")]
    assert tested.observed in both and both[1] == pytest.approx(damage, abs=0.01)
    assert tested.secondary["loss_of_a_guess"].value == chance


def test_a_guess_is_even_among_the_targets_that_occur():
    tested = result(knows(), ((0.5, 0.1), (0.1, 0.1), (0.1, 0.1)), effect=2.0)
    targets = np.unique(make_evidence(2, effect=2.0).evaluation.targets)
    assert tested.secondary["loss_of_a_guess"].value == pytest.approx(np.log(targets.size))


def test_other_divisions_of_the_documents_have_groups_of_their_own():
    protocol = make_protocol(index())
    evidence = make_evidence(3, effect=1.0)
    once, _ = groups_to_lesion(protocol, evidence)
    often, random = groups_to_lesion(protocol.model_copy(update={"splits": 4}), evidence)
    assert [group.tolist() for group in often[: len(once)]] == [group.tolist() for group in once]
    assert len(once) < len(often) <= len(once) + 6 and random.sum() == 20
    assert not random[:2].any() and not random[len(once) :].any()
