"""`make demo` as a person meets it: a URL in the terminal, and behind it a copy of the notebook to play with."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

from scripts.demo import FOLDER, NOTEBOOK, SOURCE, lay_out

ROOT = Path(__file__).parent.parent.parent
URL = re.compile(r"http://127\.0\.0\.1:\d+/lab/tree/(\S+)\?token=\w{48}")


def title_of(notebook: Path) -> str:
    """Return the heading of the notebook's first cell."""
    return nbformat.read(notebook, as_version=4).cells[0].source.splitlines()[0].removeprefix("# ")


def wait_for_text(page, path: Path, text: bytes) -> None:
    """Wait until the page has saved `text` in the file."""
    end = time.monotonic() + 30
    while text not in path.read_bytes():
        assert time.monotonic() < end
        page.wait_for_timeout(50)


@pytest.fixture
def demo(tmp_path):
    """The demo's process, its output readable, ended as `make` ends it."""
    command = [sys.executable, "scripts/demo.py", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        yield process
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_demo_prints_a_url_that_shows_a_copy_of_the_notebook(demo, chromium, tmp_path):
    original, copy = SOURCE / NOTEBOOK, tmp_path / NOTEBOOK
    before = original.read_bytes()
    url = next(match for line in demo.stdout if (match := URL.search(line)))
    assert next(line for line in demo.stdout if "a copy" in line).endswith(f"{copy}\n")
    page = chromium.new_page()
    try:
        page.goto(url[0])
        heading = page.locator(".jp-Notebook .jp-MarkdownOutput h1").first
        heading.wait_for(timeout=60_000)
        # JupyterLab puts a pilcrow behind each heading, to link to it.
        assert heading.inner_text().rstrip("¶") == title_of(tmp_path / url[1])
        heading.dblclick()
        page.locator(".jp-Notebook .jp-mod-active .cm-content").focus()
        page.keyboard.type("mine")
        page.keyboard.press("Control+s")
        wait_for_text(page, copy, b"mine")
    finally:
        page.close()
    assert original.read_bytes() == before


def test_demo_lets_nobody_in_without_the_token(demo, chromium):
    url = next(match for line in demo.stdout if (match := URL.search(line)))
    page = chromium.new_context().new_page()
    try:
        page.goto(url[0].partition("?")[0])
        assert "/login" in page.url
    finally:
        page.context.close()


def test_the_copy_stands_where_git_does_not_look():
    ignored = subprocess.run(["git", "check-ignore", "-q", FOLDER / NOTEBOOK], cwd=ROOT, check=False)
    assert ignored.returncode == 0


@pytest.fixture
def source(tmp_path):
    """A folder like `notebooks/`, with a notebook of long ago."""
    folder = tmp_path / "source"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "digits.npz").write_bytes(b"digits")
    (folder / NOTEBOOK).write_text("original")
    os.utime(folder / NOTEBOOK, (1e9, 1e9))
    return folder


def test_a_copy_is_made_with_its_data_and_kept_with_its_changes(source, tmp_path):
    copy = lay_out(source, tmp_path / "demo")
    assert copy.read_text() == "original"
    assert (copy.parent / "data" / "digits.npz").read_bytes() == b"digits"
    copy.write_text("changed")
    assert lay_out(source, tmp_path / "demo").read_text() == "changed"
    assert (source / NOTEBOOK).read_text() == "original"


def test_a_newer_notebook_takes_the_place_of_a_copy_that_is_kept_beside_it(source, tmp_path):
    copy = lay_out(source, tmp_path / "demo")
    copy.write_text("changed")
    os.utime(copy, (1.1e9, 1.1e9))
    (source / NOTEBOOK).write_text("newer")
    assert lay_out(source, tmp_path / "demo").read_text() == "newer"
    (kept,) = set(copy.parent.glob("*.ipynb")) - {copy}
    assert kept.read_text() == "changed"
    assert kept.name.startswith("01_quickstart_2004-11-")


def test_a_copy_that_was_not_changed_makes_room_for_nothing(source, tmp_path):
    copy = lay_out(source, tmp_path / "demo")
    os.utime(source / NOTEBOOK, (1.2e9, 1.2e9))  # as git does when it switches to and fro
    lay_out(source, tmp_path / "demo")
    assert list(copy.parent.glob("*.ipynb")) == [copy]


def test_data_that_a_person_changed_stays(source, tmp_path):
    copy = lay_out(source, tmp_path / "demo")
    data = copy.parent / "data" / "digits.npz"
    data.write_bytes(b"mine")
    lay_out(source, tmp_path / "demo")
    assert data.read_bytes() == b"mine"
