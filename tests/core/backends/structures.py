"""Networks whose batches are no plain pair of arrays: nested, ragged, sparse, masked, weighted, without targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tests.core import networks
from tests.core.networks import BATCH_SIZE, Network, features, seeded, sentences

if TYPE_CHECKING:
    from collections.abc import Callable


def _batches(*parts: Any) -> Any:
    """Return a dataset of batches in a fixed order."""
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(parts if len(parts) > 1 else parts[0]).batch(BATCH_SIZE)


@seeded
def several_inputs() -> Network:
    """A tuple of two inputs."""
    import keras
    from keras import layers

    left, right = keras.Input((5,)), keras.Input((3,))
    model = keras.Model([left, right], layers.Dense(2, name="out")(layers.Concatenate()([left, right])))
    model.compile("adam", "mse")
    return Network(model, (features(), features(width=3)), features(width=2))


@seeded
def nested_outputs() -> Network:
    """A dict that holds a list, with losses in the same structure."""
    import keras
    from keras import layers

    inputs = keras.Input((5,))
    hidden = layers.Dense(4, "tanh", name="hidden")(inputs)
    pair = [layers.Dense(2, name="one")(hidden), layers.Dense(1, name="two")(hidden)]
    model = keras.Model(inputs, {"pair": pair, "third": layers.Dense(3, name="three")(hidden)})
    model.compile("adam", {"pair": ["mse", "mae"], "third": "mse"})
    targets = {"pair": [features(width=2), features(width=1)], "third": features(width=3)}
    return Network(model, features(), targets)


@seeded
def weighted_outputs() -> Network:
    """A weight of each sample for each of two outputs."""
    network = networks.two_inputs()
    weights = {"big": np.linspace(0, 1, 22).astype("float32"), "small": np.linspace(2, 0, 22).astype("float32")}
    return Network(network.model, network.x, network.y, {"sample_weight": weights})


def ragged_sentences() -> Any:
    """Return sentences without their padding."""
    import tensorflow as tf

    return tf.ragged.constant([[token for token in sentence if token] for sentence in sentences().tolist()])


@seeded
def ragged() -> Network:
    """Sentences of different lengths, padded by the model itself."""
    import keras

    class Padded(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = keras.layers.Embedding(9, 3, name="embedding")
            self.pool = keras.layers.GlobalAveragePooling1D(name="pool")
            self.head = keras.layers.Dense(1, name="head")

        def call(self, x: Any) -> Any:
            return self.head(self.pool(self.embedding(x.to_tensor(shape=(None, 5)))))

    model = Padded()
    model.compile("adam", "mse")
    return Network(model, _batches(ragged_sentences(), features(width=1)), None, {"shuffle": False})


@seeded
def sparse() -> Network:
    """Mostly zeros, given as a sparse tensor."""
    import keras
    import tensorflow as tf

    values = np.where(features() > 0.8, features(), 0).astype("float32")
    model = keras.Sequential([keras.Input((5,), sparse=True), keras.layers.Dense(2, name="out")])
    model.compile("adam", "mse")
    return Network(model, _batches(tf.sparse.from_dense(values), features(width=2)), None, {"shuffle": False})


@seeded
def ragged_layers() -> Network:
    """Sentences of different lengths through layers that hand on ragged rows: of tokens, of vectors."""
    import keras
    import tensorflow as tf

    class Next(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return tf.ragged.map_flat_values(lambda tokens: (tokens + 1) % 9, x)

    class Scaled(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.scale = self.add_weight(shape=(3,), initializer="ones", name="scale")

        def call(self, x: Any) -> Any:
            return tf.ragged.map_flat_values(lambda vectors: tf.nn.relu(vectors * self.scale), x)

    class Mean(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return tf.reduce_mean(x, axis=1)

    class Sentences(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.next = Next(name="next")
            self.embedding = keras.layers.Embedding(9, 3, name="embedding")
            self.scaled = Scaled(name="scaled")
            self.mean = Mean(name="mean")
            self.head = keras.layers.Dense(1, name="head")

        def call(self, x: Any) -> Any:
            return self.head(self.mean(self.scaled(self.embedding(self.next(x)))))

    model = Sentences()
    model.compile("adam", "mse")
    return Network(model, _batches(ragged_sentences(), features(width=1)), None, {"shuffle": False})


@seeded
def sparse_layers() -> Network:
    """Tokens counted into sparse rows, which a trained layer weighs and hands on as sparse."""
    import keras
    import tensorflow as tf

    class Counted(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            return tf.sparse.from_dense(tf.reduce_sum(tf.one_hot(tf.cast(x, tf.int32), 9), axis=1))

    class Weighed(keras.layers.Layer):
        def build(self, shape: Any) -> None:
            self.weight = self.add_weight(shape=(9,), initializer="uniform", name="weight")

        def call(self, x: Any) -> Any:
            return tf.SparseTensor(x.indices, x.values * tf.gather(self.weight, x.indices[:, 1]), x.dense_shape)

    class Counts(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.counted = Counted(name="counted")
            self.weighed = Weighed(name="weighed")
            self.head = keras.layers.Dense(2, name="head")

        def call(self, x: Any) -> Any:
            return self.head(self.weighed(self.counted(x)))

    model = Counts()
    model.compile("adam", "mse")
    return Network(model, sentences(), features(width=2))


@seeded
def masked() -> Network:
    """A loss that leaves the padding out, since the mask reaches it."""
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input((5,), dtype="int32"),
            layers.Embedding(9, 4, mask_zero=True, name="embedding"),
            layers.LSTM(3, return_sequences=True, name="lstm"),
            layers.Dense(2, name="out"),
        ]
    )
    model.compile("adam", "mse")
    return Network(model, sentences(), np.random.default_rng(9).normal(size=(22, 5, 2)).astype("float32"))


@seeded
def without_targets() -> Network:
    """A model that brings its own loss; batches have no targets."""
    import keras

    class Small(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            self.add_loss(keras.ops.mean(keras.ops.square(x)))
            return x

    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2, name="out"), Small(name="small")])
    model.compile("adam")
    return Network(model, features())


STRUCTURES: dict[str, Callable[[], Network]] = {
    "several inputs": several_inputs,
    "nested outputs": nested_outputs,
    "weighted outputs": weighted_outputs,
    "ragged": ragged,
    "sparse": sparse,
    "ragged layers": ragged_layers,
    "sparse layers": sparse_layers,
    "masked": masked,
    "without targets": without_targets,
}
