"""What the still picture says in words."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nnviz_widgets.protocol import Health, Plane, Status

MOST_LOGS = 4

NO_DATA = "weights, metrics and statistics only, none of the data"
"""What a picture holds, for those who wonder whether it may be published."""


def short(value: float) -> str:
    """Return a number in two digits that matter, and all before the point: `0.71`, `9.2e−4`, `1235`."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "−Inf"
    size = abs(value)
    if size == 0:
        return "0"
    if size < 1e-3 or size >= 1e6:
        mantissa, exponent = f"{value:.1e}".split("e")
        return f"{float(mantissa):g}e{int(exponent)}".replace("-", "−")
    digits = max(2, math.floor(math.log10(size)) + 1)
    return f"{value:.{digits}g}".replace("-", "−")


def metric(value: float | None) -> str:
    """Return a metric in three decimals or so: `0.286`."""
    if value is None:
        return "NaN"
    size = abs(value)
    if size and (size < 1e-3 or size >= 1e5):
        return short(value)
    return f"{value:.{0 if size >= 100 else 2 if size >= 10 else 3}f}".replace("-", "−")


def name_of(status: Status) -> str:
    """Return what a picture is called: of two runs it shows the first."""
    return f"{status.runs[0]}, compared with {status.runs[1]}" if status.runs else status.name


def state_words(status: Status) -> str:
    """Say how a source stands: `paused at step 412`."""
    if status.source == "inspection":
        return "one batch, in inference mode"
    if status.source in ("recording", "comparison"):
        return status.activity or status.source
    if status.state in ("paused", "failed"):
        return f"{status.state} at step {status.step:,}"
    if status.state != "finished":
        return status.state
    if status.stopped:
        return f"stopped at step {status.step:,}"
    early = status.total_steps is not None and status.step < status.total_steps
    return f"finished at step {status.step:,}" if early else "finished"


def figures(status: Status) -> list[tuple[str, str]]:
    """Return the figures at the top, each with its name: `("0.286", "loss")`."""
    logs = [(metric(value), name) for name, value in list(status.logs.items())[:MOST_LOGS]]
    if status.source == "inspection":
        return logs
    epochs = [(_out_of(status.epoch + 1, status.epochs), "epoch")] if status.epochs else []
    return [(_out_of(status.step, status.total_steps), "step"), *epochs, *logs]


def _out_of(value: int, total: int | None) -> str:
    return f"{value:,}" if total is None else f"{value:,} / {total:,}"


def health_words(health: Health) -> str:
    """Return the newest figures of a layer: `|g| 0.71  Δw/w 0.011  dead 9 %`."""
    words = [] if health.gradient_l2 is None else [f"|g| {short(health.gradient_l2)}"]
    words += [] if health.update_ratio is None else [f"Δw/w {short(health.update_ratio)}"]
    words += [f"dead {health.dead_share:.0%}".replace("%", " %")] if health.dead_share else []
    return "   ".join(words)


def sick_words(health: Health) -> str:
    """Say which tensors of a layer are not finite, empty if all are."""
    names = [each.tensor.replace("_", " ") for each in health.non_finite]
    return f"not finite: {', '.join(dict.fromkeys(names))}" if names else ""


def shape_words(plane: Plane) -> list[str]:
    """Say what a map shows, in lines: its shape and what one cell stands for."""
    shape = " × ".join(map(str, plane.shape)) or "one number"
    rows, cols = plane.row_factor, plane.col_factor
    if (rows, cols) == (1, 1):
        return [shape]
    of = f"{rows} rows" if cols == 1 else f"{cols} columns" if rows == 1 else f"{rows} × {cols}"
    return [shape, f"max |w| of {of}"]


def told(status: Status, layer: str | None) -> str:
    """Return the picture in words, for those who do not see it."""
    words = [f"{name_of(status)}: {state_words(status)}"]
    words += [f"{name} {value}" for value, name in figures(status)]
    words += [] if layer is None else [f"the weights of {layer}"]
    return f"A still picture of the Inspector. {', '.join(words)}"
