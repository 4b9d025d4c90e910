"""The `Series` message: the whole run as lines that fit a screen, in bounded bytes however long it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast, get_args, get_type_hints

import numpy as np

from nnviz_widgets.core.decimate import without_pauses
from nnviz_widgets.core.readings import COLUMNS
from nnviz_widgets.pictures.health import DEAD_READINGS, health_of
from nnviz_widgets.pictures.lines import POINT_BYTES, Line, add_line
from nnviz_widgets.pictures.text import cut
from nnviz_widgets.protocol import MAX_FRAME_BYTES, Column, Event, Series

if TYPE_CHECKING:
    import numpy.typing as npt

    from nnviz_widgets.core.recording import Recording

METRIC_POINTS = 600
STRIP_POINTS = 120
LEAST_POINTS = 8
LINES_BYTES = MAX_FRAME_BYTES * 2 // 3
"""For all lines; the rest of a message is for names, events and health."""
MAX_EVENTS = 500
MAX_EVENT_TEXT = 200

EVENT_NAMES = get_args(get_type_hints(Event)["name"])


def series_message(recording: Recording) -> tuple[Series, list[bytes]]:
    """Return the run so far and the buffers of its lines."""
    specs = recording.catalogue.main_specs()
    steps, metrics = recording.metric_arrays()
    lines: list[Line] = [(name, None, *without_pauses(steps, values)) for name, values in metrics.items()]
    readings = recording.readings()
    newest = readings.newest(DEAD_READINGS)
    strips: list[Line] = []
    for layer in recording.layers:
        spec = specs.get((layer.path, "gradients"))
        if spec is not None:
            strips.append(("gradient_l2", layer.path, *readings.column(spec.key, COLUMNS.index("l2"))))
    columns: list[Column] = []
    buffers: list[bytes] = []
    _add(columns, buffers, lines, METRIC_POINTS)
    _add(columns, buffers, strips, STRIP_POINTS)
    message = Series(
        first_step=_first_step(recording, steps),
        last_step=int(steps[-1]) if steps.size else 0,
        columns=columns,
        events=events_of(recording),
        health=[health_of(recording, layer.path, specs, newest) for layer in recording.layers],
    )
    return message, buffers


def _first_step(recording: Recording, steps: npt.NDArray[np.int64]) -> int:
    """Return the first step that can be shown: 0, the state before any, if its weights are kept."""
    first = int(steps[0]) if steps.size else 0
    weights = next((spec.key for spec in recording.catalogue.specs if spec.key.kind == "weights"), None)
    if weights is None:
        return first
    kept = recording.tensor_steps(weights.layer, weights.kind, weights.variable)
    return min(first, int(kept[0])) if kept.size else first


def _add(columns: list[Column], buffers: list[bytes], lines: list[Line], n_points: int) -> None:
    """Add lines; if there are very many, each gets fewer points, and at last those after the first are left out."""
    share = LINES_BYTES // 2 // POINT_BYTES
    n_points = max(LEAST_POINTS, min(n_points, share // max(1, len(lines))))
    for line in lines[: share // n_points]:
        add_line(columns, buffers, line, n_points)


def events_of(recording: Recording) -> list[Event]:
    """Return the marks of the timeline; of very many, the ends of epochs thinned and the newest of the others."""
    events = [_event(*event) for event in recording.events]
    if len(events) <= MAX_EVENTS:
        return events
    epochs = [event for event in events if event.name == "epoch"]
    others = [event for event in events if event.name != "epoch"][-MAX_EVENTS // 2 :]
    thinned = epochs[:: -(-len(epochs) // (MAX_EVENTS // 2)) or 1]
    return sorted([*thinned, *others], key=lambda event: event.step)


def _event(step: int, name: str, text: str) -> Event:
    known = cast("Literal['epoch']", name if name in EVENT_NAMES else "notice")
    return Event(step, known, cut(text, MAX_EVENT_TEXT))
