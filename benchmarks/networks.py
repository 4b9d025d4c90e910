"""The networks that are measured."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import layers


def mlp(n_batches: int = 200) -> tuple[Any, Any, Any, int]:
    """Return a compiled 784-128-10 network, inputs, targets and a batch size of 32."""
    model = keras.Sequential(
        [
            keras.Input((784,)),
            layers.Dense(128, activation="relu", name="hidden"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    return _compiled(model, (784,), 32, n_batches)


def cnn(n_batches: int = 10) -> tuple[Any, Any, Any, int]:
    """Return a compiled convolutional network of a million parameters, inputs, targets and a batch size of 64."""
    model = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(32, 3, activation="relu"),
            layers.Conv2D(64, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(112, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    return _compiled(model, (28, 28, 1), 64, n_batches)


def lstm(n_batches: int = 10, n_steps: int = 100) -> tuple[Any, Any, Any, int]:
    """Return a compiled recurrent network over `n_steps` time steps, inputs, targets and a batch size of 32."""
    model = keras.Sequential(
        [keras.Input((n_steps, 32)), layers.LSTM(64), layers.Dense(10, activation="softmax")],
    )
    return _compiled(model, (n_steps, 32), 32, n_batches)


def _compiled(model: Any, shape: tuple[int, ...], batch_size: int, n_batches: int) -> tuple[Any, Any, Any, int]:
    random = np.random.default_rng(0)
    x = random.normal(size=(batch_size * n_batches, *shape)).astype("float32")
    y = random.integers(0, 10, size=len(x))
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, x, y, batch_size
