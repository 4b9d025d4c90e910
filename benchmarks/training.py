"""What a session and its probes cost, in a step of an epoch after the first."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from typing import Any

import keras
import tensorflow as tf

import nnviz_widgets as nnviz
from benchmarks.figures import Figure, in_turns, median_ratio
from benchmarks.networks import cnn, mlp

Times = tuple[float, float]
"""Wall and CPU seconds of one epoch."""

PROBES = {
    "plain": lambda: nnviz.Probe(layers=()),
    "sentinel": lambda: nnviz.Probe(budget=0),
    "vitals": lambda: nnviz.Probe(kinds=(), every=1),
    "full": lambda: nnviz.Probe(every=1),
    "default": lambda: nnviz.Probe(),
}
ROUNDS = 11


class EpochTimer(keras.callbacks.Callback):
    """Times epochs from begin to end."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._began = (time.perf_counter(), time.process_time())

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.last = (time.perf_counter() - self._began[0], time.process_time() - self._began[1])


class Histograms(keras.callbacks.Callback):
    """What a user of TensorBoard would write to see weights move: a histogram of each, every step."""

    def __init__(self, folder: str) -> None:
        super().__init__()
        self._writer = tf.summary.create_file_writer(folder)
        self._step = 0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._step += 1
        with self._writer.as_default(step=self._step):
            for variable in self.model.trainable_variables:
                tf.summary.histogram(variable.path, variable.value)


def fit(network: Callable[[], Any], extra: Callable[[], list[Any]] = list) -> Callable[[], Times]:
    """Return a function that trains one epoch with `model.fit` and times it."""
    model, x, y, batch_size = network()
    timer, callbacks = EpochTimer(), extra()

    def epoch() -> Times:
        model.fit(x, y, batch_size=batch_size, epochs=1, verbose=0, callbacks=[timer, *callbacks])
        return timer.last

    epoch()
    return epoch


def session(network: Callable[[], Any], probe: nnviz.Probe, **options: Any) -> Callable[[], Times]:
    """Return a function that trains one epoch in a session and times it."""
    return epochs_of(network(), probe, **options)[0]


def epochs_of(
    network: tuple[Any, Any, Any, int], probe: nnviz.Probe, **options: Any
) -> tuple[Callable[[], Times], nnviz.TrainingSession]:
    """Return a function that trains one epoch in a session and times it, and the session, which has trained one."""
    model, x, y, batch_size = network
    timer = EpochTimer()
    given = {"verbose": 0, "snapshots": False, **options}
    run = nnviz.TrainingSession(
        model, x, y, batch_size=batch_size, epochs=10**6, callbacks=[timer], probe=probe, **given
    )

    def epoch() -> Times:
        run.run(until="epoch")
        run.wait()
        return timer.last

    epoch()
    return epoch, run


def measure() -> Iterator[Figure]:
    """Yield the figures of both networks."""
    limits = {
        "MLP": {"plain": 1.00, "sentinel": 1.02, "vitals": 1.5, "full": 2.0},
        "CNN": {"plain": 1.02, "sentinel": 1.02, "vitals": 1.2},
    }
    for name, network in (("MLP", mlp), ("CNN", cnn)):
        with tempfile.TemporaryDirectory() as folder:
            yield from _one_network(name, network, limits[name], folder)


def _one_network(name: str, network: Callable[[], Any], limits: dict[str, float], folder: str) -> Iterator[Figure]:
    keras.utils.set_random_seed(0)
    candidates = {
        "fit": fit(network),
        "histograms": fit(network, lambda: [Histograms(folder)]),
        "scalars": fit(network, lambda: [keras.callbacks.TensorBoard(folder, update_freq=1, write_graph=False)]),
        **{variant: session(network, probe()) for variant, probe in PROBES.items()},
    }
    times = in_turns(candidates, ROUNDS)
    for clock, index in (("wall", 0), ("CPU", 1)):

        def ratio(candidate: str, base: str, index: int = index) -> float:
            return median_ratio([t[index] for t in times[candidate]], [t[index] for t in times[base]])

        yield Figure(f"{name}: session, nothing watched / fit, {clock}", ratio("plain", "fit"), limit=limits["plain"])
        yield Figure(f"{name}: sentinel / plain, {clock}", ratio("sentinel", "plain"), limit=limits["sentinel"])
        yield Figure(f"{name}: vitals every step / plain, {clock}", ratio("vitals", "plain"), limit=limits["vitals"])
        yield Figure(
            f"{name}: all tensors recorded every step / plain, {clock}",
            ratio("full", "plain"),
            limit=limits.get("full"),
        )
        yield Figure(f"{name}: the default probe / fit, {clock}", ratio("default", "fit"))
        yield Figure(
            f"{name}: tf.summary.histogram of the weights every step / fit, {clock}", ratio("histograms", "fit")
        )
        yield Figure(f"{name}: TensorBoard's scalars per batch / fit, {clock}", ratio("scalars", "fit"))
