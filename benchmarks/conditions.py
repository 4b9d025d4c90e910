"""What it takes to read a hostile condition, to ask breakpoints at a step, and to search a recording."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import numpy as np

import nnviz_widgets as nnviz
from benchmarks.figures import Figure, in_turns, median_ratio
from benchmarks.networks import mlp
from benchmarks.training import Times, epochs_of
from nnviz_widgets.core.conditions.breakpoints import Breakpoints
from nnviz_widgets.core.conditions.completion import complete
from nnviz_widgets.core.conditions.condition import Condition
from nnviz_widgets.core.conditions.known import Known
from nnviz_widgets.core.conditions.recorded import steps_where
from nnviz_widgets.core.lookup import Lookup
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.errors import NotACondition
from tests.core.catalogues import dense
from tests.core.conditions.hostile import hostile

N_HOSTILE = 10_000
N_STEPS = 100_000
ROUNDS = 21
ON_TENSORS = ("nan or l2(dense.gradients) > 1e9", "max(dense.activations) > 1e9", "update_ratio(dense.weights) > 1e9")
TEXT = "loss > 3 or nan or l2(dense.gradients) > 100"


class Values:
    """A step at which nothing holds."""

    report = None
    non_finite = False

    def number(self, name: str) -> float:
        return 1.0

    def statistic(self, statistic: str, layer: str, kind: str) -> float:
        return 1.0


def measure() -> Iterator[Figure]:
    """Yield milliseconds and microseconds, of the CPU: the machine is shared, and none of this waits."""
    times = sorted(_milliseconds_to_refuse(text) for text in hostile(N_HOSTILE))
    yield Figure(f"refuse a hostile condition, worst of {N_HOSTILE:,}", times[-1], "ms", limit=10)
    yield Figure("refuse a hostile condition, median", times[N_HOSTILE // 2], "ms")
    yield Figure(f"read {TEXT!r}", _best(lambda: Condition(TEXT), 1000), "us")
    breakpoints = Breakpoints()
    for _ in range(3):
        breakpoints.add(TEXT)
    yield Figure("ask three such breakpoints at a step", _best(lambda: breakpoints.ask(1, Values()), 5000), "us")
    known = Known(Lookup(dense(*[8] * 200)), ("accuracy", "val_loss"))
    yield Figure("complete a condition, 200 layers", _best(lambda: complete("l2(dens", 7, known), 200), "us")
    yield from on_vitals()
    recording = _recording()
    yield Figure(
        f"search {N_STEPS:,} steps with steps_where",
        _best(lambda: steps_where("loss > 3 or nan", recording), 5) / 1000,
        "ms",
    )


def on_vitals() -> Iterator[Figure]:
    """Compare steps that are read and asked with steps that are read."""
    times = in_turns({"asked": _session(*ON_TENSORS), "read": _session()}, ROUNDS)
    for clock, index in (("wall", 0), ("CPU", 1)):
        ratio = median_ratio([t[index] for t in times["asked"]], [t[index] for t in times["read"]])
        yield Figure(f"three conditions on vitals / the vitals step, {clock}", ratio, limit=1.02)


def _session(*conditions: str) -> Callable[[], Times]:
    """Return a function that trains an epoch whose steps are all read, and times it."""
    network = mlp()
    epoch, run = epochs_of(network, nnviz.Probe(every=1, kinds=()))
    layer = network[0].layers[0].name
    for condition in conditions:
        run.breakpoints.add(condition.replace("dense", layer))
    return epoch


def _milliseconds_to_refuse(text: str) -> float:
    began = time.thread_time()
    try:
        Condition(text)
    except NotACondition:
        return 1e3 * (time.thread_time() - began)
    raise AssertionError(f"taken as a condition: {text!r}")


def _best(call: Callable[[], object], n: int) -> float:
    """Return microseconds of one call, the best of five rounds."""
    rounds = []
    for _ in range(5):
        began = time.thread_time()
        for _ in range(n):
            call()
        rounds.append(1e6 * (time.thread_time() - began) / n)
    return min(rounds)


def _recording() -> Recording:
    recording = Recording()
    for step, loss in enumerate(np.random.default_rng(0).exponential(size=N_STEPS).tolist(), 1):
        recording.add_step(step, 0, step - 1, {"batch_loss": loss, "gradient_l2": loss})
    return recording
