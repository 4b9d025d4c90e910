"""Small models that hold a layer of each kind between them, trained for a few steps on the digits."""

from __future__ import annotations

import json
from pathlib import Path

DIGITS = Path(__file__).parents[2] / "notebooks" / "data" / "mnist_10k.npz"

PREPARE = """
import keras, numpy as np
from keras import layers
import nnviz_widgets as nnviz

keras.utils.set_random_seed(7)
data = np.load(DIGITS)
images = data["x"][:640].astype("float32")[..., None] / 255
digits = data["y"][:640].astype("int32")
rows = images[..., 0]
tokens = (images[:, ::2, ::2, 0].reshape(640, 196)[:, 70:102] * 9.99).astype("int32")


def trained(inputs, outputs, x, name):
    model = keras.Model(inputs, layers.Dense(10, activation="softmax", name="digits")(outputs), name=name)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    session = nnviz.TrainingSession(model, x, digits, batch_size=32, epochs=1, verbose=0)
    session.step(20)
    return session
"""

MODELS = {
    "images": """
image = keras.Input((28, 28, 1))
h = layers.Rescaling(2.0, offset=-1.0, name="rescaling")(image)
h = layers.Conv2D(8, 5, activation="relu", name="conv2d")(h)
h = layers.BatchNormalization(name="batch_normalization")(h)
h = layers.MaxPooling2D(name="pooling")(h)
h = layers.DepthwiseConv2D(3, activation="relu", name="depthwise")(h)
h = layers.SeparableConv2D(12, 3, activation="relu", name="separable")(h)
h = layers.Conv2DTranspose(6, 3, strides=2, activation="relu", name="transposed")(h)
h = layers.Dense(32, activation="relu", name="dense")(layers.Flatten(name="flatten")(h))
session = trained(image, h, images, "images")
""",
    "sequences": """
time = keras.Input((28, 28))
h = layers.Conv1D(16, 5, activation="relu", name="conv1d")(time)
h = layers.LSTM(24, return_sequences=True, name="lstm")(h)
h = layers.GRU(16, return_sequences=True, name="gru")(h)
h = layers.Bidirectional(layers.SimpleRNN(8, return_sequences=True), name="both_ways")(h)
h = layers.SimpleRNN(12, name="simple_rnn")(h)
session = trained(time, h, rows, "sequences")
""",
    "tokens": """
token = keras.Input((32,), dtype="int32")
h = layers.Embedding(10, 16, name="embedding")(token)
attended, scores = layers.MultiHeadAttention(4, 8, name="attention")(h, h, return_attention_scores=True)
h = layers.Add(name="add")([h, attended])
h = layers.LayerNormalization(name="layer_normalization")(h)
session = trained(token, layers.GlobalAveragePooling1D(name="average")(h), tokens, "tokens")
""",
    "volumes": """
volume = keras.Input((7, 16, 7, 1))
h = layers.Conv3D(4, 3, activation="relu", name="conv3d")(volume)
h = layers.Conv3DTranspose(3, 2, activation="relu", name="transposed3d")(h)
session = trained(volume, layers.GlobalMaxPooling3D(name="largest")(h), images.reshape(640, 7, 16, 7, 1), "volumes")
""",
    "joined": """
left, right = keras.Input((14, 28), name="upper"), keras.Input((14, 28), name="lower")
normalization = layers.Normalization(name="normalization")
normalization.adapt(rows[:, :14])
shared = layers.Dense(12, activation="relu", name="shared")
a = shared(layers.Flatten()(normalization(left)))
b = shared(layers.Flatten()(normalization(right)))
part = keras.Sequential([keras.Input((24,)), layers.Dense(16, activation="tanh", name="first"),
                         layers.Dense(16, activation="tanh", name="second")], name="nested")
h = part(layers.Concatenate(name="concatenate")([a, b]))
session = trained([left, right], h, [rows[:, :14], rows[:, 14:]], "joined")
""",
}


def prepare() -> str:
    """Return the source of the cell that every other one needs."""
    return PREPARE.replace("DIGITS", json.dumps(str(DIGITS)))
