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
painted = [0]
inspector.on_msg(lambda widget, content, buffers: painted.__setitem__(0, painted[0] + (content.get("kind") == "ack")))
inspector
"""

MEASURE = f"""
before = (session.step_index, painted[0], time.perf_counter())
time.sleep({SECONDS})
seconds = time.perf_counter() - before[2]
print(json.dumps([(session.step_index - before[0]) / seconds, (painted[0] - before[1]) / seconds]))
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


def measure() -> Iterator[Figure]:
    """Yield frames a second, the slow-down of training, and the delay of a pause."""
    with (
        launch() as browser,
        tempfile.TemporaryDirectory() as folder,
        Lab(browser, Path(folder)) as lab,
        lab.open([SETUP, "session.run()", MEASURE, PAUSE]) as notebook,
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
        _scroll(notebook, into_view=True)
        watched.append(json.loads(_output(notebook, 2)))
        _scroll(notebook, into_view=False)
        alone.append(json.loads(_output(notebook, 2)))
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
