"""Small networks with their data, the same to the last bit whenever they are made."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable

N_SAMPLES, BATCH_SIZE = 22, 8
STEPS_PER_EPOCH = 3
"""Two full batches and one of 6."""


@dataclass
class Network:
    """A compiled model and the arguments that `fit` takes besides."""

    model: Any
    x: Any
    y: Any = None
    arguments: dict[str, Any] = field(default_factory=dict)

    def session(self, **arguments: Any) -> Session:
        """Make a session that trains silently for three epochs unless told otherwise."""
        return Session(self.model, self.x, self.y, **self._all(arguments))

    def fit(self, **arguments: Any) -> Any:
        """Train with Keras, with the same arguments."""
        return self.model.fit(self.x, self.y, **self._all(arguments))

    def _all(self, arguments: dict[str, Any]) -> dict[str, Any]:
        given = {"epochs": 3, "verbose": 0, **self.arguments, **arguments}
        return given if _chooses_batches(self.x) else {"batch_size": BATCH_SIZE, **given}


def _chooses_batches(x: Any) -> bool:
    return not isinstance(x, (np.ndarray, dict, list, tuple))


def seeded(make: Callable[..., Network]) -> Callable[..., Network]:
    """Seed everything before a network is made."""
    import functools

    @functools.wraps(make)
    def seeding(*args: Any, **kwargs: Any) -> Network:
        import keras

        keras.utils.set_random_seed(7)
        return make(*args, **kwargs)

    return seeding


def features(n: int = N_SAMPLES, width: int = 5) -> np.ndarray:
    """Return `(n, width)` normal numbers."""
    return np.random.default_rng(1).normal(size=(n, width)).astype("float32")


def classes(n: int = N_SAMPLES, n_classes: int = 3) -> np.ndarray:
    """Return `(n,)` class numbers."""
    return np.random.default_rng(2).integers(0, n_classes, n)


def images(n: int = N_SAMPLES) -> np.ndarray:
    """Return `(n, 6, 6, 2)` normal numbers."""
    return np.random.default_rng(3).normal(size=(n, 6, 6, 2)).astype("float32")


def sentences(n: int = N_SAMPLES, length: int = 5) -> np.ndarray:
    """Return `(n, length)` tokens that end in at least one 0, the padding."""
    tokens = np.random.default_rng(4).integers(1, 9, (n, length))
    lengths = np.random.default_rng(5).integers(1, length, n)
    tokens[np.arange(length) >= lengths[:, None]] = 0
    return tokens


@seeded
def line(**compile_arguments: Any) -> Network:
    """One `Dense(2)` named `d` on 5 features: the quickest network to compile."""
    import keras

    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2, name="d")], name="line")
    model.compile(**{"optimizer": keras.optimizers.SGD(0.1), "loss": "mse", **compile_arguments})
    return Network(model, features(), features(width=2))


@seeded
def mlp(**compile_arguments: Any) -> Network:
    """An MLP with dropout and a softmax."""
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(8, activation="relu", name="hidden"),
            layers.Dropout(0.3, name="drop"),
            layers.Dense(3, activation="softmax", name="out"),
        ],
        name="mlp",
    )
    model.compile(
        **{
            "optimizer": keras.optimizers.Adam(0.01),
            "loss": "sparse_categorical_crossentropy",
            "metrics": ["accuracy"],
            **compile_arguments,
        }
    )
    return Network(model, features(), classes())


@seeded
def cnn(**compile_arguments: Any) -> Network:
    """A CNN with batch normalization."""
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.Conv2D(3, 3, name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.Activation("relu", name="relu"),
            layers.Flatten(name="flat"),
            layers.Dense(3, name="out"),
        ],
        name="cnn",
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(
        **{"optimizer": keras.optimizers.SGD(0.05, momentum=0.9), "loss": loss, "metrics": ["accuracy"]}
        | compile_arguments
    )
    return Network(model, images(), classes())


@seeded
def lstm(**compile_arguments: Any) -> Network:
    """A recurrent network over sentences of different lengths."""
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input((None,), dtype="int32"),
            layers.Embedding(9, 4, mask_zero=True, name="embed"),
            layers.LSTM(3, name="lstm"),
            layers.Dense(1, activation="sigmoid", name="out"),
        ],
        name="lstm_model",
    )
    model.compile(**{"optimizer": "adam", "loss": "binary_crossentropy", **compile_arguments})
    return Network(model, sentences(), classes(n_classes=2).astype("float32"))


@seeded
def own_step(**compile_arguments: Any) -> Network:
    """A subclassed model with a `train_step` of its own that makes two updates with two optimizers."""
    import keras
    import tensorflow as tf

    class OwnStep(keras.Model):
        def __init__(self) -> None:
            super().__init__(name="own_step")
            self.body = keras.layers.Dense(4, activation="tanh", name="body")
            self.drop = keras.layers.Dropout(0.2, name="drop")
            self.head = keras.layers.Dense(1, name="head")
            self.head_optimizer = keras.optimizers.SGD(0.1)

        def call(self, x: Any, training: bool = False) -> Any:
            return self.head(self.drop(self.body(x), training=training))

        def train_step(self, data: Any) -> dict[str, Any]:
            x, y = data
            with tf.GradientTape() as tape:
                loss = tf.reduce_mean(tf.square(self(x, training=True) - y))
            body, head = tape.gradient(loss, [self.body.trainable_variables, self.head.trainable_variables])
            self.optimizer.apply(body, self.body.trainable_variables)
            self.head_optimizer.apply(head, self.head.trainable_variables)
            return {"loss": loss, "size": tf.shape(x)[0]}

    model = OwnStep()
    model(np.zeros((1, 5), np.float32))
    model.compile(**{"optimizer": keras.optimizers.SGD(0.05), **compile_arguments})
    model.optimizer.build(model.body.trainable_variables)
    model.head_optimizer.build(model.head.trainable_variables)
    return Network(model, features(), features(width=1))


@seeded
def two_inputs(**compile_arguments: Any) -> Network:
    """A Functional model with two named inputs and two named outputs."""
    import keras
    from keras import layers

    left, right = keras.Input((5,), name="left"), keras.Input((3,), name="right")
    joined = layers.Concatenate(name="join")([left, right])
    hidden = layers.Dense(4, activation="tanh", name="hidden")(joined)
    outputs = {"big": layers.Dense(2, name="big")(hidden), "small": layers.Dense(1, name="small")(hidden)}
    model = keras.Model({"left": left, "right": right}, outputs, name="two_inputs")
    model.compile(
        **{"optimizer": "sgd", "loss": {"big": "mse", "small": "mae"}, "loss_weights": {"big": 0.5, "small": 2.0}}
        | compile_arguments
    )
    x = {"left": features(), "right": features(width=3)}
    return Network(model, x, {"big": features(width=2), "small": features(width=1)})


def weights_of(model: Any) -> list[np.ndarray]:
    """Return every variable of a model and of its optimizer as arrays."""
    variables = [*model.variables, *(model.optimizer.variables if model.optimizer is not None else ())]
    return [variable.numpy() for variable in variables]


def assert_same_weights(first: list[np.ndarray], second: list[np.ndarray]) -> None:
    """Fail unless two lists of arrays are equal to the last bit."""
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)


@seeded
def noise() -> Network:
    """Sums that run across layers: TensorFlow orders them anew, unless something stands between."""
    import keras
    from keras import layers

    class Jitter(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.seeds = keras.random.SeedGenerator(11)

        def call(self, x: Any) -> Any:
            return x + keras.random.normal(keras.ops.shape(x), seed=self.seeds) * 0.1

    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(6, activation="relu"),
            layers.GaussianNoise(0.1, seed=5),
            layers.Dense(6),
            Jitter(),
            layers.Dense(3),
        ]
    )
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    return Network(model, features(), classes())


@seeded
def stateful() -> Network:
    """State that also moves at inference: a recurrent state, and a random stream."""
    import keras
    from keras import layers

    class Sample(layers.Layer):
        def __init__(self) -> None:
            super().__init__()
            self.seeds = keras.random.SeedGenerator(11)

        def call(self, x: Any) -> Any:
            return x + keras.random.normal(keras.ops.shape(x), seed=self.seeds) * 0.1

    inputs = keras.Input(batch_shape=(2, 5))
    x = layers.GRU(4, stateful=True)(layers.Reshape((5, 1))(inputs))
    model = keras.Model(inputs, layers.Dense(3, activation="softmax")(Sample()(x)))
    model.compile("adam", "sparse_categorical_crossentropy")
    return Network(model, features(), classes(), {"batch_size": 2, "shuffle": False})
