"""A shared file in Firefox, by double click."""

from __future__ import annotations

import shutil
import time

import pytest

import nnviz_widgets as nnviz
from tests.browser.firefox import firefox
from tests.browser.inspector import PIXELS
from tests.browser.shared_page import recording

DRAWN = f"""(() => {{
    const canvas = document.querySelector("[data-tensor=weights] .nnv-data");
    return canvas === null ? "" : String(({PIXELS})(canvas));
}})()"""
STEP = "document.querySelector('input[aria-label=step]')"


def until(read, good):
    """Return what `read` returns once it is good."""
    end = time.monotonic() + 20
    while not good(found := read()):
        assert time.monotonic() < end, found
        time.sleep(0.05)
    return found


@pytest.mark.skipif(
    not (shutil.which("firefox-esr") or shutil.which("firefox")),
    reason="no Firefox is installed (on Debian: apt-get install firefox-esr)",
)
def test_a_slider_moves_the_picture_and_nothing_is_asked_for(tmp_path):
    path = tmp_path / "shared.html"
    nnviz.export_html(recording(), path, title="For Firefox")
    (profile := tmp_path / "profile").mkdir()
    with firefox(profile) as tab:
        tab.open(path)
        assert tab.evaluate("document.title") == "For Firefox"
        before = until(lambda: tab.evaluate(DRAWN), lambda found: found.count(",") == 3)
        tab.evaluate(f"{STEP}.focus()")
        tab.press("\ue012")  # arrow left
        until(lambda: tab.evaluate(DRAWN), lambda found: found not in (before, ""))
        assert tab.evaluate(f"{STEP}.value") == "5"
        assert set(tab.requests) <= {path.as_uri()}
        assert tab.errors == []
