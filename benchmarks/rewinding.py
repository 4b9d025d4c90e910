"""What the way back costs: snapshots on the way, and going back."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import nnviz_widgets as nnviz
from benchmarks.figures import Figure, in_turns, median_ratio
from benchmarks.networks import cnn, mlp
from benchmarks.training import session

ROUNDS = 15


def measure() -> Iterator[Figure]:
    """Yield the figures."""
    yield from snapshots("MLP", mlp)
    yield from snapshots("CNN", lambda: cnn(40))
    yield from taped()
    yield from stored()
    yield from again("", mlp(1000))
    yield from again(", data that come once", as_dataset(*mlp(1000)))


def snapshots(name: str, network: Callable[[], Any]) -> Iterator[Figure]:
    """Compare training with the default snapshots with training without any."""
    times = in_turns(
        {
            "with": session(network, nnviz.Probe(layers=()), snapshots=True),
            "without": session(network, nnviz.Probe(layers=())),
        },
        ROUNDS,
    )
    for clock, index in (("wall", 0), ("CPU", 1)):
        ratio = median_ratio([t[index] for t in times["with"]], [t[index] for t in times["without"]])
        yield Figure(f"{name}: default snapshots / none, {clock}", ratio, limit=1.05)


def as_dataset(model: Any, x: Any, y: Any, batch_size: int) -> tuple[Any, Any, Any, Any]:
    """Return a network whose data are a data set."""
    data = tf.data.Dataset.from_tensor_slices((x, y)).shuffle(len(x)).batch(batch_size).prefetch(tf.data.AUTOTUNE)
    return model, data, None, None


def taped() -> Iterator[Figure]:
    """Compare training on a data set whose batches are kept, so that they can come again, with training without."""
    candidates = {"kept": {"snapshots": nnviz.Snapshots(every=10**9)}, "not": {}, "default": {"snapshots": True}}
    times = in_turns(
        {
            name: session(lambda: as_dataset(*mlp()), nnviz.Probe(layers=()), **options)
            for name, options in candidates.items()
        },
        ROUNDS,
    )
    for clock, index in (("wall", 0), ("CPU", 1)):
        for name, words in (("kept", "its batches kept"), ("default", "that and default snapshots")):
            ratio = median_ratio([t[index] for t in times[name]], [t[index] for t in times["not"]])
            yield Figure(f"MLP on a data set: {words} / none, {clock}", ratio, limit=1.05)


def ten_million() -> tuple[Any, Any, Any]:
    """Return a compiled network of ten million parameters with Adam, and data."""
    model = keras.Sequential([keras.Input((2000,)), keras.layers.Dense(4500), keras.layers.Dense(220)])
    model.compile("adam", "mse")
    random = np.random.default_rng(0)
    return model, random.normal(size=(320, 2000)).astype("float32"), random.normal(size=(320, 220)).astype("float32")


def stored() -> Iterator[Figure]:
    """Go back to steps whose state is stored."""
    model, x, y = ten_million()
    options = nnviz.Snapshots(every=1, memory="4 GB")
    with nnviz.TrainingSession(
        model, x, y, batch_size=32, epochs=5, verbose=0, probe=nnviz.Probe(layers=()), snapshots=options
    ) as run:
        run.run(until=14)
        run.wait()
        seconds = []
        for step in (9, 13, 4, 12, 7, 11, 5):
            began = time.perf_counter()
            run.rewind(step)
            seconds.append(time.perf_counter() - began)
        n = model.count_params()
        yield Figure(
            "rewind to a stored snapshot, with Adam",
            1e3 * statistics.median(seconds),
            "ms",
            100,
            remark=f"{n:,} parameters",
        )


def again(what: str, network: tuple[Any, Any, Any, Any]) -> Iterator[Figure]:
    """Take steps again, and compare their speed with that of the training."""
    model, x, y, batch_size = network
    options = nnviz.Snapshots(every=10**9)
    with nnviz.TrainingSession(
        model, x, y, batch_size=batch_size, epochs=10, verbose=0, probe=nnviz.Probe(layers=()), snapshots=options
    ) as run:
        run.run(until=100)
        run.wait()
        speeds = []
        for turn in range(5):
            began = time.perf_counter()
            run.run(until=900)
            run.wait()
            trained = time.perf_counter() - began
            began = time.perf_counter()
            run.rewind(900 - turn)
            replayed = (time.perf_counter() - began) / (900 - turn)
            speeds.append(trained / 800 / replayed)
            run.rewind(100)
        yield Figure(
            f"speed of steps taken again / of the training{what}", statistics.median(speeds), limit=0.9, at_least=True
        )
