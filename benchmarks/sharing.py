"""A run as one file: how long it takes to write, how large it is, and how quickly it opens and moves in Chromium."""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from playwright.sync_api import Browser

import nnviz_widgets as nnviz
from benchmarks.figures import Figure
from benchmarks.networks import mlp
from tests.browser.chromium import launch

N_STEPS = 200
MOST = "20 MB"
ROUNDS = 5
MOVES = 50
"""Of the slider in each round, as by a person who drags it: each to the next step that is kept, or the one after."""
NOTEBOOKS = Path(__file__).parent.parent / "notebooks"

WATCH = """
const put = CanvasRenderingContext2D.prototype.putImageData;
globalThis.painted = [];
globalThis.tell = () => {};
CanvasRenderingContext2D.prototype.putImageData = function (...args) {
  put.apply(this, args);
  if (this.canvas.width > 1) {
    painted.push(performance.now());
    tell();
  }
};
"""

USABLE = """
() => globalThis.painted.length > 0 && document.querySelectorAll('input[type=range]').length > 2 && performance.now()
"""

MOVE = """
async (moves) => {
  const slider = document.querySelector("input[type=range][aria-label='step']");
  const [least, most] = [Number(slider.min), Number(slider.max)];
  const found = [];
  for (let i = 0; i < moves; i++) {
    const drawn = new Promise((resolve) => { globalThis.tell = resolve; });
    const began = performance.now();
    slider.value = String(most - Math.round((i + 1) / moves * (most - least)));
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    // Two places of the slider may show one kept step.
    await Promise.race([drawn.then(() => found.push(performance.now() - began)),
                        new Promise((resolve) => setTimeout(resolve, 500))]);
    await new Promise((resolve) => setTimeout(resolve, 30 + (i * 5) % 17));
  }
  return found;
}
"""


def measure() -> Iterator[Figure]:
    """Yield the time of an export and its sizes, then what a browser makes of the files."""
    everything = nnviz.Privacy(include=("activations", "gradients", "inputs", "labels"))
    with tempfile.TemporaryDirectory() as folder:
        internal, public = Path(folder) / "internal.html", Path(folder) / "public.html"
        with trained() as session:
            name = f"export of {N_STEPS} steps of the MLP, all opened, {MOST}, median"
            yield Figure(name, seconds(session, internal, max_bytes=MOST, privacy=everything), "s", limit=5)
            yield Figure("export of the safe default, median", seconds(session, public), "s")
        yield Figure("size of the file with all opened", internal.stat().st_size / 1e6, "MB", limit=20)
        yield Figure("size of the public file", public.stat().st_size / 1e6, "MB", limit=1)
        with launch() as browser:
            yield from _in_browser(browser, "file with all opened", internal, limited=True)
            yield from _in_browser(browser, "public file", public, limited=False)
    yield Figure("the saved quickstart notebook", saved_notebook() / 1e6, "MB", limit=1)


def trained() -> Any:
    """Return a session on the MLP whose every step was read whole."""
    model, x, y, batch_size = mlp()
    probe = nnviz.Probe(every=1)
    session = nnviz.TrainingSession(model, x, y, batch_size=batch_size, epochs=1, verbose=0, probe=probe)
    session.run(until=N_STEPS)
    session.wait()
    return session


def seconds(session: Any, path: Path, **arguments: Any) -> float:
    """Return how long an export takes."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        nnviz.export_html(session, path, **arguments)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def _in_browser(browser: Browser, name: str, path: Path, *, limited: bool) -> Iterator[Figure]:
    opened, moved = [], []
    for _ in range(ROUNDS):
        context = browser.new_context(viewport={"width": 1200, "height": 1000}, offline=True)
        context.add_init_script(WATCH)
        page = context.new_page()
        page.goto(path.as_uri(), wait_until="commit")
        opened.append(page.wait_for_function(USABLE).json_value())
        page.wait_for_timeout(500)
        moved += page.evaluate(MOVE, MOVES)
        context.close()
    usable, picture = statistics.median(opened) / 1000, statistics.median(moved)
    yield Figure(f"{name}: opened to usable, from disk, median", usable, "s", limit=1 if limited else None)
    yield Figure(f"{name}: slider to picture, median", picture, "ms", limit=16 if limited else None)


def saved_notebook() -> int:
    """Return how many bytes the quickstart takes once it is executed and saved."""
    notebook = nbformat.read(NOTEBOOKS / "01_quickstart.ipynb", as_version=4)
    resources = {"metadata": {"path": str(NOTEBOOKS)}}
    NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources=resources, store_widget_state=False
    ).execute()
    return len(nbformat.writes(notebook).encode())
