"""Neurons are sorted by what they are, once, and all maps of a layer with them."""

import math
import time

import numpy as np
import pytest

from nnviz_widgets.core.frame import Catalogue, Frame, LayerInfo, TensorKey, TensorSpec
from nnviz_widgets.core.grammar import PLAIN, Grammar
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.pictures import order as order_module
from nnviz_widgets.pictures.frames import frame_message, keys_of, shown_step
from nnviz_widgets.pictures.order import order_of, sort_neurons
from nnviz_widgets.protocol import MAX_FRAME_BYTES, MapRequest, Order, Watch
from tests.widgets.fakes import dense_catalogue

KERNEL, BIAS = TensorKey("hidden", "weights", "kernel"), TensorKey("hidden", "weights", "bias")
ACTIVATIONS = TensorKey("hidden", "activations")
GATES = ("i", "f", "c", "o")


@pytest.fixture
def recording():
    """A layer of 5 inputs and 6 neurons, whose kernel is kept at step 0 and all of it at step 3."""
    recording, rng = Recording(), np.random.default_rng(0)
    recording.set_catalogue(dense_catalogue(5, 6, 2))
    recording.add_tensors(0, {KERNEL: rng.standard_normal((5, 6)).astype("f4")})
    arrays = {
        spec.key: rng.standard_normal([4 if n is None else n for n in spec.shape]).astype("f4")
        for spec in recording.catalogue.specs
    }
    recording.add_tensors(3, arrays)
    return recording


def frame_of(array, axes=("in", "neuron"), axis=1, kind="weights", grammar=PLAIN):
    return Frame(TensorKey("d", kind, "kernel"), 1, np.asarray(array), axes, axis, grammar)


def test_norms_are_of_all_that_belongs_to_a_neuron(recording):
    kernel = recording.frame(KERNEL, 3).array
    norms = [math.sqrt(sum(float(weight) ** 2 for weight in kernel[:, neuron])) for neuron in range(6)]
    assert order_of(recording, "hidden", Order("norm", 3)).tolist() == sorted(range(6), key=lambda n: -norms[n])


def test_activity_is_the_mean_activation(recording):
    values = recording.frame(ACTIVATIONS, 3).array
    means = [sum(map(float, values[:, neuron])) / 4 for neuron in range(6)]
    assert order_of(recording, "hidden", Order("activity", 3)).tolist() == sorted(range(6), key=lambda n: -means[n])


def test_a_neuron_of_several_gates_is_all_of_them():
    kernel = np.zeros((1, 12))
    kernel[0, 3 * 2 + 1] = 5  # the third gate of neuron 1
    kernel[0, 3 * 0 + 2], kernel[0, 3 * 1 + 2], kernel[0, 0] = 3, 3, 4  # two gates of neuron 2, the first of neuron 0
    found = sort_neurons(frame_of(kernel, grammar=Grammar(blocks=GATES)), "norm")
    assert found.tolist() == [1, 2, 0]


@pytest.mark.parametrize("scale", [1e30, 1e-30])
def test_norms_neither_overflow_nor_vanish(scale):
    kernel = np.array([[1, 3, 2]], "f4") * np.float32(scale)
    assert sort_neurons(frame_of(kernel), "norm").tolist() == [1, 2, 0]


@pytest.mark.parametrize("by", ["norm", "activity"])
def test_N01_neurons_that_are_not_finite_come_first(by):
    values = np.array([[1.0, np.nan, 3.0, np.inf, 2.0], [1.0, 1.0, 3.0, -np.inf, 2.0]])
    assert sort_neurons(frame_of(values), by).tolist() == [1, 3, 2, 4, 0]


@pytest.mark.parametrize("by", ["norm", "activity", "similarity"])
@pytest.mark.parametrize("dtype", ["f2", "i1", "?", "c8"])
def test_N03_every_dtype_can_be_sorted(by, dtype):
    values = np.random.default_rng(0).integers(0, 2, (4, 5)).astype(dtype)
    assert sorted(sort_neurons(frame_of(values), by)) == list(range(5))


@pytest.mark.parametrize("by", ["norm", "activity", "similarity"])
def test_N06_a_huge_broadcast_tensor_is_sorted_as_what_is_in_memory(by):
    line = np.random.default_rng(0).standard_normal(100_000).astype("f4")
    assert sorted(sort_neurons(frame_of(np.broadcast_to(line, (100_000, 100_000))), by)) == list(range(100_000))
    same = np.broadcast_to(line[:, None], (100_000, 100_000))
    np.testing.assert_array_equal(sort_neurons(frame_of(same), by), np.arange(100_000))


def test_the_order_stands_still_while_the_weights_move(recording):
    before = order_of(recording, "hidden", Order("norm", -1))
    recording.add_tensors(4, {KERNEL: recording.frame(KERNEL, 3).array[:, ::-1].copy()})
    assert order_of(recording, "hidden", Order("norm", -1)) is before
    assert order_of(recording, "hidden", Order("norm", 4)).tolist() != before.tolist()
    assert order_of(recording, "hidden", Order("norm", 2)).tolist() != before.tolist()


def test_another_model_is_sorted_anew(recording):
    before = order_of(recording, "hidden", Order("norm", 3))
    recording.set_catalogue(dense_catalogue(5, 6, 2))
    assert order_of(recording, "hidden", Order("norm", 3)) is not before


def test_what_is_not_kept_yet_is_sorted_once_it_is(recording):
    assert order_of(recording, "hidden", Order("activity", 2)) == (
        "not sorted: no activations are kept at or before step 2"
    )
    recording.add_tensors(5, {ACTIVATIONS: np.ones((4, 6), "f4")})
    assert order_of(recording, "hidden", Order("activity", 5)).tolist() == list(range(6))


def test_old_orders_make_room(recording, monkeypatch):
    monkeypatch.setattr(order_module, "MAX_KNOWN", 3)
    for step in range(3, 20):
        order_of(recording, "hidden", Order("norm", step))
    assert len(order_module._known[recording][1]) == 3


def test_a_layer_without_weights_is_sorted_by_its_activations():
    recording, key = Recording(), TensorKey("relu", "activations")
    layer = LayerInfo("relu", "relu", "ReLU", (None, 3), (), 0, 1, 3)
    recording.set_catalogue(Catalogue((layer,), (TensorSpec(key, (None, 3), "float32", ("sample", "neuron"), 1),)))
    recording.add_tensors(1, {key: np.array([[0.0, 2.0, -5.0]], "f4")})
    assert order_of(recording, "relu", Order("norm", 1)).tolist() == [2, 1, 0]


def test_a_layer_without_neurons_says_so():
    recording, key = Recording(), TensorKey("sum", "activations")
    layer = LayerInfo("sum", "sum", "Sum", (None,), (), 0, None, 0)
    recording.set_catalogue(Catalogue((layer,), (TensorSpec(key, (None,), "float32", ("sample",)),)))
    recording.add_tensors(1, {key: np.ones(3, "f4")})
    assert order_of(recording, "sum", Order("norm", 1)) == "not sorted: its activations tell of no neurons"


def two_kernels():
    """A separable convolution: the columns of its first kernel are channels, not the layer's 4 filters."""
    first, second = (TensorKey("sep", "weights", name) for name in ("depthwise_kernel", "pointwise_kernel"))
    specs = (
        TensorSpec(
            first, (1, 1, 2, 2), "float32", ("y", "x", "in", "multiplier"), 3, None, Grammar(joined=2, own=False)
        ),
        TensorSpec(second, (1, 1, 4, 4), "float32", ("y", "x", "in", "filter"), 3),
    )
    recording = Recording()
    layer = LayerInfo("sep", "sep", "SeparableConv2D", None, ("depthwise_kernel",), 20, 3, 4)
    recording.set_catalogue(Catalogue((layer,), specs))
    kernel = np.zeros((1, 1, 4, 4), "f4")
    kernel[..., 2], kernel[..., 3] = 9, 5
    recording.add_tensors(1, {first: np.ones((1, 1, 2, 2), "f4"), second: kernel})
    return recording


def test_the_tensor_whose_neurons_are_the_layers_own_decides():
    assert order_of(two_kernels(), "sep", Order("norm", 1)).tolist() == [2, 3, 0, 1]


def test_both_halves_of_a_bidirectional_layer_are_sorted_together():
    keys = [TensorKey("both", "weights", f"{half}/kernel") for half in ("forward", "backward")]
    specs = tuple(
        TensorSpec(key, (1, 8), "float32", ("in", "neuron"), 1, None, Grammar(blocks=GATES, first_neuron=first))
        for key, first in zip(keys, (0, 2), strict=True)
    )
    recording = Recording()
    recording.set_catalogue(Catalogue((LayerInfo("both", "both", "Bidirectional", None, (), 16, 2, 4),), specs))
    forward, backward = np.zeros((1, 8), "f4"), np.zeros((1, 8), "f4")
    forward[0, 2 * 3 + 1], backward[0, 2 * 1 + 0], backward[0, 2 * 2 + 1] = 5, 7, 3
    recording.add_tensors(1, dict(zip(keys, (forward, backward), strict=True)))
    assert order_of(recording, "both", Order("norm", 1)).tolist() == [2, 1, 3, 0]


def shown(recording, *requests, **watch):
    watch = Watch(1, "page", "hidden", -1, 0, list(requests), **watch)
    keys = keys_of(recording, watch)
    return frame_message(recording, watch, keys, shown_step(recording, watch, keys), 1, exact=True)


def test_all_maps_of_the_layer_have_one_order(recording):
    requests = [
        MapRequest("weights", 9, 9),
        MapRequest("weights", 9, 9, variable="bias"),
        MapRequest("activations", 9, 9),
    ]
    frame, buffers = shown(recording, *requests, order=Order("norm", 3))
    order = np.frombuffer(buffers[frame.order_buffer], "<i4")
    for plane, key in zip(frame.planes, [KERNEL, BIAS, ACTIVATIONS], strict=True):
        cells = np.frombuffer(buffers[plane.buffer], "<f4").reshape(plane.rows, plane.cols)
        np.testing.assert_array_equal(cells, np.atleast_2d(recording.frame(key, 3).array)[:, order])


def test_why_it_is_not_sorted_is_said_beside_the_picture(recording):
    frame, buffers = shown(recording, MapRequest("weights", 9, 9), order=Order("activity", 0))
    assert frame.planes[0].note == "not sorted: no activations are kept at or before step 0"
    assert (frame.order_buffer, len(buffers)) == (-1, 1)


def test_an_order_counts_toward_the_size_of_a_frame():
    recording, key = Recording(), KERNEL
    recording.set_catalogue(dense_catalogue(300, 4000, 2))
    recording.add_tensors(1, {key: np.random.default_rng(0).standard_normal((300, 4000)).astype("f4")})
    frame, buffers = shown(recording, MapRequest("weights", 300, 4000), order=Order("norm", 1))
    assert len(buffers[frame.order_buffer]) == 4 * 4000
    assert 500_000 < sum(map(len, buffers)) <= 1 << 20


def test_sorting_costs_a_frame_next_to_nothing(recording):
    request = MapRequest("weights", 9, 9)
    shown(recording, request, order=Order("similarity", 3))

    def seconds(**watch):
        started = time.perf_counter()
        for _ in range(50):
            shown(recording, request, **watch)
        return time.perf_counter() - started

    assert min(seconds(order=Order("similarity", 3)) for _ in range(5)) < 3 * min(seconds() for _ in range(5))


def test_more_neurons_than_have_a_place_in_a_frame_are_not_sorted(recording):
    n = order_module.MAX_SORTED + 1
    recording.set_catalogue(dense_catalogue(2, n, 2))
    recording.add_tensors(4, {KERNEL: np.zeros((2, n), "f4")})
    watch = Watch(1, "page", "hidden", 4, 0, [MapRequest("weights", 500, 500)], order=Order("norm", 4))
    frame, buffers = frame_message(recording, watch, keys_of(recording, watch), 4, 1, exact=True)
    assert frame.order_buffer == -1
    assert "not sorted: 131,073 neurons are more than" in frame.planes[0].note
    assert sum(map(len, buffers)) < MAX_FRAME_BYTES


def test_the_most_neurons_that_are_sorted_leave_room_for_pictures(recording):
    n = order_module.MAX_SORTED
    recording.set_catalogue(dense_catalogue(2, n, 2))
    recording.add_tensors(4, {KERNEL: np.zeros((2, n), "f4"), ACTIVATIONS: np.zeros((4, n), "f4")})
    maps = [MapRequest(kind, 500, 4000) for kind in ("weights", "activations")]
    watch = Watch(1, "page", "hidden", 4, 0, maps, order=Order("norm", 4))
    frame, buffers = frame_message(recording, watch, keys_of(recording, watch), 4, 1, exact=True)
    assert len(buffers[frame.order_buffer]) == 4 * n
    assert [plane.missing for plane in frame.planes] == [None, None]
    assert sum(map(len, buffers)) < MAX_FRAME_BYTES
