"""Which tensor went non-finite first."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from nnviz_widgets.core.frame import VITALS, Catalogue, LayerInfo, TensorKey, TensorSpec, VitalsReading
from nnviz_widgets.core.sickness import SicknessWatch, first_sick_tensor

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


def output(batch_loss: float, norm: float, sick: dict[TensorKey, tuple[int, int]] | None) -> SimpleNamespace:
    vitals = None if sick is None else reading(sick)
    return SimpleNamespace(batch_loss=batch_loss, has_loss=True, gradient_l2=norm, skipped=False, vitals=vitals)


def test_N01_a_norm_that_overflows_before_any_tensor_does_is_not_the_end_of_the_search() -> None:
    watch = SicknessWatch()
    assert watch.look(2, output(1e20, np.inf, {}), CATALOGUE) == ["step 2: not finite (gradient norm inf)"]
    assert watch.needs_reading(2)
    (named,) = watch.look(3, output(np.inf, np.nan, {KEYS[6]: (0, 4)}), CATALOGUE)
    assert named == "step 3: the first tensor that is not finite is activations of 'second': 0 NaN, 4 Inf"
    assert not watch.needs_reading(3)


def test_the_search_ends_where_nothing_is_found() -> None:
    """A loss may be infinite for ever while every tensor is finite."""
    watch = SicknessWatch()
    n_read = 0
    for step in range(1, 1000):
        n_read += watch.needs_reading(step - 1)
        watch.look(step, output(np.inf, 1.0, {} if watch.needs_reading(step - 1) else None), CATALOGUE)
    assert n_read == 20
