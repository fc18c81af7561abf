"""Loading: the shipped file, every kind of damage, all problems at once."""

from __future__ import annotations

import copy
import json
import pathlib
import random
import re
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

from hypotest.errors import ProtocolError
from hypotest.registration import load_protocol, read_protocol
from hypotest.registration.source import read_source


def test_shipped_protocol_is_valid_without_warnings(shipped):
    protocol, problems = read_protocol(shipped)
    assert problems == ()
    assert protocol is not None
    assert protocol.id == "rare-tokens"
    # selectivity is the premise, two plateaus are descriptive: 13 - 3 decide
    assert len(protocol.predictions) == 13
    assert len(protocol.deciding) == 10
    assert protocol == load_protocol(str(shipped))


def test_expectations_move_from_the_hypothesis_names(shipped):
    expects = {item.id: item.expects for item in load_protocol(shipped).predictions}
    assert expects["coordination"] == {"modular": (), "distributed": ("less",)}
    assert expects["clustering"] == {
        "modular": ("greater",),
        "distributed": ("equivalent", "less"),
    }
    assert expects["regimes-rare"] == expects["regimes-common"] == {}


def test_declared_hypotheses_replace_the_default_names(problems_of):
    renamed = (("modular: greater", "local: greater"), ("distributed: less", "global: less"))
    assert problems_of(*renamed, ("seed: 1", "seed: 1\nhypotheses: [local, global]")) == []
    messages = [problem.message for problem in problems_of(*renamed)]
    assert any(message.startswith("unknown key 'local'") for message in messages)


@pytest.mark.parametrize(
    ("old", "new", "where", "key", "message"),
    [
        ("    margin: {", "    margn: {", "15:5", "predictions.coordination.margn",
         "unknown key 'margn'; did you mean 'margin'?"),
        ("draws: 999}\n  label", "drows: 999}\n  label", "9:18", "nulls.size_matched.drows",
         "unknown key 'drows'; did you mean 'draws'?"),
        ("{below_percentile: 15}", "{below_percentil: 15}", "5:31",
         "conditions.rare.target.frequency.below_percentil",
         "unknown key 'below_percentil'; did you mean 'below_percentile'?"),
        ("    modular:", "    modulr:", "16:5", "predictions.coordination.modulr",
         "unknown key 'modulr'; did you mean 'modular'?"),
        ("seed: 1", "seed: 1\nzzz: 1", "19:1", "zzz",
         "unknown key 'zzz'; known keys: hypotest, id, title, source, subject, examples, corpus, outcome, "
         "frequencies, conditions, sample, split, splits, placebos, ablation, group, nulls, hypotheses, "
         "predictions, intervals, "
         "decision, multiverse, seed"),
        ("seed: 1", "seed: -1", "18:7", "seed", "must be at least 0; found -1"),
        ("seed: 1", "seed: '1'", "18:7", "seed", "must be a whole number; found '1'"),
        ("seed: 1", "seed: true", "18:7", "seed", "must be a whole number; found true"),
        ("seed: 1\n", "", "1:1", "seed",
         "is required and missing (seed of everything that is drawn at random): add it"),
        ("hypotest: 1", "hypotest: 2", "1:11", "hypotest",
         "must be 1, the version of the protocol language; found 2"),
        ("id: small", "id: Small One", "2:5", "id",
         "must be lower-case letters, digits, - or _, at most 64, and begin with a letter or "
         "digit; found 'Small One'"),
        ("title: Is this a small protocol?", "title: 2025", "3:8", "title",
         "must be text (in quotes, if it looks like a number); found 2025"),
        ("{below_percentile: 15}", "{below_percentile: 0}", "5:49",
         "conditions.rare.target.frequency.below_percentile", "must be above 0; found 0"),
        ("{below_percentile: 15}", "{below_percentile: 100}", "5:49",
         "conditions.rare.target.frequency.below_percentile", "must be below 100; found 100"),
        ("{below_percentile: 15}", "{}", "5:19", "conditions.rare.target.frequency",
         "must have below_percentile, from_percentile or both; found none of them"),
        ("seed: 1", "seed: 1\ncorpus: {text: {fils: [a]}}", "19:17", "corpus.text.fils",
         "unknown key 'fils'; did you mean 'files'?"),
        ("seed: 1", "seed: 1\ncorpus: {text: wikipedia}", "19:16", "corpus.text",
         "must be reference, or {files: [paths of texts]}, {packages: [installed packages]}, or {hub: a data "
         "set, split: its part}; found 'wikipedia'"),
        ("seed: 1", "seed: 1\ncorpus: {text: {hub: a/b, splitt: c}}", "19:27", "corpus.text.splitt",
         "unknown key 'splitt'; did you mean 'split'?"),
        ("seed: 1", "seed: 1\ncorpus: {text: {hubb: a/b, split: c}}", "19:17", "corpus.text.hubb",
         "unknown key 'hubb'; did you mean 'hub'?"),
        ("seed: 1", "seed: 1\ncorpus: {text: {hub: a/b}}", "19:10", "corpus.text.split",
         "is required and missing (split of the data set, such as validation): add it"),
        ("seed: 1", "seed: 1\ncorpus: {text: {hub: a/b, split: c, lang: en}}", "19:37", "corpus.text.lang",
         "unknown key 'lang'; known keys: hub, config, split, column, revision, documents"),
        ("seed: 1", "seed: 1\ncorpus: {text: {hub: a/b, split: c, documents: 0}}", "19:48",
         "corpus.text.documents", "must be at least 1; found 0"),
        ("seed: 1", "seed: 1\nfrequencies: {count: {hub: a/b, split: c, lang: en}}", "19:43",
         "frequencies.count.lang",
         "unknown key 'lang'; known keys: hub, config, split, column, revision, documents"),
        ("seed: 1", "seed: 1\ncorpus: {text: {files: []}}", "19:17", "corpus.text.files",
         "must not be empty; found an empty list"),
        ("seed: 1", "seed: 1\ncorpus: {text: {files: a.txt}}", "19:24", "corpus.text.files",
         "must be a list; found 'a.txt'"),
        ("seed: 1", "seed: 1\ncorpus: {text: {files: [a, 3]}}", "19:28", "corpus.text.files.#2",
         "must be text (in quotes, if it looks like a number); found 3"),
        ("select: plateau", "select: {top_fraction: 1.6}", "7:32", "group.select.top_fraction",
         "must be at most 1; found 1.6"),
        ("select: plateau", "select: top", "7:17", "group.select",
         "must be plateau, all, {top_fraction: a share up to 1}, {top: a number}, or {ids: [neurons]}; "
         "found 'top'"),
        ("seed: 1", "seed: 1\nsubject: {layer: first}", "19:18", "subject.layer",
         "must be last, all, or the number of a block, or a list of numbers; found 'first'"),
        ("modular: greater", "modular: grater", "16:14", "predictions.coordination.modular",
         "must be less, greater, equivalent, a list of these, or any; found 'grater'; did you "
         "mean 'greater'?"),
        ("modular: greater", "modular: [greater, 3]", "16:24",
         "predictions.coordination.modular.#2",
         "must be less, greater, equivalent, a list of these, or any; found 3"),
        ("modular: greater", "modular: inconclusive", "16:14", "predictions.coordination.modular",
         "must be less, greater, equivalent, a list of these, or any; inconclusive is what a test "
         "may say, never a prediction"),
        ("modular: greater", "modular: undefined", "16:14", "predictions.coordination.modular",
         "must be less, greater, equivalent, a list of these, or any; undefined is what a test "
         "may say, never a prediction"),
        ("modular: greater", "modular: []", "16:5", "predictions.coordination.modular",
         "must be an outcome or any; found an empty list: write any"),
        ("modular: greater", "modular: {a: b}", "16:5", "predictions.coordination.modular",
         "must be less, greater, equivalent, a list of these, or any; found a mapping"),
        ("{null_sd: 2}", "{null_sd: 2, raw: 1}", "15:5", "predictions.coordination.margin",
         "must have exactly one of raw, ratio and null_sd; found null_sd and raw"),
        ("{null: size_matched}", "{null: size_mached}", "14:22",
         "predictions.coordination.contrast.null",
         "must be one of size_matched, covariate_matched, local_matched, label_shuffled, rewired, "
         "rotated_correlation, random_directions, untrained; found 'size_mached'; did you mean "
         "'size_matched'?"),
        ("{null: size_matched}", "{conditions: [rare], by: document}", "14:16",
         "predictions.coordination.contrast.conditions",
         "must name both conditions, the first one first; found [rare]"),
        ("    measure: effective_dimension\n", "", "12:5", "predictions.coordination.measure",
         "is required and missing (what is measured on the group): add it"),
        ("hypotest: 1\n", "", "1:1", "hypotest",
         "is required and missing (version of the protocol language): add it"),
    ],
)  # fmt: skip
def test_schema_problem_names_place_and_remedy(problems_of, tmp_path, old, new, where, key, message):
    (problem,) = problems_of((old, new))
    assert problem.where == f"{tmp_path}/p.yaml:{where}"
    assert problem.key == key
    assert problem.message == message
    assert problem.severity == "error"


MANY_MISTAKES = """\
hypotest: 1
id: many
titel: Many mistakes
conditions:
  rare: {target: {frequency: {below_percentile: 30}}}
  common: {target: {frequency: {from_percentile: 15}}}
group: {select: plateau}
nulls:
  size_matched: {draws: 10}
predictions:
  - id: a
    role: premise
    measure: selectivty
    contrast: {null: label_shuffled}
    modular: greater
  - id: b
    measure: modularity
    options: {method: luvain, bins: 1, bns: 3}
    contrast: {null: size_matched}
    modular: equivalent
    distributed: lss
  - 3
  - id: a
    measure: hill_alpha
    contrast: {reference: 2}
    distributed: less
    distributed: less
seed: x
"""


ONE_OF_EACH = """\
hypotest: 1
id: one
title: Are capitals a module?
seed: 1
conditions:
  first: {index: {below: 64}}
  second: {target: {matches: "(("}}
group: {select: {top_fraction: 0.02}}
nulls: {size_matched: {draws: 999}}
predictions:
  - id: spectrum
    measure: hill_alpha
    contrast: {null: size_matched}
    modular: greater
    distributed: less
"""
"""One prediction, and a pattern that is none."""


def test_all_problems_at_once_by_line(problems_of):
    problems = [item for item in problems_of(text=MANY_MISTAKES) if item.severity == "error"]
    places = [(int(item.where.split(":")[-2]), item.key) for item in problems]
    assert places == [
        (3, "titel"),
        (6, "conditions.common.target.frequency"),
        (7, "group.otherwise"),
        (13, "predictions.a.measure"),
        (14, "predictions.a.contrast.null"),
        (18, "predictions.b.options.method"),
        (18, "predictions.b.options.bins"),
        (18, "predictions.b.options.bns"),
        (21, "predictions.b.distributed"),
        (22, "predictions.#3"),
        (23, "predictions.a.id"),
        (25, "predictions.a.contrast"),
        (27, "predictions.a.distributed"),
        (28, "seed"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("    measure: hill_alpha", "    mesure: hill_alpha", "predictions.spectrum.mesure"),
        ("    contrast: {null: size_matched}\n", "", "predictions.spectrum.contrast"),
        ("first: {index: {below: 64}}", "first: 3", "conditions.first"),
        ("seed: 1", "seed: 1\nanything: 2", "anything"),
    ],
)
def test_a_wrong_key_hides_no_pattern(tmp_path, old, new, key):
    """Also where it is in the only prediction, or in the other condition."""
    path = tmp_path / "plan.yaml"
    assert old in ONE_OF_EACH
    path.write_text(ONE_OF_EACH.replace(old, new), encoding="utf-8")
    _, problems = read_protocol(path)
    errors = {item.key for item in problems if item.severity == "error"}
    assert errors == {key, "conditions.second.target.matches"}


def test_more_wrong_conditions_than_two(tmp_path):
    """Where the key above is lost, its neighbours become conditions: a problem each, and all else is read."""
    path = tmp_path / "plan.yaml"
    wrong = "first: 3\n  third: 4\n  fourth: [5]"
    path.write_text(ONE_OF_EACH.replace("first: {index: {below: 64}}", wrong), encoding="utf-8")
    assert wrong in path.read_text(encoding="utf-8")
    _, problems = read_protocol(path)
    assert {"conditions.first", "conditions.third", "conditions.fourth"} < {item.key for item in problems}


def test_error_lists_every_problem_and_no_warning(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text(MANY_MISTAKES)
    with pytest.raises(ProtocolError) as caught:
        load_protocol(path)
    assert len(caught.value.problems) == 14
    assert str(caught.value).count("\n") == 13
    assert caught.value.exit_code == 2


def test_no_echo_of_an_error(problems_of):
    # The misspelled null is not also reported as undeclared, nor the hypotheses as unknown keys.
    assert len(problems_of(("  size_matched:", "  size_mached:"))) == 1
    assert len(problems_of(("seed: 1", "seed: 1\nhypotheses: modular"))) == 1


def test_reserved_and_repeated_hypotheses(problems_of):
    names = "[margin, modular, modular, distributed]"
    problems = problems_of(("seed: 1", f"seed: 1\nhypotheses: {names}"))
    assert [problem.message for problem in problems if problem.severity == "error"] == [
        "must not be the name of a key of predictions; found margin: choose another",
        "must be named once; found modular again: remove it",
    ]


def test_expects_is_not_a_key_of_the_language(problems_of):
    (problem,) = problems_of(("    modular: greater", "    expects: {modular: less}"))
    assert "write each expectation under its hypothesis: modular, distributed" in problem.message


def _mutated(text: str, rng: random.Random) -> bytes:
    lines = text.split("\n")
    place = rng.randrange(len(lines))
    words = re.findall(r"[\w.]+", text)
    junk = ["- ", "*a", "&a ", "!!x ", "\t", "? ", "\x07", "\ud7ff", "null", "1e400", "-1", "true"]
    junk += ["{}", "[]", "9" * 50, "<<: ", *"{}[]:'\"\\%|>#"]
    kind = rng.randrange(8)
    if kind == 0:
        del lines[place]
    elif kind == 1:
        lines.insert(place, lines[rng.randrange(len(lines))])
    elif kind == 2:
        other = rng.randrange(len(lines))
        lines[place], lines[other] = lines[other], lines[place]
    elif kind == 3:
        lines[place] = lines[place].replace(": ", rng.choice([":", " : ", ": : ", ": -", ": [", " "]))
    elif kind == 4:
        column = rng.randrange(len(lines[place]) + 1)
        lines[place] = lines[place][:column] + rng.choice(junk) + lines[place][column:]
    elif kind == 5:
        matches = list(re.finditer(r"[\w.]+", lines[place]))
        if matches:
            word = rng.choice(matches)
            new = rng.choice(words + junk)
            lines[place] = lines[place][: word.start()] + new + lines[place][word.end() :]
    elif kind == 6:
        lines[place] = " " * rng.randrange(6) + lines[place].lstrip()
    else:
        content = bytearray(text.encode())
        content[rng.randrange(len(content))] = rng.randrange(256)
        return bytes(content)
    return "\n".join(lines).encode()


@pytest.mark.slow
def test_mutated_protocols_give_problems_and_never_a_traceback(shipped, tmp_path):
    # Without comments, so that nearly every mutation hits something that is read.
    text = re.sub(r"\s*#.*", "", shipped.read_text())
    rng = random.Random(20250925)
    path = tmp_path / "mutated.yaml"
    refused = 0
    for _ in range(250):
        content = _mutated(text, rng)
        path.write_bytes(content)
        try:
            load_protocol(path)
        except ProtocolError as error:
            refused += 1
            assert error.problems
            for problem in error.problems:
                assert problem.where.startswith(str(path))
                assert problem.message
                assert "Traceback" not in str(problem) and "pydantic" not in str(problem)
                assert "Input should" not in str(problem)
    assert refused > 120


def _paths(value: object, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    yield path
    items = enumerate(value) if isinstance(value, list) else ()
    for key, item in value.items() if isinstance(value, dict) else items:
        yield from _paths(item, (*path, key))


JUNK = [0, -1, 3.5, True, "x", "any", [], {}, [1], ["less"], {"a": 1}, "plateau", 1e300, 10**38]


@pytest.mark.slow
def test_wrong_values_anywhere_give_problems_and_never_a_traceback(shipped, tmp_path):
    shipped_data = read_source(shipped).data
    rng = random.Random(250521163)
    path = tmp_path / "mutated.yaml"
    for _ in range(150):
        data = copy.deepcopy(shipped_data)
        for _ in range(rng.randrange(1, 5)):
            *way, last = rng.choice([keys for keys in _paths(data) if keys])
            place = data
            for key in way:
                place = place[key]
            if rng.random() < 0.3:
                del place[last]
            else:
                place[last] = copy.deepcopy(rng.choice(JUNK))
        path.write_text(json.dumps(data))  # JSON is YAML
        _, problems = read_protocol(path)
        for problem in problems:
            assert problem.where.startswith(f"{path}:")
            assert "Input should" not in problem.message


def test_validation_needs_no_model_library(shipped):
    code = (
        "import sys\n"
        "from hypotest.registration import load_protocol, protocol_hash\n"
        "from hypotest.registration.schema import schema\n"
        f"protocol_hash(load_protocol({str(shipped)!r})); schema()\n"
        "heavy = {'torch', 'nnsight', 'transformers', 'matplotlib', 'sklearn', 'scipy', 'polars'}\n"
        "sys.exit(', '.join(heavy & sys.modules.keys()) or 0)\n"
    )
    root = pathlib.Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=root, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_a_misspelled_section_is_one_problem(problems_of):
    """What it holds is not missing, and what refers to it is not unknown."""
    (problem,) = problems_of(("predictions:", "prediction:"))
    assert problem.message == "unknown key 'prediction'; did you mean 'predictions'?"
    (problem,) = problems_of(
        ("seed: 1", "seed: 1\nhypothesis: [a, b]"), ("modular:", "a:"), ("distributed:", "b:")
    )
    assert problem.message == "unknown key 'hypothesis'; did you mean 'hypotheses'?"


def test_a_far_word_is_no_suggestion(problems_of):
    (problem,) = problems_of(("seed: 1", "seed: 1\nnotes: mine"))
    assert "did you mean" not in problem.message
    assert "known keys: hypotest, id, title" in problem.message


def test_an_anatomy_can_be_described(problems_of, tmp_path):
    described = "subject: {model: x, layer: -2, anatomy: {mlp: 'h.{layer}.mlp', final_norm: ln_f}}"
    np.save(tmp_path / "c.npy", np.ones(4, dtype=np.int64))
    problems_of(("seed: 1", f"seed: 1\n{described}\nfrequencies: c.npy"))
    plan = load_protocol(tmp_path / "p.yaml")
    assert plan.subject.layer == -2
    assert plan.subject.anatomy.model_dump(exclude_none=True) == {
        "mlp": "h.{layer}.mlp",
        "final_norm": "ln_f",
    }


@pytest.mark.parametrize(
    ("anatomy", "key", "message"),
    [
        (
            "{mlp: h.3.mlp}",
            "subject.anatomy.mlp",
            "must hold {layer}, the number of a block; found 'h.3.mlp'",
        ),
        ("{unembedding: 'h.{layer}'}", "subject.anatomy.unembedding", "must hold no {layer}"),
        ("{mlp: '../x'}", "subject.anatomy.mlp", ""),
        ("{mpl: 'h.{layer}'}", "subject.anatomy.mpl", "unknown key"),
    ],
)
def test_an_anatomy_that_cannot_be(problems_of, anatomy, key, message):
    problems = problems_of(("seed: 1", f"seed: 1\nsubject: {{anatomy: {anatomy}}}"))
    errors = [item for item in problems if item.severity == "error"]
    assert [item.key for item in errors] == [key]
    assert message in errors[0].message
