"""Code without prose, of files and of packages."""

from hypotest.corpora.code import code_blocks, code_lines
from hypotest.corpora.docstrings import documents_by_part, package_documents

SOURCE = b'''"""Module.

Two paragraphs."""

import math  # to have pi


# a remark of its own line
class A:
    """Class."""

    half = "# no comment"

    def f(self):
        "Method."
        return math.pi  # pi
'''


def test_docstrings_and_comments_go_and_layout_stays():
    assert code_lines(SOURCE) == (
        'import math\n\n\nclass A:\n\n    half = "# no comment"\n\n    def f(self):\n        return math.pi'
    )


def test_what_does_not_parse_has_no_code():
    assert code_lines(b"def f(:\n") == ""
    assert code_lines(b"{{ template }}\n") != ""  # a set of a set parses
    assert code_lines(b"\xff\xfe\x00") == ""


def test_a_block_counts_where_it_occurs_first():
    seen: set[str] = set()
    assert list(code_blocks(SOURCE, seen)) == [
        '    half = "# no comment"',
        "    def f(self):\n        return math.pi",
    ]
    assert list(code_blocks(SOURCE, seen)) == []


def test_a_package_gives_two_documents_a_file():
    documents, sources = documents_by_part(["pingouin"], ["docstrings", "code"])
    prose, _ = package_documents(["pingouin"])
    of_prose = [item for item in documents if item.fields["part"] == "docstrings"]
    assert [item.text for item in of_prose] == [item.text for item in prose]
    code = [item for item in documents if item.fields["part"] == "code"]
    assert {item.fields["package"] for item in documents} == {"pingouin"}
    assert [source.n_documents for source in sources] == [len(of_prose), len(code)]
    assert len({item.id for item in documents}) == len(documents)
    assert any("def " in item.text for item in code)
    assert not any('"""' in line and "Parameters" in line for item in code for line in item.text.splitlines())
