"""Claims of a paper: what is read, and what is refused, by line."""

import math

import pytest

from hypotest.errors import ProtocolError
from hypotest.records.claims import Claim
from hypotest.registration.claims import load_claims
from tests.example import ROOT

PAPER = ROOT / "protocols" / "papers" / "arxiv-2509.21163.yaml"
HEAD = """\
hypotest_claims: 1
source: arXiv:1
title: A paper
models: [owner/model]
claims:
"""
CLAIM = """\
  - id: q
    where: Table 1
    says: it is clustered
    measure: modularity
    contrast: {null: size_matched}
    outcome: greater
"""


@pytest.fixture
def load(tmp_path):
    def from_text(text):
        path = tmp_path / "c.yaml"
        path.write_text(text, encoding="utf-8")
        return load_claims(path)

    return from_text


def refused(load, text):
    with pytest.raises(ProtocolError) as caught:
        load(text)
    return [str(item) for item in caught.value.problems]


def claim(**says):
    return Claim(id="a", where="b", says="c", measure="modularity", **says)


def test_the_shipped_claims_are_valid_and_say_where_they_stand():
    paper = load_claims(PAPER)
    assert paper.source == "arXiv:2509.21163"
    by_id = {item.id: item for item in paper.claims}
    assert by_id["attention-correlation"].range == pytest.approx((0.82, 0.96))
    assert by_id["gini-rare"].range == pytest.approx((0.29, 0.39))
    assert by_id["gini-common"].range == pytest.approx((0.28, 0.36))
    assert by_id["coordination"].outcome == ("less",)
    for item in paper.claims:
        # What does not come from the abstract was not read in the paper, and says so.
        assert item.where == "abstract" or item.read_in is not None
        assert item.where != "abstract" or item.value is None
    assert {"EleutherAI/pythia-1b", "openai-community/gpt2-xl"} <= set(paper.models_of(by_id["spectrum"]))


def test_a_claim_may_be_about_some_models(load):
    paper = load(HEAD + CLAIM + "    models: [owner/other]\n")
    assert paper.models_of(paper.claims[0]) == ("owner/other",)


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ({"value": 2.0}, (2.0, 2.0)),
        ({"value": 2.0, "sd": 0.5}, (1.5, 2.5)),
        ({"interval": (1.0, 3.0)}, (1.0, 3.0)),
        ({"at_least": 1.0}, (1.0, math.inf)),
        ({"at_most": 1.0}, (-math.inf, 1.0)),
        ({"at_least": 1.0, "at_most": 2.0}, (1.0, 2.0)),
        ({"outcome": "less", "contrast": {"null": "size_matched"}}, None),
    ],
)
def test_ranges(says, expected):
    assert claim(**says).range == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (HEAD + CLAIM.replace("outcome", "outcom"), ":11:5 claims.q.outcom: unknown key 'outcom'; did you"),
        (HEAD.replace("title", "titel") + CLAIM, ":3:1 titel: unknown key 'titel'; did you mean 'title'?"),
        (HEAD + CLAIM.replace("{null:", "{nul:"), ":10:16 claims.q.contrast.nul: unknown key 'nul'"),
        (HEAD + CLAIM.replace("modularity", "modularty"), ":9:14 claims.q.measure: unknown measure 'modul"),
        (HEAD + CLAIM.replace("greater", "more"), ":11:14 claims.q.outcome: must be one of less, greater"),
        (HEAD + CLAIM.replace("    where: Table 1\n", ""), "claims.q.where: is required and missing"),
        (HEAD + CLAIM + "    value: 3\n", "claims.q: must say one thing"),
        (
            HEAD + CLAIM.replace("    contrast: {null: size_matched}\n", ""),
            "claims.q: must name its contrast",
        ),
        (HEAD + CLAIM.replace("outcome: greater", "sd: 1\n    at_least: 2"), "sd must stand beside a value"),
        (HEAD + CLAIM.replace("outcome: greater", "interval: [3, 2]"), "must have its lower bound first"),
        (
            HEAD + CLAIM.replace("outcome: greater", "value: '3'"),
            "claims.q.value: must be a number; found '3'",
        ),
        (HEAD + CLAIM + CLAIM, "claims must have different ids; 'q' is there twice"),
        (HEAD + CLAIM + "    options: {methd: leiden}\n", "unknown key 'methd'; did you mean 'method'?"),
        (HEAD + CLAIM.replace("{null: size_matched}", "{reference: 1}"), "modularity can be compared by"),
        (HEAD + CLAIM.replace("outcome: greater", "value: .inf"), "must be a finite number"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(load, text, message):
    problems = refused(load, text)
    assert len(problems) == 1, problems
    assert message in problems[0]


def test_everything_wrong_is_said_at_once(load):
    wrong = HEAD.replace("title", "titel") + CLAIM.replace("outcome", "outcom")
    assert len(refused(load, wrong)) == 2


def test_a_protocol_is_no_claims():
    with pytest.raises(ProtocolError, match=r"beginning with `hypotest_claims: 1`; found a protocol"):
        load_claims(ROOT / "protocols" / "rare-tokens.yaml")
