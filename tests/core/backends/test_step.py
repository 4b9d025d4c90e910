"""The compiled step: what is in its graph, and what comes out of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.schedule import Variant
from tests.core import networks
from tests.core.backends.architectures import ARCHITECTURES
from tests.core.backends.test_parity import assert_same, fitted, watched
from tests.core.networks import Network, seeded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nnviz_widgets.core.session import Session


def operations(session: Session) -> Iterator[str]:
    """Yield the type of every operation of every compiled variant, nested functions included."""
    for _, function in session._training.functions._compiled.values():
        definition = function.graph.as_graph_def()
        yield from (node.op for node in definition.node)
        for inner in definition.library.function:
            yield from (node.op for node in inner.node_def)


@pytest.mark.parametrize("jit_compile", [False, True])
def test_K10_no_python_runs_inside_the_compiled_step(jit_compile: bool) -> None:
    """A graph scan: everything that is read is an output, never a call back into Python."""
    with networks.mlp(jit_compile=jit_compile).session(probe=Probe(every=2)) as session:
        session.step(2)
        found = set(operations(session))
    assert "MatMul" in found
    assert not found & {"PyFunc", "PyFuncStateless", "EagerPyFunc", "NumpyFunction"}
    assert not [name for name in found if "Summary" in name or name.startswith("Print")]


def test_variants_are_compiled_only_when_they_are_needed() -> None:
    with networks.line().session(probe=Probe(layers=())) as session:
        session.step(2)
        assert set(session._training.functions._compiled) == {Variant.PLAIN}
    with networks.line().session(probe=Probe(budget=0)) as session:
        session.step(2)
        assert set(session._training.functions._compiled) == {Variant.SENTINEL, Variant.VITALS}


@pytest.mark.parametrize("probe", [Probe(every=1), Probe(layers=())], ids=["full", "unwatched"])
def test_a_step_is_traced_once_though_its_metrics_make_variables(probe: Probe) -> None:
    with networks.mlp().session(probe=probe) as session:
        session.step(2)
        assert session._training.functions.n_traces == 1


@seeded
def own_metrics() -> Network:
    """A model whose step gives its metrics something else than it returns, so that `accuracy` is another one."""
    import keras
    import tensorflow as tf

    class First(keras.Model):
        def train_step(self, data: Any) -> Any:
            x, y = data
            with tf.GradientTape() as tape:
                loss = self.compute_loss(y=y, y_pred=self(x, training=True))
            weights = self.trainable_weights
            self.optimizer.apply(tape.gradient(loss, weights), weights)
            return self.compute_metrics(x, y, self(x)[:, :1])

    inputs = keras.Input((5,))
    model = First(inputs, keras.layers.Dense(3, activation="softmax")(inputs))
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return Network(model, networks.features(), networks.classes())


def test_metrics_of_a_step_of_ones_own_see_what_it_gives_them() -> None:
    assert_same(watched(own_metrics(), Probe(every=1)), fitted(own_metrics()))


def test_plain_step_has_no_gradient_norm_and_a_watched_one_has_it_at_every_step() -> None:
    with networks.line().session(probe=Probe(layers=())) as session:
        session.step(2)
        assert "gradient_l2" not in session.recording.metrics
    with networks.line().session(probe=Probe(every=2)) as session:
        session.run()
        session.wait(60)
        recording = session.recording
    norms = recording.metrics["gradient_l2"]
    assert norms.notna().all()
    for step in (2, 4, 6, 8):
        parts = [recording.tensor("d", "gradients", step, variable=name) for name in ("kernel", "bias")]
        expected = np.sqrt(sum(np.square(part, dtype="float64").sum() for part in parts))
        np.testing.assert_allclose(norms[step], expected, rtol=1e-5)


def test_preparing_takes_no_batch_no_update_and_no_random_number() -> None:
    network = networks.mlp()
    taken: list[int] = []

    def batches() -> Iterator[Any]:
        for i in range(3):
            taken.append(i)
            yield networks.features(4), networks.classes(4)

    before = [v.numpy() for v in network.model.variables]
    with Network(network.model, batches()).session(shuffle=False, epochs=1) as session:
        session._training.enter_thread()
        session._training.prepare()
        after = [v.numpy() for v in network.model.variables]
        for one, other in zip(before, after, strict=True):
            np.testing.assert_array_equal(one, other)
        assert len(taken) <= 3, "Keras itself looks at two batches to know their shapes"
        assert session.step_index == 0


@pytest.mark.parametrize("eager", [False, True])
def test_logs_of_a_train_step_may_be_nested_and_of_any_shape(eager: bool) -> None:
    import keras
    import tensorflow as tf

    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.dense = keras.layers.Dense(2, name="dense")

        def call(self, x: Any) -> Any:
            return self.dense(x)

        def train_step(self, data: Any) -> dict[str, Any]:
            logs = super().train_step(data)
            return {**logs, "count": tf.constant(3), "per_output": tf.constant([1.0, 2.0]), "more": {"half": 0.5}}

    model = Own()
    model.compile("sgd", "mse", run_eagerly=eager)
    with Network(model, networks.features(), networks.features(width=2)).session(probe=Probe(every=1)) as session:
        session.step(2)
        logs = session.logs
        assert logs["count"] == 3
        assert logs["half"] == 0.5
        np.testing.assert_array_equal(logs["per_output"], [1.0, 2.0])
        assert logs["loss"] == pytest.approx(session.recording.metrics["batch_loss"].mean())
        assert "\n" not in repr(session.step())
        assert session.recording.tensor("dense", "gradients").shape == (5, 2)


def test_step_without_a_loss_reads_nan() -> None:
    import keras

    class Silent(keras.Model):
        def call(self, x: Any) -> Any:
            return x

        def train_step(self, data: Any) -> dict[str, Any]:
            return {}

    model = Silent()
    model.compile("sgd")
    with Network(model, networks.features(), networks.features()).session(epochs=1) as session:
        report = session.step()
        assert np.isnan(report.batch_loss)
        assert report.updates == 0
        assert report.logs == {}


# --- what the graph optimizer would do otherwise ---


def functional(build: Callable[[Any], Any], **compile_arguments: Any) -> Callable[[], Network]:
    """Return a maker of a model from 5 features to 2 outputs."""

    @seeded
    def make() -> Network:
        import keras
        from keras.src.backend.common.global_state import set_global_attribute

        # TensorFlow sums in the order of names, so `fit` itself has other bits where `dense_9` is called `dense_10`.
        set_global_attribute("object_name_uids", None)
        inputs = keras.Input((5,))
        model = keras.Model(inputs, keras.layers.Dense(2)(build(inputs)))
        model.compile(**{"optimizer": keras.optimizers.SGD(0.1), "loss": "mse", **compile_arguments})
        return Network(model, networks.features(), networks.features(width=2))

    return make


def _layers() -> Any:
    from keras import layers

    return layers


def _residual(x: Any) -> Any:
    layers = _layers()
    for _ in range(3):
        x = layers.Add()([x, layers.Dense(5, "tanh")(x)])
    return x


def _sums(x: Any) -> Any:
    layers = _layers()
    parts = [layers.Dense(4)(x) for _ in range(4)]
    total = layers.Add()(parts[:2])
    for part in parts[2:]:
        total = layers.Add()([total, part])
    return layers.Subtract()([total, parts[0]])


def _scales(x: Any) -> Any:
    layers = _layers()
    return layers.Rescaling(0.3)(layers.Rescaling(1.7, offset=0.1)(layers.Rescaling(0.01)(layers.Dense(4)(x))))


def _products(x: Any) -> Any:
    layers = _layers()
    a, b = layers.Dense(4)(x), layers.Dense(4)(x)
    return layers.Multiply()([layers.Multiply()([a, b]), layers.Multiply()([a, layers.Rescaling(0.5)(b)])])


def _normal(x: Any) -> Any:
    layers = _layers()
    return layers.LayerNormalization()(layers.BatchNormalization()(layers.UnitNormalization()(layers.Dense(4)(x))))


REORDERED = {
    "residual blocks": functional(_residual),
    "sums of sums": functional(_sums),
    "scales of scales": functional(_scales),
    "products of products": functional(_products),
    "normalization after normalization": functional(_normal),
    "normalization under Adam": functional(_normal, optimizer="adamw"),
    "attention": lambda: ARCHITECTURES["attention"]().network,
    "embedding": lambda: ARCHITECTURES["embedding"]().network,
}


@pytest.mark.parametrize("name", REORDERED)
def test_reading_changes_no_order_of_operations(name: str) -> None:
    """Chains of products and sums, which TensorFlow reorders where nobody reads what is in between."""
    make = REORDERED[name]
    assert_same(watched(make(), Probe(every=2)), fitted(make()))
