"""What changed since another step, and why it cannot be said where it cannot."""

import math

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnviz_widgets.core.frame import Catalogue, Frame, LayerInfo, TensorKey, TensorSpec
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.errors import NnvizError
from nnviz_widgets.pictures import compare as compare_module
from nnviz_widgets.pictures.compare import difference
from nnviz_widgets.pictures.frames import frame_message, keys_of, shown_step
from nnviz_widgets.pictures.order import order_of
from nnviz_widgets.pictures.readout import value_text
from nnviz_widgets.protocol import MapRequest, Order, ReadValues, Watch

KERNEL = TensorKey("d", "weights", "kernel")
DATA, BATCH = TensorKey("d", "activations", "data"), TensorKey("d", "activations")


def frame_of(array, step=1):
    array = np.asarray(array)
    return Frame(KERNEL, step, array, tuple(f"axis {index}" for index in range(array.ndim)))


@pytest.fixture
def recording():
    """A layer whose tensors are kept at steps 0, 2 and 5."""
    recording, rng = Recording(), np.random.default_rng(0)
    layer = LayerInfo("d", "d", "Dense", (None, 3), ("kernel",), 12, 1, 3)
    specs = [TensorSpec(KERNEL, (4, 3), "float32", ("in", "neuron"), 1)]
    specs += [TensorSpec(key, (None, 3), "float32", ("sample", "neuron"), 1) for key in (BATCH, DATA)]
    recording.set_catalogue(Catalogue((layer,), tuple(specs)))
    for step in (0, 2, 5):
        recording.add_tensors(step, {key: rng.standard_normal((4, 3)).astype("f4") for key in (KERNEL, BATCH, DATA)})
    return recording


def plane_of(recording, compare, step=-1, kind="weights", variable=None):
    watch = Watch(1, "page", "d", step, 0, [MapRequest(kind, 9, 9, variable=variable)], None, compare)
    keys = keys_of(recording, watch)
    frame, buffers = frame_message(recording, watch, keys, shown_step(recording, watch, keys), 1, exact=True)
    (plane,) = frame.planes
    cells = None if plane.missing else np.frombuffer(buffers[0], "<f4").reshape(plane.rows, plane.cols)
    return plane, cells


@pytest.mark.parametrize(("asked", "used"), [(0, 0), (1, 0), (2, 2), (4, 2), (9, 5)])
def test_the_kept_step_at_or_before_is_compared_with(recording, asked, used):
    plane, cells = plane_of(recording, asked)
    now, then = recording.frame(KERNEL, 5).array, recording.frame(KERNEL, used).array
    assert plane.compared == used
    np.testing.assert_array_equal(cells, (now.astype("f8") - then.astype("f8")).astype("f4"))
    exact = now.astype("f8") - then.astype("f8")
    assert (plane.low, plane.high) == (np.float32(exact.min()), np.float32(exact.max()))
    place = ReadValues(1, "page", "d", -1, 0, "weights", 2, 1, compare=asked)
    assert value_text(recording, place) == str(exact[2, 1])


def test_an_earlier_step_can_be_compared_with_a_later_one(recording):
    plane, cells = plane_of(recording, 5, step=2)
    np.testing.assert_allclose(cells, -plane_of(recording, 2)[1])
    assert plane.compared == 5


def test_differences_of_activations_are_pooled_by_magnitude(recording):
    watch = Watch(1, "page", "d", -1, 0, [MapRequest("activations", 1, 1)], None, 2)
    keys = keys_of(recording, watch)
    frame, _ = frame_message(recording, watch, keys, 5, 1, exact=True)
    assert frame.planes[0].reduce == "absmax"


def test_activations_of_another_batch_are_called_so(recording):
    assert plane_of(recording, 2, kind="activations")[0].note == "each step has a batch of its own"
    assert plane_of(recording, 2, kind="activations", variable="data")[0].note is None
    assert plane_of(recording, 2)[0].note is None


def test_before_the_first_kept_step_that_one_is_compared_with():
    recording = Recording()
    layer = LayerInfo("d", "d", "Dense", (None, 3), ("kernel",), 12, 1, 3)
    recording.set_catalogue(Catalogue((layer,), (TensorSpec(KERNEL, (4, 3), "float32", ("in", "neuron"), 1),)))
    recording.add_tensors(5, {KERNEL: np.ones((4, 3), "f4")})
    plane, _ = plane_of(recording, 4)
    assert (plane.missing, plane.compared) == (None, 5)
    assert value_text(recording, ReadValues(1, "page", "d", -1, 0, "weights", 0, 0, compare=4)) == "0.0"


@pytest.mark.parametrize("shape", [(4, 2), (4,), (2, 2, 3), ()])
def test_N09_shapes_that_changed_between_steps_are_told_apart(recording, shape):
    recording.add_tensors(6, {KERNEL: np.zeros(shape, "f4")})
    plane, _ = plane_of(recording, 5)
    assert plane.missing == (
        f"shape {shape} at step 6 and (4, 3) at step 5: there is a difference only of tensors of one shape"
    )
    whole, cells = plane_of(recording, None)
    assert whole.shape == list(shape)
    assert cells.size * math.prod(axis.size for axis in whole.further) == math.prod(shape)
    assert plane_of(recording, 6)[0].low == 0
    with pytest.raises(NnvizError, match="one shape"):
        value_text(recording, ReadValues(1, "page", "d", -1, 0, "weights", 0, 0, compare=5))


INF, NAN = math.inf, math.nan


@pytest.mark.parametrize(
    ("now", "then", "expected"),
    [
        ([1.0, NAN, INF, INF, -INF, 1.0], [NAN, 1.0, 1.0, INF, INF, INF], [NAN, NAN, INF, NAN, -INF, -INF]),
        (np.array([1e300]), np.array([-1.7e308]), [1.7e308 + 1e300]),
        (np.array([1.7e308]), np.array([-1.7e308]), [INF]),
        (np.array([0, 255], "u1"), np.array([255, 0], "u1"), [-255, 255]),
        (np.array([-128], "i1"), np.array([127], "i1"), [-255]),
        (np.array([True, False]), np.array([False, True]), [1, -1]),
        (np.array([65504, 1], "f2"), np.array([-65504, 1], "f2"), [131008, 0]),
        (np.array([1], ml_dtypes.bfloat16), np.array([448], ml_dtypes.float8_e4m3fn), [-447]),
        (np.array([1 + 2j, 0], "c8"), np.array([2j, 1], "c8"), [1, -1]),
    ],
)
def test_N01_N03_N04_differences_are_exact_and_never_wrap_around(now, then, expected):
    found = difference(frame_of(now, 2), frame_of(then))
    assert found.dtype in (np.float32, np.float64, np.complex128)
    np.testing.assert_array_equal(found, expected)


PATTERNS = np.array([0, 1, 0x7FFFFF, 0x800000, 0x3F800000, 0x3F800001, 0x7F7FFFFF, 0x7F000000], "u4")


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 2**32 - 1)), min_size=1, max_size=50))
def test_N03_a_difference_in_float32_is_the_one_in_float64_rounded(bits):
    drawn = np.array(bits, "u4")
    near = np.column_stack([drawn[:, 0], drawn[:, 0] + drawn[:, 1] % 9])  # numbers that nearly cancel
    odd = np.stack(np.meshgrid(PATTERNS, PATTERNS | 1 << 31), -1).reshape(-1, 2)
    now, then = np.concatenate([drawn, near, odd]).view("f4").T
    with np.errstate(all="ignore"):
        exact = now.astype("f8") - then.astype("f8")
        rounded = exact.astype("f4")
    fits = np.isinf(rounded) == np.isinf(exact)
    found = difference(frame_of(now[fits], 2), frame_of(then[fits]))
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, rounded[fits])
    np.testing.assert_array_equal(difference(frame_of(now, 2), frame_of(then)), exact)  # some do not fit


@pytest.mark.parametrize(
    "dtype", ["f4", "f2", "i2", "u1", "?", ml_dtypes.bfloat16, ml_dtypes.float8_e5m2, ml_dtypes.int4]
)
def test_what_fits_float32_is_subtracted_in_float32(dtype):
    now, then = np.array([1, 0], dtype), np.array([0, 1], dtype)
    assert difference(frame_of(now, 2), frame_of(then)).dtype == np.float32
    assert difference(frame_of(now, 2), frame_of(then.astype("i4"))).dtype == np.float64


def test_N04_a_difference_too_large_for_float32_is_no_infinity():
    found = difference(frame_of(np.array([3e38, np.inf, 1], "f4"), 2), frame_of(np.array([-3e38, 1, np.nan], "f4")))
    np.testing.assert_array_equal(found, [2 * np.float64(np.float32(3e38)), np.inf, np.nan])


def test_N06_the_difference_of_huge_broadcast_tensors_is_made_once():
    line = np.arange(100_000, dtype="f4")
    now, then = (np.broadcast_to(each, (100_000, 100_000)) for each in (line, np.float32(1)))
    found = difference(frame_of(now, 2), frame_of(then))
    np.testing.assert_array_equal(found[77], line - 1)


def test_N08_what_is_no_number_has_no_difference():
    found = difference(frame_of(np.ones(1), 2), frame_of(np.array(["a"])))
    assert found == "dtype str32 at step 1: no difference to dtype float64"


def test_one_value_of_a_difference_is_made_without_the_others(recording, monkeypatch):
    subtracted = []

    def spied(now, then):
        subtracted.append(now.size)
        return subtract(now, then)

    subtract = compare_module._subtract_wide
    monkeypatch.setattr(compare_module, "_subtract_wide", spied)
    monkeypatch.setattr(compare_module, "_subtract", lambda now, then: pytest.fail("all was subtracted"))
    now, then = (recording.frame(KERNEL, step).array.astype("f8") for step in (5, 0))
    second = order_of(recording, "d", Order("norm", 5))[1]
    asked = [ReadValues(1, "page", "d", 5, 0, "weights", 2, n, compare=0, order=Order("norm", 5)) for n in (1, 9)]
    assert [value_text(recording, place) for place in asked] == [str((now - then)[2, second]), ""]
    assert subtracted == [1]
