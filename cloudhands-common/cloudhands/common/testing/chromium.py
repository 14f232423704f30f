"""The system's Chromium, driven by Playwright, for as long as a `with` block."""

from collections.abc import Iterator
from contextlib import contextmanager
from ctypes.util import find_library
from typing import Any

from cloudhands.common.testing.programs import find, require, unavailable

# The same browser without the parts that show it: it starts and draws in less time.
SHELL = "chromium-headless-shell"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def launched() -> Iterator[Any]:
    """A browser (`playwright.sync_api.Browser`); one at a time in a process.

    Without Chromium, or the library that its driver is linked with, see `programs.unavailable`.
    """
    from playwright.sync_api import sync_playwright

    path = find(SHELL) or require("chromium", SHELL)
    if find_library("atomic") is None:
        unavailable("libatomic.so.1, which drives the browser: install the package libatomic1")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(path), args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()
