"""A tensor becomes a header and cells."""

import math
import time
import tracemalloc

import ml_dtypes
import numpy as np
import pytest

from nnviz_widgets.core.frame import Frame, TensorKey
from nnviz_widgets.protocol import MAX_FRAME_BYTES
from nnviz_widgets.widgets.picture import Look, Picture, picture, shrink


def picture_of(array, kind="weights", axes=None, neuron_axis=-1, note=None, **look):
    array = np.asarray(array)
    axes = axes or {2: ("in", "neuron"), 1: ("neuron",), 0: ()}.get(array.ndim, tuple("abcdefg"[: array.ndim]))
    axis = (neuron_axis % array.ndim) if array.ndim else None
    return picture(Frame(TensorKey("d", kind, "kernel"), 1, array, axes, axis), note, Look(**look))


def drawn(array, max_rows=64, max_cols=64, encoding="f32", **kwargs):
    plane, data = picture_of(array, **kwargs).draw(max_rows, max_cols, encoding)
    cells = np.frombuffer(data, "<f4" if encoding == "f32" else "<u2").reshape(plane.rows, plane.cols)
    return plane, cells if encoding == "f32" else cells.view(ml_dtypes.bfloat16).astype("f4")


def test_a_small_kernel_is_drawn_as_it_is():
    kernel = np.random.default_rng(0).standard_normal((7, 5)).astype("f4")
    plane, cells = drawn(kernel)
    np.testing.assert_array_equal(cells, kernel)
    assert (plane.reduce, plane.row_factor, plane.col_factor, plane.neuron_cols) == ("none", 1, 1, 1)
    assert (plane.low, plane.high) == (kernel.min(), kernel.max())
    assert [axis.name for axis in plane.row_axes + plane.col_axes] == ["in", "neuron"]


def test_columns_of_the_three_maps_have_the_same_factor():
    planes = [drawn(np.zeros((rows, 1000)), kind=kind)[0] for rows, kind in [(16, "activations"), (784, "weights")]]
    assert {plane.col_factor for plane in planes} == {16}
    assert planes[1].reduce == "absmax"


def test_a_convolution_is_tiles():
    kernel = np.arange(3 * 2 * 2 * 4, dtype="f4").reshape(3, 2, 2, 4)
    plane, cells = drawn(kernel, axes=("y", "x", "in", "filter"))
    assert (plane.rows, plane.cols, plane.gutter, plane.neuron_cols) == (2 * 4, 4 * 3, True, 3)
    np.testing.assert_array_equal(cells[4 : 4 + 3, 3 : 3 + 2], kernel[:, :, 1, 1])
    assert np.isnan(cells[3]).all()
    assert np.isnan(cells[:, 2::3]).all()


def test_feature_maps_of_the_chosen_sample():
    maps = np.random.default_rng(0).standard_normal((5, 6, 7, 3)).astype("f4")
    _, cells = drawn(maps, kind="activations", axes=("sample", "y", "x", "filter"), sample=2)
    np.testing.assert_array_equal(cells[:, 8 : 8 + 7], maps[2, :, :, 1])


@pytest.mark.parametrize(
    ("array", "counts", "low"),
    [
        (np.full((3, 4), np.nan), (12, 0, 0), None),
        (np.array([[1.0, np.nan, 2.0]]), (1, 0, 0), 1.0),
        (np.array([[np.inf, -np.inf, np.nan, -1.0, np.inf]]), (1, 2, 1), -1.0),
    ],
)
def test_N01_non_finite_values_are_counted_and_drawn(array, counts, low):
    plane, cells = drawn(array.astype("f4"))
    assert (plane.n_nan, plane.n_posinf, plane.n_neginf) == counts
    assert plane.low == low
    np.testing.assert_array_equal(cells, array)


@pytest.mark.parametrize("value", [0.0, -0.0, 1e-45, 7.0])
def test_N02_constants(value):
    plane, cells = drawn(np.full((3, 3), value, "f4"))
    assert plane.low == plane.high == np.float32(value)
    assert (cells == np.float32(value)).all()


@pytest.mark.parametrize(
    "array",
    [
        np.array([65504, -65504], np.float16),
        np.array([3e38, -3e38], ml_dtypes.bfloat16),
        np.array([448, -448], ml_dtypes.float8_e4m3fn),
        np.array([1e300, -1e300]),
        np.array([-128, 127], np.int8),
        np.array([2**64 - 1, 0], np.uint64),
        np.array([-8, 7], ml_dtypes.int4),
        np.array([True, False]),
    ],
    ids=lambda array: array.dtype.name,
)
def test_N03_every_number_type(array):
    plane, cells = drawn(array)
    assert plane.dtype == array.dtype.name
    expected = np.clip(array.astype("f8"), -float(np.finfo("f4").max), float(np.finfo("f4").max))
    np.testing.assert_allclose(cells[0], expected, rtol=1e-6)
    assert plane.low is not None
    assert math.isfinite(plane.low)
    pooled, cells = drawn(np.tile(array, 40), max_cols=1)
    assert pooled.reduce == "absmax"
    assert abs(cells[0, 0]) == np.abs(expected.astype("f4")).max()


def test_N04_complex_shows_the_magnitude_and_says_so():
    plane, cells = drawn(np.array([[3 + 4j, 0]], np.complex64), note="of the logits")
    assert cells.tolist() == [[5, 0]]
    assert plane.note == "of the logits; the magnitude |z| is drawn"
    assert plane.high == 5


@pytest.mark.parametrize("shape", [(0,), (0, 5), (5, 0, 3)])
def test_N05_empty_tensors_are_said_in_words(shape):
    assert picture_of(np.zeros(shape)) == f"shape {shape}: no values"


@pytest.mark.parametrize("shape", [(), (1, 9), (9, 1), (1,), (2, 1, 2, 1, 2, 1, 2)])
def test_N05_odd_shapes_are_drawn(shape):
    _, cells = drawn(np.ones(shape, "f4"))
    assert cells.size == math.prod(shape[-3:])  # what lies further out has a slider
    assert (cells == 1).all()


@pytest.mark.parametrize("turned", [False, True])
def test_N06_hundred_thousand_squared_without_allocating_it(turned):
    line = np.random.default_rng(0).standard_normal(100_000).astype("f4")
    line[[777, 4242, 99_999]] = [1e12, -2e12, np.nan]
    huge = np.broadcast_to(line[:, None] if turned else line, (100_000, 100_000))
    tracemalloc.start()
    each = picture_of(huge)
    assert isinstance(each, Picture)
    ((rows, cols),) = shrink([(each, 2000, 2000)], "bf16", MAX_FRAME_BYTES)
    plane, data = each.draw(rows, cols, "bf16")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 << 20
    assert len(data) <= MAX_FRAME_BYTES
    cells = np.frombuffer(data, "<u2").view(ml_dtypes.bfloat16).astype("f4").reshape(plane.rows, plane.cols)
    line_of_cells = cells[:, 0] if turned else cells[0]
    assert np.isnan(line_of_cells[-1])
    assert np.nanmax(line_of_cells) == pytest.approx(1e12, rel=0.01)
    assert np.nanmin(line_of_cells) == pytest.approx(-2e12, rel=0.01)
    assert plane.n_nan == 100_000


def test_N07_an_outlier_does_not_set_the_clip():
    values = np.random.default_rng(0).standard_normal((100, 100)).astype("f4")
    values[3, 3] = 1e12
    plane, cells = drawn(values, max_rows=10, max_cols=10)
    assert plane.high == pytest.approx(1e12)
    assert plane.clip_high < 4
    assert cells[0, 0] == np.float32(1e12)


@pytest.mark.parametrize("array", [np.array(["a"]), np.array([object()]), np.array(["2020"], "M8[Y]")])
def test_N08_what_is_no_number_is_refused_by_name(array):
    assert array.dtype.name in picture_of(array)


def test_shrinking_keeps_small_pictures():
    small, large = picture_of(np.zeros((16, 500))), picture_of(np.zeros((3000, 500)))
    sizes = shrink([(large, 2000, 500), (small, 2000, 500)], "bf16", 600_000)
    assert sizes[1] == (16, 500)
    assert sum(each.cells(*size) for each, size in zip([large, small], sizes, strict=True)) * 2 <= 600_000
    assert large.cells(*sizes[0]) > 120_000


@pytest.mark.parametrize(("shape", "limit", "most_ms"), [((784, 128), 784, 5), ((1024, 1024), 256, 20)])
def test_drawing_is_quick(shape, limit, most_ms):
    """Ten times what it takes alone, so that only a change of kind fails; the benchmark has the figures."""
    each = picture_of(np.random.default_rng(0).standard_normal(shape).astype("f4"))
    times = []
    for _ in range(15):
        started = time.perf_counter()
        each.draw(limit, limit, "bf16")
        times.append(time.perf_counter() - started)
    assert sorted(times)[3] * 1000 < most_ms
