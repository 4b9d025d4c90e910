"""The fast pooling is the slow, obvious one: every NaN, every infinity and every extreme shows."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from nnviz_widgets.core import pooling
from nnviz_widgets.core.pooling import Take, fit, fit_tiles, pool


def one_cell(values, reduce):
    """What a cell shows of its block, said slowly."""
    values = [float(value) for value in values]
    if any(math.isnan(value) for value in values):
        return math.nan
    if math.inf in values:
        return math.inf
    if -math.inf in values:
        return -math.inf
    if reduce == "max":
        return max(values)
    return max(values, key=lambda value: (abs(value), value))


def slowly(values, rows, cols, reduce):
    steps = (rows.tiles, rows.within, cols.tiles, cols.within)
    shape = tuple(-(-size // step) for size, step in zip(values.shape, steps, strict=True))
    result = np.empty(shape)
    for place in np.ndindex(*shape):
        block = values[tuple(slice(at * step, (at + 1) * step) for at, step in zip(place, steps, strict=True))]
        result[place] = one_cell(block.ravel(), reduce)
    return result


def fit_side(side, limit):
    """Fit a side of `(tiles, values of a tile)`, which has gaps if it has tiles."""
    n_tiles, tile = side
    return fit(tile, limit) if n_tiles == 1 else fit_tiles(n_tiles, tile, limit)


sides = st.tuples(st.integers(1, 5), st.integers(1, 9))
odd_floats = st.sampled_from([0.0, -0.0, 1.0, -1.0, 3.5, -3.5, 1e-45, 3e38, -3e38, math.nan, math.inf, -math.inf])


@settings(max_examples=300, deadline=None)
@given(st.data(), sides, sides, st.integers(1, 12), st.integers(1, 12), st.sampled_from(["absmax", "max"]))
def test_N01_pooling_is_its_slow_twin(data, down, right, max_rows, max_cols, reduce):
    shape = (*down, *right)
    dtype = data.draw(st.sampled_from(["f4", "f8", "i1", "u1", "?", "f2"]))
    kind = np.dtype(dtype).kind
    elements = odd_floats if dtype in ("f4", "f8") else st.integers(-128, 127) if dtype == "i1" else None
    if dtype == "f2":
        elements = st.sampled_from([0.0, 65504.0, -65504.0, math.nan, math.inf, -math.inf, 6e-8])
    fill = elements if kind == "f" else None
    values = data.draw(npst.arrays(dtype, shape, elements=elements, fill=fill))
    rows, cols = fit_side(down, max_rows), fit_side(right, max_cols)
    assert rows.cells <= max_rows or (rows.cells == 1)
    np.testing.assert_array_equal(pool(values, rows, cols, reduce), slowly(values, rows, cols, reduce))


@pytest.mark.parametrize("reduce", ["absmax", "max"])
@pytest.mark.parametrize("shape", [(1, 1000, 1, 37), (1, 37, 1, 1000), (7, 50, 11, 13)])
def test_pieces_do_not_show(shape, reduce, monkeypatch):
    monkeypatch.setattr(pooling, "BLOCK_VALUES", 500)
    values = np.random.default_rng(1).standard_normal(shape).astype("f4")
    rows, cols = fit_side(shape[:2], 40), fit(shape[3], 9)
    np.testing.assert_array_equal(pool(values, rows, cols, reduce), slowly(values, rows, cols, reduce))


@pytest.mark.parametrize("reduce", ["absmax", "max"])
def test_a_broadcast_axis_is_pooled_as_if_it_were_there(reduce):
    small = np.random.default_rng(2).standard_normal((1, 1, 1, 50)).astype("f4")
    wide = np.broadcast_to(small, (1, 60, 1, 50))
    rows, cols = fit(60, 7), fit(50, 6)
    np.testing.assert_array_equal(pool(wide, rows, cols, reduce), slowly(wide, rows, cols, reduce))


@given(st.integers(1, 60), st.integers(1, 40), st.integers(1, 300))
def test_factors_of_tiles_are_whole_smallest_and_keep_to_tiles(n_tiles, tile, limit):
    factors = fit_tiles(n_tiles, tile, limit)
    assert factors.cells <= limit
    if factors.gaps:
        assert (factors.factor, factors.tiles) == (factors.within, 1)
        assert factors.cells == n_tiles * (-(-tile // factors.within) + 1)
        if factors.within > 1:
            finer = -(-tile // (factors.within - 1))
            assert finer + 1 > limit // n_tiles
    else:
        assert factors.factor % (tile + 1) == 0
        assert factors.cells == -(-n_tiles // factors.tiles) == -(-n_tiles * (tile + 1) // factors.factor)


@given(st.integers(1, 2000), st.integers(1, 300))
def test_factor_of_a_plain_side_is_the_smallest(length, limit):
    factors = fit(length, limit)
    assert factors.cells == -(-length // factors.factor) <= limit
    if factors.factor > 1:
        assert -(-length // (factors.factor - 1)) > limit


@settings(max_examples=100, deadline=None)
@given(st.data(), sides, sides, st.integers(1, 12), st.integers(1, 12), st.sampled_from(["absmax", "max"]))
def test_columns_are_sorted_before_they_are_pooled(data, down, right, max_rows, max_cols, reduce):
    values = data.draw(npst.arrays("f4", (*down, *right), elements=odd_floats, fill=odd_floats))
    axis = 2 if right[0] > 1 else 3
    order = np.array(data.draw(st.permutations(range(values.shape[axis]))))
    chosen = order[: data.draw(st.integers(1, len(order)))]
    taken = values.take(chosen, axis=axis)
    rows, cols = fit_side(down, max_rows), fit_side(taken.shape[2:], max_cols)
    found = pool(values, rows, cols, reduce, take=Take(axis, chosen))
    np.testing.assert_array_equal(found, slowly(taken, rows, cols, reduce))


def test_columns_that_are_all_the_same_need_no_order():
    wide = np.broadcast_to(np.arange(5.0).reshape(1, 5, 1, 1), (1, 5, 1, 10**7))
    found = pool(wide, fit(5, 5), fit(10**7, 4), "absmax", take=Take(3, np.arange(10**7)[::-1]))
    np.testing.assert_array_equal(found[0, :, 0, :], np.broadcast_to(np.arange(5.0)[:, None], (5, 4)))
