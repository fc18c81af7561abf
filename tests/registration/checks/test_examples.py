import pytest
from ruamel.yaml import YAML

from hypotest.registration import read_protocol
from hypotest.registration.built import Protocol
from tests import agreement


@pytest.fixture
def written(tmp_path):
    agreement.write(tmp_path / "agreement.jsonl")

    def write(**changes):
        data = YAML().load(agreement.PROTOCOL)
        for dotted, value in changes.items():
            *way, last = dotted.split("__")
            place = data
            for part in way:
                place = place[part]
            if value is None:
                del place[last]
            else:
                place[last] = value
        path = tmp_path / "agreement.yaml"
        with path.open("w", encoding="utf-8") as stream:
            YAML().dump(data, stream)
        return path

    return write


def test_the_protocol_is_valid_and_its_sample_has_the_defaults_of_examples(written):
    protocol, problems = read_protocol(written())
    assert protocol is not None and problems == ()
    assert (protocol.corpus, protocol.sample.match, protocol.sample.max_per_type) == (None, (), "none")
    assert protocol.sample.positions == 200


def test_written_again_it_is_the_same(written):
    protocol, _ = read_protocol(written())
    text = Protocol.of(protocol).to_yaml()
    assert "corpus:" not in text and "match:" not in text and "sample:\n  positions: 200\n" in text
    kept = protocol.model_copy(update={"sample": protocol.sample.model_copy(update={"max_per_type": 8})})
    assert "max_per_type: 8" in Protocol.of(kept).to_yaml()


@pytest.mark.parametrize(
    ("changes", "key", "said"),
    [
        ({"corpus": {"text": "reference"}}, "corpus", "must not stand beside examples"),
        ({"examples__foil": None}, "outcome", "needs the foil"),
        ({"examples": None}, "outcome", "logit_difference needs examples"),
        (
            {"conditions__plural": {"document": {"path": "*.txt"}}},
            "conditions.plural.document",
            "asked of a text",
        ),
        ({"sample__match": ["document"]}, "sample.match.#1", "examples.pair says"),
        ({"examples__pair": None, "sample__match": ["block"]}, "sample.match.#1", "block of its own"),
        ({"examples__pair": None, "sample__match": ["length"]}, "sample.match.#1", "write index"),
        ({"examples__files": ["gone.jsonl"]}, "examples.files.#1", "gone.jsonl"),
        ({"examples__files": ["agreement.txt"]}, "examples.files.#1", ""),
        ({"examples__files": None}, "examples.files", "required"),
        ({"examples__promt": "prompt"}, "examples.promt", "did you mean 'prompt'"),
        ({"conditions__plural": {"field": {}}}, "conditions.plural.field", "must not be empty"),
        ({"conditions__plural": {"field": {"number": "singular"}}}, "conditions.plural", "same as"),
        (
            {"conditions__plural": {"field": {"number": ["singular", "dual"]}}},
            "conditions.plural.field",
            "both have",
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(written, changes, key, said):
    protocol, problems = read_protocol(written(**changes))
    errors = [item for item in problems if item.severity == "error"]
    assert protocol is None
    assert key in [item.key for item in errors]
    assert any(said in item.message for item in errors if item.key == key)


def test_a_field_is_asked_of_examples_only(written):
    path = written(examples=None, outcome="loss")
    protocol, problems = read_protocol(path)
    assert protocol is None
    assert {item.key for item in problems if "asked of examples" in item.message} == {
        "conditions.singular.field", "conditions.plural.field",
    }  # fmt: skip


def test_a_condition_that_sentences_would_call_otherwise_is_refused(written):
    """What is a document in a text is the column of the clusters here: so would be the condition."""
    path = written()
    text = path.read_text("utf-8").replace("plural", "documents")
    path.write_text(text, "utf-8")
    _, problems = read_protocol(path)
    (problem,) = [item for item in problems if item.key == "conditions.documents"]
    assert "must be another name: reports call that" in problem.message
