"""How long it takes until the first step is done, and what `import` costs."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Iterator

import nnviz_widgets as nnviz
from benchmarks.figures import Figure, in_turns
from benchmarks.networks import mlp

ROUNDS = 7


def measure() -> Iterator[Figure]:
    """Yield both figures."""
    seconds = in_turns({"fit": _first_step_of_fit, "session": _first_step_of_session}, ROUNDS)
    more = statistics.median(s - f for f, s in zip(seconds["fit"][1:], seconds["session"][1:], strict=True))
    yield Figure("start-up of a session over fit's own", more, "s", limit=1.0)
    theirs, ours = "import numpy, ipywidgets, anywidget", "import numpy, ipywidgets, anywidget, nnviz_widgets"
    seconds = in_turns({"theirs": lambda: _import(theirs), "ours": lambda: _import(ours)}, ROUNDS)
    more = statistics.median(o - t for t, o in zip(seconds["theirs"], seconds["ours"], strict=True))
    yield Figure("import nnviz_widgets over numpy, ipywidgets, anywidget", more, "s", limit=0.15)


def _first_step_of_fit() -> float:
    model, x, y, batch_size = mlp(1)
    began = time.perf_counter()
    model.fit(x, y, batch_size=batch_size, epochs=1, verbose=0)
    return time.perf_counter() - began


def _first_step_of_session() -> float:
    model, x, y, batch_size = mlp(1)
    began = time.perf_counter()
    with nnviz.TrainingSession(model, x, y, batch_size=batch_size, epochs=1, verbose=0) as session:
        session.step()
        return time.perf_counter() - began


def _import(statement: str) -> float:
    code = f"import time; began = time.perf_counter()\n{statement}\nprint(time.perf_counter() - began)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(answer.stdout)
