"""A Chromium that nobody looks into while it is measured.

Playwright listens to the network of every page that it drives, so each frame of a websocket goes through three more
processes: what is measured meanwhile is Playwright. Here it lets go of the browser, and comes back later.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from playwright.sync_api import sync_playwright

from tests.browser.chromium import FLAGS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import BrowserContext

START_TIMEOUT_S = 60.0


class DetachedChromium:
    """One browser process; a context manager."""

    def __init__(self, width: int, height: int) -> None:
        """Prepare a window of so many CSS pixels; the page gets them less the browser's own bars."""
        self._size = f"--window-size={width},{height}"
        self._stack = contextlib.ExitStack()
        self._address = ""

    def __enter__(self) -> Self:
        """Start the process and wait until it listens.

        Raises:
            FileNotFoundError: If Chromium is not installed.
            TimeoutError: If it does not start.
        """
        executable = shutil.which("chromium")
        if executable is None:
            raise FileNotFoundError("`chromium` must be installed for the tests in a browser: run `make chromium`")
        profile = self._stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        process = subprocess.Popen(
            [executable, *FLAGS, self._size, "--remote-debugging-port=0", f"--user-data-dir={profile}", "about:blank"],
            stderr=subprocess.DEVNULL,
        )
        self._stack.callback(process.wait)
        self._stack.callback(process.terminate)
        self._address = f"http://127.0.0.1:{_port(Path(profile) / 'DevToolsActivePort')}"
        return self

    def __exit__(self, *exception: object) -> None:
        """End the process."""
        self._stack.close()

    @contextlib.contextmanager
    def attach(self) -> Iterator[BrowserContext]:
        """Take hold of the browser, and let go at the end; its pages stay open."""
        with sync_playwright() as playwright:
            yield playwright.chromium.connect_over_cdp(self._address).contexts[0]


def _port(file: Path) -> str:
    deadline = time.monotonic() + START_TIMEOUT_S
    while True:
        lines = file.read_text().splitlines() if file.exists() else []
        if len(lines) >= 2:  # the port, then the path of the browser's own target
            return lines[0]
        if time.monotonic() > deadline:
            raise TimeoutError(f"Chromium must listen within {START_TIMEOUT_S} s of its start; it did not")
        time.sleep(0.05)
