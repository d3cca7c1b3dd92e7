"""Debian's Chromium, driven by Playwright: what a person sees of MLflow's UI."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

OPTIONS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
MILLISECONDS = 30_000
"""For a page to show what it must."""


def missing() -> str:
    """What a browser's test lacks on this machine; empty if nothing."""
    if not shutil.which("chromium"):
        return "this machine has no Chromium"
    return "" if find_spec("playwright") else "playwright is not installed"


@contextmanager
def new_page(width: int = 1400, height: int = 900) -> Iterator[Page]:
    """An empty page of a browser that nobody used before."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=[*OPTIONS]
        )
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(MILLISECONDS)
        yield page
        browser.close()
