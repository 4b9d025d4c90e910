"""What a session does on two replicas, each on a processor of its own: run by `test_replicas` as a program.

TensorFlow must be told of two processors before it starts, so this is no module that a test may import.
"""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

warnings.simplefilter("ignore")

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402

from nnviz_widgets.core.backends.tensorflow import inspect  # noqa: E402
from nnviz_widgets.core.capsule import open_capsule  # noqa: E402
from nnviz_widgets.core.frame import TensorKey  # noqa: E402
from nnviz_widgets.core.probe import Probe  # noqa: E402
from nnviz_widgets.core.snapshots import Snapshots  # noqa: E402
from nnviz_widgets.errors import InvalidArgumentError, TensorUnavailable  # noqa: E402
from tests.core import networks  # noqa: E402
from tests.core.backends.test_parity import assert_same, fitted, watched  # noqa: E402
from tests.core.networks import Network  # noqa: E402
from tests.core.sessions import assert_same as same  # noqa: E402
from tests.core.sessions import everything  # noqa: E402

KINDS = ("activations", "gradients", "activation_gradients")


def on_two_processors() -> tf.distribute.Strategy:
    processor = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(processor, [tf.config.LogicalDeviceConfiguration()] * 2)
    return tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])


STRATEGY = on_two_processors()


def spread(make: Callable[..., Network], **arguments: Any) -> Network:
    with STRATEGY.scope():
        return make(**arguments)


def normalized(**compiled: Any) -> Network:
    """With moving statistics, which each replica computes of its own share, and a dropout."""
    keras.utils.set_random_seed(7)
    layers = [
        keras.layers.Dense(6, "relu", name="hidden"),
        keras.layers.BatchNormalization(name="norm"),
        keras.layers.Dropout(0.3, name="drop"),
        keras.layers.Dense(2, name="out"),
    ]
    model = keras.Sequential([keras.Input((5,)), *layers])
    model.compile(**{"optimizer": keras.optimizers.Adam(0.01), "loss": "mse", "metrics": ["mae"], **compiled})
    return Network(model, networks.features(), networks.features(width=2))


def half_precision() -> Network:
    """Its loss is scaled, and the first step skipped for it."""
    keras.config.set_dtype_policy("mixed_float16")
    try:
        network = normalized()
        network.y = 1e4 * network.y
        return network
    finally:
        keras.config.set_dtype_policy("float32")


def eager() -> Network:
    return normalized(run_eagerly=True)


def parity() -> None:
    for make in (networks.mlp, networks.cnn, normalized):
        by_fit = fitted(spread(make))
        for probe in (Probe(every=2), Probe(layers=()), Probe(every=2, replica=1)):
            assert_same(watched(spread(make), probe), by_fit)
    validation = {"validation_data": (networks.features(10), networks.features(10, 2)), "validation_batch_size": 4}
    assert_same(watched(spread(normalized), Probe(every=2), **validation), fitted(spread(normalized), **validation))
    for make in (half_precision, eager):
        assert_same(watched(spread(make), Probe(every=2, replica=0)), fitted(spread(make)))


def data_sets() -> None:
    """Batches of a data set, the last of them smaller: Keras decides how each is shared."""

    def make() -> Network:
        network = normalized()
        rows = tf.data.Dataset.from_tensor_slices((network.x, network.y)).shuffle(22, seed=1)
        return Network(network.model, rows.batch(8), None)

    assert_same(watched(spread(make), Probe(every=2)), fitted(spread(make)))


def gone_back() -> None:
    """Only to the state, as batches of replicas are not kept; also from a file."""

    def make() -> Network:
        network = normalized()
        return Network(network.model, tf.data.Dataset.from_tensor_slices((network.x, network.y)).batch(8), None)

    for memory in (10**9, 1):
        options = Snapshots(every=2, memory=memory, disk="1 GB")
        with spread(make).session(probe=Probe(layers=()), snapshots=options) as session:
            session.step(2)
            then, batch = everything(session), session.batch
            session.step(3)
            assert session.replay_grade == "state only"
            plan = session.rewind_plan(3)
            assert (plan.grade, plan.step) == ("state only", 2)
            assert "on replicas come once" in plan.remarks[0], plan.remarks
            session.rewind(3, state_only=True)
            same(everything(session), then)
            for one, other in zip(session.batch[:2], batch[:2], strict=True):
                np.testing.assert_array_equal(one, other)


def weights() -> None:
    network = spread(normalized)
    with network.session(probe=Probe(every=1), shuffle=False) as session:
        report = session.step(2)
        recording = session.recording
        assert session.state == "paused"
        kernel = recording.tensor("hidden", "weights")
        np.testing.assert_array_equal(kernel, network.model.layers[0].kernel.numpy())
        np.testing.assert_array_equal(
            recording.tensor("norm", "weights", variable="moving_mean"), network.model.layers[1].moving_mean.numpy()
        )
        vitals = recording.vitals("hidden", "weights")
        assert abs(vitals["mean"].iloc[-1] - kernel.mean()) < 1e-6
        change = np.linalg.norm(kernel - recording.tensor("hidden", "weights", 1)) / np.linalg.norm(kernel)
        assert abs(vitals["update_ratio"].iloc[-1] - change) < 1e-5
        assert report.updates == 6, report.updates
        x, y, _ = session.batch
        np.testing.assert_array_equal(x, networks.features()[8:16])
        np.testing.assert_array_equal(y, networks.features(width=2)[8:16])
        said = "2 replicas: values would be averaged. Choose weights, or replica 0: Probe(replica=0)"
        assert {recording.why("hidden", kind) for kind in KINDS} == {said}
        with pytest.raises(TensorUnavailable, match="2 replicas"):
            recording.tensor("hidden", "activations")
        assert [event for event in recording.events if event[1] == "notice"] == []
        session.run()
        session.wait(60)
        assert session.state == "finished"
        assert session.step_index == 9

    fixed = networks.features(3) + 1
    with spread(normalized).session(probe=Probe("out", every=1, data=fixed), shuffle=False) as session:
        model = session._training.model
        session.step()
        expected = model(fixed, training=False).numpy()  # `predict` would share it: each replica has moving statistics
        session.step()
        assert session.recording.why("hidden", "activations") == "the probe leaves this layer out"
        found = session.recording.tensor("out", "activations", 2, variable="data")
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def by_hand(model: Any, x: np.ndarray, y: np.ndarray, share: slice) -> dict[tuple[str, str], np.ndarray]:
    """Compute a layer of 8 and one of 3 units and the loss of a share of 8 rows, in float64."""
    (w1, b1), (w2, b2) = ([v.numpy().astype(float) for v in layer.variables] for layer in model.layers)
    hidden = np.tanh(x[share] @ w1 + b1)
    out = hidden @ w2 + b2
    of_out = 2 * (out - y[share]) / out.size / 2  # the loss of a share counts half
    of_hidden = of_out @ w2.T
    return {
        ("hidden", "activations"): hidden,
        ("out", "activations"): out,
        ("out", "activation_gradients"): of_out,
        ("hidden", "activation_gradients"): of_hidden,
        ("out", "gradients"): hidden.T @ of_out,
        ("hidden", "gradients"): x[share].T @ (of_hidden * (1 - hidden**2)),
    }


def two_layers() -> Network:
    keras.utils.set_random_seed(7)
    layers = [keras.layers.Dense(8, "tanh", name="hidden"), keras.layers.Dense(3, name="out")]
    model = keras.Sequential([keras.Input((5,)), *layers])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    return Network(model, networks.features(), networks.features(width=3))


def one_replica() -> None:
    x, y = networks.features()[:8], networks.features(width=3)[:8]
    for replica in (0, 1):
        network = spread(two_layers)
        kernel = network.model.layers[0].kernel
        shares = [by_hand(network.model, x, y, part) for part in (slice(0, 4), slice(4, 8))]
        after = kernel.numpy() - 0.1 * sum(share["hidden", "gradients"] for share in shares)
        outputs = np.concatenate([share["out", "activations"] for share in shares])
        with network.session(probe=Probe(every=1, replica=replica), shuffle=False) as session:
            report, recording = session.step(), session.recording
            for (layer, kind), values in shares[replica].items():
                found = recording.tensor(layer, kind)
                np.testing.assert_allclose(found, values, rtol=1e-4, atol=1e-6)
                np.testing.assert_allclose(recording.vitals(layer, kind)["max"].iloc[-1], found.max(), rtol=1e-5)
            notes = {spec.note for spec in recording.catalogue.specs if spec.key.kind in KINDS}
            assert notes == {f"replica {replica} of 2"}, notes
            rows = recording.frame(recording.catalogue.inputs["hidden"].key, 1).array
            np.testing.assert_array_equal(rows, x[4 * replica : 4 * replica + 4])
            np.testing.assert_allclose(report.batch_loss, np.mean((outputs - y) ** 2), rtol=1e-5)
            np.testing.assert_allclose(kernel.numpy(), after, rtol=1e-4, atol=1e-6)
    with pytest.raises(InvalidArgumentError, match="Use 0 to 1"):
        spread(two_layers).session(probe=Probe(replica=2))


def empty_share() -> None:
    """The last batch has one row, so that the second replica has none: training goes on as in `fit`, also eagerly."""
    x, y = networks.features(9), networks.features(9, 3)

    def made(eagerly: bool) -> Network:
        network = spread(two_layers)
        with STRATEGY.scope():
            network.model.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=eagerly)
        return Network(network.model, x, y)

    for eagerly in (False, True):
        by_fit = made(eagerly)
        by_fit.fit(epochs=1, shuffle=False)
        for replica, n_rows in ((0, 1), (1, 0)):
            network = made(eagerly)
            with network.session(probe=Probe(every=1, replica=replica), shuffle=False, epochs=1) as session:
                session.step()
                shares = [by_hand(network.model, x, y, part) for part in (slice(8, 9), slice(9, 9))]
                report = session.step()
                found = session.recording.tensor("out", "activations")
                np.testing.assert_allclose(found, shares[replica]["out", "activations"], rtol=1e-4, atol=1e-6)
                assert found.shape == (n_rows, 3)
                share = np.mean((shares[0]["out", "activations"] - y[8:]) ** 2)
                np.testing.assert_allclose(report.batch_loss, share / 2, rtol=1e-5)
                assert [event for event in session.recording.events if event[1] == "notice"] == []
            for ours, theirs in zip(network.model.get_weights(), by_fit.model.get_weights(), strict=True):
                np.testing.assert_array_equal(ours, theirs)


def of_one() -> None:
    """A strategy with a single replica: everything is read, as without one."""
    one = tf.distribute.MirroredStrategy(["CPU:0"])
    read = []
    for scope in (one.scope, contextlib.nullcontext):
        with scope():
            network = normalized()
        with network.session(probe=Probe(every=1), shuffle=False) as session:
            session.step(2)
            assert session.recording.why("hidden", "activations") is None
            assert "gradient_l2" in session.recording.metric_arrays()[1]
            read.append([session.recording.tensor("hidden", kind) for kind in KINDS])
    for spread_out, alone in zip(*read, strict=True):
        np.testing.assert_allclose(spread_out, alone, rtol=1e-5, atol=1e-7)


def inspected() -> None:
    network = spread(two_layers)
    x, y = networks.features(), networks.features(width=3)
    before = [variable.numpy() for variable in network.model.variables]
    expected = by_hand(network.model, x, y, slice(None))
    read = inspect(network.model, x, y)
    for (layer, kind), values in expected.items():
        key = TensorKey(layer, kind, variable="kernel" if kind == "gradients" else None)
        factor = 1 if kind == "activations" else 2  # here it is the loss of the whole batch
        np.testing.assert_allclose(np.asarray(read.tensors[key]), factor * values, rtol=1e-4, atol=1e-6)
    for variable, was in zip(network.model.variables, before, strict=True):
        np.testing.assert_array_equal(variable.numpy(), was)


def looked_at() -> None:
    """Variables are listed; what runs a step on one thread is refused, and a capsule tells what is known."""
    network = spread(two_layers)
    network.x[13] = np.nan
    with tempfile.TemporaryDirectory() as folder, network.session(shuffle=False, capsule=f"{folder}/nan") as session:
        session.step()
        table = session.variables().set_index(["path", "variable"])
        kernel = network.model.get_layer("out").kernel.numpy()
        np.testing.assert_allclose(table.loc[("out", "kernel"), "norm"], np.linalg.norm(kernel), rtol=1e-5)
        for ask in (session.trace, lambda: session.step_into("out", debugger=print)):
            with pytest.raises(InvalidArgumentError, match="one on 2 replicas"):
                ask()
        session.run()
        session.wait(120)
        capsule = open_capsule(session.capsules[0])
        assert (capsule.step, capsule.layer) == (2, None)
        assert "trained on 2 replicas" in capsule.why
        np.testing.assert_array_equal(capsule.batch[0], network.x[8:16])


if __name__ == "__main__":
    globals()[sys.argv[1]]()
    print(json.dumps({"done": sys.argv[1]}))
