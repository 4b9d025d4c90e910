"""Every kind of number becomes a real one, and nothing else does."""

import re

import ml_dtypes
import numpy as np
import pytest

from nnviz_widgets.core.numeric import as_real, comparable, is_numeric
from nnviz_widgets.errors import InvalidArgumentError

NUMBERS = [bool, np.int8, np.uint64, np.float16, np.float32, np.float64, np.complex64, np.complex128]
NUMBERS += [ml_dtypes.bfloat16, ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e5m2, ml_dtypes.int4, ml_dtypes.uint4]
OTHERS = ["U3", "S3", "O", "M8[s]", "m8[s]", "V4", [("a", "f4")]]


@pytest.mark.parametrize("dtype", NUMBERS)
def test_N03_numbers_become_reals(dtype):
    assert is_numeric(np.dtype(dtype))
    np.testing.assert_array_equal(as_real(np.array([0, 1, 1], dtype)), [0.0, 1.0, 1.0])


@pytest.mark.parametrize("dtype", OTHERS)
def test_N08_anything_else_is_refused_by_dtype_name(dtype):
    array = np.empty(2, dtype)
    assert not is_numeric(array.dtype)
    with pytest.raises(InvalidArgumentError, match=re.escape(f"dtype {array.dtype.name}")):
        as_real(array)


def test_N04_complex_is_seen_through_its_magnitude_and_never_its_real_part():
    values = np.array([3 + 4j, 4j, -2, complex(np.nan, 1), complex(1, np.nan), complex(np.inf, 0)])
    np.testing.assert_array_equal(as_real(values), [5, 4, 2, np.nan, np.nan, np.inf])


def test_an_array_of_the_dtype_asked_for_is_not_copied():
    array = np.ones(3, np.float32)
    assert as_real(array, np.float32) is array


@pytest.mark.parametrize("dtype", [*NUMBERS, ">i8", ">f4", ml_dtypes.float8_e8m0fnu])
def test_N03_comparable_numbers_keep_their_values_and_are_quick(dtype):
    array = np.array([1, 1, 1], dtype)
    found = comparable(array)
    assert found.dtype.kind in "iuf"
    assert found.dtype.kind != "f" or found.dtype in (np.float32, np.float64)
    np.testing.assert_array_equal(found, [1, 1, 1])
