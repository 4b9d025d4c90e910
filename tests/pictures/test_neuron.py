"""What the neuron panel is told, beside numpy on what real models did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnviz_widgets.core.frame import Catalogue, LayerInfo, TensorKey, TensorSpec, batch_key
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.core.session import Session
from nnviz_widgets.pictures.frames import frame_message, keys_of, shown_step
from nnviz_widgets.pictures.neuron_arrays import Named
from nnviz_widgets.pictures.neuron_layout import lay_out_part
from nnviz_widgets.protocol import MapRequest, Watch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnviz_widgets.protocol import ComplexPart, Frame, Neuron, Plane

pytest.importorskip("tensorflow")

PARTS = (
    ("weights", "incoming"),
    ("gradients", "incoming"),
    ("activations", "input"),
    ("weights", "product"),
    ("activations", "output"),
    ("activations", "samples"),
)
NEURON, SAMPLE = 2, 3

rng = np.random.default_rng(5)
IMAGES = rng.random((16, 12, 12, 3)).astype("float32")
FLAT = rng.random((16, 81)).astype("float32")
TOKENS = rng.integers(0, 9, (16, 5))


class Told:
    """One frame of all parts of a neuron, with its cells as numbers."""

    def __init__(
        self,
        recording: Recording,
        layer: str,
        step: int = 2,
        neuron: int = NEURON,
        compare: int | None = None,
        part: ComplexPart = "abs",
    ) -> None:
        maps = [MapRequest(tensor, 500, 500, part=name, complex=part) for tensor, name in PARTS]
        watch = Watch(1, "page", layer, step, SAMPLE, maps, neuron=neuron, compare=compare)
        keys = keys_of(recording, watch)
        self.frame: Frame
        self.frame, self.buffers = frame_message(
            recording, watch, keys, shown_step(recording, watch, keys), 1, exact=True
        )

    @property
    def neuron(self) -> Neuron:
        """Return what is told in numbers."""
        assert self.frame.neuron is not None
        return self.frame.neuron

    @property
    def computed(self) -> float:
        """Return the sum of the product and the bias."""
        assert self.neuron.weighted is not None
        assert self.neuron.bias is not None
        return self.neuron.weighted + self.neuron.bias

    def plane(self, part: str, tensor: str | None = None) -> Plane:
        """Return the header of a part."""
        return next(p for p in self.frame.planes if p.part == part and tensor in (None, p.tensor))

    def cells(self, part: str, tensor: str | None = None) -> np.ndarray:
        """Return the cells of a part, gaps left out."""
        plane = self.plane(part, tensor)
        assert plane.missing is None, plane.missing
        cells = np.frombuffer(self.buffers[plane.buffer], "<f4").reshape(plane.rows, plane.cols)
        sides = (plane.row_axes, plane.rows), (plane.col_axes, plane.cols)
        rows, cols = (_values(axes, length, gutter=plane.gutter) for axes, length in sides)
        return cells[np.ix_(rows, cols)]


def _values(axes: Sequence[Any], length: int, *, gutter: bool) -> np.ndarray:
    """Return the indices along a side that are no gap."""
    places = np.arange(length)
    return places[places % (axes[-1].size + 1) != axes[-1].size] if gutter and len(axes) > 1 else places


def recorded(layers: Sequence[Any], x: Any) -> Recording:
    """Return the recording of two steps, each read in full, of a classifier of 3 classes."""
    import keras

    keras.utils.set_random_seed(3)
    model = keras.Sequential([*layers, keras.layers.Dense(3, activation="softmax", name="classes")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with Session(model, x, np.arange(len(x)) % 3, batch_size=8, shuffle=False, verbose=0) as session:
        session.step()
        session.step()
        return session.recording


@pytest.fixture(scope="module")
def flat() -> Recording:
    """A Dense layer on rows that may be images of 9 x 9."""
    import keras

    return recorded([keras.layers.Dense(6, name="hidden")], FLAT)


@pytest.fixture(scope="module")
def convolutional() -> Recording:
    """Two convolutions, flattened, dropped out and weighed."""
    import keras

    layers = keras.layers
    return recorded(
        [
            layers.Conv2D(6, 3, name="first"),
            layers.Conv2D(4, 3, name="second"),
            layers.Flatten(name="flat"),
            layers.Dropout(0.5, name="some"),
            layers.Dense(5, name="hidden"),
        ],
        IMAGES,
    )


@pytest.fixture(scope="module")
def recurrent() -> Recording:
    """Tokens, looked up, through two recurrent layers."""
    import keras

    layers = keras.layers
    return recorded(
        [
            layers.Embedding(9, 4, name="words"),
            layers.Dense(3, name="each"),
            layers.LSTM(5, return_sequences=True, name="lstm"),
            layers.Bidirectional(layers.GRU(3), name="both"),
        ],
        TOKENS,
    )


def test_a_unit_on_a_flat_image(flat: Recording) -> None:
    """All of it is an image, and the sum of the product and the bias is what the unit computed."""
    told = Told(flat, "hidden")
    np.testing.assert_array_equal(
        told.cells("incoming", "weights"), flat.tensor("hidden", "weights")[:, NEURON].reshape(9, 9)
    )
    np.testing.assert_array_equal(
        told.cells("incoming", "gradients"), flat.tensor("hidden", "gradients")[:, NEURON].reshape(9, 9)
    )
    np.testing.assert_array_equal(told.cells("input"), FLAT[8 + SAMPLE].reshape(9, 9))
    before = flat.tensor("hidden", "weights", 1)[:, NEURON]
    np.testing.assert_allclose(told.cells("product"), (FLAT[8 + SAMPLE] * before).reshape(9, 9), rtol=1e-6)
    activation = flat.tensor("hidden", "activations")
    np.testing.assert_array_equal(told.cells("samples"), activation[None, :, NEURON])
    assert told.computed == pytest.approx(activation[SAMPLE, NEURON], rel=1e-5)
    assert told.neuron.weights_step == 1
    assert told.plane("output").missing == ""
    assert "9 × 9" in str(told.plane("incoming").note), "that it is an image is a guess"
    assert told.plane("input").note is None, "it is the sample itself"


def test_the_product_takes_the_weights_of_its_own_step_where_those_before_are_gone(flat: Recording) -> None:
    """It is said which."""
    told = Told(flat, "classes", 1)
    assert told.neuron.weights_step == 0
    key = flat.resolve("classes", "weights")
    held = flat._tensors._steps_of[key]
    held.remove(0)
    try:
        assert Told(flat, "classes", 1).neuron.weights_step == 1
    finally:
        held.insert(0, 0)


def test_a_unit_after_a_flattened_convolution(convolutional: Recording) -> None:
    """Its weights are planes, one for each channel, in a grid."""
    told = Told(convolutional, "hidden")
    kernel = convolutional.tensor("hidden", "weights")[:, NEURON].reshape(8, 8, 4)
    grid = kernel.transpose(2, 0, 1).reshape(2, 2, 8, 8).transpose(0, 2, 1, 3).reshape(16, 16)
    np.testing.assert_array_equal(told.cells("incoming", "weights"), grid)
    assert [d.name for d in told.plane("incoming").row_axes] == ["channel row", "y"]
    given = convolutional.tensor("some", "activations")[SAMPLE].reshape(8, 8, 4)
    assert told.plane("input").note == "output of some"
    np.testing.assert_array_equal(told.cells("input")[8:, :8], given[:, :, 2])
    activation = convolutional.tensor("hidden", "activations")[SAMPLE, NEURON]
    assert told.computed == pytest.approx(activation, rel=1e-4, abs=1e-6)


def test_a_unit_after_flattened_planes_whose_channels_came_first() -> None:
    """The planes are those of its inputs, and a page can tell that each plane is one run of inputs."""
    import keras

    images = rng.random((16, 4, 3, 5)).astype("float32")
    first = keras.layers.ZeroPadding2D((0, 0), data_format="channels_first", name="first")
    recording = recorded([first, keras.layers.Flatten(name="flat"), keras.layers.Dense(6, name="hidden")], images)
    told = Told(recording, "hidden")
    planes = recording.tensor("hidden", "weights")[:, NEURON].reshape(4, 3, 5)
    grid = planes.reshape(2, 2, 3, 5).transpose(0, 2, 1, 3).reshape(6, 10)
    np.testing.assert_array_equal(told.cells("incoming", "weights"), grid)
    np.testing.assert_array_equal(told.cells("input")[3:, :5], images[8 + SAMPLE, 2])
    for part in ("incoming", "input"):
        assert [d.name for d in told.plane(part).row_axes] == ["outer channel row", "y"]


def test_a_filter(convolutional: Recording) -> None:
    """Its kernel's planes, its feature map, its mean activation, and why there is no product."""
    told = Told(convolutional, "first")
    kernel = convolutional.tensor("first", "weights")[..., NEURON]
    np.testing.assert_array_equal(told.cells("incoming", "weights"), kernel.transpose(0, 2, 1).reshape(3, 9))
    np.testing.assert_array_equal(told.cells("input"), IMAGES[8 + SAMPLE].transpose(0, 2, 1).reshape(12, 36))
    maps = convolutional.tensor("first", "activations")
    np.testing.assert_array_equal(told.cells("output"), maps[SAMPLE, ..., NEURON])
    np.testing.assert_allclose(told.cells("samples")[0], maps[..., NEURON].mean(axis=(1, 2)), rtol=1e-5)
    assert "at every place" in str(told.plane("product").missing)
    assert told.neuron.weighted is None


def test_an_embedding(recurrent: Recording) -> None:
    """The weight of each token, the tokens of the sample, and what they are looked up as."""
    told = Told(recurrent, "words")
    table = recurrent.tensor("words", "weights")
    np.testing.assert_array_equal(told.cells("incoming", "weights"), table[None, :, NEURON])
    np.testing.assert_array_equal(told.cells("input"), TOKENS[None, 8 + SAMPLE])
    before = recurrent.tensor("words", "weights", 1)
    np.testing.assert_array_equal(told.cells("product"), before[None, TOKENS[8 + SAMPLE], NEURON])
    np.testing.assert_array_equal(told.cells("output"), told.cells("product"))


def test_a_unit_at_each_time(recurrent: Recording) -> None:
    """Each row of the product is of one time; there is no one sum."""
    told = Told(recurrent, "each")
    given = recurrent.tensor("words", "activations")[SAMPLE]
    before = recurrent.tensor("each", "weights", 1)[:, NEURON]
    np.testing.assert_allclose(told.cells("product"), given * before, rtol=1e-5)
    assert told.neuron.weighted is None


def test_a_recurrent_unit(recurrent: Recording) -> None:
    """Each gate is a row with its name; the output is its row over time."""
    told = Told(recurrent, "lstm")
    kernel = recurrent.tensor("lstm", "weights", variable="kernel")
    np.testing.assert_array_equal(
        told.cells("incoming", "weights"), kernel.reshape(3, 4, 5)[:, :, NEURON].transpose(1, 0)
    )
    gates = told.plane("incoming").row_axes[0]
    assert (gates.name, len(gates.labels)) == ("gate", 4)
    np.testing.assert_array_equal(
        told.cells("output"), recurrent.tensor("lstm", "activations")[None, SAMPLE, :, NEURON]
    )
    assert "gate" in str(told.plane("product").missing)


def test_the_neurons_of_the_backward_half_have_weights_of_their_own(recurrent: Recording) -> None:
    """Those of the forward half are not shown for them."""
    told = Told(recurrent, "both", neuron=4)
    assert told.plane("incoming", "weights").missing == "these weights are not of this neuron"
    np.testing.assert_array_equal(told.cells("samples"), recurrent.tensor("both", "activations")[None, :, 4])


def test_the_lines_are_those_of_the_neuron(flat: Recording) -> None:
    """Norms of its weights and gradients, its mean activation, at each step that was read."""
    told = Told(flat, "hidden")
    lines = {line.name: line for line in told.neuron.lines or ()}
    assert set(lines) == {"weights_l2", "gradients_l2", "activations_mean"}
    kernel = flat.tensor("hidden", "weights")[:, NEURON]
    values = np.frombuffer(told.buffers[lines["weights_l2"].y_buffer], "<f4")
    np.testing.assert_array_equal(np.frombuffer(told.buffers[lines["weights_l2"].x_buffer], "<f8"), [1, 2])
    assert values[-1] == pytest.approx(np.linalg.norm(kernel), rel=1e-5)
    mean = np.frombuffer(told.buffers[lines["activations_mean"].y_buffer], "<f4")[-1]
    assert mean == pytest.approx(flat.tensor("hidden", "activations")[:, NEURON].mean(), rel=1e-4, abs=1e-7)


def test_a_step_without_the_batch_says_so(flat: Recording) -> None:
    """Step 0 is before any batch."""
    told = Told(flat, "hidden", 0)
    assert told.plane("input").missing == told.plane("product").missing == "not kept at step 0"
    assert told.cells("incoming", "weights").shape == (9, 9)
    assert flat.kept_step(batch_key(0), 0) is None


def test_a_layer_without_weights_says_why(convolutional: Recording) -> None:
    """The input and the activations are there all the same."""
    told = Told(convolutional, "flat")
    assert "no variables" in str(told.plane("incoming").missing)
    assert told.cells("samples").shape == (1, 8)


def test_a_neuron_of_an_empty_batch_has_words() -> None:
    import keras

    model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(4, name="d")])
    model.compile("sgd", "mse")
    with Session(model, FLAT[:, :6], np.ones((16, 4)), batch_size=8, verbose=0) as session:
        session.step()
        rows = {batch_key(0): np.ones((0, 6), "f4"), TensorKey("d", "activations"): np.ones((0, 4), "f4")}
        session.recording.add_tensors(2, rows | {TensorKey("d", "weights", "kernel"): np.ones((6, 4), "f4")})
        told = Told(session.recording, "d")
    assert told.plane("input").missing == told.plane("product").missing == "an empty batch has no sample"
    assert told.plane("output").missing == ""
    assert told.plane("samples").missing == "shape (0,): no values"
    assert told.neuron.weighted is None
    assert told.cells("incoming", "weights").tolist() == [[1] * 6]


def test_a_difference_is_taken_part_by_part(flat: Recording) -> None:
    """Each part less what it was at the other step; a difference has no sum of its own."""
    told = Told(flat, "hidden", compare=1)
    weights = [flat.tensor("hidden", "weights", step)[:, NEURON] for step in (0, 1, 2)]
    rows = FLAT[SAMPLE], FLAT[8 + SAMPLE]
    activations = [flat.tensor("hidden", "activations", step)[:, NEURON] for step in (1, 2)]
    wanted = {
        "incoming": weights[2] - weights[1],
        "input": rows[1] - rows[0],
        "product": rows[1] * weights[1] - rows[0] * weights[0],
    }
    for part, values in wanted.items():
        np.testing.assert_allclose(told.cells(part), values.reshape(9, 9), atol=1e-6)
    np.testing.assert_allclose(told.cells("samples")[0], activations[1] - activations[0], atol=1e-6)
    assert {plane.compared for plane in told.frame.planes if plane.missing is None} == {1}
    assert told.neuron.weighted is None


def test_a_difference_says_that_the_samples_are_others(flat: Recording) -> None:
    told = Told(flat, "hidden", compare=1)
    said = {part for _, part in PARTS if "a batch of its own" in str(told.plane(part).note)}
    assert said == {"product", "samples"}


def test_each_part_is_compared_with_its_own_first_step(flat: Recording) -> None:
    """Nobody has seen a gradient, an input or an activation of step 0."""
    told = Told(flat, "hidden", compare=0)
    steps = {f"{plane.tensor} {plane.part}": plane.compared for plane in told.frame.planes}
    assert steps.pop("weights incoming") == 0
    assert steps.pop("activations output") is None, "it is one number"
    assert steps == dict.fromkeys(
        ("gradients incoming", "activations input", "weights product", "activations samples"), 1
    )


def test_a_feature_map_is_compared_too(convolutional: Recording) -> None:
    told = Told(convolutional, "first", compare=1)
    maps = [convolutional.tensor("first", "activations", step)[..., NEURON] for step in (1, 2)]
    np.testing.assert_allclose(told.cells("output"), (maps[1] - maps[0])[SAMPLE], atol=1e-6)
    means = [each.mean(axis=(1, 2)) for each in maps]
    np.testing.assert_allclose(told.cells("samples")[0], means[1] - means[0], atol=1e-6)
    assert told.plane("samples").note == "mean over all places; each step has a batch of its own"


def test_the_vectors_of_a_normalization_are_rows_with_names() -> None:
    """As in its map, where they are drawn in one picture, too."""
    import keras

    recording = recorded([keras.layers.Dense(6), keras.layers.BatchNormalization(name="norm")], FLAT)
    told = Told(recording, "norm")
    (rows,) = told.plane("incoming", "weights").row_axes
    assert (rows.name, rows.labels) == ("variable", ["gamma", "beta", "moving_mean", "moving_variance"])
    values = [recording.tensor("norm", "weights", variable=name)[NEURON] for name in rows.labels]
    np.testing.assert_array_equal(told.cells("incoming", "weights")[:, 0], np.array(values, "f4"))
    assert told.plane("incoming", "gradients").row_axes[0].labels == ["gamma", "beta"]


PHASES: dict[ComplexPart, Any] = {"abs": np.abs, "real": np.real, "imag": np.imag, "phase": np.angle}


@pytest.mark.parametrize("part", PHASES)
def test_of_complex_numbers_the_part_of_the_maps_is_drawn(part: ComplexPart) -> None:
    recording, numbers = Recording(), np.random.default_rng(2)
    weights, activations = TensorKey("c", "weights", "kernel"), TensorKey("c", "activations")
    specs = [
        TensorSpec(weights, (5, 3), "complex64", ("in", "neuron"), 1),
        TensorSpec(activations, (None, 4, 3), "complex64", ("sample", "time", "neuron"), 2),
    ]
    recording.set_catalogue(Catalogue((LayerInfo("c", "c", "Layer", (None, 3), ("kernel",), 15, 1, 3),), tuple(specs)))
    for step in (1, 2):
        shapes = {weights: (5, 3), activations: (6, 4, 3)}
        made = {key: numbers.normal(size=shape) + 1j * numbers.normal(size=shape) for key, shape in shapes.items()}
        recording.add_tensors(step, {key: values.astype("c8") for key, values in made.items()})
    told = Told(recording, "c", part=part)
    kernel = recording.tensor("c", "weights")
    np.testing.assert_allclose(told.cells("incoming", "weights")[0], PHASES[part](kernel[:, NEURON]), rtol=1e-5)
    means = recording.tensor("c", "activations")[..., NEURON].mean(axis=1)
    np.testing.assert_allclose(told.cells("samples")[0], PHASES[part](means), rtol=1e-4)
    assert "drawn" in str(told.plane("incoming").note)
    changed = kernel[:, NEURON] - recording.tensor("c", "weights", 1)[:, NEURON]
    difference = Told(recording, "c", compare=1, part=part)
    np.testing.assert_allclose(difference.cells("incoming", "weights")[0], PHASES[part](changed), rtol=1e-4)


@pytest.mark.parametrize("n_in", [1, 2])
def test_the_planes_of_each_gate_are_a_row_with_its_name(n_in: int) -> None:
    gates = ("input", "forget", "cell", "output")
    array = np.arange(4 * n_in * 3 * 5).reshape(4, n_in, 3, 5)
    drawn, layout = lay_out_part(Named(array, ("gate", "in", "y", "x"), {"gate": gates}))
    assert [axis.name for axis in layout.rows.dimensions] == ["gate", "y"]
    assert layout.rows.dimensions[0].labels == list(gates)
    assert [axis.name for axis in layout.cols.dimensions] == ["in", "x"][2 - n_in :]
    for gate, channel, y, x in np.ndindex(4, n_in, 3, 5):
        index = layout.index(gate * 4 + y, channel * 6 + x)
        assert index is not None
        assert drawn[index] == array[gate, channel, y, x]
