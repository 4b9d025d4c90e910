"""A shared file in a browser that has no network, as a person meets it."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.frame import LayerInfo, TensorKey, TensorSpec
from tests.browser.inspector import PIXELS
from tests.sharing.runs import catalogue, run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Locator, Page

    from nnviz_widgets.core.recording import Recording

N_STEPS = 6

HOSTILE = '</script><img src=x onerror="document.title=`owned`">'
"""A name that would run a script where it is written into a page as it is."""

TABLE = """table => [...table.querySelectorAll("tbody tr")].map((row) => [
    row.querySelector("th").lastChild.textContent,
    ...[...row.querySelectorAll("td")].map((cell) => cell.textContent),
])"""
"""The name of each row and its cells, as a person reads them."""

COUNT = """() => {
    globalThis.violations = [];
    addEventListener("securitypolicyviolation", (event) => violations.push(event.violatedDirective));
}"""


def recording(side: int = 6) -> Recording:
    """A run of a flattened image, two Dense layers, and a volume whose depth has a slider of its own."""
    known = catalogue(side=side)
    key = TensorKey(HOSTILE, "activations")
    volume = LayerInfo(HOSTILE, HOSTILE, "Conv3D", (None, 3, 5, 5, 4), (), 0, 1, 4)
    spec = TensorSpec(key, (None, 3, 5, 5, 4), "float32", ("sample", "depth", "y", "x", "filter"), 4)
    return run(N_STEPS, known=replace(known, layers=(*known.layers, volume), specs=(*known.specs, spec)))


class SharedPage:
    """One file, opened.

    Attributes:
        page: The page.
        requests: Every URL that anything asked for.
        errors: What was written to the console as an error, and uncaught exceptions.
    """

    def __init__(self, page: Page) -> None:
        """Watch a page that opens nothing yet."""
        self.page = page
        self.requests: list[str] = []
        self.errors: list[str] = []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)

    def open(self, path: Path) -> SharedPage:
        """Open a file and wait until its pictures are drawn."""
        self.page.goto(path.as_uri())
        self.page.evaluate(COUNT)
        self.page.locator(".nnv-inspector").wait_for(timeout=20_000)
        return self

    def choose(self, layer: str) -> SharedPage:
        """Select a layer in the list."""
        self.page.locator(".nnv-layer", has_text=layer).first.click()
        return self

    def slider(self, name: str) -> Locator:
        """Return a slider by the name that a screen reader tells."""
        return self.page.locator(f"input[type=range][aria-label='{name}']")

    def picture(self, tensor: str = "weights") -> Locator:
        """Return the canvas of a map."""
        return self.page.locator(f"[data-tensor={tensor}] .nnv-data")

    def pixels(self) -> list[Any]:
        """Return what tells each drawn canvas from any other."""
        return self.page.evaluate(f"() => [...document.querySelectorAll('canvas')].map({PIXELS})")

    def drawn(self, tensor: str = "weights") -> list[int]:
        """Wait for the picture of a map and return what tells it from others."""
        return self.until(lambda: self._drawn(tensor), lambda found: found is not None)

    def _drawn(self, tensor: str) -> list[int] | None:
        canvas = self.picture(tensor)
        found = canvas.evaluate(PIXELS) if canvas.count() else []
        return found if found and found[1] > 1 else None

    def until(self, read: Any, good: Any) -> Any:
        """Return what `read` returns once it is good."""
        for _ in range(400):
            found = read()
            if good(found):
                return found
            self.page.wait_for_timeout(25)
        raise AssertionError(f"still {found!r} after 10 s")

    def changes(self, act: Any) -> None:
        """Do something and wait until a picture is another one."""
        before = self.pixels()
        act()
        self.until(self.pixels, lambda now: now != before)

    def table(self, tensor: str) -> tuple[list[str], list[list[str]]]:
        """Return the names of the columns of a map's table, and its rows: a name and cells."""
        table = self.page.locator(f"[data-tensor={tensor}] table")
        names = table.locator("thead th").evaluate_all("cells => cells.map((cell) => cell.lastChild.textContent)")
        return names, table.evaluate(TABLE)

    @property
    def violations(self) -> list[str]:
        """What the page's policy refused since it was opened."""
        return self.page.evaluate("() => violations")


@contextlib.contextmanager
def opened(chromium: Browser, path: Path, **context: Any) -> Iterator[SharedPage]:
    """Open a file without a network; at the end nothing was asked for but the file, and nothing failed."""
    within = chromium.new_context(viewport={"width": 1200, "height": 1000}, **context)
    within.set_offline(True)
    shared = SharedPage(within.new_page())
    try:
        yield shared.open(path)
        assert [url for url in shared.requests if not url.startswith(("data:", "blob:"))] == [path.as_uri()]
        assert shared.errors == []
    finally:
        within.close()
