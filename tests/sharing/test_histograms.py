from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from nnviz_widgets.errors import InvalidArgumentError
from nnviz_widgets.sharing.histograms import RANGES, finite_values, histogram

MOST = float(np.finfo(np.float64).max)


def test_as_numpy_counts_them():
    values = np.random.default_rng(0).standard_normal(1000)
    counts, edges = np.histogram(values, RANGES)
    found = histogram(values)
    np.testing.assert_allclose(found[:, 0], edges[:-1], rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found[:, 1], edges[1:], rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(found[:, 2], counts)


def test_each_value_lies_within_the_bounds_of_its_range():
    values = np.arange(61) / 60
    low, high, counts = histogram(values).T
    inside = [np.sum((values >= a) & (values < b)) for a, b in zip(low, high, strict=True)]
    inside[-1] += np.sum(values == high[-1])
    np.testing.assert_array_equal(counts, inside)
    np.testing.assert_array_equal(low[1:], high[:-1])
    assert (low[0], high[-1], counts.sum()) == (0, 1, 61)


def test_all_values_are_one():
    np.testing.assert_array_equal(histogram(np.full(7, 0.25))[-1], [0.25, 0.25, 7])
    assert histogram(np.full(7, 0.25))[:-1, 2].sum() == 0


@pytest.mark.parametrize("values", [[-MOST, 0.0, MOST], [5e-324, 0.0], [1.0, np.nextafter(1.0, 2)]])
def test_bounds_ascend_and_all_are_counted_where_a_width_has_no_float(values):
    low, high, counts = histogram(np.array(values)).T
    assert np.isfinite(low).all()
    assert np.isfinite(high).all()
    assert (np.diff(low) >= 0).all()
    assert (low[0], high[-1], counts.sum()) == (min(values), max(values), len(values))


def test_only_finite_values_of_any_kind_of_number():
    np.testing.assert_array_equal(finite_values(np.array([[1, np.nan], [-np.inf, 2]], np.float32)), [1, 2])
    np.testing.assert_array_equal(finite_values(np.array([3 + 4j, np.nan])), [5])
    np.testing.assert_array_equal(finite_values(np.array([1.5, np.inf], ml_dtypes.bfloat16)), [1.5])
    np.testing.assert_array_equal(finite_values(np.array([True, False])), [1, 0])
    assert finite_values(np.array([np.nan])).size == 0


def test_words_are_no_numbers():
    with pytest.raises(InvalidArgumentError, match="must hold numbers"):
        finite_values(np.array(["a"]))
