"""Frames on the screen while training runs, in a real JupyterLab in Chromium."""

from __future__ import annotations

import json
import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, median_ratio
from tests.browser.chromium import launch
from tests.browser.lab import Lab, Notebook

ROUNDS = 5
SECONDS = 4.0

SETUP = """
import json, time
import nnviz_widgets as nnviz
from benchmarks.networks import mlp

model, x, y, batch_size = mlp()
session = nnviz.TrainingSession(model, x, y, batch_size=batch_size, epochs=10**6, probe=nnviz.Probe(budget=0))
session.run(until="epoch")
session.wait()
inspector = session.inspector()
painted = [0]  # frames are numbered, and the page acknowledges the newest that it painted
inspector.on_msg(lambda widget, content, buffers: painted.append(content["seq"]) if content["kind"] == "ack" else None)
inspector
"""

MARK = """
marks = [*globals().get("marks", []), (time.perf_counter(), session.step_index, painted[-1])][-2:]
(since, *before), (now, *after) = marks[0], marks[-1]
print(json.dumps([(b - a) / ((now - since) or 1) for a, b in zip(before, after)]))
"""
"""Prints steps and frames a second since it ran last. No cell runs meanwhile: so people look at an Inspector."""

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


def measure() -> Iterator[Figure]:
    """Yield frames a second, the slow-down of training, and the delay of a pause."""
    with (
        launch() as browser,
        tempfile.TemporaryDirectory() as folder,
        Lab(browser, Path(folder)) as lab,
        lab.open([SETUP, "session.run()", MARK, PAUSE], width=1280, height=900) as notebook,
    ):
        notebook.run_cell(0)
        notebook.cell(0).locator(".nnv-root").wait_for()
        notebook.run_cell(1)
        yield from _frames(notebook)
        delay = float(_output(notebook, 3))
        yield Figure("pause pressed to paused, beyond one step", delay, "ms", limit=50)


def _frames(notebook: Notebook) -> Iterator[Figure]:
    watched, alone = [], []
    for _ in range(ROUNDS):
        for rates, into_view in ((watched, True), (alone, False)):
            _scroll(notebook, into_view=into_view)
            _output(notebook, 2)
            notebook.page.wait_for_timeout(SECONDS * 1000)
            rates.append(json.loads(_output(notebook, 2)))
    frames = statistics.median(rates[1] for rates in watched)
    left = statistics.median(rates[1] for rates in alone)
    slower = median_ratio([rates[0] for rates in alone], [rates[0] for rates in watched])
    yield Figure("three 784x128 maps live in JupyterLab, frames on screen", frames, "/s", limit=30, at_least=True)
    yield Figure("training without the view / with it, steps a second", slower, limit=1.10)
    yield Figure("frames while the view is scrolled away", left, "/s", limit=1)


def _scroll(notebook: Notebook, *, into_view: bool) -> None:
    """Show the Inspector, or hide it as when it is scrolled away."""
    display = "" if into_view else "none"
    notebook.page.evaluate("value => { document.querySelector('.nnv-root').style.display = value; }", display)


def _output(notebook: Notebook, index: int) -> Any:
    notebook.run_cell(index)
    return notebook.text(index).strip()
