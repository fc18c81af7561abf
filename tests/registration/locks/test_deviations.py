"""Every changed key is named, and nothing else."""

import dataclasses

import pytest

from hypotest.registration import load_protocol
from hypotest.registration.locks.deviations import find_deviations
from tests.registrations import fingerprint_of, with_plan

SECOND = """\
  - id: spectrum
    measure: hill_alpha
    contrast: {null: size_matched}
    modular: greater
    distributed: less
"""


@pytest.fixture
def compare(tmp_path, small):
    """Deviations between the small protocol and a changed one, as (key, registered, run)."""

    def load(text):
        path = tmp_path / "p.yaml"
        path.write_text(text, encoding="utf-8")
        return fingerprint_of(load_protocol(path))

    def deviations(changed, registered=small):
        differences = find_deviations(load(registered), load(changed))
        return [(item.key, item.registered, item.run) for item in differences]

    return deviations


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("seed: 1", "seed: 2", [("seed", 1, 2)]),
        ("null_sd: 2", "null_sd: 3", [("predictions.coordination.margin.null_sd", 2.0, 3.0)]),
        ("{null_sd: 2}", "{ratio: 0.1}", [
            ("predictions.coordination.margin.ratio", None, 0.1),
            ("predictions.coordination.margin.null_sd", 2.0, None),
        ]),
        ("distributed: less", "distributed: any", [
            ("predictions.coordination.expects.distributed", ["less"], []),
        ]),
        ("below_percentile: 15", "below_percentile: 14", [
            ("conditions.rare.target.frequency.below_percentile", 15.0, 14.0),
        ]),
        ("a small protocol?", "a small protocoL?", [
            ("title", "Is this a small protocol?", "Is this a small protocoL?")
        ]),
        ("id: small", "id: smal1", [("id", "small", "smal1")]),
        ("dimension\n", "dimension\n    options: {variance: 0.9}\n", [
            ("predictions.coordination.options.variance", 0.95, 0.9),
        ]),
    ],
)  # fmt: skip
def test_one_character_of_a_value(compare, small, old, new, expected):
    assert small.count(old) == 1
    assert compare(small.replace(old, new)) == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seed: 1", "seed: 1 # a comment"),
        ("seed: 1", "\n\nseed:   1"),
        ("{null_sd: 2}", "{ null_sd: 2.0 }"),
        ("title: Is this a small protocol?", 'title: "Is this a small protocol?"'),
        ("dimension\n", "dimension\n    options: {variance: 0.95}\n"),
    ],
)
def test_comments_and_whitespace_are_none(compare, small, old, new):
    assert small.count(old) == 1
    assert compare(small.replace(old, new)) == []


def test_predictions_are_compared_by_id(compare, small):
    two = small.replace("seed:", f"{SECOND}seed:")
    (added,) = compare(two)
    assert added[:2] == ("predictions.spectrum", None)
    assert added[2]["measure"] == "hill_alpha"
    (removed,) = compare(small, registered=two)
    assert removed[0] == "predictions.spectrum" and removed[2] is None
    first = small[small.index("  - id: coordination") : small.index("seed:")]
    exchanged = small.replace(first, SECOND + first)
    ids = ["coordination", "spectrum"]
    assert compare(exchanged, registered=two) == [("order of predictions", ids, ids[::-1])]


def test_what_lies_outside_the_plan(tmp_path, small):
    (tmp_path / "p.yaml").write_text(small)
    one = fingerprint_of(load_protocol(tmp_path / "p.yaml"))
    two = dataclasses.replace(
        one,
        hashes=dataclasses.replace(
            one.hashes, weights=64 * "f", code=64 * "0", text={"a.txt": 64 * "9", "c.txt": 64 * "3"}
        ),
        versions={"hypotest": "0.1.0", "numpy": "2.5.0", "torch": "2"},
        revision="abc",
        layer=2,
        split={**one.split, "evaluation_documents": 3},
        evidence={**one.evidence, "evaluation": 32 * "7"},
    )
    assert [item.key for item in find_deviations(one, two)] == [
        "hashes.weights", "hashes.code", "hashes.text.a.txt", "hashes.text.c.txt", "hashes.text.b.txt",
        "revision", "layer", "versions.numpy", "versions.torch", "split.evaluation_documents",
        "evidence.evaluation",
    ]  # fmt: skip
    assert find_deviations(one, one) == ()


def test_long_lists_are_compared_item_by_item(compare, small, tmp_path):
    files = [f"text-number-{number}.txt" for number in range(30)]
    for number, name in enumerate([*files, "other.txt"]):
        (tmp_path / name).write_text(f"text {number}", encoding="utf-8")
    names = ", ".join(files)
    many = small.replace("group:", f"corpus: {{text: {{files: [{names}]}}}}\ngroup:")
    assert compare(many.replace("text-number-7.txt", "other.txt"), registered=many) == [
        ("corpus.text.files[7]", "text-number-7.txt", "other.txt")
    ]


def test_numbers_that_python_calls_equal_are_not(tmp_path, small):
    (tmp_path / "p.yaml").write_text(small)
    one = fingerprint_of(load_protocol(tmp_path / "p.yaml"))
    two = with_plan(one, {**one.plan, "seed": 1.0})
    assert [item.key for item in find_deviations(one, two)] == ["seed"]


def test_a_hash_that_no_key_explains(tmp_path, small):
    (tmp_path / "p.yaml").write_text(small)
    one = fingerprint_of(load_protocol(tmp_path / "p.yaml"))
    two = dataclasses.replace(one, hashes=dataclasses.replace(one.hashes, protocol=64 * "0"))
    assert [item.key for item in find_deviations(one, two)] == ["hashes.protocol"]


@pytest.mark.parametrize("predictions", [3, [1], [{"id": 2}], None])
def test_a_forged_plan_does_not_crash(tmp_path, small, predictions):
    (tmp_path / "p.yaml").write_text(small)
    one = fingerprint_of(load_protocol(tmp_path / "p.yaml"))
    forged = with_plan(one, {**one.plan, "predictions": predictions})
    assert find_deviations(forged, one)
