"""Debian's Chromium, started for tests."""

from __future__ import annotations

import contextlib
import shutil
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser

FLAGS = (
    "--headless=new",
    "--no-sandbox",  # CI is root in a container, where the sandbox cannot start
    "--enable-unsafe-swiftshader",  # without it WebGL is missing and a test passes on a blank canvas
    "--ignore-gpu-blocklist",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--disable-lcd-text",  # grey text edges: the same pixels on every machine
    "--force-color-profile=srgb",
)


@contextlib.contextmanager
def launch() -> Iterator[Browser]:
    """Start Chromium and close it at the end.

    Raises:
        FileNotFoundError: If it is not installed; the message is the command that installs it.
    """
    executable = shutil.which("chromium")
    if executable is None:
        raise FileNotFoundError("`chromium` must be installed for the tests in a browser: run `make chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()
