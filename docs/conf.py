"""How these pages are built: ``make docs``. Nothing is fetched, and no notebook is run."""

import sys
from pathlib import Path

from sphinx.application import Sphinx

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from docs.made.pages import write_pages  # noqa: E402  # the path comes first
from docs.made.reports import copy_reports, linked_outwards  # noqa: E402

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

smartquotes = False  # an option in a message begins with two dashes

html_theme = "pydata_sphinx_theme"
html_title = "hypotest"
html_static_path = ["_static"]
html_css_files = ["hypotest.css"]
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "hypotest"},
    "navbar_align": "left",
    "navbar_persistent": ["search-button"],
    "header_links_before_dropdown": 9,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_context = {"default_mode": "auto"}
# pages of no section: there is nothing to lead to beside them
html_sidebars = {path.stem: [] for path in Path(__file__).parent.glob("*.md")}


def _link_outwards(app: object, name: str, source: list[str]) -> None:
    source[0] = linked_outwards(source[0], name)


def _add_reports(app: Sphinx, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        copy_reports(Path(app.outdir))


def setup(app: Sphinx) -> None:
    """Called by Sphinx."""
    app.connect("source-read", _link_outwards)
    app.connect("build-finished", _add_reports)
