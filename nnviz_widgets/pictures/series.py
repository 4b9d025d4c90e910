"""The `Series` message: the whole run as lines that fit a screen, in bounded bytes however long it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, cast, get_args, get_type_hints

from nnviz_widgets.core.decimate import without_pauses
from nnviz_widgets.core.readings import COLUMNS
from nnviz_widgets.pictures.apart import health_of_both
from nnviz_widgets.pictures.health import DEAD_READINGS, health_of
from nnviz_widgets.pictures.lines import POINT_BYTES, Line, add_line
from nnviz_widgets.pictures.text import cut
from nnviz_widgets.protocol import MAX_FRAME_BYTES, Column, Event, Health, Series

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt

    from nnviz_widgets.core.alignment import Alignment
    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.core.session import Session
    from nnviz_widgets.pictures.comparison import Comparison

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
    columns, buffers = _columns([_curves(recording)], [_strips(recording)])
    steps = recording.steps
    message = Series(
        first_step=_first_step(recording, steps),
        last_step=int(steps[-1]) if steps.size else 0,
        columns=columns,
        events=events_of(recording),
        health=_health(recording),
    )
    return message, buffers


def both_series(comparison: Comparison) -> tuple[Series, list[bytes]]:
    """Return two runs so far over the steps of the first: their lines, of half the points, and their distance."""
    own, other, alignment = comparison.recording, comparison.other, comparison.alignment
    columns, buffers = _columns(
        *([lines_of(own), [_moved(line, alignment) for line in lines_of(other)]] for lines_of in (_curves, _strips))
    )
    events = [_of_second(event, comparison.names[1], alignment) for event in events_of(other, MAX_EVENTS // 2)]
    message = Series(
        first_step=min(_first_step(own, own.steps), alignment.to_own(_first_step(other, other.steps))),
        last_step=comparison.last_step,
        columns=columns,
        events=sorted([*events_of(own, MAX_EVENTS // 2), *events], key=lambda event: event.step),
        health=health_of_both(comparison, comparison.distances),
    )
    return message, buffers


def branch_series(session: Session) -> tuple[Series, list[bytes]]:
    """Return a session so far with all its branches: the lines of each, and what else there is of the current one."""
    branches, recording = list(session.branches), session.recording
    if len(branches) == 1:
        return series_message(recording)
    columns, buffers = _columns([_curves(branch.recording) for branch in branches], [_strips(recording)])
    message = Series(
        first_step=_first_step(recording, recording.steps),
        last_step=max(branch.last_step for branch in branches),
        columns=columns,
        events=events_of(recording),
        health=_health(recording),
    )
    return message, buffers


def _moved(line: Line, alignment: Alignment) -> Line:
    name, layer, steps, values = line
    return name, layer, alignment.onto_own(steps), values


def _of_second(event: Event, name: str, alignment: Alignment) -> Event:
    return Event(alignment.to_own(event.step), event.name, cut(f"{name}: {event.text}", MAX_EVENT_TEXT))


def _curves(recording: Recording) -> list[Line]:
    """Return the metrics."""
    steps, metrics = recording.metric_arrays()
    return [(name, None, *without_pauses(steps, values)) for name, values in metrics.items()]


def _strips(recording: Recording) -> list[Line]:
    """Return for each layer how its gradient went."""
    specs, readings = recording.catalogue.main_specs(), recording.readings()
    found = [(layer.path, specs.get((layer.path, "gradients"))) for layer in recording.layers]
    return [
        ("gradient_l2", path, *readings.column(spec.key, COLUMNS.index("l2")))
        for path, spec in found
        if spec is not None
    ]


def _health(recording: Recording) -> list[Health]:
    specs, newest = recording.catalogue.main_specs(), recording.readings().newest(DEAD_READINGS)
    return [health_of(recording, layer.path, specs, newest) for layer in recording.layers]


def _first_step(recording: Recording, steps: npt.NDArray[np.int64]) -> int:
    """Return the first step that can be shown: 0, the state before any, if its weights are kept."""
    first = int(steps[0]) if steps.size else 0
    weights = next((spec.key for spec in recording.catalogue.specs if spec.key.kind == "weights"), None)
    if weights is None:
        return first
    kept = recording.tensor_steps(weights.layer, weights.kind, weights.variable)
    return min(first, int(kept[0])) if kept.size else first


def _columns(curves: Sequence[list[Line]], strips: Sequence[list[Line]]) -> tuple[list[Column], list[bytes]]:
    """Return metrics and strips of one or more runs, and what they are made of."""
    columns: list[Column] = []
    buffers: list[bytes] = []
    for of_runs, n_points in ((curves, METRIC_POINTS), (strips, STRIP_POINTS)):
        for run, lines in enumerate(of_runs):
            _add(columns, buffers, lines, n_points, run, len(of_runs))
    return columns, buffers


def _add(columns: list[Column], buffers: list[bytes], lines: list[Line], n_points: int, run: int, n_runs: int) -> None:
    """Add lines; if there are very many, each gets fewer points, and at last those after the first are left out."""
    share = LINES_BYTES // 2 // n_runs // POINT_BYTES
    n_points = max(LEAST_POINTS, min(n_points // min(n_runs, 3), share // max(1, len(lines))))
    for line in lines[: share // n_points]:
        add_line(columns, buffers, line, n_points, run)


def events_of(recording: Recording, most: int = MAX_EVENTS) -> list[Event]:
    """Return the marks of the timeline; of very many, the ends of epochs thinned and the newest of the others."""
    events = [_event(*event) for event in recording.events]
    if len(events) <= most:
        return events
    epochs = [event for event in events if event.name == "epoch"]
    others = [event for event in events if event.name != "epoch"][-most // 2 :]
    thinned = epochs[:: -(-len(epochs) // (most // 2)) or 1]
    return sorted([*thinned, *others], key=lambda event: event.step)


def _event(step: int, name: str, text: str) -> Event:
    known = cast("Literal['epoch']", name if name in EVENT_NAMES else "notice")
    return Event(step, known, cut(text, MAX_EVENT_TEXT))
