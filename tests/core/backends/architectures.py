"""Small networks, each with a forward pass written out by hand that knows every layer's output.

The forward pass returns the model's outputs, and for each call of a layer the tensors that are its activations and the
tensors whose gradients are its activation gradients. The two differ for a softmax: there the gradient is that of the
logits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests.core.networks import Network, classes, features, images, seeded, sentences

Calls = dict[str, list[tuple[Any, Any]]]


@dataclass
class Architecture:
    """A network beside the slow and obvious way to compute it.

    Attributes:
        network: The model and its data.
        layers: Path to the layer that has the variables.
        forward: Takes the inputs of a batch; returns the outputs of the model and the calls of its layers.
        loss: Takes targets, outputs and the weights of samples if there are any; returns the loss, without Keras'
            compiled one.
        names: Names of a layer's variables where they are not the variables' own.
    """

    network: Network
    layers: dict[str, Any]
    forward: Callable[[Any], tuple[Any, Calls]]
    loss: Callable[..., Any]
    names: dict[str, list[str]] = field(default_factory=dict)


def _both(tensor: Any) -> list[tuple[Any, Any]]:
    return [(tensor, tensor)]


def _mse(y: Any, outputs: Any) -> Any:
    import keras
    import tensorflow as tf

    floatx = keras.config.floatx()
    return tf.reduce_mean(tf.square(tf.cast(y, floatx) - tf.cast(outputs, floatx)))


def _chain(model: Any, x: Any, paths: list[str]) -> tuple[Any, Calls]:
    """Call the layers of a sequential model one after the other."""
    calls: Calls = {}
    for path, layer in zip(paths, model.layers, strict=True):
        x = layer(x, training=True) if layer._call_has_training_arg else layer(x)
        calls[path] = _both(x)
    return x, calls


def _softmax_output(layer: Any, x: Any) -> tuple[Any, Any]:
    import tensorflow as tf

    kernel, bias = (tf.cast(v.value, layer.compute_dtype) for v in (layer.kernel, layer.bias))
    logits = tf.matmul(tf.cast(x, layer.compute_dtype), kernel) + bias
    return logits, tf.nn.softmax(logits)


def _crossentropy(y: Any, logits: Any, weight: Any = 1.0) -> Any:
    """Return the mean over the samples of the weighted losses: Keras divides by their number, not by the weights."""
    import tensorflow as tf

    logits = tf.cast(logits, tf.float32)
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(tf.cast(y, tf.int32), logits)
    return tf.reduce_mean(losses * tf.cast(weight, tf.float32))


@seeded
def dense(**compile_arguments: Any) -> Architecture:
    """Sequential, with a softmax at its end."""
    import keras

    model = keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(4, "relu"), keras.layers.Dense(3, "softmax", name="out")]
    )
    arguments = {"optimizer": keras.optimizers.SGD(0.1), "loss": "sparse_categorical_crossentropy"}
    model.compile(**{**arguments, **compile_arguments})
    hidden, out = model.layers

    def forward(x: Any) -> tuple[Any, Calls]:
        h = hidden(x)
        logits, probabilities = _softmax_output(out, h)
        return logits, {"dense": _both(h), "out": [(probabilities, logits)]}

    return Architecture(Network(model, features(), classes()), {"dense": hidden, "out": out}, forward, _crossentropy)


def clipped() -> Architecture:
    """Gradients are those before clipping."""
    import keras

    return dense(optimizer=keras.optimizers.SGD(0.1, clipnorm=1e-3))


def accumulating() -> Architecture:
    """Gradients are those of each batch, not those that are applied every other step."""
    import keras

    return dense(optimizer=keras.optimizers.SGD(0.1, gradient_accumulation_steps=2))


def weighted_samples() -> Architecture:
    """A weight for each sample, some of them 0."""
    made = dense()
    made.network.arguments["sample_weight"] = np.linspace(0, 2, 22).astype("float32")
    return made


def weighted_classes() -> Architecture:
    """A weight for each class."""
    made = dense()
    made.network.arguments["class_weight"] = {0: 1.0, 1: 3.0, 2: 0.5}
    return made


@seeded
def convolution() -> Architecture:
    """A CNN with batch normalization in training mode."""
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.Conv2D(3, 3),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse")
    paths = ["conv2d", "batch_normalization", "re_lu", "max_pooling2d", "flatten", "dense"]
    return Architecture(
        Network(model, images(), features(width=1)),
        dict(zip(paths, model.layers, strict=True)),
        lambda x: _chain(model, x, paths),
        _mse,
    )


@seeded
def two_ways() -> Architecture:
    """Functional, two inputs and two outputs; one output's loss counts twice."""
    import keras
    from keras import layers

    left, right = keras.Input((5,), name="left"), keras.Input((3,), name="right")
    join, body, big, small = layers.Concatenate(), layers.Dense(4, "tanh"), layers.Dense(2), layers.Dense(1)
    hidden = body(join([left, right]))
    model = keras.Model([left, right], [big(hidden), small(hidden)])
    model.compile("sgd", ["mse", "mse"], loss_weights=[1.0, 2.0])

    def forward(x: Any) -> tuple[Any, Calls]:
        joined = join(list(x))
        h = body(joined)
        one, other = big(h), small(h)
        return (one, other), {
            "concatenate": _both(joined),
            "dense": _both(h),
            "dense_1": _both(one),
            "dense_2": _both(other),
        }

    return Architecture(
        Network(model, (features(), features(width=3)), (features(width=2), features(width=1))),
        {"concatenate": join, "dense": body, "dense_1": big, "dense_2": small},
        forward,
        lambda y, outputs: _mse(y[0], outputs[0]) + 2.0 * _mse(y[1], outputs[1]),
    )


@seeded
def in_dicts() -> Architecture:
    """Inputs, outputs and targets by name, with another loss for each output."""
    import keras
    import tensorflow as tf
    from keras import layers

    inputs = {"left": keras.Input((5,), name="left"), "right": keras.Input((3,), name="right")}
    join, body = layers.Concatenate(name="join"), layers.Dense(4, "tanh", name="body")
    big, small = layers.Dense(2, name="big"), layers.Dense(1, name="small")
    hidden = body(join([inputs["left"], inputs["right"]]))
    model = keras.Model(inputs, {"big": big(hidden), "small": small(hidden)})
    model.compile("sgd", {"big": "mse", "small": "mae"}, loss_weights={"big": 0.5, "small": 2.0})

    def forward(x: Any) -> tuple[Any, Calls]:
        joined = join([x["left"], x["right"]])
        h = body(joined)
        outputs = {"big": big(h), "small": small(h)}
        return outputs, {"join": _both(joined), "body": _both(h), **{name: _both(t) for name, t in outputs.items()}}

    def loss(y: Any, outputs: Any) -> Any:
        return 0.5 * _mse(y["big"], outputs["big"]) + 2.0 * tf.reduce_mean(tf.abs(y["small"] - outputs["small"]))

    x = {"left": features(), "right": features(width=3)}
    y = {"big": features(width=2), "small": features(width=1)}
    return Architecture(Network(model, x, y), {"join": join, "body": body, "big": big, "small": small}, forward, loss)


@seeded
def ragged() -> Architecture:
    """Sentences of different lengths, padded by the model itself."""
    import keras
    import tensorflow as tf

    from tests.core.backends import structures

    network = structures.ragged()
    model = network.model
    model(tf.ragged.constant([[1]]))
    model.compile("sgd", "mse")
    embedding, pool, head = model.embedding, model.pool, model.head

    def forward(x: Any) -> tuple[Any, Calls]:
        rows = keras.utils.pad_sequences(x, 5, padding="post")
        embedded = embedding(rows)
        pooled = pool(embedded)
        out = head(pooled)
        return out, {"embedding": _both(embedded), "pool": _both(pooled), "head": _both(out)}

    return Architecture(network, {"embedding": embedding, "pool": pool, "head": head}, forward, _mse)


@seeded
def shared() -> Architecture:
    """One layer called twice."""
    import keras

    d = keras.layers.Dense(5, "tanh", name="d")
    inputs = keras.Input((5,))
    model = keras.Model(inputs, d(d(inputs)))
    model.compile("sgd", "mse")

    def forward(x: Any) -> tuple[Any, Calls]:
        first = d(x)
        second = d(first)
        return second, {"d": _both(first), "d#1": _both(second)}

    return Architecture(Network(model, features(), features(width=5)), {"d": d}, forward, _mse)


@seeded
def nested() -> Architecture:
    """A model within a model, and a layer beside it with the name of one inside."""
    import keras
    from keras import layers

    inner = keras.Sequential([layers.Dense(4, "relu", name="a"), layers.Dense(3, name="b")], name="inner")
    model = keras.Sequential([keras.Input((5,)), inner, layers.Dense(2, name="a")])
    model.compile("sgd", "mse")
    a, b, outer = *inner.layers, model.layers[1]

    def forward(x: Any) -> tuple[Any, Calls]:
        first = a(x)
        second = b(first)
        third = outer(second)
        return third, {"inner/a": _both(first), "inner/b": _both(second), "inner": _both(second), "a": _both(third)}

    layers_by_path = {"inner/a": a, "inner/b": b, "a": outer}
    return Architecture(Network(model, features(), features(width=2)), layers_by_path, forward, _mse)


@seeded
def subclassed() -> Architecture:
    """A subclassed model with a layer of the user's own, which has two outputs and a layer inside."""
    import keras
    import tensorflow as tf

    class Halves(keras.layers.Layer):
        def __init__(self, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.inside = keras.layers.Dense(6, name="inside")

        def build(self, shape: Any) -> None:
            self.inside.build(shape)
            self.scale = self.add_weight(shape=(3,), initializer="ones", name="scale")

        def call(self, x: Any) -> dict[str, Any]:
            h = self.inside(x)
            return {"left": h[:, :3] * self.scale, "right": tf.nn.tanh(h[:, 3:])}

    class Own(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.halves = Halves(name="halves")
            self.head = keras.layers.Dense(2, name="head")

        def call(self, x: Any) -> Any:
            halves = self.halves(x)
            return self.head(halves["left"] * halves["right"])

    model = Own()
    model(np.zeros((1, 5), np.float32))
    model.compile("sgd", "mse")
    halves, head = model.halves, model.head

    def forward(x: Any) -> tuple[Any, Calls]:
        h = halves.inside(x)
        left, right = h[:, :3] * halves.scale, tf.nn.tanh(h[:, 3:])
        out = head(left * right)
        return out, {
            "halves": [(left, left), (right, right)],
            "halves/inside": _both(h),
            "head": _both(out),
        }

    # The outer layer's own variable alone: those of the layer inside are listed with that one.
    return Architecture(
        Network(model, features(), features(width=2)),
        {"halves": _Holder([halves.scale]), "halves/inside": halves.inside, "head": head},
        forward,
        _mse,
    )


@dataclass
class _Holder:
    variables: list[Any]


@seeded
def recurrent() -> Architecture:
    """A masked LSTM within a `Bidirectional`, then another that returns its states."""
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            layers.Embedding(9, 4, mask_zero=True),
            layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
            layers.LSTM(2),
            layers.Dense(1),
        ]
    )
    model.compile("sgd", "mse")
    embedding, both_ways, lstm, head = model.layers

    def forward(x: Any) -> tuple[Any, Calls]:
        mask = embedding.compute_mask(x)
        embedded = embedding(x)
        sequences = both_ways(embedded, mask=mask)
        last = lstm(sequences, mask=mask)
        out = head(last)
        return out, {
            "embedding": _both(embedded),
            "bidirectional": _both(sequences),
            "lstm": _both(last),
            "dense": _both(out),
        }

    own = ("kernel", "recurrent_kernel", "bias")
    names = [f"{way}_lstm/lstm_cell/{name}" for way in ("forward", "backward") for name in own]
    return Architecture(
        Network(model, sentences(), features(width=1)),
        {"embedding": embedding, "bidirectional": both_ways, "lstm": lstm, "dense": head},
        forward,
        _mse,
        {"bidirectional": names},
    )


@seeded
def attention() -> Architecture:
    """A block of self-attention with a residual connection."""
    import keras
    from keras import layers

    inputs = keras.Input((4, 6))
    attend, add, norm = layers.MultiHeadAttention(2, 3), layers.Add(), layers.LayerNormalization()
    pool, head = layers.GlobalAveragePooling1D(), layers.Dense(1)
    model = keras.Model(inputs, head(pool(norm(add([inputs, attend(inputs, inputs)])))))
    model.compile("sgd", "mse")

    def forward(x: Any) -> tuple[Any, Calls]:
        attended = attend(x, x)
        added = x + attended
        normal = norm(added)
        pooled = pool(normal)
        out = head(pooled)
        tensors = (attended, added, normal, pooled, out)
        return out, {path: _both(t) for path, t in zip(paths, tensors, strict=True)}

    paths = ["multi_head_attention", "add", "layer_normalization", "global_average_pooling1d", "dense"]
    x = np.random.default_rng(6).normal(size=(22, 4, 6)).astype("float32")
    names = [f"{part}/{name}" for part in ("query", "key", "value") for name in ("kernel", "bias")]
    return Architecture(
        Network(model, x, features(width=1)),
        dict(zip(paths, (attend, add, norm, pool, head), strict=True)),
        forward,
        _mse,
        {"multi_head_attention": [*names, "attention_output/kernel", "attention_output/bias"]},
    )


@seeded
def embedding() -> Architecture:
    """Sparse gradients: most tokens of the table are not in a batch, some are there several times."""
    import keras
    from keras import layers

    model = keras.Sequential(
        [keras.Input((5,), dtype="int32"), layers.Embedding(40, 3), layers.GlobalAveragePooling1D(), layers.Dense(1)]
    )
    model.compile("adam", "mse")
    paths = ["embedding", "global_average_pooling1d", "dense"]
    return Architecture(
        Network(model, sentences(), features(width=1)),
        dict(zip(paths, model.layers, strict=True)),
        lambda x: _chain(model, x, paths),
        _mse,
    )


ARCHITECTURES: dict[str, Callable[[], Architecture]] = {
    "dense": dense,
    "clipped": clipped,
    "accumulating": accumulating,
    "weighted_samples": weighted_samples,
    "weighted_classes": weighted_classes,
    "convolution": convolution,
    "two_ways": two_ways,
    "in_dicts": in_dicts,
    "ragged": ragged,
    "shared": shared,
    "nested": nested,
    "subclassed": subclassed,
    "recurrent": recurrent,
    "attention": attention,
    "embedding": embedding,
}
