"""Writing a protocol from nothing, as a user does."""

from __future__ import annotations

import json

from hypotest.registration.template import template_names
from tests.json_schema import errors


def test_from_init_to_explain(hypotest, tmp_path):
    path = tmp_path / "mine.yaml"
    done = hypotest("init", path)
    assert done.returncode == 0, done.stderr
    assert "hypotest explain" in done.stdout
    assert hypotest("validate", path).stdout == (
        f"{path}: valid (3 predictions, 2 of them deciding between modular and distributed)\n"
        "margins of clustering, coordination: `hypotest power` says whether they are too wide or out of "
        "reach\n"
    )
    explained = hypotest("explain", path)
    assert explained.returncode == 0, explained.stderr
    assert explained.stderr == ""
    assert "Protocol mine puts modular and distributed against each other." in explained.stdout
    assert max(map(len, explained.stdout.splitlines())) <= 80
    again = hypotest("init", path)
    assert again.returncode == 2
    assert "exists" in again.stderr
    assert "Traceback" not in again.stderr


def test_help_and_error_name_the_templates(hypotest, tmp_path):
    shown = hypotest("init", "--help").stdout
    failed = hypotest("init", "--from", "tokens", tmp_path / "a.yaml")
    assert failed.returncode == 2
    for name in template_names():
        assert name in " ".join(shown.split())
        assert name in failed.stderr


def test_text_that_a_terminal_cannot_write_is_replaced(hypotest_process, tmp_path):
    path = tmp_path / "mine.yaml"
    hypotest_process("init", path)
    text = path.read_text(encoding="utf-8")
    title = next(line for line in text.splitlines() if line.startswith("title:"))
    path.write_text(text.replace(title, "title: Größe κ → 名"), encoding="utf-8")
    done = hypotest_process("explain", path, PYTHONIOENCODING="ascii")
    assert done.returncode == 0, done.stderr
    assert "Gr??e ? ? ?" in done.stdout


def test_a_template_for_a_model_says_what_it_changed(hypotest, small_model_folder, small_documents, tmp_path):
    (tmp_path / "texts").mkdir()
    for number, text in enumerate(small_documents):
        (tmp_path / "texts" / f"{number}.txt").write_text(text, encoding="utf-8")
    path = tmp_path / "mine.yaml"
    done = hypotest("init", "--model", small_model_folder, "--text", tmp_path / "texts", path)
    assert done.returncode == 0, done.stderr
    assert "corpus.context: 32 (was 128): the model takes at most 32 tokens" in done.stdout
    assert hypotest("validate", path).returncode == 0


def test_schema_is_json_that_editors_can_use(hypotest):
    done = hypotest("schema")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert errors(document, {"hypotest": 2}) != []


def test_explain_refuses_what_validate_refuses(hypotest, tmp_path):
    path = tmp_path / "a.yaml"
    path.write_text("hypotest: 1\nid: a\n", encoding="utf-8")
    done = hypotest("explain", path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert f"{path}:1:1 title: is required and missing" in done.stderr


def test_warnings_stand_apart_from_errors(hypotest, tmp_path):
    path = tmp_path / "mine.yaml"
    assert hypotest("init", path).returncode == 0
    text = path.read_text(encoding="utf-8")
    text = text.replace("seed: 1", "sed: 1")
    at = text.rindex("    margin:")  # that of coordination
    text = text[:at] + text[at:].replace("    margin:", "    #margin:", 1)
    path.write_text(text, encoding="utf-8")
    done = hypotest("validate", path)
    assert done.returncode == 2
    warning, error = done.stderr.splitlines()
    assert warning.startswith(f"warning: {path}:")
    assert "coordination has no margin" in warning.replace(": has", " has")
    assert error.startswith(f"{path}:")
    assert error.endswith("sed: unknown key 'sed'; did you mean 'seed'?")
