"""Cells become bytes."""

import math

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnviz_widgets.pictures.encoding import bfloat16_bits, encode, float32_bits, to_float32
from nnviz_widgets.protocol import GUTTER_BITS, NAN_BITS


@given(st.lists(st.floats(width=32), min_size=1, max_size=50))
def test_bfloat16_is_the_nearest_and_finite_stays_finite(numbers):
    cells = np.array(numbers, np.float32)
    bits = bfloat16_bits(cells)
    back = bits.view(ml_dtypes.bfloat16).astype(np.float32)
    nearest = cells.astype(ml_dtypes.bfloat16).astype(np.float32)
    clamped = np.isfinite(cells) & np.isinf(nearest)
    assert (bits[np.isnan(cells)] == NAN_BITS).all()
    np.testing.assert_array_equal(np.isinf(back), np.isinf(cells))
    np.testing.assert_array_equal(back[~clamped], nearest[~clamped])
    assert (np.abs(back[clamped]) == float(ml_dtypes.finfo(ml_dtypes.bfloat16).max)).all()


def test_every_nan_has_one_pattern():
    odd = np.array([0x7FC10000, 0xFFC00001, 0x7F800001], np.uint32).view(np.float32)
    assert set(bfloat16_bits(odd)) == {NAN_BITS}
    assert set(float32_bits(odd)) == {NAN_BITS << 16}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([1e300, -1e300]), [np.finfo("f4").max, np.finfo("f4").min]),
        (np.array([math.inf, -math.inf, 1e-300]), [math.inf, -math.inf, 0]),
        (np.array([2**64 - 1, 0], np.uint64), [2.0**64, 0]),
        (np.array([-(2**63)]), [-(2.0**63)]),
        (np.array([True, False]), [1, 0]),
    ],
)
def test_N03_values_beyond_float32_stay_on_their_side_of_infinity(values, expected):
    assert to_float32(values).tolist() == [float(np.float32(value)) for value in expected]


@pytest.mark.parametrize(("encoding", "dtype", "shift"), [("bf16", "<u2", 0), ("f32", "<u4", 16)])
def test_a_gap_follows_each_tile(encoding, dtype, shift):
    cells = np.zeros((2, 1, 2, 3), np.float32)
    bits = np.frombuffer(encode(cells, encoding, row_gaps=True, col_gaps=True), dtype).reshape(4, 8)
    gap = GUTTER_BITS << shift
    assert (bits[1::2] == gap).all()
    assert bits[0].tolist() == [0, 0, 0, gap, 0, 0, 0, gap]
