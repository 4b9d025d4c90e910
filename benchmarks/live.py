"""Frames on the screen while training runs, in a real JupyterLab in Chromium, and what that costs the training.

A page shows and hides what is measured in turns, by itself: nobody listens meanwhile. The kernel writes down its steps,
the page its paintings. Beside the Inspector stands a bare widget that does the least that can be done: three canvases,
as many messages of as many bytes, and not a word back.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page

from benchmarks.figures import Figure, median_ratio
from tests.browser.detached import DetachedChromium
from tests.browser.lab import Lab

ROUNDS = 8
SECONDS = 4.0
SETTLE_S = 0.5
"""The first part of each turn is not counted."""
STEPS_FILE = "steps.jsonl"

SETUP = f"""
import json, threading, time
import nnviz_widgets as nnviz
from benchmarks.networks import mlp

model, x, y, batch_size = mlp(1000)  # long epochs: what lies between two of them takes 20 to 300 ms, in `fit` too
session = nnviz.TrainingSession(model, x, y, batch_size=batch_size, epochs=10**6, probe=nnviz.Probe(budget=0))
session.run(until="epoch")
session.wait()

def write_down():
    with open("{STEPS_FILE}", "w", buffering=1) as file:
        while True:
            print(json.dumps([time.time(), session.step_index]), file=file)
            time.sleep(0.05)

threading.Thread(target=write_down, daemon=True).start()
"""

INSPECTOR = "session.inspector()"

BARE = """
import anywidget
import numpy as np

class Bare(anywidget.AnyWidget):
    _esm = '''
    export default {
      render({ model, el }) {
        el.classList.add("nnv-root");
        const contexts = [112, 196, 196].map((height) => {
          const canvas = document.createElement("canvas");
          Object.assign(canvas, { width: 364, height });
          canvas.style.display = "block";
          el.append(canvas);
          return canvas.getContext("2d");
        });
        addEventListener("shown", ({ detail }) => model.send(detail));
        model.on("msg:custom", (_, buffers) => requestAnimationFrame(() => contexts.forEach((context, i) => {
          const image = new ImageData(context.canvas.width, context.canvas.height);
          const pixels = new Uint32Array(image.data.buffer);
          const cells = new Uint8Array(buffers[i].buffer, buffers[i].byteOffset, buffers[i].byteLength);
          for (let j = 0; j < pixels.length; j++) pixels[j] = 0xff000000 | cells[j % cells.length];
          context.putImageData(image, 0, 0);
        })));
      },
    };
    '''

bare, shown = Bare(), threading.Event()
bare.on_msg(lambda widget, on, buffers: shown.set() if on else shown.clear())
cells = [np.random.default_rng(0).bytes(2 * rows * 128) for rows in (32, 196, 196)]

def send():
    due = time.monotonic()
    while shown.wait():
        due = max(due + 1 / 33, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))
        bare.send({}, cells)

threading.Thread(target=send, daemon=True).start()
bare
"""

PAUSE = """
delays = []
for _ in range(9):
    session.run()
    time.sleep(0.3)
    began = time.perf_counter()
    session.pause()
    delays.append(time.perf_counter() - began - session.step().seconds)
print(json.dumps(sorted(delays)[len(delays) // 2] * 1000))
"""

TURNS = """
seconds => {
  const root = document.querySelector(".nnv-root");
  const put = CanvasRenderingContext2D.prototype.putImageData;
  window.turns = [];
  window.painted = new Set();
  CanvasRenderingContext2D.prototype.putImageData = function (...args) {
    if (this.canvas.width > 1) painted.add(document.timeline.currentTime);
    return put.apply(this, args);
  };
  const turn = () => {
    const shown = turns.length % 2 === 0;
    root.style.display = shown ? "" : "none";
    dispatchEvent(new CustomEvent("shown", { detail: shown }));
    turns.push([Date.now() / 1000, performance.now()]);
  };
  turn();
  setInterval(turn, seconds * 1000);
}
"""
"""Shows and hides in turns, and notes when a frame of the screen had something new on a canvas."""


@dataclass(frozen=True)
class Rates:
    """What happened in one turn, a second."""

    steps: float
    frames: float


def measure() -> Iterator[Figure]:
    """Yield frames a second, the slow-down of training, and the delay of a pause."""
    watched, alone, delay = _in_turns(INSPECTOR)
    yield Figure(
        "three 784x128 maps live in JupyterLab, frames on screen",
        statistics.median(rates.frames for rates in watched),
        "/s",
        limit=30,
        at_least=True,
    )
    yield Figure("training without the view / with it, steps a second", _slower(watched, alone), limit=1.10)
    yield Figure(
        "frames while the view is scrolled away", statistics.median(rates.frames for rates in alone), "/s", limit=1
    )
    yield Figure("pause pressed to paused, beyond one step", delay, "ms", limit=50)
    watched, alone, _ = _in_turns(BARE)
    frames = statistics.median(rates.frames for rates in watched)
    yield Figure(
        "  the same for three bare canvases that read nothing", _slower(watched, alone), remark=f"{frames:.0f} /s"
    )


def _slower(watched: list[Rates], alone: list[Rates]) -> float:
    return median_ratio([rates.steps for rates in alone], [rates.steps for rates in watched])


def _in_turns(widget: str) -> tuple[list[Rates], list[Rates], float]:
    """Return the rates with a widget shown and hidden, and the delay of a pause in ms."""
    with (
        DetachedChromium(1280, 1000) as chromium,
        tempfile.TemporaryDirectory() as folder,
        contextlib.ExitStack() as stack,
    ):
        with chromium.attach() as context:
            lab = stack.enter_context(Lab(context, Path(folder)))
            notebook = lab.open([SETUP, widget, "session.run()", PAUSE])
            notebook.run_cell(0)
            notebook.run_cell(1)
            notebook.cell(1).locator(".nnv-root").wait_for()
            notebook.run_cell(3)
            delay = float(notebook.text(3).strip())
            notebook.run_cell(2)
            notebook.cell(1).locator(".nnv-root").scroll_into_view_if_needed()
            notebook.page.evaluate(TURNS, SECONDS)
        time.sleep(SECONDS * (2 * ROUNDS + 0.5))
        with chromium.attach() as context:
            (page,) = [page for page in context.pages if "/lab/" in page.url]
            watched, alone = _rates(page, lab.server.root / STEPS_FILE)
    return watched, alone, delay


def _rates(page: Page, steps_file: Path) -> tuple[list[Rates], list[Rates]]:
    turns = page.evaluate("window.turns")
    painted = page.evaluate("[...window.painted]")
    # The last line may be half written.
    steps = [json.loads(line) for line in steps_file.read_text().splitlines()[:-1]]
    rates = []
    for (since, since_page), (until, until_page) in itertools.pairwise(turns):
        counted = [(at, step) for at, step in steps if since + SETTLE_S < at < until]
        (first_at, first), (last_at, last) = counted[0], counted[-1]
        n_painted = sum(since_page + SETTLE_S * 1000 < at < until_page for at in painted)
        rates.append(
            Rates((last - first) / (last_at - first_at), n_painted / ((until_page - since_page) / 1000 - SETTLE_S))
        )
    rates = rates[: 2 * ROUNDS]
    return rates[::2], rates[1::2]
