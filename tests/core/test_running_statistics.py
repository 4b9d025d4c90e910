"""Statistics in one pass are those of the whole, for every dtype and however large the mean is."""

from __future__ import annotations

import math

import ml_dtypes
import numpy as np
import pytest

from nnviz_widgets.core.running_statistics import RunningStatistics

N = 150_001


def of(*arrays: np.ndarray) -> RunningStatistics:
    statistics = RunningStatistics()
    for array in arrays:
        statistics.add(array)
    return statistics


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", ml_dtypes.bfloat16, "int8", "bool"])
def test_every_dtype(dtype: str) -> None:
    array = (np.random.default_rng(0).normal(size=(3, N // 3)) * 20).astype(dtype)
    exact = array.astype(np.float64)
    found = of(array)
    assert (found.n, found.n_nonfinite) == (array.size, 0)
    assert found.mean == pytest.approx(exact.mean(), rel=1e-9, abs=1e-12)
    assert found.std == pytest.approx(exact.std(), rel=1e-9)
    assert found.norm == pytest.approx(np.linalg.norm(exact), rel=1e-9)


def test_nothing_cancels_where_the_mean_is_large() -> None:
    array = 1e9 + np.random.default_rng(1).normal(size=N)
    assert of(array[:7], array[7:]).std == pytest.approx(array.std(), rel=1e-6)


def test_what_is_not_finite_is_counted_and_left_out() -> None:
    array = np.arange(N, dtype=np.float32)
    array[[5, 70_000]] = np.nan, -np.inf
    rest = array[np.isfinite(array)].astype(np.float64)
    found = of(array)
    assert (found.n, found.n_nonfinite) == (N - 2, 2)
    assert found.mean == pytest.approx(rest.mean())
    assert found.norm == pytest.approx(np.linalg.norm(rest))


def test_without_a_finite_value_there_is_nothing_to_say() -> None:
    for array in (np.empty((0, 3)), np.array([np.nan])):
        found = of(array)
        assert math.isnan(found.std)
        assert math.isnan(found.norm)


def test_complex_numbers_are_seen_by_their_magnitude() -> None:
    assert of(np.array([3 + 4j])).norm == 5
