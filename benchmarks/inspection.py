"""What `nnviz.inspect` takes beside one call of the model, without and with gradients, the first time and later."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import nnviz_widgets as nnviz
from benchmarks.figures import Figure, in_turns, median_ratio
from benchmarks.networks import cnn, lstm, mlp

ROUNDS = 15

NETWORKS = {"MLP": lambda: mlp(1), "CNN": lambda: cnn(1), "LSTM": lambda: lstm(1)}

LOOKS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "model(x)": lambda model, x, y: model(x),
    "predict_on_batch": lambda model, x, y: model.predict_on_batch(x),
    "inspect": lambda model, x, y: nnviz.Inspection(model, x),
    "inspect with y": lambda model, x, y: nnviz.Inspection(model, x, y),
}


def measure() -> Iterator[Figure]:
    """Yield ratios of seconds: of the first call of a new model, and of later calls."""
    for name, network in NETWORKS.items():
        first = in_turns({look: partial(_first, network, look) for look in LOOKS}, 5)
        yield Figure(f"inspect, {name}, first call, over predict_on_batch", _ratio(first, "inspect"), limit=2)
        yield Figure(f"inspect with y, {name}, first call, over predict_on_batch", _ratio(first, "inspect with y"))
        model, x, y, _ = network()
        later = in_turns({look: partial(_seconds, look, model, x, y) for look in LOOKS}, ROUNDS)
        later = {look: seconds[2:] for look, seconds in later.items()}
        milliseconds = 1000 * statistics.median(later["inspect"])
        yield Figure(
            f"inspect, {name}, later calls, over model(x)",
            median_ratio(later["inspect"], later["model(x)"]),
            limit=2,
            remark=f"{milliseconds:.1f} ms",
        )
        yield Figure(f"inspect, {name}, later calls, over predict_on_batch", _ratio(later, "inspect"))
        yield Figure(f"inspect with y, {name}, later calls, over predict_on_batch", _ratio(later, "inspect with y"))


def _ratio(seconds: dict[str, list[float]], look: str) -> float:
    return median_ratio(seconds[look], seconds["predict_on_batch"])


def _first(network: Callable[[], Any], look: str) -> float:
    model, x, y, _ = network()
    return _seconds(look, model, x, y)


def _seconds(look: str, model: Any, x: Any, y: Any) -> float:
    began = time.perf_counter()
    LOOKS[look](model, x, y)
    return time.perf_counter() - began
