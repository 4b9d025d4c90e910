"""Where what a layer is fed comes from, found in real traces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnviz_widgets.core.frame import Frame, LayerInput, TensorKey, batch_key
from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.session import Session
from nnviz_widgets.pictures.neuron_arrays import Named, input_of, unflattened

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nnviz_widgets.core.recording import Recording

pytest.importorskip("tensorflow")


def recorded(layers: Sequence[Any], x: Any, **compiled: Any) -> Recording:
    """Return the recording of a classifier of 3 classes; a model that runs eagerly is known after its first step."""
    import keras

    model = keras.Sequential([*layers, keras.layers.Dense(3, activation="softmax", name="classes")])
    model.compile("sgd", "sparse_categorical_crossentropy", **compiled)
    with Session(model, x, np.arange(len(x)) % 3, batch_size=8, shuffle=False, verbose=0) as session:
        session.step(2)
        return session.recording


def inputs(layers: Sequence[Any], x: Any, **compiled: Any) -> Mapping[str, LayerInput]:
    """Return what each layer of a classifier is fed."""
    return recorded(layers, x, **compiled).catalogue.inputs


def output_of(layer: str) -> TensorKey:
    """Return the key of a layer's output."""
    return TensorKey(layer, "activations")


IMAGES = np.random.default_rng(0).random((16, 9, 10)).astype("float32")


def test_a_flat_row_of_the_batch_with_a_square_number_of_values_may_be_an_image() -> None:
    """It is said to be a guess; what comes after a layer of units is none."""
    import keras

    found = inputs([keras.layers.Dense(64, name="hidden")], IMAGES.reshape(16, 90)[:, :81])
    assert found["hidden"] == LayerInput(batch_key(0), (81,), (9, 9), guessed=True)
    assert found["classes"] == LayerInput(output_of("hidden"), (64,))


@pytest.mark.parametrize("how", [{}, {"jit_compile": True}, {"run_eagerly": True}])
def test_what_was_flattened_has_its_shape(how: dict[str, Any]) -> None:
    """Also through layers that leave each value at its place."""
    import keras

    stack = [keras.layers.Flatten(), keras.layers.Dropout(0.5), keras.layers.Dense(4, name="hidden")]
    found = inputs(stack, IMAGES, **how)
    assert found["flatten"] == LayerInput(batch_key(0), (9, 10))
    assert found["hidden"] == LayerInput(output_of("dropout"), (90,), (9, 10))


def test_a_layer_that_the_probe_leaves_out_does_not_hide_the_batch() -> None:
    """The tensor is followed back through the operations of the flattening."""
    import keras

    model = keras.Sequential([keras.layers.Flatten(), keras.layers.Dense(3, activation="softmax", name="classes")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    with Session(model, IMAGES, np.arange(16) % 3, batch_size=8, verbose=0, probe=Probe(layers="classes")) as session:
        session.step()
        assert session.recording.catalogue.inputs == {"classes": LayerInput(batch_key(0), (90,), (9, 10))}


def test_convolutions_and_tokens_are_followed_through_casts() -> None:
    """uint8 images and integer tokens reach the layers as other types."""
    import keras

    images = (IMAGES[..., None] * 255).astype("uint8")
    conv = inputs(
        [
            keras.Input((9, 10, 1)),
            keras.layers.Conv2D(2, 3, name="conv"),
            keras.layers.GlobalMaxPooling2D(name="pool"),
        ],
        images,
    )
    assert conv["conv"] == LayerInput(batch_key(0), (9, 10, 1))
    assert conv["classes"] == LayerInput(output_of("pool"), (2,))
    tokens = np.arange(16 * 5).reshape(16, 5) % 7
    words = inputs([keras.layers.Embedding(7, 2, name="words"), keras.layers.LSTM(3, name="lstm")], tokens)
    assert words["words"] == LayerInput(batch_key(0), (5,))
    assert words["lstm"] == LayerInput(output_of("words"), (5, 2))


def test_a_layer_of_several_inputs_or_of_computed_values_has_no_one_input() -> None:
    """What the model's own code makes of the batch cannot be read."""
    import keras

    one, two = keras.Input((4,), name="one"), keras.Input((4,), name="two")
    scaled = keras.layers.Dense(3, name="right")(keras.ops.abs(two))
    both = keras.layers.Add(name="add")([keras.layers.Dense(3, name="left")(one), scaled])
    model = keras.Model({"one": one, "two": two}, keras.layers.Softmax(name="classes")(both))
    model.compile("sgd", "sparse_categorical_crossentropy")
    x = {"one": np.ones((8, 4)), "two": np.full((8, 4), 2.0)}
    with Session(model, x, np.zeros(8), batch_size=8, verbose=0) as session:
        session.step()
        found = session.recording.catalogue.inputs
        assert found["left"].key == batch_key(0)
        assert "add" not in found
        assert found["classes"].key == output_of("add")
        rows = session.recording.frame(batch_key(0)).array
        np.testing.assert_array_equal(rows, np.ones((8, 4)))


def test_the_first_rows_of_the_batch_are_kept_with_a_step_that_is_read_in_full() -> None:
    """They are those whose activations are kept; no view keeps the rest."""
    import keras

    recording = recorded([keras.layers.Flatten(), keras.layers.Dense(4, name="hidden")], IMAGES)
    rows = recording.frame(batch_key(0), 2).array
    np.testing.assert_array_equal(rows, IMAGES[8:])
    assert rows.base is None or rows.base.base is None
    assert recording.tensor("hidden", "activations", 2).shape[0] == len(rows)


@pytest.mark.parametrize("flattened", ["channels_first", "channels_last"])
def test_channels_that_come_first_are_told_until_they_are_put_last(flattened: str) -> None:
    """A layer of ours, as TensorFlow has no such convolution on every processor."""
    import keras

    from nnviz_widgets.core.backends.tensorflow import inspect

    class Halves(keras.layers.Layer):
        data_format = "channels_first"

        def call(self, x: Any) -> Any:
            return x[:, :2, 1:-1, 1:-1] / 2

    model = keras.Sequential(
        [
            keras.Input((3, 9, 10)),
            Halves(name="conv"),
            keras.layers.ReLU(name="relu"),
            keras.layers.Flatten(data_format=flattened, name="flatten"),
            keras.layers.Dense(3, name="classes"),
        ]
    )
    found = inspect(model, np.moveaxis(np.repeat(IMAGES[..., None], 3, axis=-1), -1, 1)).catalogue.inputs
    assert found["conv"] == LayerInput(batch_key(0), (3, 9, 10), channels_first=True)
    assert found["relu"] == LayerInput(output_of("conv"), (2, 7, 8), channels_first=True)
    last = flattened == "channels_first"  # then Flatten transposes
    image = (7, 8, 2) if last else (2, 7, 8)
    assert found["classes"] == LayerInput(output_of("flatten"), (112,), image, channels_first=not last)
    rows = Frame(batch_key(0), 0, np.zeros((2, 3, 9, 10)), ("axis 0", "axis 1", "axis 2", "axis 3"))
    assert input_of(rows, found["conv"], 0).names == ("outer channel", "y", "x")
    weights = unflattened(Named(np.zeros(112), ("in",)), found["classes"])
    assert weights.names == (("y", "x", "channel") if last else ("outer channel", "y", "x"))
    assert weights.array.shape == image
