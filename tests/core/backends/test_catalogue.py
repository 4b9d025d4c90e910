"""Names, axes and shapes of what can be read."""

from __future__ import annotations

import pytest

from nnviz_widgets.core.backends.tensorflow.axes import output_axes
from nnviz_widgets.core.probe import Probe
from tests.core import networks
from tests.core.backends.architectures import ARCHITECTURES


class Dense:
    """A layer of which only the class name matters here."""


class Conv1D:
    """Likewise."""


@pytest.mark.parametrize(
    ("rank", "axis", "layer", "axes"),
    [
        (0, None, Dense(), ()),
        (1, None, Dense(), ("sample",)),
        (2, 1, Dense(), ("sample", "neuron")),
        (3, 2, Dense(), ("sample", "time", "neuron")),
        (3, 2, Conv1D(), ("sample", "time", "filter")),
        (4, 3, Dense(), ("sample", "y", "x", "filter")),
        (4, 1, Dense(), ("sample", "filter", "y", "x")),
        (5, 4, Dense(), ("sample", "z", "y", "x", "filter")),
        (6, 5, Dense(), ("sample", "axis 1", "axis 2", "axis 3", "axis 4", "filter")),
    ],
)
def test_axes_of_an_output_are_named(rank: int, axis: int | None, layer: object, axes: tuple[str, ...]) -> None:
    assert output_axes(rank, axis, layer) == axes


VARIABLES = {
    ("dense", "dense", "kernel"): (("in", "neuron"), 1),
    ("dense", "dense", "bias"): (("neuron",), 0),
    ("convolution", "conv2d", "kernel"): (("y", "x", "in", "filter"), 3),
    ("convolution", "conv2d", "bias"): (("filter",), 0),
    ("convolution", "batch_normalization", "gamma"): (("filter",), 0),
    ("embedding", "embedding", "embeddings"): (("token", "neuron"), 1),
}


@pytest.mark.parametrize("case", VARIABLES)
def test_axes_of_variables_are_named_and_count_neurons(case: tuple[str, str, str]) -> None:
    architecture, path, variable = case
    with ARCHITECTURES[architecture]().network.session(probe=Probe(every=1)) as session:
        session.step()
        recording = session.recording
        for kind in ("weights", "gradients"):
            spec = recording.spec(recording.resolve(path, kind, variable))
            assert (spec.axes, spec.neuron_axis) == VARIABLES[case]
            assert recording.frame(spec.key).axes == spec.axes


def test_layers_are_known_before_the_first_step_and_their_weights_readable() -> None:
    with networks.cnn().session() as session:
        recording = session.recording
        assert [layer.path for layer in recording.layers] == ["conv", "norm", "relu", "flat", "out"]
        conv = recording.layers[0]
        assert conv.class_name == "Conv2D"
        assert conv.output_shape == (None, 4, 4, 3)
        assert conv.variables == ("kernel", "bias")
        assert conv.n_params == 3 * 3 * 2 * 3 + 3
        assert (conv.neuron_axis, conv.n_neurons) == (3, 3)
        assert recording.layers[1].variables == ("gamma", "beta", "moving_mean", "moving_variance")
        assert recording.tensor("conv", "weights", 0).shape == (3, 3, 2, 3)
        session.step()
        assert [layer.path for layer in recording.layers] == ["conv", "norm", "relu", "flat", "out"]


def test_layer_without_variables_says_so() -> None:
    with networks.cnn().session() as session:
        session.step()
        assert "no variables" in session.recording.why("relu", "weights")
        assert "no variables" in session.recording.why("relu", "gradients")


def test_layers_are_in_the_order_of_their_calls() -> None:
    import keras

    inputs = keras.Input((5,))
    last, first = keras.layers.Dense(2, name="last"), keras.layers.Dense(3, name="first")
    last.build((None, 3))
    model = keras.Model(inputs, last(first(inputs)))
    model.compile("sgd", "mse")
    network = networks.Network(model, networks.features(), networks.features(width=2))
    with network.session() as session:
        session.step()
        assert [layer.path for layer in session.recording.layers] == ["first", "last"]


def test_sequences_of_any_length_are_read_as_they_come() -> None:
    """N03: the number of values changes from batch to batch, and statistics follow."""
    from collections.abc import Iterator
    from typing import Any

    import numpy as np

    from nnviz_widgets.core import stats

    def batches() -> Iterator[Any]:
        for length in (3, 5, 2):
            yield networks.sentences(4, length), networks.classes(4, 2).astype("float32")

    network = networks.lstm()
    made = networks.Network(network.model, batches())
    with made.session(probe=Probe(every=1), epochs=1, shuffle=False, steps_per_epoch=3) as session:
        session.run()
        session.wait(60)
        recording = session.recording
    for step, length in ((1, 3), (2, 5), (3, 2)):
        tensor = recording.tensor("embed", "activations", step)
        assert tensor.shape == (4, length, 4)
        row = recording.vitals("embed", "activations").loc[step]
        np.testing.assert_allclose(row.to_numpy(), stats.vitals(tensor), rtol=1e-4, atol=1e-7)
        neurons = recording.neurons("embed", "activations", "mean")[step - 1]
        np.testing.assert_allclose(neurons, tensor.mean(axis=(0, 1)), rtol=1e-4, atol=1e-7)
