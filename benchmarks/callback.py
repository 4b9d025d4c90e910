"""What `nnviz.InspectCallback` adds to an epoch of `model.fit`, with the default probe."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keras

import nnviz_widgets as nnviz
from benchmarks.figures import Figure, in_turns, median_ratio
from benchmarks.networks import cnn, mlp
from benchmarks.training import EpochTimer, Times

ROUNDS = 7
EPOCHS = 2
"""The first one of a `fit` holds the tracing of the step; the second is measured."""
CNN_BATCHES = 40
"""What a reading costs is learned in the first 40 steps or so, by readings beyond the budget."""
LIMITS = {"MLP": 1.2, "CNN": 1.05}


def fit(network: Callable[[], Any], extra: Callable[[], list[Any]] = list) -> Callable[[], Times]:
    """Return a function that trains with `model.fit` and callbacks made anew, and times the last epoch.

    Keras' own step is traced anew each time, as ours is: the luck of one trace would else be in every round.
    """
    model, x, y, batch_size = network()
    timer = EpochTimer()

    def train() -> Times:
        model.make_train_function(force=True)
        callbacks = [timer, *extra()]
        model.fit(x, y, batch_size=batch_size, epochs=EPOCHS, verbose=0, callbacks=callbacks)
        return timer.last

    train()
    return train


def measure() -> Iterator[Figure]:
    """Yield the figures of both networks."""
    with tempfile.TemporaryDirectory() as folder:
        numbers = iter(range(10**6))
        for name, network in (("MLP", mlp), ("CNN", lambda: cnn(CNN_BATCHES))):
            yield from _one_network(name, network, lambda: Path(folder) / f"{next(numbers)}.nnv")


def _one_network(name: str, network: Callable[[], Any], a_file: Callable[[], Path]) -> Iterator[Figure]:
    keras.utils.set_random_seed(0)
    times = in_turns(
        {
            "fit": fit(network),
            "callback": fit(network, lambda: [nnviz.InspectCallback()]),
            "file": fit(network, lambda: [nnviz.InspectCallback(record=a_file())]),
        },
        ROUNDS,
    )
    for clock, index in (("wall", 0), ("CPU", 1)):

        def ratio(candidate: str, index: int = index) -> float:
            return median_ratio([t[index] for t in times[candidate]], [t[index] for t in times["fit"]])

        limit = LIMITS[name] if clock == "wall" else None
        yield Figure(f"{name}: fit with InspectCallback / fit, {clock}", ratio("callback"), limit=limit)
        yield Figure(f"{name}: the same, recorded to a file / fit, {clock}", ratio("file"))
