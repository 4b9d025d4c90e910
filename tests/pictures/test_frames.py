"""A frame shows what the request asks for: the variable, the output, the place along axes that are not on it."""

import numpy as np
import pytest

from nnviz_widgets.core.frame import Catalogue, LayerInfo, LayerInput, TensorKey, TensorSpec
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.pictures.frames import frame_message, keys_of, shown_step
from nnviz_widgets.pictures.readout import value_text
from nnviz_widgets.protocol import MAX_FRAME_BYTES, Cell, MapRequest, Order, ReadValues, Watch, Window

VOLUME = ("z", "y", "x", "in", "filter")


@pytest.fixture
def recording():
    """A layer with a volume kernel, a bias, and two outputs."""
    recording, rng = Recording(), np.random.default_rng(0)
    layer = LayerInfo("d", "d", "Odd", (None, 4), ("kernel", "bias"), 1, 1, 4)
    specs = [
        TensorSpec(TensorKey("d", "weights", "kernel"), (3, 2, 2, 3, 4), "float32", VOLUME, 4),
        TensorSpec(TensorKey("d", "weights", "bias"), (4,), "float32", ("neuron",), 0),
        TensorSpec(TensorKey("d", "activations"), (None, 4), "float32", ("sample", "neuron"), 1, note="of both"),
        TensorSpec(TensorKey("d", "activations", output=1), (None, 2), "float32", ("sample", "neuron"), 1),
    ]
    recording.set_catalogue(Catalogue((layer,), tuple(specs)))
    for step in (1, 2):
        shapes = {spec.key: [5 if n is None else n for n in spec.shape] for spec in specs}
        recording.add_tensors(step, {key: rng.standard_normal(shape).astype("f4") for key, shape in shapes.items()})
    return recording


def shown(recording, *requests, exact=True, step=-1, **watch):
    watch = Watch(1, "page", "d", step, 0, list(requests), **watch)
    keys = keys_of(recording, watch)
    return frame_message(recording, watch, keys, shown_step(recording, watch, keys), 1, exact=exact)


def cells_of(plane, buffers):
    return np.frombuffer(buffers[plane.buffer], "<f4").reshape(plane.rows, plane.cols)


def test_the_variable_and_the_output_that_are_asked_for(recording):
    requests = [MapRequest("weights", 9, 9, variable="bias"), MapRequest("activations", 9, 9, output=1)]
    frame, buffers = shown(recording, *requests)
    bias, second = frame.planes
    assert (bias.variable, second.output) == ("bias", 1)
    np.testing.assert_array_equal(cells_of(bias, buffers)[0], recording.tensor("d", "weights", variable="bias"))
    np.testing.assert_array_equal(cells_of(second, buffers), recording.tensor("d", "activations", output=1))


@pytest.mark.parametrize(("z", "used"), [(0, 0), (2, 2), (99, 2)])
def test_the_place_along_an_axis_that_is_not_on_the_picture(recording, z, used):
    frame, buffers = shown(recording, MapRequest("weights", 99, 99, at={"z": z, "none of it": 7}, cell=Cell(0, 0)))
    (plane,) = frame.planes
    assert [(axis.name, axis.size, axis.index) for axis in plane.further] == [("z", 3, used)]
    kernel = recording.tensor("d", "weights")
    np.testing.assert_array_equal(cells_of(plane, buffers)[3 : 3 + 2, 6 : 6 + 2], kernel[used, :, :, 1, 2])
    assert plane.value.text == str(kernel[used, 0, 0, 0, 0])
    place = ReadValues(1, "page", "d", -1, 0, "weights", 4, 7, at={"z": z})
    assert value_text(recording, place) == str(kernel[used, 1, 1, 1, 2])


def test_the_readout_obeys_variable_and_output(recording):
    place = ReadValues(1, "page", "d", 1, 0, "weights", 0, 3, variable="bias")
    assert value_text(recording, place) == str(recording.tensor("d", "weights", 1, variable="bias")[3])
    place = ReadValues(1, "page", "d", 1, 0, "activations", 4, 1, output=1)
    assert value_text(recording, place) == str(recording.tensor("d", "activations", 1, output=1)[4, 1])


def test_what_there_is_not_is_said_with_the_request(recording):
    requests = [MapRequest("activations", 9, 9, output=7), MapRequest("weights", 9, 9, variable="gamma")]
    frame, buffers = shown(recording, *requests)
    output, variable = frame.planes
    assert (output.output, variable.variable, buffers) == (7, "gamma", [])
    assert "`output` must be one of 0, 1" in output.missing
    assert "`variable` must be one of" in variable.missing


def test_a_full_frame_with_everything_stays_within_its_bytes(recording):
    layer = LayerInfo("d", "d", "Dense", (None, 3000), ("kernel",), 1, 1, 3000)
    specs = (TensorSpec(TensorKey("d", "weights", "kernel"), (2000, 3000), "float32", ("in", "neuron"), 1),)
    recording.set_catalogue(Catalogue((layer,), specs))
    kernels = np.random.default_rng(0).standard_normal((2, 2000, 3000), np.float32)
    for step, kernel in enumerate(kernels, 3):
        recording.add_tensors(step, {specs[0].key: kernel})
    requests = [MapRequest("weights", 2000, 3000, window=Window(0, 1500, 100, 3000))] * 3
    for exact in (True, False):
        frame, buffers = shown(recording, *requests, exact=exact, order=Order("norm", 3), compare=3)
        assert sum(map(len, buffers)) <= MAX_FRAME_BYTES
        assert {plane.compared for plane in frame.planes} == {3}
        assert {len(plane.histogram) for plane in frame.planes} == ({64} if exact else {0})


def test_N09_a_shape_that_changes_is_drawn_as_it_is(recording):
    request = MapRequest("weights", 99, 99, variable="kernel", window=Window(0, 3, 0, 9), at={"z": 2})
    key = TensorKey("d", "weights", "kernel")
    for shape in [(2, 3), (7,), (), (3, 2, 2, 3, 5)]:
        array = np.random.default_rng(0).standard_normal(shape).astype("f4")
        step = int(recording.tensor_steps("d", "weights", "kernel")[-1]) + 1
        recording.add_tensors(step, {key: array})
        frame, buffers = shown(recording, request, order=Order("norm", 1))
        (plane,) = frame.planes
        assert plane.shape == list(shape)
        assert np.isin(cells_of(plane, buffers)[:1, :1], array).all()
        asked = ReadValues(1, "page", "d", step, 0, "weights", 0, 0, variable="kernel", order=Order("norm", 1))
        assert float(value_text(recording, asked)) in array


def test_the_input_of_a_layer_does_not_choose_the_step_of_its_maps():
    recording = Recording()
    layers = tuple(LayerInfo(path, path, "Dense", (None, 2), ("kernel",), 4, 1, 2) for path in ("a", "b"))
    fed = TensorKey("a", "activations")
    kernel = TensorKey("b", "weights", "kernel")
    specs = (
        TensorSpec(fed, (None, 2), "float32", ("sample", "neuron"), 1),
        TensorSpec(kernel, (2, 2), "float32", ("in", "neuron"), 1),
    )
    recording.set_catalogue(Catalogue(layers, specs, inputs={"b": LayerInput(fed, (2,))}))
    recording.add_tensors(1, {fed: np.ones((3, 2), "f4"), kernel: np.eye(2, dtype="f4")})
    recording.add_tensors(3, {fed: np.ones((3, 2), "f4")})
    watch = Watch(1, "page", "b", 3, 0, [MapRequest("weights", 9, 9), MapRequest("activations", 9, 9, part="input")])
    frame, _ = frame_message(
        recording,
        watch,
        keys_of(recording, watch),
        shown_step(recording, watch, keys_of(recording, watch)),
        1,
        exact=True,
    )
    assert (frame.step, frame.planes[0].missing) == (1, None)
