"""Cross-key checks of the whole protocol."""

from __future__ import annotations

import pytest

from hypotest.records.protocol.protocol import Protocol
from hypotest.registration import check_protocol, load_protocol
from hypotest.registration.titles import as_asked


def _messages(problems, severity="error"):
    return [problem.message for problem in problems if problem.severity == severity]


def test_plateau_needs_a_declared_alternative(problems_of):
    (problem,) = problems_of((", otherwise: {top_fraction: 0.02}", ""))
    assert problem.key == "group.otherwise"
    assert problem.message.startswith("is required with `select: plateau`")


def test_unused_alternative_is_a_warning(problems_of):
    (problem,) = problems_of(("select: plateau", "select: {top_fraction: 0.05}"))
    assert (problem.key, problem.severity) == ("group.otherwise", "warning")


@pytest.mark.parametrize(
    ("rare", "common", "n_errors"),
    [
        ("below_percentile: 15", "from_percentile: 15", 0),
        ("below_percentile: 15", "from_percentile: 50", 0),
        ("below_percentile: 15.1", "from_percentile: 15", 1),
        ("from_percentile: 15", "from_percentile: 15", 1),
        ("below_percentile: 15", "below_percentile: 15", 1),
        ("from_percentile: 15", "below_percentile: 15", 0),
        ("below_percentile: 15, of: occurrences", "from_percentile: 15", 0),  # known with the text
        ("below_percentile: 15, of: occurrences", "from_percentile: 15, of: occurrences", 0),
    ],
)
def test_conditions_must_not_overlap(problems_of, rare, common, n_errors):
    range_of = "{target: {frequency: {%s}}}"
    problems = problems_of(
        ("rare: {target: {frequency: {below_percentile: 15}}}", f"rare: {range_of % rare}"),
        ("common: {target: {frequency: {from_percentile: 15}}}", f"common: {range_of % common}"),
    )
    assert len(problems) == n_errors
    assert all(problem.key.startswith("conditions.") for problem in problems)


@pytest.mark.parametrize(
    ("table", "accepted"),
    [("counts.npy", True), ("a/counts.CSV", True), ("c.parquet", True), ("counts.txt", False)],
)
def test_frequency_table_formats(problems_of, tmp_path, table, accepted):
    (tmp_path / table).parent.mkdir(exist_ok=True)
    (tmp_path / table).touch()
    problems = problems_of(("seed: 1", f"seed: 1\nfrequencies: {table}"))
    assert [problem.key for problem in problems] == ([] if accepted else ["frequencies"])


def test_another_model_is_one_line(problems_of, tmp_path):
    (tmp_path / "counts.npy").touch()
    (tmp_path / "a.txt").write_text("A text.", encoding="utf-8")
    other = "seed: 1\nsubject: {model: EleutherAI/pythia-70m}"
    for more in ("", "frequencies: counts.npy", "frequencies: {count: reference}",
                 "frequencies: {count: {files: [a.txt]}}"):  # fmt: skip
        assert problems_of(("seed: 1", f"{other}\n{more}")) == []


@pytest.mark.parametrize(
    ("value", "key", "message"),
    [
        ("{count: {files: [b.txt]}}", "frequencies.count.files.#1", "b.txt"),
        ("{count: {files: []}}", "frequencies.count.files", "must not be empty"),
        ("{count: pile}", "frequencies.count", "must be reference, or {files: [paths of texts]}"),
        ("{counts: reference}", "frequencies.counts", "count"),
        ("3", "frequencies", "must be reference, the path of a table, or {count: a text}"),
    ],
)
def test_texts_that_cannot_be_counted(problems_of, value, key, message):
    problems = problems_of(("seed: 1", f"seed: 1\nfrequencies: {value}"))
    errors = {item.key: item.message for item in problems if item.severity == "error"}
    assert message in errors[key]


@pytest.mark.parametrize(
    # One deciding prediction at level 0.05: 2 / (B + 1) <= 0.05 needs B >= 39.
    ("draws", "level", "needed"),
    [(39, 0.05, None), (38, 0.05, 39), (199, 0.01, None), (198, 0.01, 199)],
)
def test_draws_must_reach_the_level(problems_of, draws, level, needed):
    problems = problems_of(
        ("size_matched: {draws: 999}", f"size_matched: {{draws: {draws}}}"),
        ("seed: 1", f"seed: 1\ndecision: {{level: {level}}}"),
    )
    if needed is None:
        assert problems == []
    else:
        (problem,) = problems
        assert problem.key == "nulls.size_matched.draws"
        assert problem.message.startswith(f"must be at least {needed} ")


def _with_copies(small: str, n_copies: int, role: str = "deciding") -> str:
    """The small protocol with more predictions against another null, which takes the place of labels."""
    small = small.replace("label_shuffled", "local_matched")
    start = small.index("  - id:")
    block = small[start : small.index("seed:")]
    copies = [
        block.replace("coordination", f"copy-{i}")
        .replace("size_matched", "local_matched")
        .replace("    measure", f"    role: {role}\n    measure")
        for i in range(n_copies)
    ]
    return small.replace("seed: 1", "".join(copies) + "seed: 1")


def test_level_is_shared_by_the_predictions_that_decide(problems_of, small):
    # M = 5: 2 / (B + 1) <= 0.05 / 5 needs B >= 199, for both nulls.
    text = _with_copies(small, 4).replace("draws: 999", "draws: 198")
    problems = problems_of(text=text)
    assert [problem.key for problem in problems] == [
        "nulls.size_matched.draws",
        "nulls.local_matched.draws",
    ]
    assert all("at least 199" in problem.message for problem in problems)
    assert problems_of(text=text.replace("draws: 198", "draws: 199")) == []


def test_descriptive_predictions_neither_count_nor_need_draws(problems_of, small):
    text = _with_copies(small, 4, role="descriptive")
    text = text.replace("size_matched: {draws: 999}", "size_matched: {draws: 39}")
    text = text.replace("local_matched: {draws: 999}", "local_matched: {draws: 1}")
    assert _messages(problems_of(text=text)) == []


def test_premise_is_tested_at_the_level_itself(problems_of, small):
    text = _with_copies(small, 1, role="premise")
    # The copy comes after the original, whose hypotheses differ.
    head, tail = text.split("copy-0")
    text = head + "copy-0" + tail.replace("modular: greater", "modular: less")
    text = text.replace("local_matched: {draws: 999}", "local_matched: {draws: 38}")
    (message,) = _messages(problems_of(text=text))
    assert "at least 39" in message


def test_prediction_ids_are_unique(problems_of, small):
    text = _with_copies(small, 1).replace("copy-0", "coordination")
    (problem,) = problems_of(text=text)
    assert problem.message == "must be unique; found coordination again: choose another"
    assert problem.where.endswith(":18:9")


def test_hypothesis_that_never_speaks(problems_of):
    (problem,) = problems_of(("modular: greater", "modular: any"))
    assert problem.severity == "warning"
    assert problem.message.startswith("modular expects nothing")
    (problem,) = problems_of(("    modular: greater\n", ""))
    assert problem.message.startswith("modular expects nothing")


def test_hypothesis_that_nothing_could_refute(problems_of):
    (problem,) = problems_of(("modular: greater", "modular: [less, greater, equivalent]"))
    assert (problem.severity, problem.key) == ("warning", "predictions")
    assert "modular expects every outcome" in problem.message


def test_weights_are_never_equivalent_and_so_refute_nothing(problems_of):
    both = ("modular: greater", "modular: [less, greater]")
    assert problems_of(both) == []
    (problem,) = problems_of(both, ("effective_dimension", "hill_alpha"))
    assert "modular expects every outcome" in problem.message


def test_check_protocol_uses_the_given_places(shipped):
    protocol = load_protocol(shipped)
    assert check_protocol(protocol) == ()
    data = protocol.model_dump()
    data["predictions"][3]["measure"] = "dimension"
    data["subject"]["anatomy"] = {"mlp": "h.3.mlp"}
    problems = check_protocol(Protocol.model_validate(data), lambda path: f"at {path}")
    assert [(problem.where, problem.key) for problem in problems] == [
        ("at ('subject', 'anatomy', 'mlp')", "subject.anatomy.mlp"),
        ("at ('predictions', 3, 'measure')", "predictions.coordination.measure"),
    ]


def test_expectation_of_an_undeclared_hypothesis(shipped):
    data = load_protocol(shipped).model_dump()
    data["predictions"][3]["expects"] = {"modular": (), "distribted": ("less",)}
    (message,) = _messages(check_protocol(Protocol.model_validate(data)))
    assert message.endswith("found distribted; did you mean 'distributed'?")


def test_a_title_that_reads_like_a_result_is_warned_of(problems_of):
    (warning,) = problems_of(("Is this a small protocol?", "This is a small protocol"))
    assert (warning.severity, warning.key) == ("warning", "title")
    assert "stands above whatever comes out" in warning.message
    assert as_asked("This is so") == "Asked about: This is so" and as_asked("Is this so? ") == "Is this so? "
