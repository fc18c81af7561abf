"""Protocols built, changed and written in Python: the same checks and messages as a file's."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import hypotest
from hypotest.errors import ProtocolError
from hypotest.records.protocol.group import Rule
from hypotest.registration import protocol_hash, read_protocol
from hypotest.registration.built import protocol_file
from hypotest.registration.writing import yaml_text

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path
    for folder in ("protocols", "protocols/controls", "hypotest/registration/templates")
    for path in (ROOT / folder).glob("*.yaml")
)
KEYS = {
    "hypotest": 1,
    "id": "one-question",
    "title": "Do these neurons prefer rare targets?",
    "conditions": {
        "rare": {"target": {"frequency": {"below_percentile": 15}}},
        "common": {"target": {"frequency": {"from_percentile": 15}}},
    },
    "group": {"select": {"top_fraction": 0.02}},
    "nulls": {"label_shuffled": {"draws": 999}},
    "predictions": [
        {
            "id": "preference",
            "measure": "selectivity",
            "contrast": {"null": "label_shuffled"},
            "modular": "greater",
            "distributed": ["less", "greater"],
        }
    ],
    "seed": 3,
}


def problems(error) -> dict[str, str]:
    return {item.key: item.message for item in error.value.problems}


def from_file(text, tmp_path):
    path = tmp_path / "protocol.yaml"
    path.write_text(text, encoding="utf-8")
    return hypotest.load_protocol(path, subject=False)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_is_written_is_what_was_loaded(path, tmp_path):
    for language in ("german", "english"):  # what templates name beside themselves
        (tmp_path / language).mkdir()
        (tmp_path / language / "a.txt").write_text("Wort und word", encoding="utf-8")
    for beside in path.parent.glob("*.jsonl"):
        shutil.copy(beside, tmp_path)
    loaded = hypotest.load_protocol(shutil.copy(path, tmp_path / "copy.yaml"), subject=False)
    text = loaded.to_yaml()
    again = from_file(text, tmp_path)
    assert again == loaded
    assert protocol_hash(again) == protocol_hash(loaded)
    assert again.to_yaml() == text
    assert max(map(len, text.splitlines())) <= 200


def test_keys_stand_in_the_order_of_the_language():
    keys = [line.split(":")[0] for line in hypotest.Protocol(**KEYS).to_yaml().splitlines() if line[0] != " "]
    assert keys == ["hypotest", "id", "title", "conditions", "group", "nulls", "predictions", "seed"]


def test_defaults_are_left_out_and_what_is_short_stands_on_one_line():
    assert hypotest.Protocol(**KEYS).to_yaml() == (
        "hypotest: 1\n"
        "id: one-question\n"
        "title: Do these neurons prefer rare targets?\n"
        "conditions:\n"
        "  rare: {target: {frequency: {below_percentile: 15.0}}}\n"
        "  common: {target: {frequency: {from_percentile: 15.0}}}\n"
        "group:\n"
        "  select: {top_fraction: 0.02}\n"
        "nulls:\n"
        "  label_shuffled: {draws: 999}\n"
        "predictions:\n"
        "  - id: preference\n"
        "    measure: selectivity\n"
        "    contrast: {null: label_shuffled}\n"
        "    modular: greater\n"
        "    distributed: [less, greater]\n"
        "seed: 3\n"
    )


@pytest.mark.parametrize(
    "title",
    [
        "a, b: c", "a,b, c", "x:", "a:b", ", a", "a,", "a: ", "#a", "a, #b", "a:, b",
        "true", "~", "1e5", "0x1f", " a b", "a: b", "# no comment", "'", '"', "{a}", "[1, 2]", "- a",
        "yes", "é ü 漢", "\U0001f600", "tab\there", "back\\slash", "line\nbreak", "\x07 bell", "\u2028",
        "2026-11-29", "null", "a #b", "&a", "*a", "!a", "%a", "@a", "`a`", "a,b", "?", "-", "---", "...",
        ".inf", "+1", "0o7",
    ],
)  # fmt: skip
def test_any_text_comes_back(title, tmp_path):
    protocol = hypotest.Protocol(**{**KEYS, "title": title, "source": title})
    assert from_file(protocol.to_yaml(), tmp_path) == protocol


def test_python_and_file_refuse_the_same_with_the_same_words(tmp_path):
    broken = {**KEYS, "nulls": {"size_matched": {"drws": 3}}, "sed": 1, "group": {"select": "plateau"}}
    broken["predictions"] = [{**KEYS["predictions"][0], "measure": "selectivty", "modular": "grater"}]
    with pytest.raises(ProtocolError) as built:
        hypotest.Protocol(**broken)
    path = tmp_path / "broken.yaml"
    path.write_text(yaml_text(broken), encoding="utf-8")
    _, findings = read_protocol(path, subject=False)
    assert problems(built) == {item.key: item.message for item in findings if item.severity == "error"}
    assert len(problems(built)) >= 4
    assert str(built.value).startswith("Protocol(...) ")
    assert "did you mean 'draws'?" in problems(built)["nulls.size_matched.drws"]


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("seed", float("nan"), "must be a finite number"),
        ("seed", {1, 2}, "must be plain data: a mapping, list, text or number; found set"),
        ("title", object(), "found object"),
        ("seed", "3", "must be"),
        ("seed", 10**50, "must be a number of at most 40 digits"),
    ],
)
def test_values_that_no_file_could_hold(key, value, words):
    with pytest.raises(ProtocolError) as error:
        hypotest.Protocol(**{**KEYS, key: value})
    assert words in problems(error)[key]


def test_a_mapping_that_holds_itself_is_refused():
    loop: dict = {}
    loop["conditions"] = loop
    with pytest.raises(ProtocolError, match="nested at most"):
        hypotest.Protocol(**{**KEYS, "conditions": loop})


def test_numbers_of_numpy_paths_and_records_are_values_too(tmp_path):
    text = tmp_path / "text.txt"
    protocol = hypotest.Protocol(
        **{
            **KEYS,
            "seed": np.int64(3),
            "corpus": {"text": {"files": (text,)}},
            "group": {"select": Rule(top_fraction=np.float64(0.02))},
            "predictions": hypotest.Protocol(**KEYS).predictions,
        }
    )
    expected = hypotest.Protocol(**{**KEYS, "corpus": {"text": {"files": [str(text)]}}})
    assert protocol == expected


def test_replace_goes_by_dotted_paths_ids_of_predictions_and_keys():
    protocol = hypotest.Protocol(**KEYS)
    changed = protocol.replace(
        {
            "nulls.label_shuffled.draws": 1999,
            "nulls.size_matched.draws": 2999,
            "ablation.replacement": "zero",
            "predictions.preference.margin": {"null_sd": 1},
            "predictions.preference.modular": "any",
        },
        seed=4,
    )
    assert (changed.nulls.label_shuffled.draws, changed.nulls.size_matched.draws) == (1999, 2999)
    assert (changed.ablation.replacement, changed.seed) == ("zero", 4)
    assert changed.predictions[0].margin.null_sd == 1
    assert changed.predictions[0].expects == {"modular": (), "distributed": ("less", "greater")}
    assert protocol == hypotest.Protocol(**KEYS)  # frozen
    assert changed.group == protocol.group
    assert protocol.replace() == protocol
    assert changed.replace({"ablation.replacement": None}).ablation == protocol.ablation


def test_replace_puts_whole_values_in_the_place_of_others():
    protocol = hypotest.Protocol(**KEYS)
    alone = protocol.replace(nulls={"label_shuffled": {"draws": 5000, "unit": "type"}})
    assert alone.nulls.label_shuffled.draws == 5000
    with pytest.raises(ProtocolError) as error:
        protocol.replace(nulls={"size_matched": {}})  # the one that decides is gone
    assert str(error.value).startswith("replace(...) predictions.preference")


def test_replace_is_checked_as_a_whole():
    protocol = hypotest.Protocol(**KEYS)
    with pytest.raises(ProtocolError) as error:
        protocol.replace({"nulls.label_shuffled.draws": 3, "nulls.label_shufled.draws": 9, "seed": -1})
    assert {"nulls.label_shufled", "seed"} <= set(problems(error))
    with pytest.raises(ProtocolError, match="there is no prediction preferense; there are preference"):
        protocol.replace({"predictions.preferense.margin": None})
    with pytest.raises(ProtocolError) as error:
        protocol.replace({"predictions.preference": None})
    assert "predictions" in problems(error)


def test_a_notebook_shows_the_file_escaped():
    shown = hypotest.Protocol(**{**KEYS, "title": "<script>alert(1)</script>"})._repr_html_()
    assert shown.startswith("<pre>hypotest: 1\n")
    assert "<script" not in shown and "&lt;script&gt;" in shown


def test_what_is_run_is_a_file(tmp_path):
    protocol = hypotest.Protocol(**KEYS)
    assert protocol_file("a.yaml") == protocol_file(Path("a.yaml")) == Path("a.yaml")
    for verb in (hypotest.run, hypotest.power, hypotest.explore, hypotest.multiverse, hypotest.register):
        with pytest.raises(ProtocolError, match=r'Path\("one-question.yaml"\).write_text'):
            verb(protocol)
