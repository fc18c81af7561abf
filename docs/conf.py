"""How these pages are built: ``make docs``. Nothing is fetched, and no notebook is run."""

import re
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from docs.made.pages import write_pages  # noqa: E402  # the path comes first

write_pages(HERE)

project = "hypotest"
author = "the authors of hypotest"
copyright = author
language = "en"
extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["made", "_build", "tutorials/reports"]
templates_path: list[str] = []
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb"}

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "off"
copybutton_prompt_text = "$ "
copybutton_exclude = ".linenos, .gp, .go"

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False

html_theme = "pydata_sphinx_theme"
html_title = "hypotest"
html_static_path = ["_static"]
html_css_files = ["hypotest.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "hypotest"},
    "navbar_align": "left",
    "navbar_persistent": [],
    "header_links_before_dropdown": 6,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": []}


def _link_outwards(app: object, name: str, source: list[str]) -> None:
    """Markdown outside docs, such as a report, is no page: link to its file. A folder is not on this site."""
    folder = (HERE / name).parent

    def linked(link: re.Match[str]) -> str:
        words, place = link.groups()
        to = (folder / place).resolve()
        if to.is_dir():
            return words
        outside = place.endswith(".md") and not to.is_relative_to(HERE)
        return f"[{words}](path:{place})" if outside else link[0]

    source[0] = re.sub(r"(?<!!)\[([^\]]+)\]\(([^):#\s]+)\)", linked, source[0])


def setup(app: object) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _link_outwards)  # type: ignore[attr-defined]
