from hypotest.records.protocol.wording import OF_TEXT, MaterialWords

WORDS = MaterialWords(
    *("example", "examples", "noun", "nouns", "table", "examples"), ("rare", "common"), "logit_difference"
)


def test_sentences_of_a_text_stay():
    said = "1,024 positions in 5 documents: the change of loss at each position of this text."
    assert OF_TEXT.said(said) == said


def test_rows_and_units_take_the_names_of_columns():
    assert WORDS.said("Documents: at most 16 rare positions from one document.") == (
        "Nouns: at most 16 rare examples from one noun."
    )
    assert WORDS.said("Every change of loss, and the mean loss") == (
        "Every change of the logit difference, and the mean logit of the foil less the target's"
    )


def test_clusters_alone_are_a_sample():
    for said in (
        "documents and target types, two crossed random factors", "documents and types",
        "documents, types and cells of both", "documents and token types",
    ):  # fmt: skip
        assert WORDS.said(f"over {said}.") == "over nouns."


def test_places_within_a_prompt_and_keys_stay():
    for said in ("attention is concentrated on few positions", "max_per_document", "`document_type`"):
        assert WORDS.said(said) == said


def test_what_is_tested_takes_its_name():
    words = MaterialWords(tested="head", all_tested="heads")
    assert (
        words.said("Neurons of the layer: a neuron, its n_neurons.")
        == "Heads of the layer: a head, its n_neurons."
    )
    assert not words.are_usual and OF_TEXT.are_usual
