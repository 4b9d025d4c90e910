"""The statistics of one tensor, over everything that a tensor can hold."""

import math
from fractions import Fraction

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from nnviz_widgets.core import stats
from nnviz_widgets.core.frame import NEURON_STATISTICS, VITALS
from nnviz_widgets.core.stats import histogram, limits, neuron_statistics, vitals

NAN, INF = math.nan, math.inf


def by_name(array) -> dict[str, float]:
    return dict(zip(VITALS, vitals(np.asarray(array)), strict=True))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([NAN, NAN, NAN], {"mean": NAN, "std": NAN, "min": NAN, "max": NAN, "l2": NAN, "zeros": 0, "nan": 3, "inf": 0}),
        ([3.0, NAN, 4.0], {"mean": 3.5, "std": 0.5, "min": 3, "max": 4, "l2": 5, "zeros": 0, "nan": 1, "inf": 0}),
        ([INF, -INF, 0.0, NAN], {"mean": 0, "std": 0, "min": 0, "max": 0, "l2": 0, "zeros": 0.25, "nan": 1, "inf": 2}),
    ],
    ids=["all NaN", "one NaN", "mixed infinities"],
)
def test_N01_statistics_are_over_finite_values_and_count_the_others(values, expected):
    assert by_name(values) == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.full(7, 0.1), {"mean": 0.1, "std": 0, "min": 0.1, "max": 0.1, "zeros": 0}),
        (np.zeros(5, np.float32), {"mean": 0, "std": 0, "min": 0, "max": 0, "l2": 0, "zeros": 1}),
        (np.array([-0.0, 1.0]), {"min": 0, "max": 1, "zeros": 0.5}),
        (np.full(4, 1e-45, np.float32), {"mean": 1.401298464324817e-45, "l2": 2.802596928649634e-45, "zeros": 0}),
        (np.full(4, 5e-324), {"mean": 5e-324, "max": 5e-324, "l2": 1e-323, "std": 0, "zeros": 0}),
    ],
    ids=["constant", "zeros", "minus zero", "float32 denormals", "float64 denormals"],
)
def test_N02_constants_zeros_and_denormals(values, expected):
    found = by_name(values)
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-15, abs=0)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (np.full(100, 65504, np.float16), {"mean": 65504, "max": 65504, "l2": 655040}),
        (np.array([1.5, -3.0], ml_dtypes.bfloat16), {"mean": -0.75, "min": -3, "max": 1.5}),
        (np.array([448, -448], ml_dtypes.float8_e4m3fn), {"mean": 0, "std": 448, "max": 448}),
        (np.array([1e300, -1e300, 1e300]), {"mean": 1e300 / 3, "l2": math.sqrt(3) * 1e300, "max": 1e300}),
        (np.array([127, -128], np.int8), {"mean": -0.5, "min": -128, "max": 127, "std": 127.5}),
        (np.array([2**64 - 1], np.uint64), {"mean": 2.0**64, "max": 2.0**64, "l2": 2.0**64}),
        (np.array([7, -8], ml_dtypes.int4), {"mean": -0.5, "min": -8, "max": 7}),
        (np.array([True, False, False, True]), {"mean": 0.5, "zeros": 0.5, "max": 1}),
    ],
    ids=lambda value: value.dtype.name if isinstance(value, np.ndarray) else "",
)
def test_N03_no_dtype_overflows_or_loses_its_values(array, expected):
    found = by_name(array)
    assert {name: found[name] for name in expected} == pytest.approx(expected, rel=1e-12)


def test_N04_complex_statistics_are_of_the_magnitude():
    assert by_name(np.array([3 + 4j, -3 - 4j, 0j])) == pytest.approx(
        {
            "mean": 10 / 3,
            "std": math.sqrt(50 / 9),
            "min": 0,
            "max": 5,
            "l2": math.sqrt(50),
            "zeros": 1 / 3,
            "nan": 0,
            "inf": 0,
        }
    )


@pytest.mark.parametrize("shape", [(0,), (0, 5), (5, 0, 3)])
def test_N05_empty_tensors_have_no_statistics_and_no_counts(shape):
    empty = np.empty(shape, np.float32)
    np.testing.assert_array_equal(vitals(empty), [NAN] * 6 + [0, 0])
    n_neurons = shape[-1]
    np.testing.assert_array_equal(neuron_statistics(empty, -1), np.full((4, n_neurons), NAN))
    assert limits(empty) == (None, None, None, None, 0, 0, 0)


@pytest.mark.parametrize("shape", [(), (1, 6), (6, 1), (1, 2, 1, 3, 1, 2, 1)])
def test_N05_shapes_that_are_no_matrix(shape):
    array = np.random.default_rng(0).normal(size=shape)
    assert by_name(array)["l2"] == pytest.approx(np.linalg.norm(np.ravel(array)))
    assert limits(array).high == array.max()


def test_N07_an_outlier_shows_in_the_range_and_not_in_the_clips():
    values = np.random.default_rng(0).normal(size=(200, 100)).astype(np.float32)
    values[3, 4] = 1e12
    found = limits(values)
    assert found.high == np.float32(1e12)
    assert found.clip_low == pytest.approx(-2.33, abs=0.15)
    assert found.clip_high == pytest.approx(2.33, abs=0.15)


@given(hnp.arrays(np.float32, hnp.array_shapes(max_dims=4, max_side=6), elements=st.floats(-1e6, 1e6, width=32)))
def test_vitals_are_what_numpy_says(array):
    exact = array.astype(np.float64)
    found = by_name(array)
    assert found["mean"] == pytest.approx(exact.mean(), rel=1e-9, abs=1e-9 * np.abs(exact).max())
    assert found["std"] == pytest.approx(exact.std(), rel=1e-9, abs=1e-9 * np.abs(exact).max())
    assert found["l2"] == pytest.approx(np.sqrt((exact**2).sum()), rel=1e-9)
    assert (found["min"], found["max"], found["zeros"]) == (exact.min(), exact.max(), (exact == 0).mean())


FINITE_OR_NOT = st.floats(width=32, allow_nan=True, allow_infinity=True)


@given(hnp.arrays(np.float32, hnp.array_shapes(min_dims=1, max_dims=4, max_side=5), elements=FINITE_OR_NOT), st.data())
def test_a_neuron_has_the_vitals_of_its_slice(array, data):
    axis = data.draw(st.integers(-array.ndim, array.ndim - 1))
    found = neuron_statistics(array, axis)
    rows = [VITALS.index(name) for name in NEURON_STATISTICS]
    for neuron in range(array.shape[axis]):
        np.testing.assert_allclose(found[:, neuron], vitals(np.take(array, neuron, axis))[rows], rtol=1e-12)


@given(hnp.arrays(np.float32, hnp.array_shapes(max_dims=3, max_side=8), elements=FINITE_OR_NOT))
def test_N01_limits_are_exact_and_ordered(array):
    found = limits(array)
    finite = array[np.isfinite(array)]
    counts = (np.isnan(array).sum(), np.isposinf(array).sum(), np.isneginf(array).sum())
    assert (found.n_nan, found.n_posinf, found.n_neginf) == counts
    if not finite.size:
        assert found[:4] == (None,) * 4
    else:
        assert (found.low, found.high) == (finite.min(), finite.max())
        assert found.low <= found.clip_low <= found.clip_high <= found.high


@pytest.mark.parametrize(
    "dtype", [np.float16, np.float64, np.int8, np.uint64, bool, ml_dtypes.bfloat16, ml_dtypes.int4]
)
def test_N03_limits_of_any_dtype(dtype):
    found = limits(np.array([0, 1, 1, 0], dtype))
    assert (found.low, found.high) == (0.0, 1.0)


def test_limits_see_all_columns_of_a_matrix():
    """A sample with a stride that divides the row length would look at a few columns only."""
    columns = np.arange(128, dtype=np.float32)
    found = limits(np.broadcast_to(columns, (4096, 128)).copy())
    assert found.clip_low == pytest.approx(1, abs=1)
    assert found.clip_high == pytest.approx(126, abs=1)


def test_limits_of_mostly_zeros_fall_back_to_the_whole_range():
    sparse = np.zeros(10_000, np.float32)
    sparse[17] = 2.0
    assert limits(sparse)[:4] == (0.0, 2.0, 0.0, 2.0)


def test_limits_of_a_huge_broadcast_array_look_at_what_is_in_memory():
    row = np.array([1.0, NAN, 3.0], np.float32)
    found = limits(np.broadcast_to(row, (10**9, 3)))
    assert found == (1.0, 3.0, 1.0, 3.0, 10**9, 0, 0)


def test_limits_do_not_depend_on_the_order_in_memory():
    array = np.random.default_rng(1).normal(size=(300, 200))
    assert limits(np.asfortranarray(array))[:2] == limits(array)[:2] == (array.min(), array.max())


def test_N01_limits_of_many_values_are_counted_in_pieces(monkeypatch):
    monkeypatch.setattr(stats, "_PIECE", 100)
    array = np.random.default_rng(0).normal(size=(70, 30)).astype("f4")
    array[3, 4], array[60, 1:4], array[69, 29] = NAN, INF, -INF
    found, finite = limits(array), array[np.isfinite(array)]
    assert found[:2] == (finite.min(), finite.max())
    assert found[4:] == (1, 3, 1)


def test_N01_limits_where_hardly_a_value_is_finite():
    array = np.full(10**6, NAN, np.float32)
    array[[3, 77]] = 1.0, 2.0
    assert limits(array) == (1.0, 2.0, 1.0, 2.0, 10**6 - 2, 0, 0)


def slow_histogram(values, low, high):
    """Put each value where it belongs, one by one, in exact fractions."""
    counts = [0] * 64
    low, high = Fraction(low), Fraction(high)
    for value in values:
        at = int((Fraction(float(value)) - low) * 64 / (high - low)) if high > low else 0
        counts[min(at, 63)] += 1
    return counts


@given(hnp.arrays(np.float32, hnp.array_shapes(max_dims=3, max_side=8), elements=FINITE_OR_NOT))
def test_a_histogram_counts_every_finite_value(array):
    found, finite = limits(array), array[np.isfinite(array)]
    if not finite.size:
        return
    counts = histogram(array, found.low, found.high)
    exact = slow_histogram(finite, found.low, found.high)
    assert sum(counts) == sum(exact) == finite.size
    # A value at the edge of two bins may round into either.
    assert np.abs(np.cumsum(counts) - np.cumsum(exact)).max() <= np.unique(finite, return_counts=True)[1].max()


@pytest.mark.parametrize(
    ("array", "first", "last"),
    [
        (np.array([1e300, -1e300, 1.7e308, -1.7e308]), 1, 1),
        (np.array([0.0, 5e-324]), 1, 1),
        (np.array([7.0, 7.0]), 2, 0),
        (np.array([2**64 - 1, 0, 0], np.uint64), 2, 1),
        (np.array([True, False, True]), 1, 2),
        (np.array([0j, 3 + 4j]), 1, 1),
        (np.array([-8, 7], ml_dtypes.int4), 1, 1),
    ],
)
def test_N02_N03_histograms_of_odd_ranges(array, first, last):
    found = limits(array)
    counts = histogram(array, found.low, found.high)
    assert len(counts) == 64
    assert (counts[0], counts[-1], sum(counts)) == (first, last, array.size)


def test_N07_a_histogram_of_a_sample_shows_the_outlier():
    values = np.random.default_rng(0).normal(size=10**6).astype("f4")
    values[777_777] = 1e12
    counts = histogram(values, values.min(), values.max())
    assert sum(counts) <= (1 << 16) + 1
    assert (counts[0] > 50_000, counts[-1]) == (True, 1)


def test_N06_a_histogram_of_a_broadcast_array_looks_at_what_is_in_memory():
    assert sum(histogram(np.broadcast_to(np.array([1.0, 3.0, 2.0]), (10**9, 3)), 1, 3)) == 3
