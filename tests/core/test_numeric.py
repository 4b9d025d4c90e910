"""Every kind of number becomes a real one, and nothing else does."""

import cmath
import re

import ml_dtypes
import numpy as np
import pytest

from nnviz_widgets.core.numeric import as_real, comparable, is_numeric, part_of, pointwise, without_repeats
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


def test_N04_a_finite_number_has_a_finite_magnitude():
    for values in (np.array([3e38 + 3e38j], np.complex64), np.array([1.7e308 - 1.7e308j])):
        assert np.isfinite(as_real(values)).all()
        assert (as_real(values) > 1e38).all()


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
@pytest.mark.parametrize("part", ["abs", "real", "imag", "phase"])
def test_N04_each_part_is_what_python_says(part, dtype):
    values = np.array([3 + 4j, -1, 1j, -2 - 2j, 0, complex(np.inf, 1), complex(np.nan, 1)], dtype)
    slow = {"abs": abs, "phase": cmath.phase, "real": lambda z: z.real, "imag": lambda z: z.imag}[part]
    np.testing.assert_allclose(part_of(values, part), [slow(complex(value)) for value in values], rtol=1e-15)


def test_N04_numbers_that_are_not_complex_have_no_parts():
    array = np.array([1, -2], np.int8)
    assert part_of(array, "phase") is array


def test_N06_what_is_broadcast_is_looked_at_once():
    huge = np.broadcast_to(np.array([1j, 2]), (10**6, 10**3, 2))
    assert part_of(huge, "abs").shape == huge.shape
    assert part_of(huge, "phase")[5, 5].tolist() == [cmath.pi / 2, 0]
    assert without_repeats(huge)[0].shape == (1, 1, 2)
    rows = np.broadcast_to(np.arange(4.0)[:, None], (4, 3))
    cols = np.broadcast_to(np.arange(3.0), (4, 3))
    np.testing.assert_array_equal(pointwise(np.subtract, rows, cols), rows - cols)
