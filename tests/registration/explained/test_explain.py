"""A protocol in plain words names everything that its reader must know."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from hypotest.measures.registry import MEASURES
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.results.prediction_result import PredictionResult
from hypotest.registration import load_protocol
from hypotest.registration.checks.outcomes import possible_outcomes
from hypotest.registration.explained.explain import explain_protocol
from hypotest.verdict import decide

QUESTION, DONE, PREDICTED, DECIDED, STATUS = range(5)


def _text(section):
    return "\n".join(f"{line.label} {line.text}".strip() for line in section.lines)


@pytest.fixture
def explained(shipped):
    return [_text(section) for section in explain_protocol(load_protocol(shipped))]


def _block(text, start):
    """The lines of one prediction or hypothesis: from its label to the next one of its kind."""
    lines = text.splitlines()
    first = next(place for place, line in enumerate(lines) if line.startswith(f"{start}:"))
    later = [place for place, line in enumerate(lines) if place > first and line.startswith(STARTS)]
    return "\n".join(lines[first : later[0] if later else len(lines)])


STARTS = (
    "specialization:", "regimes-rare:", "regimes-common:", "coordination:", "clustering:", "attention:",
    "routing:", "single-head:",
    "head-specificity:", "spectrum:", "modular:", "distributed:", "Undecided",
)  # fmt: skip


SHUFFLED = (
    "1,999 groups that the same selection finds when the labels rare and common are shuffled over token "
    "types (label_shuffled)"
)
NEIGHBOURS = (
    "1,999 groups in which members change places with their neighbours in spread of activation and influence "
    "on the second condition, among 10 at a time (local_matched)"
)


def test_every_prediction_is_explained(shipped, explained):
    protocol = load_protocol(shipped)
    for prediction in protocol.predictions:
        block = _block(explained[PREDICTED], prediction.id)
        words = MEASURES[prediction.measure].words.of(protocol.names)
        assert words.what in block
        assert words.unit in block
        assert "Compared with:" in block


@pytest.mark.parametrize(
    ("id", "words"),
    [
        ("specialization", ["is a premise", "modular and distributed expect: greater", SHUFFLED]),
        ("regimes-rare", ["describes and never decides", "condition rare", SHUFFLED]),
        ("regimes-common", ["describes and never decides", "condition common", SHUFFLED]),
        ("coordination", ["Margin: 2 SDs", "variance 0.95, scale correlation", "modular expects: anything",
                          NEIGHBOURS]),
        ("clustering", ["Margin: 2 SDs", "estimator gaussian_copula", "equivalent (", "or less (",
                        NEIGHBOURS]),
        ("attention", ["rare minus common", "same documents", "distributed expects: equivalent"]),
        ("routing", ["the number 1, fixed", "Margin: 0.1 (unit: share of the noise ceiling)"]),
        ("single-head", ["the number 0.5, fixed", "any significant difference counts"]),
        ("head-specificity", ["9,999 groups", "2 SDs of the size_matched groups"]),
        ("spectrum", ["weights output", "less (the spectrum has a heavier tail", NEIGHBOURS]),
    ],
)  # fmt: skip
def test_what_is_said_of_a_prediction(explained, id, words):
    block = _block(explained[PREDICTED], id)
    for word in words:
        assert word in block
    assert "bins" not in block  # of an estimator that is not used


def test_what_supports_and_refutes(explained):
    modular = _block(explained[DECIDED], "modular")
    assert "Supported if all of these come out: specialization greater, clustering greater," in modular
    assert "Refuted if any one of these comes out: clustering less or equivalent," in modular
    assert "coordination" not in modular  # it expects anything there
    distributed = _block(explained[DECIDED], "distributed")
    assert "clustering greater (beyond the margin)" in distributed
    assert "spectrum greater." in distributed  # weights have no interval: equivalent refutes nothing
    rest = explained[DECIDED]
    assert "Bonferroni's correction over 10 predictions" in rest
    assert "0.005" in rest  # 0.05 / 7
    assert "Undecided in every other case" in rest
    assert "if specialization contradicts" in rest


def test_what_is_confirmatory(explained):
    confirmatory, exploratory = explained[STATUS].split("Exploratory:")
    assert "specialization" in confirmatory
    assert "regimes" not in confirmatory
    assert "hypotest register" in confirmatory
    for word in ("regimes", "covariate_matched", "rewired", "untrained", "hypotest multiverse"):
        assert word in exploratory
    assert "size_matched" not in exploratory  # it decides head-specificity


def test_the_steps_come_in_order(explained):
    text = explained[DONE]
    steps = ["1. Read.", "2. Sort.", "3. Divide.", "4. Ablate.", "5. Select.", "6. Compare.", "7. Test."]
    assert sorted(steps, key=text.index) == steps
    for word in ("128 tokens", "rarest 15 %", "7,600 positions", "top 2 % of the layer", "level 0.05"):
        assert word in text
    for null in (
        "size_matched",
        "covariate_matched",
        "local_matched",
        "label_shuffled",
        "rewired",
        "untrained",
    ):
        assert f"\n{null}: " in text


def _changed(small, tmp_path, *replacements):
    for old, new in replacements:
        assert old in small
        small = small.replace(old, new)
    for name in "abcde":
        (tmp_path / f"{name}.txt").write_text("A text.", encoding="utf-8")
    np.save(tmp_path / "c.npy", np.ones(4, dtype=np.int64))
    path = tmp_path / "p.yaml"
    path.write_text(small, encoding="utf-8")
    return [_text(section) for section in explain_protocol(load_protocol(path))]


def test_another_subject_text_and_group(small, tmp_path):
    text = _changed(
        small,
        tmp_path,
        ("select: plateau, otherwise: {top_fraction: 0.02}", "select: {top_fraction: 0.05}"),
        ("draws: 999}\n  label", "draws: 999, stop_after: 50}\n  label"),
        (
            "seed: 1",
            "seed: 1\nsubject: {model: org/net, revision: main, layer: 3}\nsplits: 4\n"
            "corpus: {text: {files: [a.txt, b.txt, c.txt, d.txt, e.txt]}}\nfrequencies: c.npy\n"
            "ablation: {replacement: resample}\ndecision: {correction: holm}",
        ),
    )
    for words in (
        "org/net (revision main)", "the MLP of block 3", "5 text files", "c.txt, d.txt and 1 more",
        "the top 5 % of the layer", "another position", "repeated 4 times",
        "up to 999 (stopped early once 50",
    ):  # fmt: skip
        assert words in text[DONE]
    assert "the other divisions of the documents" in text[STATUS]


def test_a_data_set(small, tmp_path):
    hub = "{hub: allenai/c4, config: en, split: validation, revision: v1, documents: 2000}"
    text = _changed(small, tmp_path, ("seed: 1", f"seed: 1\ncorpus: {{text: {hub}}}"))
    assert (
        "The first 2,000 documents of the data set allenai/c4 (en, validation; revision v1) are cut into "
        "blocks" in text[DONE]
    )


def test_a_single_hypothesis_and_one_that_is_silent(small, tmp_path):
    alone = _changed(
        small, tmp_path, ("    distributed: less\n", ""), ("seed", "hypotheses: [modular]\nseed")
    )
    assert "one hypothesis, modular," in alone[QUESTION]
    silent = _changed(small, tmp_path, ("modular: greater", "modular: any"))
    assert "modular: expects nothing of any prediction that decides" in silent[DECIDED]


def _result(prediction, outcome, protocol):
    """A prediction that came out clearly, with p-values that survive every correction."""
    of_weights = MEASURES[prediction.measure].level == "weights"
    values = dict.fromkeys(PredictionResult.__dataclass_fields__)
    clear = outcome != "equivalent"
    return PredictionResult(
        **values
        | {
            "id": prediction.id,
            "role": prediction.role,
            "outcome": outcome,
            "expects": prediction.expects,
            "p_adjusted": 0.001 if clear else 0.9,
            "p_equivalence_adjusted": None if of_weights or clear else 0.001,
            "p_beyond_adjusted": 0.001 if clear else 0.9,
        }
    )


def test_what_is_said_to_refute_is_what_the_verdict_counts(shipped):
    """Every outcome of every prediction, the others as hoped for: refuted exactly if the words say so."""
    protocol: Protocol = load_protocol(shipped)
    decided = explain_protocol(protocol)[DECIDED]
    refuted_by = {}
    name = ""
    for line in decided.lines:
        if line.label.rstrip(":") in protocol.hypotheses:
            name = line.label.rstrip(":")
        elif line.label == "Refuted":
            refuted_by[name] = line.text
    assert set(refuted_by) == set(protocol.hypotheses)
    n_refuting = 0
    for name, prediction in itertools.product(protocol.hypotheses, protocol.deciding):
        for outcome in possible_outcomes(prediction):
            results = [
                _result(
                    item,
                    outcome if item is prediction else (item.expects.get(name) or ("less",))[0],
                    protocol,
                )
                for item in protocol.predictions
                if item.role != "descriptive"
            ]
            verdict = {item.hypothesis: item.status for item in decide(results, protocol.hypotheses, 0.05)}
            said = [part for part in refuted_by[name].split(", ") if f"{prediction.id} " in part]
            said_to_refute = any(f" {outcome}" in part.split(prediction.id)[1] for part in said)
            assert (verdict[name] == "refuted") == said_to_refute, (name, prediction.id, outcome)
            n_refuting += said_to_refute
    assert n_refuting > 10


def test_a_margin_without_an_interval(small, tmp_path):
    binned = "measure: modularity\n    options: {estimator: binned}"
    text = _changed(small, tmp_path, ("measure: effective_dimension", binned))
    assert "equivalent cannot be shown" in text[PREDICTED]
    assert "bins 8" in text[PREDICTED]
    assert "or equivalent" not in text[DECIDED]


def test_selecting_again_is_said(shipped):
    protocol = load_protocol(shipped)
    intervals = protocol.intervals.model_copy(update={"reselection": True})
    again = protocol.model_copy(update={"intervals": intervals})
    texts = ["\n".join(map(_text, explain_protocol(plan))) for plan in (protocol, again)]
    assert ["selected again on half of the documents" in text for text in texts] == [False, True]
    assert ["equivalent cannot be shown: weights have no documents" in text for text in texts] == [
        True,
        False,
    ]
