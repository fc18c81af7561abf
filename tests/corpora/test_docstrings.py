from importlib import metadata

import pytest

from hypotest.corpora.docstrings import (
    EVALUATION_PACKAGES,
    TRAINING_PACKAGES,
    _docstrings,
    _new_paragraphs,
    package_documents,
)
from hypotest.errors import CorpusError


def test_training_and_evaluation_packages_are_disjoint_and_installed():
    assert not set(TRAINING_PACKAGES) & set(EVALUATION_PACKAGES)
    for name in (*TRAINING_PACKAGES, *EVALUATION_PACKAGES):
        assert metadata.version(name)


def test_docstrings_come_in_source_order(tmp_path):
    source = tmp_path / "module.py"
    source.write_text(
        '"""Module."""\n'
        "class A:\n"
        '    """Class."""\n'
        "    def f(self):\n"
        '        """Method."""\n'
        "if True:\n"
        "    async def g():\n"
        '        """Guarded."""\n'
    )
    assert list(_docstrings(source)) == ["Module.", "Class.", "Method.", "Guarded."]


@pytest.mark.parametrize("content", [b"def f(:\n", b'"""\x00"""\n', b"x = '''\xff'''\n"])
def test_files_that_do_not_parse_are_passed_over(tmp_path, content):
    source = tmp_path / "template.py"
    source.write_bytes(content)
    assert list(_docstrings(source)) == []


def test_cleaning_paragraph_by_paragraph():
    docstring = "\n\n".join(
        [
            "A sentence that is long enough to stay.",
            "too short",
            "Naïve text with a letter beyond ASCII.",
            ">>> doctest(of_some_length)\n1",
            "+-----+-----+\n| a   | b   |\n+-----+-----+",
            "Parameters\n----------\nvalue : int, a number of things",
        ]
    )
    seen: set[str] = set()
    kept = list(_new_paragraphs([docstring], seen))
    assert kept == [
        "A sentence that is long enough to stay.",
        "Parameters\nvalue : int, a number of things",  # the rule below a heading goes, the text stays
    ]
    assert list(_new_paragraphs([docstring], seen)) == []  # a paragraph counts once


def test_documents_of_a_small_package_are_stable():
    documents, (source,) = package_documents(["pingouin"])
    again, (same,) = package_documents(["pingouin"])
    assert documents == again
    assert source == same
    assert source.version == metadata.version("pingouin")
    assert source.n_documents == len(documents) > 5
    assert all(document.text.isascii() for document in documents)
    paragraphs = [text for document in documents for text in document.text.split("\n\n")]
    assert len(paragraphs) == len(set(paragraphs))


def test_a_missing_package_is_named():
    with pytest.raises(CorpusError, match=r"'no-such-package'.*pip install no-such-package"):
        package_documents(["no-such-package"])
