"""A small network that is really trained, for the widgets that look on."""

from __future__ import annotations

from typing import Any

import numpy as np

BATCH_SIZE = 8
STEPS_PER_EPOCH = 8


def digits() -> tuple[Any, np.ndarray, np.ndarray]:
    """Return a compiled 12-8-3 network with layers `hidden` and `digits`, 64 inputs and their classes."""
    import keras

    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((12,)),
            keras.layers.Dense(8, activation="relu", name="hidden"),
            keras.layers.Dense(3, activation="softmax", name="digits"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    n_samples = BATCH_SIZE * STEPS_PER_EPOCH
    return model, np.random.default_rng(0).random((n_samples, 12)).astype("f4"), np.arange(n_samples) % 3
