"""Which tensor went non-finite first."""

from __future__ import annotations

import numpy as np
import pytest

from nnviz_widgets.core.frame import VITALS, Catalogue, LayerInfo, TensorKey, TensorSpec, VitalsReading
from nnviz_widgets.core.sickness import first_sick_tensor

LAYERS = ("first", "second")
KEYS = [
    TensorKey("first", "weights", "kernel"),
    TensorKey("first", "gradients", "kernel"),
    TensorKey("first", "activations"),
    TensorKey("first", "activation_gradients"),
    TensorKey("second", "weights", "kernel"),
    TensorKey("second", "gradients", "kernel"),
    TensorKey("second", "activations"),
    TensorKey("second", "activation_gradients"),
]
CATALOGUE = Catalogue(
    tuple(LayerInfo(path, path, "Dense", (None, 2), ("kernel",), 4, 1, 2) for path in LAYERS),
    tuple(TensorSpec(key, (2, 2), "float32", ("in", "neuron"), 1) for key in KEYS),
)


def reading(sick: dict[TensorKey, tuple[int, int]]) -> VitalsReading:
    """Return a reading with these counts of NaN and Inf."""
    table = np.zeros((len(KEYS), len(VITALS) + 1))
    for key, counts in sick.items():
        table[KEYS.index(key), VITALS.index("nan") : VITALS.index("inf") + 1] = counts
    return VitalsReading(table, np.zeros(0, np.float32))


def test_healthy_network_has_none() -> None:
    assert first_sick_tensor(CATALOGUE, reading({})) is None


@pytest.mark.parametrize(
    ("sick", "first"),
    [
        ({KEYS[6]: (0, 2), KEYS[7]: (3, 0), KEYS[5]: (4, 0)}, "activations of 'second': 0 NaN, 2 Inf"),
        ({KEYS[2]: (1, 0), KEYS[6]: (1, 0)}, "activations of 'first': 1 NaN, 0 Inf"),
        ({KEYS[1]: (4, 0), KEYS[3]: (3, 0), KEYS[5]: (2, 0)}, "gradients of 'second' (kernel): 2 NaN, 0 Inf"),
        ({KEYS[0]: (1, 0), KEYS[1]: (4, 0)}, "gradients of 'first' (kernel): 4 NaN, 0 Inf"),
        ({KEYS[0]: (1, 1)}, "weights of 'first' (kernel): 1 NaN, 1 Inf"),
    ],
)
def test_first_is_where_it_began(sick: dict[TensorKey, tuple[int, int]], first: str) -> None:
    """Forward through the layers, then backward, then the weights."""
    assert first_sick_tensor(CATALOGUE, reading(sick)) == first
