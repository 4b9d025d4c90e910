"""Scalings of data as the first layer of a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt


def normalization_layer(
    mean: npt.NDArray[np.float64], deviation: npt.NDArray[np.float64], axes: tuple[int, ...]
) -> Any:
    """Return `(x - mean) / deviation`; `axes` are those of the features."""
    return keras.layers.Normalization(axis=axes or None, mean=mean, variance=np.square(deviation))


def rescaling_layer(offset: npt.NDArray[np.float64], scale: npt.NDArray[np.float64]) -> Any:
    """Return `(x - offset) / scale`."""
    factor, shift = 1 / scale, -offset / scale
    if factor.size == 1:
        return keras.layers.Rescaling(float(factor.item()), float(shift.item()))
    return keras.layers.Rescaling(factor.astype(np.float32), shift.astype(np.float32))
