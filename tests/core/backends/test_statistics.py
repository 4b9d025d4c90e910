"""Statistics out of the compiled step equal those of `core.stats` on the whole tensors, whatever the values are."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from nnviz_widgets.core import stats
from nnviz_widgets.core.backends.tensorflow import statistics
from nnviz_widgets.core.backends.tensorflow.statistics import Subject
from nnviz_widgets.core.frame import NEURON_STATISTICS, VITALS


def reading_of(values: list[np.ndarray], axes: list[int | None], befores: list[Any] | None = None) -> Any:
    """Compute vitals as a step does, in a compiled function."""
    import tensorflow as tf

    befores = befores or [None] * len(values)
    made: list[Any] = []

    @tf.function(autograph=False)
    def step(tensors: list[Any], earlier: list[Any]) -> Any:
        subjects = [Subject(t, a, b) for t, a, b in zip(tensors, axes, earlier, strict=True)]
        sums, n_values, layout = statistics.column_sums(subjects)
        made.append(layout)
        return sums, n_values

    sums, n_values = step([tf.constant(v) for v in values], [None if b is None else tf.constant(b) for b in befores])
    return statistics.SumsReading(sums.numpy(), n_values.numpy(), made[-1], lambda i: values[i])


def assert_exact(values: list[np.ndarray], axes: list[int | None], rtol: float = 2e-4) -> None:
    """Fail unless vitals and neuron statistics equal the slow way."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        reading = reading_of(values, axes)
    start = 0
    for row, array, axis in zip(reading.table, values, axes, strict=True):
        expected = stats.vitals(array)
        scale = np.nanmax(np.abs(expected[2:4]), initial=0) if np.isfinite(expected[2:4]).any() else 0
        np.testing.assert_allclose(row[: len(VITALS)], expected, rtol=rtol, atol=1e-5 * scale, err_msg=str(array.shape))
        if axis is not None:
            n = 4 * array.shape[axis]
            part = reading.neurons[start : start + n].reshape(4, -1)
            start += n
            slow = stats.neuron_statistics(array, axis)
            for i, statistic in enumerate(NEURON_STATISTICS):
                np.testing.assert_allclose(
                    part[i].astype("float64"), slow[i], rtol=rtol, atol=1e-5 * scale, err_msg=statistic
                )
    assert start == reading.neurons.size
    assert_one_by_one(reading)


def assert_one_by_one(reading: Any) -> None:
    """Fail unless each number by itself is that of the whole table, to the last bit."""
    settled = reading.settle([reading])[0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        alone = [[reading.value(row, column) for column in range(len(VITALS) + 1)] for row in range(reading.n_specs)]
    np.testing.assert_array_equal(np.array(alone).reshape(settled.table.shape), settled.table)
    assert sorted(reading.non_finite_rows()) == settled.non_finite_rows()
    assert settled.value(0, 4) == settled.table[0, 4] or np.isnan(settled.table[0, 4])


def normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(len(shape)).normal(size=shape).astype("float32")


def test_tensors_of_all_ranks_and_sizes_are_summarised_together() -> None:
    values = [normal(5, 3), normal(3), normal(), normal(2, 3, 4), normal(3, 3, 2, 6), normal(5, 4), normal(300, 200)]
    assert_exact(values, [1, 0, None, 2, 3, 1, 1])


def test_neurons_need_not_be_the_last_axis() -> None:
    assert_exact([normal(4, 3, 5, 5)], [1])


def test_tensor_without_neurons_has_vitals_alone() -> None:
    assert_exact([normal(4, 3)], [None])


def spoiled(*values: float) -> np.ndarray:
    array = normal(4, 3)
    array.reshape(-1)[: len(values)] = values
    return array


NAN, INF = float("nan"), float("inf")
STRANGE = {
    "one NaN": spoiled(NAN),
    "Inf of both signs": spoiled(INF, -INF, NAN),
    "all NaN": np.full((4, 3), NAN, np.float32),
    "all Inf": np.full((4, 3), INF, np.float32),
    "a neuron of NaN": np.stack([normal(4), np.full(4, NAN, np.float32)], 1),
    "constant": np.full((4, 3), 0.7, np.float32),
    "nearly constant": (1000 + 0.01 * normal(40, 3)).astype("float32"),
    "zeros": np.zeros((4, 3), np.float32),
    "negative zeros": np.full((4, 3), -0.0, np.float32),
    "huge": normal(4, 3) * np.float32(1e30),
    "huge in a neuron": normal(4, 3) * np.float32([1, 1e30, 1]),
    "tiny": normal(4, 3) * np.float32(1e-30),
    "tiny in a neuron": normal(4, 3) * np.float32([1, 1e-30, 1]),
    "smallest that TensorFlow does not flush to 0": np.full((4, 3), 1.2e-38, np.float32),
    "empty": np.zeros((0, 3), np.float32),
    "float64 beyond float32": normal(4, 3).astype("float64") * 1e300,
    "float16 at its end": np.full((4, 3), 65504, np.float16),
    "integers": np.arange(12).reshape(4, 3),
    "large integers": np.arange(12).reshape(4, 3) + 2**53,
    "booleans": np.arange(12).reshape(4, 3) % 2 == 0,
    "uint64": np.full((4, 3), 2**64 - 1, np.uint64),
    "complex": normal(4, 3) + 1j * normal(4, 3)[::-1],
}


@pytest.mark.parametrize("name", STRANGE)
def test_N01_N02_N03_strange_values_are_summarised_exactly(name: str) -> None:
    """No overflow, no lost variance, no warning; NaN and Inf are counted and hide nothing."""
    assert_exact([STRANGE[name], normal(4, 3)], [1, 1])


@pytest.mark.parametrize("name", ["one NaN", "huge in a neuron", "tiny in a neuron", "constant", "all Inf"])
def test_N01_N02_N03_strange_vectors_are_summarised_exactly(name: str) -> None:
    assert_exact([STRANGE[name].reshape(-1), normal(3)], [0, 0])


@settings(max_examples=30, deadline=None)
@given(
    arrays.arrays(
        np.float32,
        st.sampled_from([(3, 2), (2, 3, 2), (4,), (1, 5)]),
        # TensorFlow computes with denormal numbers as with 0.
        elements=st.floats(width=32, allow_nan=True, allow_infinity=True, allow_subnormal=False),
    )
)
def test_any_float32_is_summarised_exactly(array: np.ndarray) -> None:
    assert_exact([array], [array.ndim - 1], rtol=1e-3)


def test_update_ratio_is_the_norm_of_the_update_over_that_of_the_weight() -> None:
    after, before = normal(5, 3), normal(3, 5).T.copy()
    reading = reading_of([after, normal(3)], [1, 0], [before, None])
    table = reading.table
    assert_one_by_one(reading)
    np.testing.assert_allclose(table[0, -1], np.linalg.norm(after - before) / np.linalg.norm(after), rtol=1e-5)
    assert np.isnan(table[1, -1])


def test_many_readings_settled_at_once_equal_each_by_itself() -> None:
    """Of two compiled functions, with batches of two lengths and tensors that must be computed again."""
    axes = [1, 1, 0]

    def values(rows: int, scale: float = 1.0) -> list[np.ndarray]:
        return [normal(rows, 4) * np.float32(scale), normal(3, 4), normal(2)]

    sick = [np.array([[1, NAN], [np.inf, 0]], "f4"), normal(3, 2), normal(2)]
    lots = [values(5), values(5), values(2), values(5, 1e30), sick, values(5)]
    readings = [reading_of(each, axes) for each in lots]
    for reading in readings:
        assert_one_by_one(reading)
    same_function = [readings[0]] * 3
    settled = statistics.SumsReading.settle([*same_function, *readings])
    for reading, alone in zip(settled, [*same_function, *readings], strict=True):
        np.testing.assert_array_equal(reading.table, alone.table)
        np.testing.assert_array_equal(reading.neurons, alone.neurons)
        assert (reading.n_specs, reading.n_neuron_values) == (alone.n_specs, alone.n_neuron_values)


def test_nothing_to_summarise_is_an_empty_reading() -> None:
    reading = reading_of([], [])
    assert reading.table.shape == (0, len(VITALS) + 1)
    assert reading.neurons.shape == (0,)


def test_squared_norm_sums_repeated_tokens_first() -> None:
    import tensorflow as tf

    sparse = tf.IndexedSlices(tf.constant([[1.0, 0.0], [2.0, 1.0], [0.0, 3.0]]), tf.constant([4, 4, 1]), (9, 2))
    dense = tf.convert_to_tensor(sparse)
    expected = np.square(dense.numpy()).sum() + 4.0
    np.testing.assert_allclose(statistics.squared_norm([sparse, tf.constant([2.0])]).numpy(), expected)
    assert np.isnan(statistics.squared_norm([]).numpy())
    assert not np.isfinite(statistics.squared_norm([tf.constant([1.0, NAN])]).numpy())
