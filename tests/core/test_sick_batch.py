"""Which samples of a batch are not finite."""

from __future__ import annotations

import numpy as np
import pytest

from nnviz_widgets.core.sick_batch import sick_batch


def x(**sick: float) -> np.ndarray:
    """Return 4 samples of 2 x 3 values, with some values in the first row of some samples: `s1=nan`."""
    array = np.ones((4, 2, 3), np.float32)
    for sample, value in sick.items():
        array[int(sample[1:]), 0, 1] = value
    return array


def test_a_finite_batch_has_nothing_to_tell() -> None:
    assert sick_batch((x(), np.arange(4), None)) is None


@pytest.mark.parametrize(
    ("batch", "words"),
    [
        ((x(s1=np.nan), None, None), "x of sample 1 (1 value, NaN)"),
        ((x(s2=-np.inf), None, None), "x of sample 2 (1 value, infinite)"),
        ((x(s1=np.nan, s3=np.inf), None, None), "x of sample 1 and 1 more (2 values, NaN)"),
        (({"a": x(), "b": x(s0=np.nan)}, None, None), "x['b'] of sample 0 (1 value, NaN)"),
        (((x(), x(s3=np.nan)), None, None), "x[1] of sample 3 (1 value, NaN)"),
        (
            (x(), np.array([0.0, np.nan]), np.array([np.inf, 1.0])),
            "y of sample 1 (1 value, NaN); sample_weight of sample 0 (1 value, infinite)",
        ),
    ],
)
def test_what_is_not_finite_is_named_by_sample(batch: tuple, words: str) -> None:
    assert sick_batch(batch) == words


def test_what_has_no_numbers_is_passed_over() -> None:
    assert sick_batch((np.array(["a", "b"]), np.array([1, 2]), None)) is None


def data(n: int = 50, dtype: type = np.float64) -> tuple[np.ndarray, np.ndarray]:
    """Return `(n, 2, 3)` and `(n,)` random numbers and classes."""
    random = np.random.default_rng(0)
    return random.normal(size=(n, 2, 3)).astype(dtype), random.integers(0, 2, n)


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_a_sample_is_named_by_its_index_in_the_data(dtype: type) -> None:
    every, classes = data(dtype=dtype)
    every[17, 1, 2] = np.nan
    every[[3, 30], 1, 2] = np.nan  # others are sick at the same place
    rows = [8, 17, 2]
    batch = (every[rows].astype("float32"), classes[rows], None)
    assert sick_batch(batch, (every, classes)) == "x of sample 1 (1 value, NaN; sample 17 of the data)"
    assert sick_batch(batch, (every[:17], classes[:17])) == "x of sample 1 (1 value, NaN)", "it is not among them"
    assert sick_batch(batch, ({"a": every}, classes)) == "x of sample 1 (1 value, NaN)", "put together otherwise"


def test_samples_that_are_equal_are_counted_and_the_targets_tell_them_apart() -> None:
    every, _ = data()
    every[[4, 9, 20]] = np.nan
    classes = np.array([0, 1] * 25)
    rows = [8, 9]
    batch = (every[rows].astype("float32"), classes[rows], None)
    assert sick_batch(batch, (every, classes)) == "x of sample 1 (6 values, NaN; sample 9 of the data)"
    rows = [20, 8]
    batch = (every[rows].astype("float32"), classes[rows], None)
    words = "x of sample 0 (6 values, NaN; sample 4 of the data, or 1 equal to it)"
    assert sick_batch(batch, (every, classes)) == words


def test_a_value_beyond_the_precision_of_the_batch_is_found() -> None:
    every, classes = data()
    every[33, 0, 0] = 1e300
    with np.errstate(over="ignore"):
        batch = (every[30:35].astype("float32"), classes[30:35], None)
    assert sick_batch(batch, (every, classes)) == "x of sample 3 (1 value, infinite; sample 33 of the data)"


def test_targets_and_several_inputs_are_looked_for_too() -> None:
    one, _ = data()
    other = np.arange(50.0)
    other[5] = np.inf
    every = ({"one": one, "words": np.array(["a"] * 50)}, other[:, None])
    assert sick_batch(({"one": one[4:6].astype("f4")}, other[4:6, None], np.ones(2)), every) == (
        "y of sample 1 (1 value, infinite; sample 5 of the data)"
    )


def test_weights_that_are_not_finite_are_of_no_sample_of_the_data() -> None:
    every, classes = data()
    assert sick_batch((every[:2], classes[:2], np.array([1, np.nan])), (every, classes)) == (
        "sample_weight of sample 1 (1 value, NaN)"
    )
