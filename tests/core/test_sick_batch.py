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
