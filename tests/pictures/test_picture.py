"""A tensor becomes a header and cells."""

import math
import time
import tracemalloc

import ml_dtypes
import numpy as np
import pytest

from nnviz_widgets.core.frame import Frame, TensorKey
from nnviz_widgets.pictures.picture import Look, Picture, picture, shrink
from nnviz_widgets.protocol import MAX_FRAME_BYTES, Cell, Window


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


def test_zooming_in_reaches_the_exact_values():
    kernel = np.random.default_rng(0).standard_normal((300, 200)).astype("f4")
    whole, _ = drawn(kernel)
    plane, cells = drawn(kernel, window=Window(100, 150, 30, 90))
    assert (whole.reduce, plane.reduce) == ("absmax", "none")
    np.testing.assert_array_equal(cells, kernel[100:150, 30:90])
    assert (plane.row_start, plane.col_start, plane.shown_rows, plane.shown_cols) == (100, 30, 50, 60)
    assert (plane.full_rows, plane.full_cols, plane.low, plane.high) == (300, 200, kernel.min(), kernel.max())


def test_what_is_zoomed_into_is_pooled_only_as_much_as_it_must():
    kernel = np.random.default_rng(0).standard_normal((300, 200)).astype("f4")
    plane, cells = drawn(kernel, window=Window(3, 131, 0, 64))
    assert (plane.row_factor, plane.col_factor) == (2, 1)
    pairs = kernel[3:131, :64].reshape(64, 2, 64)
    np.testing.assert_array_equal(np.abs(cells), np.abs(pairs).max(axis=1))
    assert plane.clip_high <= cells.max()


@pytest.mark.parametrize(
    ("window", "shown"),
    [
        (Window(0, 0, 0, 0), (0, 0, 1, 1)),
        (Window(9, 2, 3, 1), (4, 2, 1, 1)),
        (Window(0, 99, 1, 99), (0, 1, 5, 2)),
        (Window(2**53, 2**53, 2**53, 0), (4, 2, 1, 1)),
    ],
)
def test_a_window_is_cut_to_the_picture_and_never_empty(window, shown):
    plane, _ = drawn(np.ones((5, 3)), window=window)
    assert (plane.row_start, plane.col_start, plane.shown_rows, plane.shown_cols) == shown


def test_a_window_on_tiles_is_of_whole_tiles():
    kernel = np.arange(3 * 2 * 2 * 4, dtype="f4").reshape(3, 2, 2, 4)
    plane, cells = drawn(kernel, axes=("y", "x", "in", "filter"), window=Window(1, 2, 2, 4))
    assert (plane.row_start, plane.col_start, plane.shown_rows, plane.shown_cols) == (4, 6, 4, 6)
    np.testing.assert_array_equal(cells[:3, :2], kernel[:, :, 1, 2])
    np.testing.assert_array_equal(cells[:3, 3:5], kernel[:, :, 1, 3])


def test_places_are_those_of_the_whole_picture_in_a_window_too():
    kernel = np.arange(15.0).reshape(5, 3)
    kernel[0, 0] = np.inf
    order = np.array([2, 0, 1], np.int32)
    each = picture_of(kernel, window=Window(2, 4, 1, 3), order=order)
    plane, data = each.draw(9, 9, "f32")
    assert each.value(Cell(3, 0)).text == str(kernel[3, 2])
    assert each.value(Cell(3, 1)).text == str(kernel[3, 0])
    assert plane.first_bad == Cell(0, 1)
    np.testing.assert_array_equal(np.frombuffer(data, "<f4").reshape(2, 2), kernel[2:4, [0, 1]])


def test_filters_are_sorted_tile_by_tile():
    maps = np.random.default_rng(0).standard_normal((2, 3, 4, 5)).astype("f4")
    order = np.array([4, 2, 0, 1, 3], np.int32)
    each = picture_of(maps, "activations", ("sample", "y", "x", "filter"), sample=1, order=order)
    plane, data = each.draw(64, 64, "f32")
    cells = np.frombuffer(data, "<f4").reshape(plane.rows, plane.cols)
    for place, neuron in enumerate(order):
        np.testing.assert_array_equal(cells[:3, place * 5 : place * 5 + 4], maps[1, :, :, neuron])
        assert each.text(1, place * 5 + 2) == str(maps[1, 1, 2, neuron])
        assert each.text(1, place * 5 + 4) == ""


def test_an_order_of_another_number_of_neurons_sorts_nothing():
    assert picture_of(np.ones((2, 3)), order=np.arange(4, dtype=np.int32)).places is None


@pytest.mark.parametrize(("sample", "expected"), [(0, None), (1, Cell(2, 5 + 3))])
def test_the_first_bad_value_is_looked_for_in_what_is_drawn(sample, expected):
    maps = np.zeros((2, 3, 4, 2), "f4")
    maps[1, 2, 3, 1] = np.nan
    plane, _ = drawn(maps, kind="activations", axes=("sample", "y", "x", "filter"), sample=sample)
    assert (plane.n_nan, plane.first_bad) == (1, expected)


@pytest.mark.parametrize("part", ["abs", "real", "imag", "phase"])
def test_N04_each_part_is_drawn_by_name_and_the_text_is_the_number_itself(part):
    values = np.array([[3 + 4j, -2j, complex(np.nan, 1)]], np.complex128)
    each = picture_of(values, part=part)
    plane, data = each.draw(9, 9, "f32")
    expected = {"abs": [5, 2, np.nan], "real": [3, 0, np.nan], "imag": [4, -2, 1]}
    expected["phase"] = [math.atan2(4, 3), -math.pi / 2, np.nan]
    np.testing.assert_allclose(np.frombuffer(data, "<f4"), expected[part], rtol=1e-6)
    assert each.text(0, 0) == "(3+4j)"
    words = {"abs": "magnitude", "real": "real part", "imag": "imaginary part", "phase": "radians"}
    assert words[part] in plane.note
    assert plane.dtype == "complex128"


@pytest.mark.parametrize(
    ("shape", "picture_shape"),
    [((), (1, 1)), ((1, 9), (1, 9)), ((9, 1), (9, 1)), ((1,), (1, 1)), ((2, 1, 2, 1, 2, 1, 2), None)],
)
def test_N05_odd_shapes_have_every_aid(shape, picture_shape):
    values = np.arange(math.prod(shape), dtype="f4").reshape(shape)
    order = np.arange(shape[-1] if shape else 0, dtype=np.int32)[::-1]
    frame = picture_of(values).frame
    each = picture(frame, None, Look(window=Window(0, 99, 0, 99), order=order), frame)
    plane, data = each.draw(64, 64, "f32", thorough=True)
    assert picture_shape is None or (plane.rows, plane.cols) == picture_shape
    assert set(np.frombuffer(data, "<f4")) == {0}
    assert plane.histogram[0] == values.size
    assert (plane.compared, plane.low, plane.high) == (1, 0, 0)


@pytest.mark.parametrize("turned", [False, True])
def test_N06_every_aid_on_hundred_thousand_squared(turned):
    line = np.random.default_rng(0).standard_normal(100_000).astype("f4")
    line[[777, 4242]] = [1e12, np.nan]
    huge = np.broadcast_to(line[:, None] if turned else line, (100_000, 100_000))
    order = np.arange(100_000, dtype=np.int32)[::-1]
    frame = picture_of(huge).frame
    zeros = Frame(frame.key, 0, np.broadcast_to(np.float32(0), huge.shape), frame.axes, frame.neuron_axis)
    started = time.perf_counter()
    tracemalloc.start()
    each = picture(frame, None, Look(window=Window(700, 90_000, 10_000, 100_000), order=order), zeros)
    ((rows, cols),) = shrink([(each, 2000, 2000)], "bf16", MAX_FRAME_BYTES)
    plane, data = each.draw(rows, cols, "bf16", thorough=True)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.perf_counter() - started < 5
    assert peak < 64 << 20
    assert len(data) <= MAX_FRAME_BYTES
    cells = np.frombuffer(data, "<u2").view(ml_dtypes.bfloat16).astype("f4").reshape(plane.rows, plane.cols)
    seen = cells[:, 0] if turned else cells[0]
    nan, high = (4242 - 700, 777 - 700) if turned else (100_000 - 1 - 4242 - 10_000, 100_000 - 1 - 777 - 10_000)
    factor = plane.row_factor if turned else plane.col_factor
    assert np.flatnonzero(np.isnan(seen)).tolist() == [nan // factor]
    assert seen[high // factor] == pytest.approx(1e12, rel=0.01)
    assert plane.first_bad == (Cell(4242, 0) if turned else Cell(0, 100_000 - 1 - 4242))
    assert each.text(777, 100_000 - 1 - 777) == str(float(line[777]))


def test_N07_the_histogram_shows_the_outlier_that_the_clips_leave_out():
    values = np.random.default_rng(0).standard_normal((100, 100)).astype("f4")
    values[3, 3] = 1e12
    plane, _ = picture_of(values).draw(100, 100, "f32", thorough=True)
    assert (plane.clip_low, plane.clip_high) == pytest.approx((-2.33, 2.33), abs=0.2)
    assert (plane.histogram[0], plane.histogram[-1], sum(plane.histogram)) == (9999, 1, 10_000)


def test_there_is_no_histogram_while_it_runs():
    plane, _ = picture_of(np.arange(5.0)).draw(9, 9, "f32")
    assert plane.histogram == []


@pytest.mark.parametrize("bad", [False, True])
def test_the_first_picture_of_a_4096_squared_kernel_takes_less_than_a_second(bad):
    kernel = np.random.default_rng(0).standard_normal((4096, 4096), np.float32)
    if bad:
        kernel[4000, 4000], kernel[17, 3] = np.nan, np.inf
    tracemalloc.start()
    started = time.perf_counter()
    plane, _ = picture_of(kernel).draw(1024, 1024, "bf16", thorough=True)
    seconds = time.perf_counter() - started
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert seconds < 1
    assert peak < 32 << 20
    assert (plane.n_nan, plane.n_posinf, plane.rows, plane.cols) == (int(bad), int(bad), 1024, 1024)
    assert plane.first_bad == (Cell(17, 3) if bad else None)


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
