"""The newest figures of each layer for its row in the list."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nnviz_widgets.core.frame import KINDS, NEURON_STATISTICS
from nnviz_widgets.core.readings import COLUMNS
from nnviz_widgets.protocol import Health

if TYPE_CHECKING:
    import numpy.typing as npt

    from nnviz_widgets.core.frame import Kind, TensorKey
    from nnviz_widgets.core.readings import Snapshot

DEAD_READINGS = 20
"""A unit is dead when its activation was 0 on all probed rows of so many readings."""


def health_of(layer: str, keys: dict[tuple[str, Kind], TensorKey], newest: Snapshot) -> Health:
    """Return the newest figures of one layer; `None` where there are none.

    Args:
        layer: The layer's path.
        keys: Of `Catalogue.main_specs`.
        newest: The last `DEAD_READINGS` readings.
    """
    last = {kind: _last_row(newest, keys[layer, kind]) for kind in KINDS if (layer, kind) in keys}
    return Health(
        layer=layer,
        gradient_l2=_figure(last.get("gradients"), "l2"),
        update_ratio=_figure(last.get("weights"), "update_ratio"),
        dead_share=dead_share(newest, keys.get((layer, "activations"))),
        non_finite=sum(int(_figure(row, name) or 0) for row in last.values() for name in ("nan", "inf")),
    )


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
