"""Where Chromium is, and how it is started: for benchmarks of the page and its browser tests."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path

__all__ = ("ABSENT", "ARGUMENTS", "chromium")

# The first that is here: the one without windows of its own opens a page at half the cost.
_NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ABSENT = f"no Chromium ({', '.join(_NAMES)}, Playwright's own): install it, or set FOOTLOOM_CHROMIUM"
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@cache
def chromium() -> Path | None:
    """Return the browser that is named, else this machine's, else the one that Playwright fetched; None without any."""
    named = os.environ.get("FOOTLOOM_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    found = Path(named) if named else _playwrights()
    return found if found is not None and found.is_file() else None


def _playwrights() -> Path | None:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    with sync_playwright() as playwright:
        return Path(playwright.chromium.executable_path)
