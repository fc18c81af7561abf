from hypotest.pages.document import Details, Heading, Items, Note, Paragraph, document, table, together
from hypotest.pages.inline import code, path, strong
from hypotest.pages.markdown import PAGE
from hypotest.records.protocol.wording import OF_TEXT
from hypotest.report.reworded import reworded
from tests.records.protocol.test_wording import WORDS

SAID = document(
    [
        Heading("Documents that I wrote", 1),
        Heading("Documents"),
        ("Over ", strong("documents"), code("documents"), path("reports/documents")),
        Items(("one document",)),
        together(table(["documents"], [["5 documents"]])),
        Note("note", (Paragraph("few documents"),)),
        Details("all documents", (Paragraph("each document"),)),
        "Targets: ␣documents (3)",
    ]
)


def test_prose_is_reworded_and_titles_code_paths_and_tokens_stay():
    page = PAGE.render(reworded(SAID, WORDS))
    for said in ("# Documents that I wrote", "## Nouns", "**nouns**", "`documents`", "reports/documents"):
        assert said in page
    for said in ("one noun", "| nouns |", "| 5 nouns |", "few nouns", "all nouns", "each noun"):
        assert said in page
    assert "␣documents (3)" in page
    assert page.replace("noun", "document").replace("Noun", "Document") == PAGE.render(SAID)


def test_a_page_about_text_is_the_same_page():
    assert reworded(SAID, OF_TEXT) is SAID
