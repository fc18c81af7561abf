import json

import pytest

from hypotest.corpora.examples import read_examples
from hypotest.errors import CorpusError
from hypotest.records.protocol.examples import Examples

ROW = {"prompt": "The key", "target": " is", "foil": " are", "noun": "key", "item": "1", "number": "singular"}
OTHER = {**ROW, "prompt": "The keys", "target": " are", "foil": " is", "number": "plural"}
ALL = {"foil": "foil", "cluster": "noun", "pair": "item"}


def read(tmp_path, rows, columns=("number",), **keys):
    path = tmp_path / "table.jsonl"
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return read_examples(Examples(files=("table.jsonl",), **{**ALL, **keys}), tmp_path, columns)


def test_rows_keep_their_columns_and_clusters_stand_together(tmp_path):
    rows = [ROW, {**ROW, "prompt": "A door", "noun": "door", "item": "2"}, OTHER]
    table = read(tmp_path, rows)
    assert [item.prompt for item in table.examples] == ["The key", "The keys", "A door"]
    first = table.examples[0]
    assert (first.target, first.foil, first.cluster, first.pair) == (" is", " are", "key", "1")
    assert first.fields == {"number": "singular"}
    assert first.place == "examples.files.#1 'table.jsonl', row 1"
    assert [document.id for document in table.clusters()] == ["key", "door"]
    (source,) = table.sources
    assert (source.n_documents, source.n_copies) == (3, 0)


def test_a_cluster_is_the_same_whatever_the_order_of_its_rows(tmp_path):
    from hypotest.corpora.content import document_hashes

    one, other = (document_hashes(read(tmp_path, rows).clusters()) for rows in ([ROW, OTHER], [OTHER, ROW]))
    assert one == other
    assert document_hashes(read(tmp_path, [ROW]).clusters()) != one


def test_without_clusters_pairs_are_their_own_and_without_pairs_examples(tmp_path):
    assert [item.cluster for item in read(tmp_path, [ROW, OTHER], cluster=None).examples] == ["1", "1"]
    examples = read(tmp_path, [ROW, OTHER], cluster=None, pair=None).examples
    assert len({item.cluster for item in examples}) == 2


def test_copies_are_left_out_and_counted(tmp_path):
    table = read(tmp_path, [ROW, ROW, {**ROW, "foil": " were"}])
    assert len(table.examples) == 2
    assert table.sources[0].n_copies == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"prompt": " "}, "row 2: the prompt is empty"),
        ({"prompt": None}, "row 2: the prompt is empty"),
        ({"target": ""}, "row 2: the target is empty .column 'target'"),
        ({"foil": None}, "row 2: the foil is empty"),
        ({"noun": None}, "row 2: the cluster is empty .column 'noun'"),
        ({"item": ""}, "row 2: the pair is empty"),
        ({"foil": " are"}, "row 2: the foil is the target"),
        (
            {"foil": "are"},
            "row 2: the foil is the target, ' are' but for white space .'are'.: they must",
        ),
        ({"noun": "door"}, "row 2: the pair '1' lies in two clusters, 'key' .*row 1. and 'door'"),
    ],
)
def test_a_bad_row_is_named_with_its_place(tmp_path, change, said):
    with pytest.raises(CorpusError, match=f"examples.files.#1 'table.jsonl', {said}"):
        read(tmp_path, [ROW, {**OTHER, **change}])


@pytest.mark.parametrize("key", ["target", "foil", "cluster", "pair"])
def test_a_column_that_is_not_there_is_named(tmp_path, key):
    with pytest.raises(CorpusError, match=f"no row has the column 'gone' that examples.{key} names"):
        read(tmp_path, [ROW, OTHER], **{key: "gone"})


def test_no_rows_and_no_prompts_are_refused(tmp_path):
    with pytest.raises(CorpusError, match="no example"):
        read(tmp_path, [])
    with pytest.raises(CorpusError, match="'gone'"):
        read(tmp_path, [ROW], prompt="gone")
