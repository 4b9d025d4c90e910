"""Statistics of data: as numpy has them, whatever the data are, and words for what is amiss."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import nnviz_widgets as nnviz
from nnviz_widgets.core import data_summary
from nnviz_widgets.core.data_remarks import remarks
from nnviz_widgets.core.data_summary import histogram, sample_rows, summarize
from nnviz_widgets.core.label_summary import summarize_labels
from nnviz_widgets.errors import InvalidArgumentError

RNG = np.random.default_rng(0)
TABLE = RNG.normal([0, 5, 100], [1, 2, 3000], (500, 3))


def said(x: Any, y: Any = None, scaling: Any = None) -> str:
    x = np.asarray(x)
    after = None if scaling is None else summarize(x, scaling)
    labels = None if y is None else summarize_labels(y, len(x))
    return "\n".join(remarks(summarize(x), after, scaling, labels, lambda i: f"f{i}"))


@given(
    arrays.arrays(
        st.sampled_from([np.float64, np.float32, np.int16, np.uint8]),
        arrays.array_shapes(min_dims=1, max_dims=4, max_side=6),
        elements={"allow_nan": False, "allow_infinity": False, "min_value": 0, "max_value": 250},
    )
)
def test_statistics_are_those_of_numpy(x: np.ndarray) -> None:
    summary = summarize(x)
    wide = x.astype(np.float64)
    np.testing.assert_array_equal(summary.low, wide.min(axis=0))
    np.testing.assert_array_equal(summary.high, wide.max(axis=0))
    np.testing.assert_allclose(summary.mean, wide.mean(axis=0), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(summary.deviation, wide.std(axis=0), rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(summary.constant, (x == x[:1]).all(axis=0))


def test_data_are_read_in_parts_as_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = summarize(TABLE)
    monkeypatch.setattr(data_summary, "_CHUNK_VALUES", 20)
    in_parts = summarize(TABLE)
    np.testing.assert_allclose(in_parts.mean, at_once.mean, rtol=1e-12)
    np.testing.assert_allclose(in_parts.deviation, at_once.deviation, rtol=1e-12)


def test_numbers_that_are_none_are_counted_and_left_out() -> None:
    x = np.array([[1, np.nan, np.inf], [3, np.nan, 2], [np.nan, np.nan, -np.inf], [5, np.nan, 4]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        summary = summarize(x)
    np.testing.assert_array_equal(summary.n_nan, [1, 4, 0])
    np.testing.assert_array_equal(summary.n_inf, [0, 0, 2])
    np.testing.assert_allclose(summary.mean, [3, np.nan, 3])
    np.testing.assert_allclose(summary.deviation, [np.sqrt(8 / 3), np.nan, 1])


@pytest.mark.parametrize("value", [1.7e308, 1e-300, 1e9])
def test_extreme_numbers_overflow_nowhere(value: float) -> None:
    x = np.array([-value, value, value, value])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        summary = summarize(x)
        counts = histogram(x).counts
    np.testing.assert_allclose([summary.mean, summary.deviation], [value / 2, value * np.sqrt(0.75)])
    assert counts[0] == 1
    assert counts[-1] == 3


def test_small_deviations_far_from_zero_are_kept() -> None:
    x = 1e9 + RNG.normal(size=(1000, 1))
    np.testing.assert_allclose(summarize(x).deviation, x.std(axis=0), rtol=1e-6)


@pytest.mark.parametrize("axis", [0, None, 1, (0, 1)])
def test_after_a_scaling_the_statistics_are_those_of_the_scaled_data(axis: Any, monkeypatch: Any) -> None:
    scaled, scaling = nnviz.standardize(TABLE, axis=axis)
    monkeypatch.setattr(data_summary, "_CHUNK_VALUES", 20)
    after, expected = summarize(TABLE, scaling), summarize(scaled)
    np.testing.assert_array_equal(after.low, expected.low)
    np.testing.assert_allclose(after.mean, expected.mean, atol=1e-12)


@pytest.mark.parametrize(
    "values",
    [
        np.zeros(0),
        np.array([np.nan, np.inf]),
        np.full(7, 3.5),
        np.arange(256),
        np.array([0.0, 1e-7]) + 1e9,
        RNG.normal(size=1000),
        np.array([-3, 250, 251, 1000]),
        np.array([True, False]),
    ],
)
def test_a_histogram_counts_every_finite_value_once(values: np.ndarray) -> None:
    found = histogram(values)
    finite = values[np.isfinite(values)]
    assert found.counts.sum() == finite.size
    assert len(found.edges) == len(found.counts) + 1 <= 41
    assert (np.diff(found.edges) >= 0).all()
    if finite.size:
        assert found.edges[0] <= finite.min() <= finite.max() <= found.edges[-1]


def test_bins_of_integers_hold_equally_many() -> None:
    assert set(histogram(np.arange(256)).counts[:-1]) == {7}
    np.testing.assert_array_equal(histogram(np.array([0, 0, 1, 2])).counts, [2, 1, 1])


def test_a_histogram_is_that_of_numpy() -> None:
    values = RNG.normal(size=5000)
    np.testing.assert_array_equal(histogram(values, 30).counts, np.histogram(values, 30)[0])


def test_many_samples_are_drawn_from_some_of_them() -> None:
    assert sample_rows(1000, 1000) == slice(None)
    rows = sample_rows(5000, 1000)
    assert len(rows) == 1000 == len(np.unique(rows))
    np.testing.assert_array_equal(rows, sample_rows(5000, 1000))


@pytest.mark.parametrize(
    ("y", "names", "counts"),
    [
        ([2, 0, 2, 2], ("0", "2"), [1, 3]),
        ([2.0, 0.0, 2.0, np.nan], ("0", "2"), [1, 2]),
        ([[1], [1], [0], [1]], ("0", "1"), [1, 3]),
        (["cat", "dog", "cat", "cat"], ("cat", "dog"), [3, 1]),
        ([b"cat", b"dog", b"cat", b"cat"], ("cat", "dog"), [3, 1]),
        ([True, False, True, True], ("False", "True"), [1, 3]),
        (np.array(["a", None, "a", 1], object), ("1", "None", "a"), [1, 1, 2]),
        (np.eye(3)[[0, 2, 2, 2]], ("0", "1", "2"), [1, 0, 3]),
    ],
)
def test_classes_are_counted(y: Any, names: tuple[str, ...], counts: list[int]) -> None:
    labels = summarize_labels(y, 4)
    assert (labels.kind, labels.names, labels.counts.tolist()) == ("classes", names, counts)


def test_flags_and_numbers_are_told_from_classes() -> None:
    flags = summarize_labels([[1, 1], [0, 1]], 2)
    assert (flags.kind, flags.counts.tolist()) == ("flags", [1, 2])
    for y in (RNG.normal(size=300), np.arange(300), RNG.normal(size=(300, 4))):
        labels = summarize_labels(y, 300)
        assert labels.kind == "numbers"
        assert labels.numbers is not None
        assert labels.numbers.counts.sum() == y.size
    assert summarize_labels(np.array([np.nan, 1.5, np.inf]), 3).n_missing == 2


@pytest.mark.parametrize("y", [3, [1, 2], np.zeros((3, 4))])
def test_a_label_is_wanted_for_each_sample(y: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=r"each of the 4 samples"):
        summarize_labels(y, 4)


def test_nothing_is_said_of_data_that_are_fine() -> None:
    assert said(RNG.normal(size=(200, 4)), np.arange(200) % 3) == ""
    assert said(TABLE, scaling=nnviz.standardize(TABLE)[1]) == ""


@pytest.mark.parametrize(
    ("x", "words"),
    [
        ([[1.0, np.nan], [2.0, 3.0], [1.5, 2.0]], "1 value is NaN, in f1."),
        ([[np.inf, 1.0], [-np.inf, 3.0], [1.5, 2.0]], "2 values are infinite, in f0."),
        ([[1.0, 7.0], [2.0, 7.0]], "1 of 2 features is constant: f1. It tells nothing."),
        (TABLE, "f0 varies by "),
        (RNG.integers(0, 256, (9, 4, 4)), "nnviz.normalize(x, axis=None)"),
        (RNG.normal(50, 10, (9, 2)), "expect about 1"),
    ],
)
def test_what_is_amiss_with_data_is_said(x: Any, words: str) -> None:
    assert words in said(x)


def test_what_is_amiss_with_labels_is_said() -> None:
    x = RNG.normal(size=(100, 2))
    assert "Class False is 19 times as frequent as True. Who always answers False is right in 95%" in said(
        x, np.arange(100) >= 95
    )
    assert "nothing to tell apart" in said(x, np.zeros(100, int))
    assert "1 labels are no finite" in said(x, np.where(np.arange(100) == 3, np.nan, x[:, 0]))


def test_a_scaling_of_other_data_is_found_out() -> None:
    scaled, scaling = nnviz.standardize(RNG.normal(50, 2, (100, 4)))
    assert "fitted to data of another range" in said(scaled, scaling=scaling)
