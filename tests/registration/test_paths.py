"""Files that a protocol names and that cannot be read: an error with its place, before anything is loaded."""

from __future__ import annotations

import os

import pytest


def corpus(*files: str) -> tuple[str, str]:
    """With a text that can be read as the one that is counted."""
    counted = "frequencies: {count: {hub: a/b, split: train}}"
    return ("seed: 1", f"seed: 1\ncorpus: {{text: {{files: [{', '.join(files)}]}}}}\n{counted}")


@pytest.fixture
def files(tmp_path):
    """A folder with whatever is no text file beside one that is."""
    (tmp_path / "good.txt").write_text("text")
    (tmp_path / "folder").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "link.txt").symlink_to("good.txt")
    (tmp_path / "dangling").symlink_to("nowhere")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.txt", "no such file: check the path; found 'missing.txt', looked for in"),
        ("dangling", "no such file"),
        ("folder", "the folder holds no text: .txt, .md,"),
        ('"*.nothing"', "no file fits the pattern: check it"),
        ("loop", "cannot be read: Too many levels of symbolic links"),
        ("pipe", "must be a regular file; found a device or pipe"),
        ("/dev/zero", "must be a regular file; found a device or pipe"),
        ("good.txt/x", "cannot be read: Not a directory"),
        ('"a\\0b"', "cannot be read: embedded null byte; found 'a\\x00b'"),
        ("x" * 5000, "cannot be read: File name too long"),
        ('"\\e[31m"', "no such file: check the path; found '\\x1b[31m'"),
        ("./good.txt", "must be named once; found './good.txt', the same file as 'good.txt'"),
        ("link.txt", "must be named once; found 'link.txt', the same file as 'good.txt'"),
    ],
)
def test_a_text_file_that_cannot_be_read(files, problems_of, name, message):
    (problem,) = problems_of(corpus("good.txt", name))
    assert problem.where.endswith("p.yaml:19:35")
    assert problem.key == "corpus.text.files.#2"
    assert problem.message.startswith(message)
    assert str(problem).isprintable()


def test_good_files_are_no_problem(files, problems_of):
    assert problems_of(corpus("good.txt")) == []
    assert problems_of(corpus(str(files / "good.txt"))) == []


def test_a_file_that_is_too_large(files, problems_of):
    with (files / "large.txt").open("wb") as stream:
        stream.truncate(2**31 + 2**20)  # a hole: nothing is written
    (problem,) = problems_of(corpus("large.txt"))
    assert problem.message.startswith("must have at most 2,048 MiB; found 2,049 MiB")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_file(files, problems_of):
    (files / "good.txt").chmod(0)
    (problem,) = problems_of(corpus("good.txt"))
    assert problem.message.startswith("cannot be read: Permission denied")


@pytest.mark.parametrize("name", ["pipe.npy", "missing.npy", "folder.csv"])
def test_a_frequency_table_that_cannot_be_read(tmp_path, problems_of, name):
    os.mkfifo(tmp_path / "pipe.npy")
    (tmp_path / "folder.csv").mkdir()
    (problem,) = problems_of(("seed: 1", f"seed: 1\nfrequencies: {name}"))
    assert problem.where.endswith("p.yaml:19:14")
    assert problem.key == "frequencies"


def test_beside_a_name_of_the_wrong_type_files_are_not_counted(problems_of):
    (problem,) = problems_of(corpus("3", "missing.txt"))
    assert (problem.key, problem.where[-5:]) == ("corpus.text.files.#1", "19:25")


@pytest.mark.parametrize(
    ("before", "key"), [("corpus: {text: ", "corpus.text"), ("frequencies: {count: ", "frequencies.count")]
)
def test_a_data_set_is_an_id_or_a_folder(files, problems_of, before, key):
    def problems_with(text):
        problems = problems_of(("seed: 1", f"seed: 1\n{before}{text}}}"))
        return [(item.key, item.message) for item in problems if item.severity == "error"]

    assert problems_with("{hub: allenai/c4, split: train, revision: main}") == []
    assert problems_with("{hub: folder, split: train}") == []
    ((where, message),) = problems_with("{hub: ../nowhere, split: train}")
    assert where == f"{key}.hub"
    assert message.startswith("must be OWNER/NAME of a data set on the Hugging Face Hub, or a folder; found")
    ((where, message),) = problems_with("{hub: folder, split: train, revision: main}")
    assert where == f"{key}.revision"
    assert message.endswith("and 'folder' is a folder: remove it")
