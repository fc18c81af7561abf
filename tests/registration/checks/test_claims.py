"""Claims of a paper: what is read, and what is refused, by line."""

import math

import pytest

from hypotest.errors import ProtocolError
from hypotest.records.protocol.claims import Claim
from hypotest.registration.checks.claims import load_claims
from tests.texts import ROOT

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
        own = item.where == "abstract" or item.where.startswith(("section ", "Table "))
        assert own != (item.read_in is not None)
        assert item.where != "abstract" or item.value is None
    assert {"EleutherAI/pythia-1b", "openai-community/gpt2-xl"} <= set(paper.models_of(by_id["spectrum"]))


# Printed in the paper's tables: Pythia 1B, 1.4B, 2.8B, GPT-2 large, XL.
TABLES = {
    "dimension-plateau": (0.79, 0.74, 0.72, 0.77, 0.81),
    "dimension-random": (0.88, 0.89, 0.89, 0.82, 0.90),
    "heads-single": (0.34, 0.28, 0.30, 0.31, 0.34),
    "heads-random": (0.37, 0.32, 0.34, 0.35, 0.37),
    "heads-all": (-0.50, -0.45, -0.47, -0.48, -0.50),
    "q-plateau-table": (0.39, 0.38, 0.34, 0.31, 0.27),
    "q-random-table": (0.17, 0.15, 0.18, 0.19, 0.18),
    "community-size-plateau": (10.1, 8.3, 7.3, 15.0, 6.6),
    "community-size-random": (8.1, 6.6, 8.3, 10.0, 4.1),
}


@pytest.mark.parametrize("row", TABLES)
def test_the_tables_are_there_as_printed(row):
    (claim,) = [item for item in load_claims(PAPER).claims if item.id == row]
    names = ["pythia-1b", "pythia-1.4b", "pythia-2.8b", "gpt2-large", "gpt2-xl"]
    assert {name.split("/")[1]: value for name, value in claim.values.items()} == dict(
        zip(names, TABLES[row], strict=True)
    )
    assert claim.where.startswith("Table ") and claim.range is None


@pytest.mark.parametrize(
    ("sign", "plateau", "random"),
    [
        ("dimension-sign", "dimension-plateau", "dimension-random"),
        ("head-sign", "heads-single", "heads-random"),
        ("modularity-sign", "q-plateau-table", "q-random-table"),
    ],
)
def test_signs_follow_from_the_rows(sign, plateau, random):
    pairs = zip(TABLES[plateau], TABLES[random], strict=True)
    (expected,) = {"less" if here < there else "greater" for here, there in pairs}
    (claim,) = [item for item in load_claims(PAPER).claims if item.id == sign]
    assert claim.outcome == (expected,)


def test_section_and_table_that_disagree_stand_side_by_side():
    by_id = {item.id: item for item in load_claims(PAPER).claims}
    for group in ("plateau", "random"):
        section, table = by_id[f"q-{group}-section"].values, by_id[f"q-{group}-table"].values
        assert list(section.values()) == list(table.values())[:2]
        assert not section.keys() & table.keys()
        assert "Table 3" in by_id[f"q-{group}-section"].note


def test_twins_are_models_of_a_claim_too():
    paper = load_claims(PAPER)
    (row,) = [item for item in paper.claims if item.id == "heads-all"]
    assert "EleutherAI/pythia-1b-deduped" in paper.models_of(row)
    assert "EleutherAI/pythia-70m-deduped" not in paper.models_of(row)


def test_a_claim_may_be_about_some_models(load):
    paper = load(HEAD + CLAIM + "    models: [owner/other]\n")
    assert paper.models_of(paper.claims[0]) == ("owner/other",)


@pytest.mark.parametrize(
    ("says", "expected"),
    [
        ({"value": 2.0}, None),
        ({"values": {"owner/model": 2.0}}, None),
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
        (HEAD + CLAIM + "    per: neuron\n", "must not divide an outcome"),
        (
            HEAD + CLAIM.replace("outcome: greater", "values: {a/b: 1}\n    models: [a/b]"),
            "must name its models once",
        ),
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
