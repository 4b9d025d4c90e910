"""Large models, on the Python side: seconds to the first picture, its bytes, and the memory that it takes.

A page is played by a comm that keeps what is sent. Layers, series and a frame of three maps are asked for as a browser
does; what a browser does with them is not in these figures.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comm
import keras
import msgspec
import numpy as np
from keras import layers

import nnviz_widgets as nnviz
from benchmarks.figures import Figure, median_ratio
from tests.widgets.fakes import FakeComm, Page, until

MIB = 1 << 20
ROUNDS = 5
BATCH_SIZE = 8
MAP_SIZE = {"max_rows": 400, "max_cols": 1200}
"""Cells that a page asks for in each map on a large screen."""


def measure() -> Iterator[Figure]:
    """Yield the rows of each model."""
    comm.create_comm = FakeComm  # type: ignore[assignment]
    _first_picture(_stack(16, 1), 16)  # what a process does once, such as reading the bundle, is not part of a model
    yield from _of_model("one 4096x4096 kernel", _stack(4096, 1), 4096, seconds=1)
    model = _stack(816, 150)
    yield from _of_model("100M parameters in 150 layers", model, 816, seconds=2)
    yield from _of_session("100M parameters in 150 layers", model, 816)
    del model
    yield from _of_model("1,000 layers", _deep(16, 1000), 16, seconds=None)


def _of_model(name: str, model: Any, width: int, seconds: float | None) -> Iterator[Figure]:
    x = _batch(width)
    model.compile("sgd", "mse")
    model(x)
    with _peak() as grown:
        first = _first_picture(model, width)
    calls, pictures = [], []
    for _ in range(ROUNDS):
        calls.append(_seconds(lambda: model(x)))
        pictures.append(_first_picture(model, width))
    over = median_ratio([picture.inspect_seconds for picture in pictures], calls)
    middle = statistics.median(picture.seconds for picture in pictures)
    yield Figure(f"{name}: inspect to first picture", middle, "s", limit=seconds)
    # Layers of 16 units are Python and nothing else, in Keras as here.
    yield Figure(f"{name}: inspect over model(x)", over, limit=None if seconds is None else 2)
    yield Figure(f"{name}: bytes of the first frame", first.frame_bytes / MIB, "MiB", limit=1)
    yield Figure(f"{name}: bytes of the layers message", first.layers_bytes / MIB, "MiB", limit=1)
    yield Figure(f"{name}: memory at the peak, beyond before", grown() / MIB, "MiB", limit=64)
    middle = statistics.median(_first_picture(model, width, x).seconds for _ in range(ROUNDS))
    yield Figure(f"{name}: the same with gradients", middle, "s")


def _of_session(name: str, model: Any, width: int) -> Iterator[Figure]:
    x = _batch(width)
    with _peak() as grown:
        began = time.perf_counter()
        session = nnviz.TrainingSession(model, x, x, batch_size=BATCH_SIZE)
        inspector = session.inspector()
        _ask(inspector)
        seconds = time.perf_counter() - began
    inspector.close()
    session.close()
    yield Figure(f"{name}: session to first picture", seconds, "s", limit=2)
    yield Figure(f"{name}: memory of that, beyond before", grown() / MIB, "MiB", limit=64)


def _batch(width: int) -> Any:
    return np.random.default_rng(0).normal(size=(BATCH_SIZE, width)).astype("float32")


@dataclass(frozen=True)
class _First:
    seconds: float
    inspect_seconds: float
    frame_bytes: int
    layers_bytes: int


def _first_picture(model: Any, width: int, y: Any = None) -> _First:
    x = _batch(width)
    began = time.perf_counter()
    inspector = nnviz.inspect(model, x, y)
    inspected = time.perf_counter()
    page = _ask(inspector)
    painted = time.perf_counter()
    frame, buffers = page.frames[0]
    layers_message = page.comm.customs("layers")[0][0]
    inspector.close()
    return _First(
        seconds=painted - began,
        inspect_seconds=inspected - began,
        frame_bytes=_size(frame) + sum(map(len, buffers)),
        layers_bytes=_size(layers_message),
    )


def _ask(inspector: Any) -> Page:
    """Do what a page does, and return it with its first frame."""
    page = Page(inspector)
    page.ready()
    page.watch("activations", "weights", "gradients", layer=inspector.recording.layers[0].path, **MAP_SIZE)
    until(page.poll, 60)
    return page


def _size(message: dict[str, Any]) -> int:
    return len(msgspec.json.encode(message))


def _seconds(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def _stack(width: int, n_layers: int) -> Any:
    return keras.Sequential([keras.Input((width,)), *(layers.Dense(width) for _ in range(n_layers))])


def _deep(width: int, n_layers: int) -> Any:
    """Return a chain that Keras' own functional models are too recursive for."""

    class Deep(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="deep")
            self.chain = [layers.Dense(width) for _ in range(n_layers)]

        def call(self, x: Any) -> Any:
            for layer in self.chain:
                x = layer(x)
            return x

    model = Deep()
    model(np.zeros((1, width), np.float32))
    return model


@contextlib.contextmanager
def _peak() -> Iterator[Callable[[], float]]:
    """Yield a function that tells, after the block, by how many bytes the process grew at most within it."""
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _status("VmRSS")
    peak: list[int] = []
    yield lambda: max(0, peak[0] - before)
    peak.append(_status("VmHWM"))


def _status(name: str) -> int:
    lines = Path(f"/proc/{os.getpid()}/status").read_text().splitlines()
    (line,) = [line for line in lines if line.startswith(f"{name}:")]
    return int(line.split()[1]) << 10
