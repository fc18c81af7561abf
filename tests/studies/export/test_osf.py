import dataclasses
import re
from dataclasses import asdict
from pathlib import Path

import pytest

from hypotest.measures.registry import MEASURES
from hypotest.nulls.form import Form
from hypotest.nulls.registry import names_of
from hypotest.pages.markdown import PAGE
from hypotest.records.protocol.conditions import Conditions
from hypotest.records.protocol.protocol import Protocol
from hypotest.records.seen import Seen, SeenBy
from hypotest.registration import load_protocol, protocol_hash
from hypotest.studies.export.osf import osf_page
from tests.registrations import EVIDENCE_EXISTED, NOTHING_SEEN

SEEN = Seen(
    documents=31,
    by=(SeenBy("pi*lot", 64 * "d", 2, "selection", 31, 1, "2026-11-19T08:00:00", "2026-11-19T08:00:00"),),
    unlogged_evidence=False,
    damaged_lines=0,
)
SHIPPED = Path(__file__).parents[3] / "protocols" / "rare-tokens.yaml"
HEADINGS = {
    "Study Information": ["Title", "Description", "Hypotheses"],
    "Design Plan": ["Study type", "Blinding", "Study design", "Randomization"],
    "Sampling Plan": [
        "Existing Data", "Explanation of existing data", "Data collection procedures", "Sample size",
        "Sample size rationale", "Stopping rule",
    ],
    "Variables": ["Manipulated variables", "Measured variables", "Indices"],
    "Analysis Plan": [
        "Statistical models", "Transformations", "Inference criteria", "Data exclusion", "Missing data",
        "Exploratory analysis",
    ],
    "Other": [],
}  # fmt: skip
"""Of the form, as osf.io lists them."""


@pytest.fixture(scope="module")
def protocol():
    return load_protocol(SHIPPED)


def render_osf(protocol, lock):
    return PAGE.render(osf_page(protocol, lock))


def lock_of(protocol, **changes):
    return {
        "lock": 1,
        "protocol_id": protocol.id,
        "file": "rare-tokens.yaml",
        "registered": "2026-11-21T18:00:00+00:00",
        "hashes": {"protocol": protocol_hash(protocol), "weights": "07bc", "text": {"xarray | 1": "22be"}},
        "revision": None,
        "layer": 5,
        "versions": {"torch": "2.13.0"},
        "seed": protocol.seed,
        "split": {"selection_documents": 421, "evaluation_documents": 410},
        "evidence": {"selection": "aa", "evaluation": "bb"},
        "kept_out": (),
        "seen": asdict(NOTHING_SEEN),
        "git": {"commit": "c0ffee", "clean": True},
        "previous": "0" * 64,
        **changes,
    }


def section(text, heading):
    return re.split(r"^#+ ", text.partition(f"# {heading}\n")[2], maxsplit=1, flags=re.M)[0]


def build(prediction, **changes):
    return Protocol.model_validate(
        {
            "hypotest": 1,
            "id": "one",
            "title": "One",
            "conditions": {
                "rare": {"target": {"frequency": {"below_percentile": 15}}},
                "common": {"target": {"frequency": {"from_percentile": 15}}},
            },
            "group": {"select": {"top_fraction": 0.1}},
            "nulls": {"size_matched": {"draws": 999}},
            "predictions": [{"id": "first", **prediction}],
            "seed": 1,
            **changes,
        }
    )


def test_the_headings_are_those_of_the_form(protocol):
    headings: dict[str, list[str]] = {}
    for level, heading in re.findall(r"^(##+) (.*)$", render_osf(protocol, None), flags=re.M):
        if level == "##":
            headings[heading] = []
        else:
            headings[list(headings)[-1]].append(heading)
    assert headings == HEADINGS
    assert list(headings) == list(HEADINGS)


def test_no_heading_is_left_empty(protocol):
    text = render_osf(protocol, None)
    for parts in HEADINGS.values():
        for heading in parts:
            assert len(section(text, heading).strip()) > 20, heading


def test_every_prediction_of_every_hypothesis_has_its_direction(protocol):
    text = section(render_osf(protocol, None), "Hypotheses")
    for name in protocol.hypotheses:
        told = text.partition(f"**{name}** predicts:")[2].partition("is refuted")[0]
        for item in protocol.predictions:
            line = re.search(rf"^- `{item.id}`: (.*)$", told, flags=re.M)
            if item.role == "descriptive":
                assert line is None
                continue
            expected = item.expects[name]
            assert all(f"*{outcome}*" in line[1] for outcome in expected)
            assert ("any outcome" in line[1]) == (not expected)
            assert ("premise" in line[1]) == (item.role == "premise")
    assert "`clustering`: *less* or *equivalent*. The modularity Q" in text
    assert "The similarity of attention routing lies below 1." in text


def test_what_refutes_is_every_other_outcome_that_can_occur(protocol):
    text = section(render_osf(protocol, None), "Hypotheses")
    modular, distributed = (
        text.partition(f"**{name}** is refuted")[2].partition("predicts:")[0]
        for name in ("modular", "distributed")
    )
    assert "- `coordination`: *greater* or *equivalent*.\n" in distributed
    assert "- `clustering`: *greater*. The effect must be shown to lie beyond the margin" in distributed
    assert "- `spectrum`: *greater*.\n" in distributed  # weights have no interval, hence no equivalence
    assert "- `single-head`: *greater*.\n" in distributed  # no margin: equivalence cannot occur
    assert "specialization" not in modular + distributed  # a premise is a gate
    assert "`coordination`" not in modular and "`spectrum`" not in modular  # it expects anything


def test_the_numbers_are_those_of_the_protocol(protocol):
    text = render_osf(protocol, None)
    assert "7,600 positions per condition: 3,800 in the selection split" in section(text, "Sample size")
    assert "seed 20250925" in section(text, "Randomization")
    procedures = section(text, "Data collection procedures")
    for shown in (
        "blocks of 128 tokens",
        "rarest 15 % of token types",
        "at most 16 rare ones from one document and, in each split, 8 of a condition with one token type",
        "0.0001 nats",
    ):
        assert shown in procedures
    design = section(text, "Study design")
    for shown in ("9,999 groups", "1,999 permutations", "over token types", "the top 2 %", "199 versions"):
        assert shown in design
    models = section(text, "Statistical models")
    assert "- `attention`: " in models and "The margin is 0.05 in the measure's unit" in models
    assert "2 SDs of the size_matched null" in models
    criteria = section(text, "Inference criteria")
    for shown in ("Bonferroni over 10 deciding predictions", "0.005", "90 % interval", "`specialization`"):
        assert shown in criteria
    measured = section(text, "Measured variables")
    for item in protocol.predictions:
        assert f"- `{item.id}`, {item.role}: {item.measure}" in measured
    assert "variance 0.95" in measured
    assert "percentile (25)" in section(text, "Exploratory analysis")


@pytest.mark.parametrize("measure", sorted(MEASURES))
def test_every_measure_and_contrast_has_words(measure):
    forms = {
        Form.BY_DOCUMENT: {"conditions": ["rare", "common"], "by": "document"},
        Form.REFERENCE: {"reference": 0.5},
    }
    accepted = MEASURES[measure].contrasts
    contrasts = [forms[form] for form in accepted if form in forms]
    contrasts += [{"null": name} for name in names_of(accepted)]
    for contrast in contrasts:
        for outcome in ("less", "greater", "equivalent"):
            prediction = {
                "measure": measure, "contrast": contrast, "margin": {"raw": 0.25},
                "expects": {"modular": outcome, "distributed": "any"},
            }  # fmt: skip
            title = MEASURES[measure].words.of(Conditions("rare", "common")).title
            text = section(render_osf(build(prediction), None), "Hypotheses")
            assert f"- `first`: *{outcome}*. The {title}" in text
            assert "No deciding prediction can refute **distributed**" in text


def test_neighbours_are_described_with_their_bins_and_when_they_decide_nothing(protocol):
    text = render_osf(protocol, None)
    (design,) = [line for line in section(text, "Study design").splitlines() if "local_matched:" in line]
    assert design == (
        "- local_matched: 1,999 groups in which membership is dealt out anew within bins of 10 neurons of "
        "consecutive ranks in a propensity score of membership given log activation SD and influence on the "
        "condition that the group was not selected on (log mean |change of loss|), from the selection split. "
        "If fewer than 5 members can change places, the contrast is inconclusive."
    )
    hypotheses = section(text, "Hypotheses")
    assert "lies below that of the local_matched groups" in hypotheses
    covariates = section(text, "Measured variables").partition("Covariates of every neuron")[2]
    assert covariates.count("log activation SD") == 1  # of both matched nulls
    assert "influence on the condition that the group was not selected on" in covariates
    other = build(
        {"measure": "hill_alpha", "contrast": {"null": "local_matched"}, "expects": {"modular": "less"}},
        nulls={"local_matched": {"draws": 999, "bin": 7, "on": ["output_norm"], "stop_after": 40}},
    )
    text = render_osf(other, None)
    assert "bins of 7 neurons" in text and "given the log norm of the output weights, from" in text
    assert "40 draws at least as extreme" in section(text, "Stopping rule")


def test_shuffled_labels_decide_selectivity_and_stand_beside_curves(protocol):
    text = render_osf(protocol, None)
    (design,) = [line for line in section(text, "Study design").splitlines() if "label_shuffled:" in line]
    assert design.endswith("It decides selectivity alone.")
    models = section(text, "Statistical models")
    (selectivity,) = [line for line in models.splitlines() if line.startswith("- `specialization`")]
    assert "the value for the group minus the mean over the groups found under shuffled labels" in selectivity
    assert "selected on common" not in models  # the difference of two groups decides nothing
    for id in ("regimes-rare", "regimes-common"):
        (line,) = [line for line in models.splitlines() if line.startswith(f"- `{id}`")]
        assert "labels shuffled there; described." in line


def test_sequential_draws_and_other_choices_are_said():
    prediction = {
        "measure": "hill_alpha",
        "contrast": {"null": "size_matched"},
        "expects": {"modular": "less"},
    }
    plain = build(prediction)
    assert "nothing stops them early" in section(render_osf(plain, None), "Stopping rule")
    other = build(
        prediction,
        nulls={"size_matched": {"draws": 999, "stop_after": 20}, "untrained": {"networks": 1}},
        ablation={"replacement": "zero"},
        decision={"correction": "holm"},
        splits=10,
        conditions={
            "rare": {"target": {"frequency": {"below_percentile": 15, "of": "occurrences", "elbow": "keep"}}},
            "common": {"target": {"frequency": {"from_percentile": 15, "elbow": "keep"}}},
        },
        subject={"model": "EleutherAI/pythia-70m", "layer": 3, "revision": "step1000"},
    )
    text = render_osf(other, None)
    assert "both tails hold 20 draws at least as extreme (size_matched)" in section(text, "Stopping rule")
    assert "set to zero" in section(text, "Manipulated variables")
    assert "Holm over 1 deciding prediction." in section(text, "Inference criteria")
    assert "repeated 10 times" in section(text, "Randomization")
    assert "among the rarest 15 % of occurrences" in section(text, "Data collection procedures")
    assert "the MLP of block 3 of the model EleutherAI/pythia-70m, revision step1000" in text
    assert "1 network, freshly initialised; so few describe" in section(text, "Study design")
    assert "elbow" not in section(text, "Data exclusion")


def test_the_data_status_follows_from_the_lock(protocol):
    status = section(render_osf(protocol, None), "Existing Data")
    assert "not registered" in status
    text = render_osf(protocol, lock_of(protocol))
    assert "**Registered 2026-11-21T18:00:00+00:00.** The protocol has not changed since" in text
    assert "prior to the creation of the data" in section(text, "Existing Data")
    assert "They come from 421 and 410 documents." in section(text, "Sample size")
    for shown in (
        r"| SHA-256 of the text: xarray \| 1 | 22be |",
        "| git: clean | yes |",
        "| seed | 20250925 |",
    ):
        assert shown in text
    for seen in (asdict(EVIDENCE_EXISTED), asdict(SEEN), None):
        looked = render_osf(protocol, lock_of(protocol, seen=seen))
        assert "the data existed" in section(looked, "Existing Data")
        assert "prior to the creation" not in looked
    named = section(render_osf(protocol, lock_of(protocol, seen=asdict(SEEN))), "Existing Data")
    assert "31 of the 410 evaluation documents were seen before the registration" in named
    assert r"by pi\*lot (dddddddddddd…, layer 2): 31 for selection" in named


def test_it_says_what_no_tool_can_see_and_which_documents_are_kept_out(protocol):
    for lock in (None, lock_of(protocol), lock_of(protocol, seen=asdict(SEEN))):
        status = section(render_osf(protocol, lock), "Existing Data")
        for what in ("another machine", "the cache and its log were deleted", "published by others"):
            assert what in status
    damaged = dataclasses.replace(NOTHING_SEEN, damaged_lines=2)
    status = section(render_osf(protocol, lock_of(protocol, seen=asdict(damaged))), "Existing Data")
    assert (
        "Data status: the data may have existed: 2 lines of the cache's log of documents could not" in status
    )
    assert "prior to the creation" not in status
    fresh = section(render_osf(protocol, lock_of(protocol, kept_out=("a" * 16,) * 3)), "Randomization")
    assert "3 documents over which the network had been run before are in the selection split" in fresh


def test_a_changed_protocol_is_said_first(protocol):
    changed = protocol.model_copy(update={"seed": 1})
    text = render_osf(changed, lock_of(protocol))
    assert text.splitlines()[2].startswith("**Changed since it was registered")
    assert protocol_hash(protocol) in text and protocol_hash(changed) in text


def test_names_from_protocol_and_lock_are_escaped(protocol):
    nasty = protocol.model_copy(
        update={"title": "A *b* <script>\x1b[31m", "source": "[x](javascript:1)\n# Heading"}
    )
    lock = lock_of(nasty, registered="**now** |", git={"branch": "<img>\x07", "commit": None, "clean": False})
    text = render_osf(nasty, lock)
    assert "\x1b" not in text and "\x07" not in text and "<script>" not in text.replace(r"\<script\>", "")
    assert r"A \*b\* \<script\>" in text and r"[x\](javascript:1) \# Heading" in text
    assert r"\*\*now\*\* \|" in text and r"\<img\>" in text
    assert len(re.findall(r"^# ", text, flags=re.M)) == 1


def test_a_data_set_is_named_with_its_parts_and_escaped(protocol):
    data_set = {"hub": "org/a_b*c", "split": "train", "documents": 20_000}
    data = {
        **protocol.model_dump(exclude_none=True),
        "corpus": {"text": data_set},
        "frequencies": {"count": {**data_set, "documents": 100_000}},
    }
    text = section(render_osf(Protocol.model_validate(data), None), "Data collection procedures")
    assert "The text is the first 20,000 documents of the data set org/a_b\\*c (train)." in text
    assert "the tokens of the first 100,000 documents of the data set org/a_b\\*c (train), counted" in text
