"""How far two runs are apart, layer by layer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from nnviz_widgets.errors import NnvizError
from nnviz_widgets.pictures.compare import difference, wide
from nnviz_widgets.pictures.health import DEAD_READINGS, health_of
from nnviz_widgets.protocol import Health

if TYPE_CHECKING:
    import numpy.typing as npt

    from nnviz_widgets.core.frame import TensorKey
    from nnviz_widgets.pictures.comparison import Comparison

MOST_VALUES = 16 << 20
"""Larger weights are not read for one figure."""

Known = dict["TensorKey", tuple[tuple[int, int], "float | None"]]
"""What was found of each tensor, and at which steps of both."""


def health_of_both(comparison: Comparison, known: Known) -> list[Health]:
    """Return for each layer how far the weights of both are apart and what is not finite in either.

    `update_ratio` is the norm of the difference of the weights over that of the first run's, at the newest step at
    which both are kept. The other figures are those of one run, and none is told.

    Args:
        comparison: Both.
        known: What was found before; what is found now is added to it.
    """
    found = []
    runs = [
        (run, run.catalogue.main_specs(), run.readings().newest(DEAD_READINGS))
        for run in (comparison.other, comparison.recording)
    ]
    main = runs[1][1]
    for layer in comparison.recording.layers:
        sick = {
            (each.tensor, each.variable): each
            for run, specs, newest in runs
            for each in health_of(run, layer.path, specs, newest).non_finite
        }
        spec = main.get((layer.path, "weights"))
        ratio = None if spec is None else _known_ratio(comparison, spec.key, known)
        found.append(Health(layer.path, None, ratio, None, list(sick.values())))
    return found


def _known_ratio(comparison: Comparison, key: TensorKey, known: Known) -> float | None:
    steps = comparison.common_step(key, comparison.newest)
    if steps is None:
        return None
    if key not in known or known[key][0] != steps:
        known[key] = steps, _ratio(comparison, key, *steps)
    return known[key][1]


def _ratio(comparison: Comparison, key: TensorKey, step: int, other: int) -> float | None:
    """Return the norm of the difference of a tensor over that of the first run's, `None` where that is no number."""
    try:
        first, second = comparison.recording.frame(key, step), comparison.other.frame(key, other)
    except NnvizError:
        return None  # thinned out meanwhile, or too large to be fetched from its device
    if first.array.size > MOST_VALUES:
        return None
    changed = difference(second, first)
    if isinstance(changed, str):
        return None
    size = _norm(first.array)
    ratio = _norm(changed) / size if size else math.nan
    return ratio if math.isfinite(ratio) else None


def _norm(array: npt.NDArray[np.generic]) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.linalg.norm(np.ravel(wide(array))))
