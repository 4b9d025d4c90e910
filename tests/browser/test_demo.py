"""`make demo` as a person meets it: a URL in the terminal, and behind it the notebook."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parent.parent.parent
URL = re.compile(r"http://127\.0\.0\.1:\d+/lab/tree/(\S+)\?token=\w{48}")


def title_of(notebook: Path) -> str:
    """Return the heading of the notebook's first cell."""
    return nbformat.read(notebook, as_version=4).cells[0].source.splitlines()[0].removeprefix("# ")


@pytest.fixture
def demo():
    """The demo's process, its output readable, ended as `make` ends it."""
    command = [sys.executable, "scripts/demo.py"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_demo_prints_a_url_that_shows_the_notebook(demo, chromium):
    url = next(match for line in demo.stdout if (match := URL.search(line)))
    page = chromium.new_page()
    try:
        page.goto(url[0])
        heading = page.locator(".jp-Notebook .jp-MarkdownOutput h1").first
        heading.wait_for(timeout=60_000)
        # JupyterLab puts a pilcrow behind each heading, to link to it.
        assert heading.inner_text().rstrip("¶") == title_of(ROOT / "notebooks" / url[1])
    finally:
        page.close()


def test_demo_lets_nobody_in_without_the_token(demo, chromium):
    url = next(match for line in demo.stdout if (match := URL.search(line)))
    page = chromium.new_context().new_page()
    try:
        page.goto(url[0].partition("?")[0])
        assert "/login" in page.url
    finally:
        page.context.close()
