"""Every tensor that is read equals its twin: a `GradientTape` over a forward pass written out by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnviz_widgets.core import stats
from nnviz_widgets.core.probe import Probe
from tests.core.backends.architectures import ARCHITECTURES, Architecture

if TYPE_CHECKING:
    from nnviz_widgets.core.frame import TensorKey
    from nnviz_widgets.core.recording import Recording

Name = tuple[str, str, str | None, int]

SAMPLES = 4
"""Fewer than a batch has, so that cutting is seen."""


def name_of(key: TensorKey) -> Name:
    return (key.layer, key.kind, key.variable, key.output)


def variables_of(twin: Architecture, path: str) -> dict[str, Any]:
    """Return the variables of a layer by name."""
    variables = [v for v in twin.layers[path].variables if v.name != "seed_generator_state"]
    names = twin.names.get(path) or [variable.name for variable in variables]
    return dict(zip(names, variables, strict=True))


def put_weights(twin: Architecture, recording: Recording, step: int) -> None:
    """Give the twin the weights that the recording kept of a step."""
    for path in twin.layers:
        for name, variable in variables_of(twin, path).items():
            variable.assign(recording.tensor(path, "weights", step, variable=name))


def tensors_of(twin: Architecture, batch: Any, scale: float = 1.0) -> dict[Name, np.ndarray]:
    """Compute activations and gradients on a batch, all of them, in eager mode."""
    import tensorflow as tf

    x, y, weight = batch
    variables = {(path, name): v for path in twin.layers for name, v in variables_of(twin, path).items()}
    with tf.GradientTape() as tape:
        outputs, calls = twin.forward(x)
        loss = twin.loss(y, outputs) if weight is None else twin.loss(y, outputs, weight)
        loss = loss if scale == 1 else tf.cast(loss, tf.float32) * scale
    watched = {(path, i): pair[1] for path, pairs in calls.items() for i, pair in enumerate(pairs)}
    trained = {key: v.value for key, v in variables.items() if v.trainable}
    by_output, by_variable = tape.gradient(loss, (watched, trained))
    found: dict[Name, Any] = {}
    for path, pairs in calls.items():
        for i, (activation, _) in enumerate(pairs):
            found[path, "activations", None, i] = activation[:SAMPLES]
            if by_output[path, i] is not None:
                gradient = tf.convert_to_tensor(by_output[path, i])[:SAMPLES]
                found[path, "activation_gradients", None, i] = gradient if scale == 1 else unscaled(gradient, scale)
    for (path, name), gradient in by_variable.items():
        dense = tf.convert_to_tensor(gradient)
        found[path, "gradients", name, 0] = dense if scale == 1 else unscaled(dense, scale)
    return {name: np.asarray(tensor) for name, tensor in found.items()}


def loss_scale(optimizer: Any) -> float:
    """Return what the loss is multiplied by, so that the twin rounds at the same places."""
    scale = getattr(optimizer, "dynamic_scale", None)
    return 1.0 if scale is None else float(scale.numpy())


def unscaled(gradient: Any, scale: float) -> np.ndarray:
    return np.asarray(gradient, np.float32) / np.float32(scale)


def assert_equal_tensors(read: dict[Name, np.ndarray], twin: dict[Name, np.ndarray], rtol: float) -> None:
    """Fail unless both hold the same names, and arrays equal within `rtol` of the largest value of their kind.

    The gradient of a bias before a normalization is 0 but for rounding, so its own values are no measure.
    """
    assert read.keys() == twin.keys()
    largest: dict[str, float] = {}
    for (_, kind, _, _), array in twin.items():
        largest[kind] = max(largest.get(kind, 0.0), float(np.abs(array.astype("float64")).max()))
    for name, array in twin.items():
        assert read[name].shape == array.shape, name
        limit = 0.1 * rtol * largest[name[1]]
        np.testing.assert_allclose(
            read[name].astype("float64"), array.astype("float64"), rtol=rtol, atol=limit, err_msg=str(name)
        )


def assert_equals_twin(made: Architecture, twin: Architecture, rtol: float = 2e-5, n_steps: int = 4) -> None:
    """Take steps over two epochs, and compare every tensor of each with what the twin makes of the same batch."""
    network = made.network
    with network.session(probe=Probe(every=1, samples=SAMPLES), epochs=2) as session:
        recording = session.recording
        kept: list[tuple[np.ndarray, np.ndarray]] = []
        for step in range(1, n_steps + 1):
            scale = loss_scale(network.model.optimizer)
            assert session.step().step == step
            read = {
                name_of(spec.key): recording.frame(spec.key, step).array
                for spec in recording.catalogue.specs
                if spec.key.kind != "weights"
            }
            put_weights(twin, recording, step - 1)
            assert_equal_tensors(read, tensors_of(twin, session.batch, scale), rtol)
            for path in made.layers:
                for name, variable in variables_of(made, path).items():
                    array = recording.tensor(path, "weights", step, variable=name)
                    np.testing.assert_array_equal(array, variable.numpy())
                    kept.append((array, array.copy()))
        for array, copy in kept:
            np.testing.assert_array_equal(array, copy, err_msg="a kept array changed when training went on")
        assert_vitals_equal(recording)
        assert_gradient_norms_equal(recording)


def assert_vitals_equal(recording: Recording) -> None:
    """Fail unless vitals and neuron statistics at every step are those of the whole tensors at that step."""
    for spec in recording.catalogue.specs:
        key = spec.key
        where = {"variable": key.variable, "output": key.output}
        table = recording.vitals(key.layer, key.kind, **where)
        assert len(table)
        before = None
        for row, (step, values) in enumerate(table.iterrows()):
            array = recording.frame(key, step).array.astype("float64")
            expected = stats.vitals(array)
            size = max(1.0, float(np.abs(array).max()))
            np.testing.assert_allclose(values.to_numpy()[:8], expected, rtol=2e-4, atol=1e-6 * size, err_msg=str(key))
            if spec.neuron_axis is not None:
                slow = stats.neuron_statistics(array, spec.neuron_axis, spec.n_neurons)
                for i, statistic in enumerate(("l2", "mean", "max", "zeros")):
                    fast = recording.neurons(key.layer, key.kind, statistic, **where)[row]
                    np.testing.assert_allclose(fast, slow[i], rtol=2e-4, atol=1e-6 * size, err_msg=str(key))
            if key.kind == "weights" and before is not None and np.linalg.norm(array) > 0:
                ratio = np.linalg.norm(array - before) / np.linalg.norm(array)
                np.testing.assert_allclose(values["update_ratio"], ratio, rtol=1e-3, atol=1e-7, err_msg=str(key))
            before = array


def assert_gradient_norms_equal(recording: Recording) -> None:
    """Fail unless the sentinel at every step is the norm of all gradients."""
    keys = [spec.key for spec in recording.catalogue.specs if spec.key.kind == "gradients"]
    for step, value in recording.metrics["gradient_l2"].items():
        squares = [np.square(recording.frame(key, step).array.astype("float64")).sum() for key in keys]
        np.testing.assert_allclose(value, np.sqrt(sum(squares)), rtol=1e-4)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_tensor_equals_its_twin(name: str) -> None:
    """Activations and gradients of each batch with the weights of the step before; weights after the step."""
    assert_equals_twin(ARCHITECTURES[name](), ARCHITECTURES[name]())


@pytest.mark.filterwarnings("ignore:.*float16.*")
@pytest.mark.parametrize("name", ["nested", "embedding"])
def test_K11_gradients_of_mixed_precision_are_unscaled(name: str) -> None:
    """In `mixed_float16` the loss is multiplied by 32768; what is read is as if it were not."""
    import keras

    keras.config.set_dtype_policy("mixed_float16")
    try:
        assert_equals_twin(ARCHITECTURES[name](), ARCHITECTURES[name](), rtol=2e-2)
    finally:
        keras.config.set_dtype_policy("float32")


def test_a_model_in_float64_is_read_in_float64() -> None:
    """Nothing is narrowed on the way."""
    import keras

    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")
    try:
        assert_equals_twin(ARCHITECTURES["nested"](), ARCHITECTURES["nested"](), rtol=1e-12)
    finally:
        keras.config.set_floatx("float32")
        keras.config.set_dtype_policy("float32")


def test_gradient_of_a_softmax_is_that_of_its_logits_and_says_so() -> None:
    """Keras takes the softmax off the path to the loss, so the note stands at the tensor."""
    network = ARCHITECTURES["dense"]().network
    with network.session(probe=Probe(every=1)) as session:
        session.step()
        recording = session.recording
        key = recording.resolve("out", "activation_gradients")
        assert recording.spec(key).note == "with respect to the logits"
        assert recording.spec(recording.resolve("dense", "activation_gradients")).note is None
        gradient = recording.tensor("out", "activation_gradients")
        np.testing.assert_allclose(gradient.sum(axis=1), 0, atol=1e-7)


def test_steps_are_numbered_from_the_state_before_any() -> None:
    """Step 0 holds the weights before training; other kinds begin with step 1."""
    network = ARCHITECTURES["dense"]().network
    before = network.model.layers[0].kernel.numpy()
    with network.session(probe=Probe(every=1)) as session:
        session.step(2)
        recording = session.recording
        np.testing.assert_array_equal(recording.tensor("dense", "weights", 0), before)
        assert recording.tensor_steps("dense", "weights").tolist() == [0, 1, 2]
        assert recording.tensor_steps("dense", "gradients").tolist() == [1, 2]
        lr = 0.1
        for k in (1, 2):
            expected = recording.tensor("dense", "weights", k - 1) - lr * recording.tensor("dense", "gradients", k)
            np.testing.assert_allclose(recording.tensor("dense", "weights", k), expected, rtol=1e-6, atol=1e-7)
