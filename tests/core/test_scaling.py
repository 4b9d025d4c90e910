"""Every feature on one scale, whatever the data are, and back again."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import nnviz_widgets as nnviz
from nnviz_widgets.core import scaling as scaling_module
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from pathlib import Path

BOTH = pytest.mark.parametrize("prepare", [nnviz.standardize, nnviz.normalize])
SPECIALS = {
    "integers": np.arange(12).reshape(4, 3),
    "large integers": np.arange(12).reshape(4, 3) + 2**40,
    "booleans": np.array([[True, False], [False, False]]),
    "bytes": np.arange(24, dtype=np.uint8).reshape(6, 4) * 10,
    "half": np.linspace(-60_000, 60_000, 12, dtype=np.float16).reshape(4, 3),
    "huge": np.array([[-0.8e308, 1.0], [0.8e308, 2.0], [0.1e308, 4.0]]),
    "tiny": np.array([[1e-300, 3.0], [2e-300, 2.0], [5e-300, 4.0]]),
    "far from zero": np.array([[1e9 + 1, 0.1], [1e9 + 2, 0.1], [1e9 + 4, 0.1]]),
    "one sample": np.array([[3.0, -4.0]]),
    "images": np.random.default_rng(0).integers(0, 255, (5, 4, 4, 3), dtype=np.uint8),
}


def slow(x: Any, method: str, axis: Any) -> np.ndarray:
    """Compute in the widest floats that there are, value by value as the definition says."""
    wide = np.asarray(x).astype(np.longdouble)
    if method == "standardize":
        offset, scale = wide.mean(axis, keepdims=True), wide.std(axis, keepdims=True)
    else:
        offset = wide.min(axis, keepdims=True)
        scale = wide.max(axis, keepdims=True) - offset
    constant = wide.min(axis, keepdims=True) == wide.max(axis, keepdims=True)
    return np.where(constant, 0, (wide - offset) / np.where(constant, 1, scale)).astype(np.float32)


def assert_right(x: Any, prepare: Any, axis: Any, atol: float = 2e-6) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result, scaling = prepare(x, axis=axis)
    assert result.dtype == np.float32
    assert result.shape == np.shape(x)
    np.testing.assert_allclose(result, slow(x, scaling.method, axis), atol=atol)
    np.testing.assert_array_equal(scaling.apply(x), result)


@BOTH
@pytest.mark.parametrize("what", SPECIALS)
@pytest.mark.parametrize("axis", [0, None])
def test_the_definition_holds_for_every_kind_of_number(prepare: Any, what: str, axis: Any) -> None:
    x = SPECIALS[what]
    if (what, axis) != ("huge", None):
        assert_right(x, prepare, axis)


@BOTH
@given(
    arrays.arrays(
        st.sampled_from([np.float32, np.float64, np.int16, np.uint8]),
        arrays.array_shapes(min_dims=1, max_dims=3, max_side=6),
        elements={
            "allow_nan": False,
            "allow_infinity": False,
            "allow_subnormal": False,
            "min_value": 0,
            "max_value": 250,
        },
    ),
    st.data(),
)
def test_the_definition_holds_for_any_shape_and_axes(prepare: Any, x: np.ndarray, data: st.DataObject) -> None:
    axis = data.draw(st.sets(st.integers(0, x.ndim - 1), min_size=1).map(tuple))
    result, scaling = prepare(x, axis=axis)
    assert np.isfinite(result).all()
    np.testing.assert_allclose(result, slow(x, scaling.method, axis), atol=1e-4)
    np.testing.assert_allclose(scaling.invert(result), x, atol=1e-3)


@BOTH
@pytest.mark.parametrize("value", [0.1, -7, 1e300, 5e-324, True])
def test_a_constant_feature_becomes_0_and_comes_back(prepare: Any, value: Any) -> None:
    x = np.stack([np.full(1001, value, float), np.arange(1001)], axis=1)
    result, scaling = prepare(x)
    np.testing.assert_array_equal(result[:, 0], 0)
    if abs(value) < 1e30:
        np.testing.assert_array_equal(scaling.invert(result)[:, 0], np.float32(value))


@BOTH
def test_missing_values_stay_missing_and_count_for_nothing(prepare: Any) -> None:
    x = np.array([[1.0, np.nan], [np.nan, np.nan], [3.0, np.nan], [5.0, np.nan]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result, _ = prepare(x)
    np.testing.assert_array_equal(np.isnan(result), np.isnan(x))
    np.testing.assert_allclose(result[[0, 2, 3], 0], prepare(x[[0, 2, 3], :1])[0][:, 0])


@BOTH
def test_other_data_are_scaled_alike(prepare: Any) -> None:
    rng = np.random.default_rng(1)
    train, test = rng.normal(5, 3, (100, 4)), rng.normal(5, 3, (7, 4))
    _, scaling = prepare(train)
    np.testing.assert_allclose(scaling.apply(test), (test - scaling.offset) / scaling.scale, rtol=1e-6)
    np.testing.assert_allclose(scaling.invert(scaling.apply(test)), test, rtol=1e-5)
    with pytest.raises(InvalidArgumentError, match=r"shape \(any, 4\)\. Received: shape \(7, 3\)"):
        scaling.apply(test[:, :3])


@BOTH
def test_data_are_computed_in_parts_as_at_once(prepare: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(2).normal(size=(50, 7))
    for axis in (0, 1, (0, 1)):
        at_once, _ = prepare(x, axis=axis)
        with monkeypatch.context() as patch:
            patch.setattr(scaling_module, "_CHUNK_VALUES", 20)
            np.testing.assert_array_equal(prepare(x, axis=axis)[0], at_once)


def test_the_widest_range_is_standardized_and_cannot_be_normalized() -> None:
    x = np.array([-1.7e308, 1.7e308])
    np.testing.assert_allclose(nnviz.standardize(x)[0], [-1, 1])
    with pytest.raises(InvalidArgumentError, match="must fit float64"):
        nnviz.normalize(x)


def test_lists_and_tables_are_taken() -> None:
    expected = [[-1.0], [1.0]]
    np.testing.assert_array_equal(nnviz.standardize([[1], [3]])[0], expected)
    np.testing.assert_array_equal(nnviz.standardize(pd.DataFrame({"a": [1, 3]}))[0], expected)


@BOTH
@pytest.mark.parametrize(
    ("x", "axis", "message"),
    [
        (["a", "b"], 0, "must hold integers or floats"),
        (np.array([1 + 2j]), 0, "must hold integers or floats"),
        (np.array([1.0, np.inf, -np.inf]), 0, "2 infinite values"),
        (np.zeros((0, 3)), 0, r"must have values\. Received: shape \(0, 3\)"),
        (np.zeros((2, 3)), 2, r"from -2 to 1.*axis=2"),
        (np.zeros((2, 3)), 0.5, r"axis=0\.5"),
        (np.zeros((2, 3)), (), r"axis=\(\)"),
        (np.float32(3), 0, "axes of the data"),
        (np.array([1.0]), "a", "axis='a'"),
    ],
)
def test_what_cannot_be_scaled_is_refused(prepare: Any, x: Any, axis: Any, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        prepare(x, axis=axis)


@BOTH
@pytest.mark.parametrize("axis", [0, (0, 1, 2), (0, 1, 2, 3)])
def test_a_scaling_is_a_layer_that_is_saved_with_the_model(prepare: Any, axis: Any, tmp_path: Path) -> None:
    import keras

    x = np.random.default_rng(3).integers(0, 255, (6, 4, 5, 3)).astype(np.float32)
    x[:, 0, 0, :] = 17  # a corner that is constant
    result, scaling = prepare(x, axis=axis)
    model = keras.Sequential([keras.Input(x.shape[1:]), scaling.to_layer()])
    np.testing.assert_allclose(model.predict(x, verbose=0), result, atol=1e-5)
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    np.testing.assert_allclose(again.predict(x, verbose=0), result, atol=1e-5)


@BOTH
def test_a_scale_for_each_sample_is_no_layer(prepare: Any) -> None:
    _, scaling = prepare(np.arange(6.0).reshape(2, 3), axis=1)
    with pytest.raises(InvalidArgumentError, match=r"along the first axis.*axis=\(1,\)"):
        scaling.to_layer()


def test_a_scaling_says_what_it_is() -> None:
    x = np.arange(24.0).reshape(2, 3, 4)
    assert repr(nnviz.standardize(x)[1]) == "<Scaling 'standardize': 12 features, shape (3, 4)>"
    assert repr(nnviz.normalize(x, axis=None)[1]) == "<Scaling 'normalize': one scale for all values>"
