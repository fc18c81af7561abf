"""Every predicate by rows made by hand, and what is said of options and texts that cannot be used."""

import json
from typing import ClassVar

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from hypotest.errors import CorpusError
from hypotest.predicates.combine import (
    bound_condition,
    columns_of,
    condition_words,
    needs_documents,
    stretches,
    unit_of,
)
from hypotest.predicates.registry import PREDICATES
from hypotest.predicates.units import EXCHANGES
from hypotest.predicates.variations import differences, varied, wider
from hypotest.records.corpus import CorpusDocument
from hypotest.records.protocol.conditions import condition_model, leaves
from hypotest.records.protocol.protocol import Protocol
from hypotest.registration import load_protocol
from hypotest.registration.locks.canonical import canonical
from tests.predicates.made import TEXTS, rows, setting

# two blocks of one document and one of another; row i of a block is the query at i, its target at i + 1
TOKENS = [[0, 1, 2, 1, 6, 2], [4, 5, 6, 5, 3, 4], [0, 1, 1, 7, 0, 5]]
DOCUMENT = [0, 0, 1]


def condition(data):
    return condition_model().model_validate_json(json.dumps(data), strict=True)


def targets(data, made=None, **more):
    """Targets of the rows for which a condition holds, by block."""
    made = rows(TOKENS, DOCUMENT, **more) if made is None else made
    mask = bound_condition("one", condition(data), setting()).holds(made)
    return [made.target[mask & (made.block == block)].tolist() for block in range(len(made.blocks.tokens))]


def test_rows_are_queries_that_see_something_and_have_a_target():
    made = rows(TOKENS, DOCUMENT, lengths=[6, 6, 4])
    assert made.index.tolist() == [1, 2, 3, 4, 1, 2, 3, 4, 1, 2]
    assert made.token.tolist()[:4] == [1, 2, 1, 6] and made.target.tolist()[:4] == [2, 1, 6, 2]
    assert made.document.tolist() == [0] * 8 + [1] * 2


def test_a_pattern_is_matched_with_the_token_s_space():
    assert targets({"target": {"matches": "^ ?[0-9]+$"}}) == [[2, 2], [3], []]
    assert targets({"token": {"matches": "^ [a-z]"}}) == [[2, 6], [], [1, 7]]


@pytest.mark.parametrize(
    ("pattern", "said"),
    [("(?=a)", "lookahead"), ("(?<!a)b", "lookahead"), (r"(a)\1", "back-references"), ("(", "unclosed group"),
     ("(?:a{1000}){1000}{1000}", "too large")],
)  # fmt: skip
def test_patterns_that_cannot_be_used_say_why(pattern, said):
    (message,) = PREDICATES["matches"].check(pattern)
    assert "must be a regular expression" in message and said in message
    assert not list(PREDICATES["matches"].check("^(a|a)*$"))  # which takes for ever elsewhere


def test_words_are_tokens_with_or_without_a_space(tmp_path):
    assert targets({"target": {"in": ["b", "Paris"]}}) == [[1], [5], [1, 5]]
    (tmp_path / "words.txt").write_text("b\n\nParis\nnotoken\n", encoding="utf-8")
    bound = bound_condition("x", condition({"token": {"in_file": "words.txt"}}), setting(tmp_path))
    made = rows(TOKENS, DOCUMENT)
    assert bound.holds(made).tolist() == np.isin(made.token, [1, 5]).tolist()
    assert "no single tokens: notoken" in bound.remarks[0]


def test_words_that_are_no_tokens_are_refused_with_their_place(tmp_path):
    with pytest.raises(
        CorpusError, match=r"^conditions\.x\.target\.in: none of the 2 words is a single token"
    ):
        bound_condition("x", condition({"target": {"in": ["unheard", "of"]}}), setting())
    (tmp_path / "empty.txt").write_text("\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"conditions\.x\.target\.in_file: 'empty.txt' holds no words"):
        bound_condition("x", condition({"target": {"in_file": "empty.txt"}}), setting(tmp_path))


def test_what_was_seen_before_in_the_block():
    # block 0: targets 2 1 6 2 at 2..5: 1 stands at 1, 2 at 2; block 1: 6 5 3 4; block 2: 1 7 0 5
    assert targets({"target": {"seen": True}}) == [[1, 2], [5, 4], [1, 0]]
    assert targets({"target": {"seen": False}}) == [[2, 6], [6, 3], [7, 5]]
    # tokens at 1..4 that stand earlier in their block: block 0 at 3, block 1 at 3, block 2 at 2 and 4
    made = rows(TOKENS, DOCUMENT)
    held = bound_condition("x", condition({"token": {"seen": True}}), setting()).holds(made)
    assert list(zip(made.block[held], made.index[held], strict=True)) == [(0, 3), (1, 3), (2, 2), (2, 4)]


def test_places_in_the_block():
    assert targets({"index": {"from": 2, "below": 4}}) == [[1, 6], [5, 3], [7, 0]]
    with pytest.raises(ValidationError, match="from that lies below"):
        condition({"index": {"from": 4, "below": 4}})
    with pytest.raises(ValidationError, match="must have from, below or both"):
        condition({"index": {}})


def test_documents_by_a_column_and_by_their_file():
    fields = [{"language": "de"}, {"language": "en"}]
    assert targets({"document": {"field": "language", "is": "de"}}, fields=fields)[2] == []
    assert targets({"document": {"field": "language", "is": ["en", "fr"]}}, fields=fields)[:2] == [[], []]
    assert targets({"document": {"path": "1*"}})[2] == [1, 7, 0, 5]
    with pytest.raises(CorpusError, match=r"no document's file fits 'de/\*'; .* are called '0.txt', '1.txt'"):
        targets({"document": {"path": "de/*"}})
    years = [{"year": "2001"}, {"year": "true"}]
    assert targets({"document": {"field": "year", "is": 2001}}, fields=years)[2] == []
    assert targets({"document": {"field": "year", "is": [True]}}, fields=years)[:2] == [[], []]
    assert columns_of(condition({"document": {"field": "language", "is": "de"}})) == ("language",)


@pytest.mark.parametrize(
    ("fields", "said"),
    [([{}, {}], "no document of the text has the column 'language'"),
     ([{"language": "de"}] * 2, "has one value only, 'de'"),
     ([{"language": "de"}, {"language": "en"}], "no document has fr there; found 'de', 'en'")],
)  # fmt: skip
def test_columns_that_tell_nothing_apart(fields, said):
    with pytest.raises(CorpusError, match=rf"conditions\.one\.document: .*{said}"):
        targets({"document": {"field": "language", "is": "fr"}}, fields=fields)


def labelled(tmp_path, lines, data=None):
    (tmp_path / "labels.csv").write_text("document,start,end,label\n" + "\n".join(lines), encoding="utf-8")
    options = {"labels": {"file": "labels.csv"} if data is None else data}
    made = rows(TOKENS, DOCUMENT)
    mask = bound_condition("one", condition(options), setting(tmp_path)).holds(made)
    return list(zip(made.block[mask].tolist(), made.index[mask].tolist(), strict=True))


def test_labels_hold_where_a_character_of_the_target_lies_in_a_span(tmp_path):
    # document 0: "a b 12 b. 12" then " c Paris. Paris7 c"; its 12 at characters 3 to 6 and 9 to 12
    text = rows(TOKENS, DOCUMENT).documents[0].text
    assert (text[3:6], text[9:12], text[14:20]) == (" 12", " 12", " Paris")
    assert labelled(tmp_path, ["0.txt,4,6,NUM"]) == [(0, 1)]
    # the second block begins within the text: its second token " Paris" is the target of no row; the third is
    assert labelled(tmp_path, ["0.txt,20,21,DOT"]) == [(1, 1)]
    assert labelled(tmp_path, ["0.txt,4,6,A", "0.txt,10,12,B"], {"file": "labels.csv", "label": "B"}) == [
        (0, 4)
    ]
    assert labelled(tmp_path, ["0.txt,4,6,A", "0.txt,10,12,B", "1.txt,4,5,A"], "labels.csv") == [
        (0, 1),
        (0, 4),
        (2, 1),
    ]


@pytest.mark.parametrize(
    ("lines", "said"),
    [(["9.txt,0,2,A"], "1 of 1 documents are none of the text, such as '9.txt'"),
     (["0.txt,0,999,A"], "the span 0 to 999 lies outside document '0.txt', which has 30 characters"),
     (["0.txt,0,4,A", "0.txt,3,6,B"], "overlap: 0 to 4 and 3 to 6"),
     (["0.txt,5,5,A"], "row 1: needs a document, a label, and whole numbers"),
     (["0.txt,4,6,A", "0.txt,x,5,A"], "row 2: needs a document, a label, and whole numbers start and "
      "end with 0 <= start < end; found '0.txt', 'x', '5', 'A'"),
     (["0.txt,-1,5,A"], "row 1: needs a document"),
     ([",1,5,A"], "row 1: needs a document"),
     ([], "'labels.csv' holds no spans: write one in each row"),
     (["0.txt,4,6,A"], "no row of 'labels.csv' has the label 'B'; found")],
)  # fmt: skip
def test_tables_of_labels_that_cannot_be_used(tmp_path, lines, said):
    data = {"file": "labels.csv", "label": "B"} if "has the label" in said else None
    with pytest.raises(CorpusError, match=r"^conditions\.one\.labels: ") as error:
        labelled(tmp_path, lines, data)
    assert said in str(error.value)


def test_a_table_without_its_columns(tmp_path):
    (tmp_path / "labels.csv").write_text("document,start,end\na,1,2\n", encoding="utf-8")
    with pytest.raises(CorpusError, match="needs a column 'label'"):
        bound_condition("one", condition({"labels": "labels.csv"}), setting(tmp_path))


def test_tables_of_labels_may_be_json_lines(tmp_path):
    lines = [{"document": "0.txt", "start": 4, "end": 6, "label": "A"}, {"document": "0.txt", "start": 10}]
    (tmp_path / "labels.jsonl").write_text(json.dumps(lines[0]) + "\n", encoding="utf-8")
    bound = bound_condition("one", condition({"labels": "labels.jsonl"}), setting(tmp_path))
    assert np.flatnonzero(bound.holds(rows(TOKENS, DOCUMENT))).size == 1
    (tmp_path / "labels.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    with pytest.raises(CorpusError, match="row 2: needs a document, a label"):
        bound_condition("one", condition({"labels": "labels.jsonl"}), setting(tmp_path))
    assert list(PREDICATES["labels"].check(condition({"labels": "labels.txt"}).value)) == [
        "must be .jsonl, .csv, .tsv or .parquet, with a span in each row"
    ]


def test_spans_that_come_with_the_text():
    spans = json.dumps([[4, 6, "NUM"], [15, 20, "CITY"]])
    made = rows(TOKENS, DOCUMENT, fields=[{"spans": spans}, {"spans": "[]"}])
    assert targets({"span": {"label": "NUM"}}, made) == [[2], [], []]
    with pytest.raises(CorpusError, match="no span has the label 'PERSON'; found CITY, NUM"):
        targets({"span": {"label": "PERSON"}}, made)
    for damaged in ("[[1]]", "{}x", '[["a", 2, "L"]]'):
        with pytest.raises(CorpusError, match=r"must hold a list of \[start, end, label\]"):
            targets({"span": {"label": "NUM"}}, rows(TOKENS, DOCUMENT, fields=[{"spans": damaged}, {}]))


def test_a_first_token_of_blocks_moves_the_characters_of_the_others():
    # each block begins with token 7, which is none of the document's
    tokens = [[7, 0, 1, 2], [7, 4, 5, 6]]
    made = rows(tokens, [0, 0], fields=[{"spans": json.dumps([[4, 6, "NUM"], [14, 15, "DOT"]])}], n_before=1)
    assert made.documents[0].text == "a b 12 c Paris."
    assert targets({"span": {"label": "NUM"}}, made) == [[2], []]
    assert targets({"span": {"label": "DOT"}}, made) == [[], [6]]


def test_combinations_by_sets():
    number, late = {"target": {"matches": "[0-9]"}}, {"index": {"from": 3}}
    assert targets({"all": [number, late]}) == [[2], [3], []]
    assert targets({"any": [number, late]}) == [[2, 6, 2], [3, 4], [0, 5]]
    assert targets({"not": {"any": [number, late]}}) == [[1], [6, 5], [1, 7]]
    words = condition_words(condition({"all": [number, {"not": late}]}))
    assert words == (
        "the next token matches `[0-9]` and it is not so that its place in the block, counted from 0, is "
        "at 3 or later"
    )


@pytest.mark.parametrize(("pattern", "where"), [("xyz", "none"), ("", "every one"), (".*", "every one")])
def test_what_tells_nothing_apart_is_refused_with_its_place(pattern, where):
    with pytest.raises((CorpusError, ValidationError)) as error:
        targets({"all": [{"index": {"from": 2}}, {"target": {"matches": pattern}}]})
    if pattern:
        assert f"conditions.one.all.#2.target.matches: holds at {where} of the 12 positions" in str(
            error.value
        )


@pytest.mark.parametrize(
    ("data", "unit"),
    [({"target": {"matches": "a"}}, "type"), ({"token": {"matches": "a"}}, "token"),
     ({"document": {"path": "a"}}, "document"), ({"target": {"seen": True}}, "within_type"),
     ({"span": {"label": "A"}}, "span"), ({"index": {"from": 3}}, "span"),
     ({"all": [{"target": {"matches": "a"}}, {"target": {"in": ["b"]}}]}, "type"),
     ({"all": [{"target": {"matches": "a"}}, {"document": {"path": "a"}}]}, "document_type"),
     ({"any": [{"span": {"label": "A"}}, {"not": {"document": {"path": "a"}}}]}, "span"),
     ({"any": [{"span": {"label": "A"}}, {"target": {"matches": "a"}}]}, "position"),
     ({"any": [{"target": {"seen": True}}, {"index": {"from": 3}}]}, "position")],
)  # fmt: skip
def test_what_may_be_shuffled_is_the_coarsest_unit_with_one_label(data, unit):
    assert unit_of(condition(data)) == unit
    assert unit_of(condition(data), condition({"not": data})) == unit


def test_what_both_conditions_demand_tells_nothing_apart():
    number, german = {"target": {"matches": "[0-9]"}}, {"document": {"path": "de/*"}}
    one, other = condition({"all": [number, german]}), condition({"all": [{"not": number}, german]})
    assert unit_of(one, other) == "type"
    assert unit_of(one, condition({"all": [german, {"target": {"seen": True}}]})) == "position"
    assert unit_of(one, condition({"all": [{"not": number}, {"not": german}]})) == "document_type"
    assert unit_of(condition(german), condition({"all": [german, number]})) == "type"


def test_a_condition_has_one_key_at_every_depth():
    for wrong in (
        {},
        {"index": {"from": 3}, "target": {"seen": True}},
        {"target": {}},
        {"all": []},
        {"not": {}},
    ):
        with pytest.raises(ValidationError):
            condition(wrong)


def test_other_options_of_every_predicate_keep_the_form():
    both = condition(
        {"all": [{"target": {"in": ["b"]}}, {"not": {"token": {"matches": "x"}}}, {"index": {"from": 3}}]}
    )
    assert varied(both, lambda leaf: leaf.options) == both
    other = varied(both, lambda leaf: "y" if leaf.name == "matches" else leaf.options)
    assert [leaf.options for leaf in leaves(other)][1] == "y" and [*leaves(other)][1].path == (
        "all",
        1,
        "not",
        "token",
        "matches",
    )


def test_wider_definitions_and_the_keys_that_change():
    rare = condition({"target": {"frequency": {"below_percentile": 15}}})
    common = condition({"target": {"frequency": {"from_percentile": 15}}})
    (_, fine), (_, coarse) = wider({"a": rare, "b": common})
    first = next(fine)
    assert list(differences({"a": rare, "b": common}, first)) == [
        ("conditions.a.target.frequency.below_percentile", 15, 20),
        ("conditions.b.target.frequency.from_percentile", 15, 20),
    ]
    assert [key for key, _, _ in differences({"a": rare, "b": common}, next(coarse))] == [
        "conditions.a.target.frequency.elbow", "conditions.b.target.frequency.elbow",
    ]  # fmt: skip
    assert wider({"a": rare, "b": condition({"index": {"from": 3}})}) == []


class TestEveryPredicate:
    """What is registered is tested."""

    OPTIONS: ClassVar = {
        "frequency": {"below_percentile": 4, "elbow": "keep"},
        "matches": "b",
        "in": ["b"],
        "in_file": "words.txt",
        "seen": True,
        "index": {"from": 3},
        "document": {"path": "1*"},
        "labels": {"file": "labels.csv"},
        "span": {"label": "A"},
    }

    @pytest.fixture(
        params=[
            (name, about)
            for name, item in PREDICATES.items()
            if "text" in item.material  # those of examples are tested in files of their own
            for about in item.about or (None,)
        ]
    )
    def made(self, request, tmp_path):
        name, about = request.param
        (tmp_path / "words.txt").write_text("b\n", encoding="utf-8")
        (tmp_path / "labels.csv").write_text("document,start,end,label\n0.txt,4,6,A\n", encoding="utf-8")
        data = {name: self.OPTIONS[name]} if about is None else {about: {name: self.OPTIONS[name]}}
        return (
            name,
            condition(data),
            setting(tmp_path, counts=np.r_[1:101], texts=(*TEXTS, *[f" w{n}" for n in range(92)])),
        )

    def test_gives_a_boolean_for_each_row_whatever_the_others_are(self, made):
        _, one, where = made
        fields = [{"spans": '[[4, 6, "A"]]'}, {"spans": "[]"}]
        whole = rows(TOKENS, DOCUMENT, fields=fields)
        held = bound_condition("x", one, where).holds(whole)
        assert held.dtype == bool and held.shape == (len(whole),) and 0 < held.sum() < len(whole)
        again = bound_condition("x", one, where).holds(whole)
        assert (held == again).all()

    def test_is_constant_within_its_unit(self, made):
        _, one, where = made
        whole = rows(TOKENS, DOCUMENT, fields=[{"spans": '[[4, 6, "A"]]'}, {"spans": "[]"}])
        bound = bound_condition("x", one, where)
        held, unit = bound.holds(whole), unit_of(one)
        members = {"type": whole.target, "token": whole.token, "document": whole.document}.get(unit)
        assert (unit == "span") is bool(bound.stretches)
        if unit == "span":
            members = whole.document * 1000 + stretches([bound], whole)
            assert np.unique(members).size < len(whole)  # not each row by itself
        assert members is not None or EXCHANGES[unit].members == ()
        if members is not None:
            for member in np.unique(members):
                assert len(set(held[members == member].tolist())) == 1

    def test_words_schema_and_plain_data(self, made):
        name, one, _ = made
        words = condition_words(one)
        assert words and not words.endswith(".") and words[0].islower()
        assert PREDICATES[name].words.summary and not PREDICATES[name].words.summary.endswith(".")
        assert TypeAdapter(PREDICATES[name].options).json_schema()
        plain = one.model_dump(mode="json", exclude_none=True)
        assert condition(plain) == one
        assert isinstance(needs_documents(one), bool) and isinstance(
            CorpusDocument("a", "b").fields.get("x"), type(None)
        )


@pytest.mark.parametrize(
    "written",
    [
        "{target: {in: [cat, dog]}}",
        "{all: [{target: {matches: a}}, {not: {target: {in: [cat]}}}]}",
        "{any: [{target: {in: [a, b]}}, {token: {in: [c]}}]}",
        "{not: {any: [{target: {seen: true}}, {index: {from: 3}}]}}",
    ],
)
def test_lists_of_a_file_are_read_at_every_depth(written, tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(
        f"""
hypotest: 1
id: lists
title: Lists
conditions:
  one: {written}
  other: {{target: {{matches: x}}}}
group: {{select: {{top_fraction: 0.1}}}}
nulls: {{size_matched: {{draws: 999}}}}
predictions:
  - {{id: a, measure: effective_dimension, contrast: {{null: size_matched}}, modular: any, distributed: less}}
  - {{id: b, measure: modularity, contrast: {{null: size_matched}}, modular: greater, distributed: less}}
seed: 1
""",
        encoding="utf-8",
    )
    plan = load_protocol(path)
    assert plan.names == ("one", "other")
    again = Protocol.model_validate_json(json.dumps(canonical(plan)), strict=True)
    assert canonical(again) == canonical(plan)
    assert again.conditions == plan.conditions
