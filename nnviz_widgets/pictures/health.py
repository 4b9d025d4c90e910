"""The newest figures of each layer for its row in the list."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nnviz_widgets.core.frame import KINDS, NEURON_STATISTICS
from nnviz_widgets.core.readings import COLUMNS
from nnviz_widgets.errors import TensorNotRecorded
from nnviz_widgets.protocol import Health, NonFinite

if TYPE_CHECKING:
    import numpy.typing as npt

    from nnviz_widgets.core.frame import Kind, TensorKey, TensorSpec
    from nnviz_widgets.core.readings import Snapshot
    from nnviz_widgets.core.recording import Recording

DEAD_READINGS = 20
"""A unit is dead when its activation was 0 on all probed rows of so many readings."""


def health_of(recording: Recording, layer: str, specs: dict[tuple[str, Kind], TensorSpec], newest: Snapshot) -> Health:
    """Return the newest figures of one layer; `None` where there are none.

    Args:
        recording: What the readings are of.
        layer: The layer's path.
        specs: Of `Catalogue.main_specs`.
        newest: The last `DEAD_READINGS` readings.
    """
    mine = [spec for kind in KINDS if (spec := specs.get((layer, kind))) is not None]
    last = {spec.key.kind: row for spec in mine if (row := _last_row(newest, spec.key)) is not None}
    activations = specs.get((layer, "activations"))
    return Health(
        layer=layer,
        gradient_l2=_figure(last.get("gradients"), "l2"),
        update_ratio=_figure(last.get("weights"), "update_ratio"),
        dead_share=dead_share(newest, None if activations is None else activations.key),
        non_finite=[found for spec in mine if (found := _non_finite(recording, spec, newest)) is not None],
    )


def _non_finite(recording: Recording, spec: TensorSpec, newest: Snapshot) -> NonFinite | None:
    """Return how many values of a tensor are not finite, `None` if all are or nothing is known of it."""
    steps, rows = newest.rows(spec.key)
    if not len(rows):
        return None
    row = rows[-1]
    count = sum(int(_figure(row, name) or 0) for name in ("nan", "inf"))
    if count == 0:
        return None
    # A mean is over finite values: without one, none is finite.
    size = count if math.isnan(row[COLUMNS.index("mean")]) else _size(recording, spec, int(steps[-1]))
    return NonFinite(spec.key.kind, spec.key.variable, count, size)


def _size(recording: Recording, spec: TensorSpec, step: int) -> int | None:
    """Return how many values a tensor had at a step, `None` where that is not known.

    The catalogue tells it of variables; how many rows a batch had, only the tensor itself does, if it is kept.
    """
    if spec.key.kind in ("weights", "gradients") and None not in spec.shape:
        return math.prod(n for n in spec.shape if n is not None)
    try:
        return recording.frame(spec.key, step).array.size
    except TensorNotRecorded:
        return None


def dead_share(newest: Snapshot, key: TensorKey | None) -> float | None:
    """Return the share of dead units, `None` before there are `DEAD_READINGS` readings."""
    if key is None:
        return None
    _, zeros = newest.neurons(key, NEURON_STATISTICS.index("zeros"))
    if len(zeros) < DEAD_READINGS or zeros.shape[1] == 0:
        return None
    return float(np.mean((zeros == 1).all(axis=0)))


def _last_row(newest: Snapshot, key: TensorKey) -> npt.NDArray[np.float64] | None:
    _, rows = newest.rows(key)
    return rows[-1] if len(rows) else None


def _figure(row: npt.NDArray[np.float64] | None, name: str) -> float | None:
    if row is None:
        return None
    value = float(row[COLUMNS.index(name)])
    return value if math.isfinite(value) else None
