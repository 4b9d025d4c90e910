"""A zoo of tensors, every dtype, shape and special value, from the recording to the bytes on the wire and back."""

import json
import math

import ml_dtypes
import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnviz_widgets.core.frame import Catalogue, LayerInfo, TensorKey, TensorSpec
from nnviz_widgets.core.grammar import Grammar
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.core.stats import limits, vitals
from nnviz_widgets.pictures.frames import frame_message, keys_of, shown_step
from nnviz_widgets.pictures.layout import layout_of
from nnviz_widgets.pictures.readout import value_text
from nnviz_widgets.protocol import Cell, Frame, MapRequest, Order, ReadValues, Watch, Window
from tests.pictures.truth import (
    GAP,
    assert_same_cells,
    decoded,
    difference,
    expected_cells,
    first_bad,
    full_picture,
    number,
    truth_of_all,
)

FLOATS = [np.float16, np.float32, np.float64, ml_dtypes.bfloat16]
FLOATS += [
    getattr(ml_dtypes, name)
    for name in ("float8_e3m4", "float8_e4m3", "float8_e4m3b11fnuz", "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2")
    if hasattr(ml_dtypes, name)
]
FLOATS += [ml_dtypes.float8_e5m2fnuz]
INTEGERS = [np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]
INTEGERS += [ml_dtypes.int4, ml_dtypes.uint4]
COMPLEX = [np.complex64, np.complex128]
DTYPES = [np.dtype(each) for each in [*FLOATS, *INTEGERS, *COMPLEX, bool]]

CONV = ("y", "x", "in", "filter")
SHAPES = [
    ((), (), "weights"),
    ((1,), ("neuron",), "weights"),
    ((7,), ("neuron",), "weights"),
    ((5, 3), ("in", "neuron"), "weights"),
    ((1, 6), ("in", "neuron"), "gradients"),
    ((6, 1), ("sample", "neuron"), "activations"),
    ((3, 2, 2, 4), CONV, "weights"),
    ((1, 1, 3, 2), CONV, "weights"),
    ((3, 4, 3, 2), ("sample", "y", "x", "filter"), "activations"),
    ((2, 5, 3), ("sample", "time", "neuron"), "activations"),
    ((2, 2, 2, 3, 2), ("z", "y", "x", "in", "filter"), "weights"),
    ((3, 8), ("in", "neuron"), "weights"),  # with gates
    ((2, 1, 2, 1, 2, 1, 3), (*tuple("abcdef"), "neuron"), "weights"),
]
GATES = Grammar(blocks=("i", "f", "c", "o"))


def specials(dtype):
    """The odd values of a dtype, and a few plain ones."""
    if dtype.kind == "b":
        return [False, True]
    if dtype.kind == "c":
        parts = [0.0, -0.0, 1.0, -2.5, math.inf, -math.inf, math.nan, 1e38, float(np.finfo(dtype).max)]
        return [complex(a, b) for a in parts for b in parts]
    if dtype in [np.dtype(each) for each in INTEGERS]:
        info = ml_dtypes.iinfo(dtype)
        return [int(info.min), int(info.max), 0, 1, 2, 3]
    info = ml_dtypes.finfo(dtype)
    small = [float(info.tiny), float(info.smallest_subnormal)]
    return [0.0, -0.0, 1.0, -1.0, 1.5, *small, float(info.max), float(info.min), 1e38, math.nan, math.inf, -math.inf]


@st.composite
def tensors(draw, shape, dtype):
    """A tensor of mostly plain values."""
    size = math.prod(shape)
    values = draw(st.lists(st.sampled_from(specials(dtype)), min_size=size, max_size=size))
    with np.errstate(all="ignore"):
        return np.array(values).astype(dtype).reshape(shape) if size else np.zeros(shape, dtype)


def recording_of(shape, axes, kind, *arrays):
    """A recording of one layer whose only tensor is kept at steps 1, 2, ..."""
    axis = axes.index("neuron") if "neuron" in axes else axes.index("filter") if "filter" in axes else None
    grammar = GATES if shape == (3, 8) else Grammar()
    n_neurons = 0 if axis is None else shape[axis] // max(1, len(grammar.blocks))
    key = TensorKey("d", kind, "kernel" if kind in ("weights", "gradients") else None)
    spec = TensorSpec(key, shape, arrays[0].dtype.name, axes, axis, grammar=grammar)
    layer = LayerInfo("d", "d", "Dense", None, ("kernel",), 1, axis, n_neurons)
    recording = Recording()
    recording.set_catalogue(Catalogue((layer,), (spec,)))
    for step, array in enumerate(arrays, 1):
        recording.add_tensors(step, {key: array.copy()})
    return recording, key


def sent(recording, watch, exact=True):
    """What a page gets for a watch: the frame as it reads it, and the buffers."""
    keys = keys_of(recording, watch)
    message, buffers = frame_message(recording, watch, keys, shown_step(recording, watch, keys), 1, exact=exact)
    text = msgspec.json.encode(message)
    json.loads(text, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert len(text) + sum(map(len, buffers)) <= 1 << 20
    return msgspec.json.decode(text, type=Frame), buffers


windows = st.none() | st.builds(Window, *[st.integers(0, 9)] * 4)
orders = st.none() | st.builds(Order, st.sampled_from(["norm", "activity", "similarity"]), st.sampled_from([-1, 1]))


@settings(max_examples=400, deadline=None)
@given(st.data(), st.sampled_from(DTYPES), st.sampled_from(SHAPES), windows, orders)
def test_what_is_on_the_wire_is_what_is_in_the_tensor(data, dtype, kind_of_shape, window, order):
    shape, axes, kind = kind_of_shape
    first, array = data.draw(tensors(shape, dtype)), data.draw(tensors(shape, dtype))
    compare = data.draw(st.none() | st.just(1))
    part = data.draw(st.sampled_from(["abs", "real", "imag", "phase"]))
    sample = data.draw(st.integers(0, 3))
    max_rows, max_cols = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 12))
    at = {name: data.draw(st.integers(0, 2)) for name in axes[:1]}
    recording, key = recording_of(shape, axes, kind, first, array)
    assert recording.tensor("d", kind, 2).tobytes() == array.tobytes()

    request = MapRequest(kind, max_rows, max_cols, window=window, complex=part, at=at)
    watch = Watch(1, "page", "d", 2, sample, [request], order, compare)
    frame, buffers = sent(recording, watch, exact=data.draw(st.booleans()))
    (plane,) = frame.planes
    assert plane.missing is None

    layout = layout_of(recording.frame(key, 2), sample, at)
    neurons = None
    if frame.order_buffer >= 0:
        neurons = np.frombuffer(buffers[frame.order_buffer], "<i4")
        assert sorted(neurons) == list(range(layout.n_neurons))
    values = truth_of_all(array, first if compare else None, part)
    # Of two differences that are the same once they are rounded, either is the largest.
    values = values if compare is None else rounded(values, dtype)
    picture = full_picture(layout, shape, values, neurons)
    assert_same_cells(decoded(plane, buffers[plane.buffer]), expected_cells(plane, picture))

    check_statistics(plane, values)
    bad = first_bad(picture)
    assert plane.first_bad == (None if bad is None else Cell(*bad))
    check_window(plane, window)
    assert plane.compared == compare
    check_text(recording, layout, watch, array, first, neurons, data)


def check_statistics(plane, values):
    """The header tells of the whole tensor."""
    finite = [value for value in values if math.isfinite(value)]
    assert (plane.low, plane.high) == ((min(finite), max(finite)) if finite else (None, None))
    assert plane.n_nan == sum(math.isnan(value) for value in values)
    assert plane.n_posinf == values.count(math.inf)
    assert plane.n_neginf == values.count(-math.inf)
    if plane.histogram:
        assert (len(plane.histogram), sum(plane.histogram)) == (64, len(finite))
    if plane.reduce == "none" and finite:
        assert plane.low <= plane.clip_low <= plane.clip_high <= plane.high


def rounded(values, dtype):
    """What a difference of float32 or less is seen as: rounded to float32, unless one is too large for it."""
    if dtype.itemsize > 4 or (dtype.itemsize == 4 and dtype.kind != "f"):
        return values
    with np.errstate(over="ignore"):
        single = [float(np.float32(value)) for value in values]
    fits = [math.isinf(value) for value in values] == [math.isinf(value) for value in single]
    return single if fits else values


def check_window(plane, window):
    """What is shown is the window, cut to the picture, or all."""
    if window is None:
        shown = (plane.row_start, plane.col_start, plane.shown_rows, plane.shown_cols)
        assert shown == (0, 0, plane.full_rows, plane.full_cols)
    for start, shown, full in [
        (plane.row_start, plane.shown_rows, plane.full_rows),
        (plane.col_start, plane.shown_cols, plane.full_cols),
    ]:
        assert 0 <= start < start + shown <= full


def check_text(recording, layout, watch, array, first, neurons, data):
    """The readout is exact, of the neuron that is drawn there, and the frame's own value is the same."""
    (request,) = watch.maps
    row = data.draw(st.integers(0, layout.rows.full))
    column = data.draw(st.integers(0, layout.cols.full))
    place = ReadValues(
        1, "page", "d", 2, watch.sample, request.tensor, row, column, at=request.at, complex=request.complex,
        order=watch.order, compare=watch.compare,
    )  # fmt: skip
    text = value_text(recording, place)
    asked = msgspec.structs.replace(watch, maps=[msgspec.structs.replace(request, cell=Cell(row, column))])
    assert sent(recording, asked)[0].planes[0].value.text == text
    indices = np.arange(array.size)
    index = GAP
    if row < layout.rows.full and column < layout.cols.full:
        index = full_picture(layout, array.shape, indices, neurons)[row][column]
    if index is GAP:
        assert text == ""
    elif watch.compare is None:
        assert text == str(array.ravel()[index])
    else:
        expected = difference(number(array.ravel()[index]), number(first.ravel()[index]))
        assert number_of(text) == expected or (text.count("nan") and expected != expected)


def number_of(text):
    return complex(text) if "j" in text else float(text)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("shape", [(0,), (0, 5), (5, 0, 3)])
def test_N05_empty_tensors_of_every_dtype_are_words_everywhere(shape, dtype):
    array = np.zeros(shape, dtype)
    axes = ("a", "b", "neuron")[-len(shape) :]
    recording, _ = recording_of(shape, axes, "weights", array, array)
    for order in (None, Order("norm", -1), Order("similarity", 1)):
        watch = Watch(1, "page", "d", -1, 0, [MapRequest("weights", 9, 9)], order, 1)
        frame, buffers = sent(recording, watch)
        assert frame.planes[0].missing == f"shape {shape}: no values"
        assert (buffers, frame.order_buffer) == ([], -1)
    assert value_text(recording, ReadValues(1, "page", "d", -1, 0, "weights", 0, 0)) == ""
    assert limits(array) == (None, None, None, None, 0, 0, 0)
    assert np.isnan(vitals(array)[:5]).all()


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@settings(max_examples=30, deadline=None)
@given(st.data())
def test_statistics_of_every_dtype_are_those_of_python(dtype, data):
    array = data.draw(tensors(data.draw(st.sampled_from([(), (7,), (3, 4), (2, 1, 3)])), dtype))
    values = truth_of_all(array)
    finite = [value for value in values if math.isfinite(value)]
    mean, std, low, high, l2, zeros, nan, inf = vitals(array)
    assert (nan, inf) == (sum(map(math.isnan, values)), sum(map(math.isinf, values)))
    assert zeros == values.count(0) / len(values)
    if not finite:
        assert np.isnan([mean, std, low, high, l2]).all()
        return
    assert (low, high) == (min(finite), max(finite))
    largest = max(map(abs, finite)) or 1.0
    shares = [value / largest for value in finite]
    assert mean == pytest.approx(largest * (math.fsum(shares) / len(shares)), rel=1e-9, abs=largest * 1e-12)
    length = math.sqrt(math.fsum(share * share for share in shares))
    assert l2 == pytest.approx(largest * length, rel=1e-9)
