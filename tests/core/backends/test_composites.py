"""Ragged and sparse outputs are read as arrays, and their statistics are those of the numbers in them alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nnviz_widgets.core import stats
from nnviz_widgets.core.frame import NEURON_STATISTICS, VITALS, Catalogue, TensorKey, TensorSpec
from nnviz_widgets.core.probe import Probe
from tests.core import networks
from tests.core.backends import structures
from tests.core.backends.test_inspection import inspect, value_of
from tests.core.networks import BATCH_SIZE, Network, seeded

pytest.importorskip("tensorflow")

RAGGED = ("next", "embedding", "scaled")


def first_ragged_batch() -> tuple[Any, np.ndarray]:
    """The first batch as a tensor of its own, and how long its sentences are."""
    x = structures.ragged_sentences()[:BATCH_SIZE]
    return x, x.row_lengths().numpy()


def by_hand(network: Network, x: Any, y: Any) -> dict[str, Any]:
    """Call the layers of the ragged network one by one; return their outputs and the gradients of those."""
    import tensorflow as tf

    model = network.model
    outputs: dict[str, Any] = {}
    with tf.GradientTape() as tape:
        outputs["next"] = model.next(x)
        outputs["embedding"] = model.embedding(outputs["next"])
        tape.watch(outputs["embedding"].flat_values)
        outputs["scaled"] = model.scaled(outputs["embedding"])
        loss = tf.reduce_mean(tf.square(model.head(model.mean(outputs["scaled"])) - y))
    sources = [outputs["embedding"].flat_values, outputs["scaled"].flat_values]
    of_embedding, of_scaled = tape.gradient(loss, sources)
    return {
        **{(name, "activations"): output.flat_values.numpy() for name, output in outputs.items()},
        ("embedding", "activation_gradients"): of_embedding.numpy(),
        ("scaled", "activation_gradients"): of_scaled.numpy(),
    }


def assert_padded(array: np.ndarray, flat: np.ndarray, lengths: np.ndarray) -> None:
    """Fail unless an array holds these numbers row by row and NaN in every other place."""
    assert array.shape == (len(lengths), lengths.max(), *flat.shape[1:])
    filled = np.arange(lengths.max()) < lengths[:, None]
    np.testing.assert_allclose(array[filled], flat, rtol=1e-5, atol=1e-7)
    assert np.isnan(array[~filled]).all()
    assert not filled.all(), "some rows are shorter"


@pytest.mark.parametrize("how", [{}, {"run_eagerly": True}])
def test_K13_ragged_outputs_are_padded_with_what_no_layer_means(how: dict[str, Any]) -> None:
    network = structures.ragged_layers()
    network.model.compile("adam", "mse", **how)
    x, lengths = first_ragged_batch()
    network.model(x)
    expected = by_hand(network, x, networks.features(width=1)[:BATCH_SIZE])
    with network.session(probe=Probe(every=1)) as session:
        session.step()
        for (layer, kind), flat in expected.items():
            assert_padded(session.recording.tensor(layer, kind), flat, lengths)
        assert session.recording.tensor("next", "activations").dtype == np.float64
        assert session.recording.tensor("mean", "activations").shape == (BATCH_SIZE, 3)
        assert "int32" in str(session.recording.why("next", "activation_gradients"))
        assert [text for _, name, text in session.recording.events if name == "notice"] == []


def test_K13_padding_is_in_no_statistic_of_a_ragged_output() -> None:
    network = structures.ragged_layers()
    x, _ = first_ragged_batch()
    network.model(x)
    expected = by_hand(network, x, networks.features(width=1)[:BATCH_SIZE])
    assert (expected["scaled", "activations"] == 0).any(), "a true zero is one"
    with network.session(probe=Probe(every=1)) as session:
        session.step()
        for (layer, kind), flat in expected.items():
            vitals = session.recording.vitals(layer, kind)
            found = [vitals[name].iloc[-1] for name in VITALS]
            np.testing.assert_allclose(found, stats.vitals(flat), rtol=1e-5, atol=1e-7)
            if flat.ndim > 1:
                per_neuron = stats.neuron_statistics(flat, 1)
                for name, row in zip(NEURON_STATISTICS, per_neuron, strict=True):
                    of_neurons = session.recording.neurons(layer, kind, name)[-1]
                    np.testing.assert_allclose(of_neurons, row, rtol=1e-5, atol=1e-7)


def test_K13_a_note_says_how_long_ragged_rows_are() -> None:
    with structures.ragged_layers().session(probe=Probe(every=1)) as session:
        n_rows = 0
        for _ in range(3):
            session.step()
            n_rows += len(session.batch[0])
            lengths = structures.ragged_sentences()[:n_rows].row_lengths().numpy()
            said = f"ragged: rows of {lengths.min()} to {lengths.max()} so far, padded with NaN for the view"
            notes = {
                spec.key.layer: spec.note for spec in session.recording.catalogue.specs if "activ" in spec.key.kind
            }
            assert {notes[layer] for layer in RAGGED} == {said}
            assert notes["mean"] is notes["head"] is None


def test_K13_K19_a_note_on_row_lengths_leaves_the_replica_in_it() -> None:
    from nnviz_widgets.core.backends.tensorflow.composites import RAGGED_NOTE, with_row_lengths
    from nnviz_widgets.core.backends.tensorflow.replicas import of_replica

    key = TensorKey("embedding", "activations")
    spec = TensorSpec(key, (None, None, 3), "float32", ("sample", "axis 1", "neuron"), 2, RAGGED_NOTE)
    catalogue = of_replica(Catalogue(specs=(spec,)), 1, 2)
    for found in ((2, 5), (1, 9)):
        catalogue = with_row_lengths(catalogue, {key: found}, so_far=True)
    assert catalogue.specs[0].note == "ragged: rows of 1 to 9 so far, padded with NaN for the view, replica 1 of 2"


def test_K13_fewer_samples_than_rows_and_vitals_only() -> None:
    network = structures.ragged_layers()
    x, lengths = first_ragged_batch()
    network.model(x)
    flat = by_hand(network, x, networks.features(width=1)[:BATCH_SIZE])["embedding", "activations"]
    with network.session(probe=Probe(every=1, samples=3)) as session:
        session.step()
        assert_padded(session.recording.tensor("embedding", "activations"), flat[: lengths[:3].sum()], lengths[:3])
        mean = session.recording.vitals("embedding", "activations")["mean"].iloc[-1]
        assert mean == pytest.approx(flat[: lengths[:3].sum()].mean(), rel=1e-5)
    with structures.ragged_layers().session(probe=Probe(every=1, kinds=())) as session:
        session.step()
        assert session.recording.vitals("embedding", "activations")["nan"].tolist() == [0]


def test_K13_inspect_reads_ragged_outputs() -> None:
    network = structures.ragged_layers()
    x, lengths = first_ragged_batch()
    y = networks.features(width=1)[:BATCH_SIZE]
    read = inspect(network.model, x, y)
    assert read.loss is not None
    for (layer, kind), flat in by_hand(network, x, y).items():
        assert_padded(value_of(read, TensorKey(layer, kind)), flat, lengths)
    notes = {spec.note for spec in read.catalogue.specs if spec.key == TensorKey("scaled", "activations")}
    assert notes == {f"ragged: rows of {lengths.min()} to {lengths.max()}, padded with NaN for the view"}


def counts(n: int) -> np.ndarray:
    return np.stack([np.bincount(row, minlength=9) for row in networks.sentences()[:n]]).astype("float32")


@pytest.mark.parametrize("how", [{}, {"run_eagerly": True}])
def test_K13_sparse_outputs_are_dense_for_the_view(how: dict[str, Any]) -> None:
    network = structures.sparse_layers()
    network.model.compile("adam", "mse", **how)
    network.model(networks.sentences()[:1])
    weight = network.model.weighed.weight.numpy()
    kernel, bias = (variable.numpy() for variable in network.model.head.variables)
    with network.session(probe=Probe(every=1), shuffle=False) as session:
        session.step()
        recording, expected = session.recording, counts(BATCH_SIZE)
        np.testing.assert_array_equal(recording.tensor("counted", "activations"), expected)
        np.testing.assert_allclose(recording.tensor("weighed", "activations"), expected * weight, rtol=1e-6)
        zeros = recording.vitals("counted", "activations")["zeros"].iloc[-1]
        assert zeros == pytest.approx((expected == 0).mean())
        means = recording.neurons("weighed", "activations", "mean")[-1]
        np.testing.assert_allclose(means, (expected * weight).mean(axis=0), rtol=1e-5, atol=1e-7)
        output = (expected * weight) @ kernel + bias
        full = 2 * (output - networks.features(width=2)[:BATCH_SIZE]) / output.size @ kernel.T
        gradient = recording.tensor("weighed", "activation_gradients")
        stored = expected > 0
        np.testing.assert_allclose(gradient[stored], full[stored], rtol=1e-4, atol=1e-6)
        assert np.isnan(gradient[~stored]).all()
        assert recording.vitals("weighed", "activation_gradients")["nan"].tolist() == [0]
        notes = {(spec.key.layer, spec.key.kind): spec.note for spec in recording.catalogue.specs}
        assert notes["weighed", "activations"] == "sparse: made dense for the view"
        assert "only stored values have a gradient" in str(notes["weighed", "activation_gradients"])
        assert "not on a path from a trained variable" in str(recording.why("counted", "activation_gradients"))


def test_K13_inspect_reads_sparse_outputs() -> None:
    network = structures.sparse_layers()
    read = inspect(network.model, networks.sentences()[:4], networks.features(4, 2))
    np.testing.assert_array_equal(value_of(read, TensorKey("counted", "activations")), counts(4))
    gradient = value_of(read, TensorKey("weighed", "activation_gradients"))
    np.testing.assert_array_equal(np.isnan(gradient), counts(4) == 0)


def nested_ragged() -> Network:
    """A model that cuts its input into rows of rows, each of another length."""
    import keras
    import tensorflow as tf

    class Nested(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return tf.RaggedTensor.from_row_lengths(
                tf.RaggedTensor.from_row_lengths(tf.reshape(x, [-1]), tf.repeat(5, tf.shape(x)[0])),
                tf.ones(tf.shape(x)[:1], tf.int32),
            )

    class Sum(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return tf.reshape(tf.reduce_sum(x.to_tensor(shape=(None, 1, 5)), axis=1), [-1, 5])

    class Both(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.nested, self.sum = Nested(name="nested"), Sum(name="sum")
            self.head = keras.layers.Dense(2, name="head")

        def call(self, x: Any) -> Any:
            return self.head(self.sum(self.nested(x)))

    model = Both()
    model.compile("sgd", "mse")
    return Network(model, networks.features(), networks.features(width=2))


def test_K13_rows_of_ragged_rows_are_refused_and_the_rest_is_read() -> None:
    with seeded(nested_ragged)().session(probe=Probe(every=1)) as session:
        session.step()
        reason = session.recording.why("nested", "activations")
        assert reason == "the output of 'nested' is ragged along 2 axes, of which one can be padded for a view"
        assert session.recording.tensor("head", "activations").shape == (BATCH_SIZE, 2)


def test_a_layer_whose_rows_are_picked_has_a_gradient_all_the_same() -> None:
    """TensorFlow returns the gradient of a tensor that is gathered from as slices."""
    import keras

    class Picked(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return keras.ops.take(x, [0, 1, 2, 3, 0, 1, 2, 3], axis=0)

    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3, name="d"), Picked(name="picked")])
    model.compile("sgd", "mse")
    with Network(model, networks.features(8), networks.features(8, 3)).session(probe=Probe(every=1)) as session:
        session.step()
        gradient = session.recording.tensor("d", "activation_gradients")
        assert gradient.shape == (8, 3)
        assert (gradient[4:] == 0).all()
        assert (gradient[:4] != 0).all()
