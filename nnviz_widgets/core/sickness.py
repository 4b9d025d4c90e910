"""Where a network went non-finite first."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnviz_widgets.core.frame import VITALS

if TYPE_CHECKING:
    from nnviz_widgets.core.frame import Catalogue, VitalsReading

_NAN, _INF = VITALS.index("nan"), VITALS.index("inf")


def first_sick_tensor(catalogue: Catalogue, reading: VitalsReading) -> str | None:
    """Return the tensor that is not finite and comes first in the order of computation, in words, or `None`.

    Activations come first, in the order of the layers, then gradients from the last layer to the first, then weights:
    the order in which a NaN spreads.
    """
    order = {layer.path: i for i, layer in enumerate(catalogue.layers)}
    rows = np.flatnonzero((reading.table[:, _NAN] > 0) | (reading.table[:, _INF] > 0))
    if not rows.size:
        return None

    def when(row: int) -> tuple[int, int]:
        key = catalogue.specs[row].key
        position = order.get(key.layer, 0)
        forward = key.kind == "activations"
        return (0 if forward else 2 if key.kind == "weights" else 1, position if forward else -position)

    row = min(map(int, rows), key=when)
    key = catalogue.specs[row].key
    name = f"{key.kind} of {key.layer!r}" + (f" ({key.variable})" if key.variable else "")
    n_nan, n_inf = int(reading.table[row, _NAN]), int(reading.table[row, _INF])
    return f"{name}: {n_nan} NaN, {n_inf} Inf"
