"""A headless Chromium for tests that look at pages as readers do; or the reason why there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MISSING = (
    "playwright is not installed: pip install -c constraints.txt -e '.[docs]'"
    if find_spec("playwright") is None
    else "no chromium here: apt-get install chromium"
    if CHROMIUM is None
    else ""
)
"""Why no browser can be started; empty where one can."""


@dataclass
class Heard:
    """What a page did that a reader does not see."""

    requests: list[str] = field(default_factory=list)
    """Everything that was fetched, but for the file itself."""
    complaints: list[str] = field(default_factory=list)
    """Errors and warnings of the console, and uncaught exceptions."""


@contextmanager
def opened(
    file: Path, width: int = 1400, dark: bool = False, script: bool = True
) -> Iterator[tuple[Any, Heard]]:
    """A page from disk in a window of some width; with what it fetched and complained about."""
    from playwright.sync_api import sync_playwright

    heard = Heard()
    with sync_playwright() as playwright:
        # a sandbox needs rights that root in a container has not
        arguments = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=arguments)
        page = browser.new_page(
            viewport={"width": width, "height": 900},
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
        )
        address = file.resolve().as_uri()
        page.on(
            "request",
            lambda item: None if item.url.startswith((address, "data:")) else heard.requests.append(item.url),
        )
        page.on(
            "console",
            lambda item: heard.complaints.append(item.text) if item.type in ("error", "warning") else None,
        )
        page.on("pageerror", lambda error: heard.complaints.append(str(error)))
        page.goto(address)
        try:
            yield page, heard
        finally:
            browser.close()
