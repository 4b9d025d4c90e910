"""What it takes to look into a model with one batch, beside one call of it: without gradients, with them, and shown."""

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
    "Inspection": lambda model, x, y: nnviz.Inspection(model, x),
    "Inspection with y": lambda model, x, y: nnviz.Inspection(model, x, y),
    "inspect": lambda model, x, y: nnviz.inspect(model, x),
}
"""`nnviz.inspect` is an `Inspection` and the Inspector that shows it, which costs the same however small the model."""


def measure() -> Iterator[Figure]:
    """Yield ratios of seconds: of the first call of a new model, and of later calls."""
    for name, network in NETWORKS.items():
        first = in_turns({look: partial(_first, network, look) for look in LOOKS}, 5)
        yield Figure(f"Inspection, {name}, first call, over predict_on_batch", _ratio(first, "Inspection"), limit=2)
        for look in ("Inspection with y", "inspect"):
            yield Figure(f"{look}, {name}, first call, over predict_on_batch", _ratio(first, look))
        model, x, y, _ = network()
        later = in_turns({look: partial(_seconds, look, model, x, y) for look in LOOKS}, ROUNDS)
        later = {look: seconds[2:] for look, seconds in later.items()}
        yield Figure(
            f"Inspection, {name}, later calls, over model(x)",
            median_ratio(later["Inspection"], later["model(x)"]),
            limit=2,
            remark=_milliseconds(later["Inspection"]),
        )
        yield Figure(
            f"inspect, {name}, later calls, over model(x)",
            median_ratio(later["inspect"], later["model(x)"]),
            remark=_milliseconds(later["inspect"]),
        )
        for look in ("Inspection", "Inspection with y"):
            yield Figure(f"{look}, {name}, later calls, over predict_on_batch", _ratio(later, look))


def _milliseconds(seconds: list[float]) -> str:
    return f"{1000 * statistics.median(seconds):.1f} ms"


def _ratio(seconds: dict[str, list[float]], look: str) -> float:
    return median_ratio(seconds[look], seconds["predict_on_batch"])


def _first(network: Callable[[], Any], look: str) -> float:
    model, x, y, _ = network()
    return _seconds(look, model, x, y)


def _seconds(look: str, model: Any, x: Any, y: Any) -> float:
    began = time.perf_counter()
    looked = LOOKS[look](model, x, y)
    seconds = time.perf_counter() - began
    if isinstance(looked, nnviz.Inspector):
        looked.close()
    return seconds
