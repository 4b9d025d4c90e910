"""One tiny model for each kind of layer that has a picture of its own, and models that hold many simple layers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tests.core.networks import Network, seeded

if TYPE_CHECKING:
    from collections.abc import Callable

N = 4

VECTOR, SEQUENCE, IMAGE, VOLUME, FILM = (6,), (5, 4), (6, 6, 2), (4, 4, 4, 2), (3, 5, 5, 2)


def numbers(*shape: int) -> np.ndarray:
    """Return `(N, *shape)` normal numbers."""
    return np.random.default_rng(len(shape)).normal(size=(N, *shape)).astype("float32")


@seeded
def one(shape: tuple[int, ...], make: Callable[[Any], Any]) -> Network:
    """Return a model of one layer, called `z`, on inputs of `shape`; its first output is learned to be 0."""
    import keras

    inputs = keras.Input(shape)
    outputs = keras.tree.flatten(make(keras.layers)(inputs))
    model = keras.Model(inputs, outputs)
    model.compile("sgd", ["mse"] * len(outputs))
    return Network(model, numbers(*shape), [np.zeros((N, *o.shape[1:]), "float32") for o in outputs])


@seeded
def tokens() -> Network:
    """Return an embedding of five tokens each."""
    import keras

    inputs = keras.Input((5,), dtype="int32")
    model = keras.Model(inputs, keras.layers.Embedding(1000, 4, name="z")(inputs))
    model.compile("sgd", "mse")
    return Network(model, np.arange(5 * N).reshape(N, 5), np.zeros((N, 5, 4), "float32"))


@seeded
def attention(cls: str, *, scores: bool, **arguments: Any) -> Network:
    """Return self-attention, with or without its scores as a second output."""
    import keras

    inputs = keras.Input(SEQUENCE)
    layer = getattr(keras.layers, cls)(name="z", **arguments)
    outputs = layer(inputs, inputs, return_attention_scores=True) if scores else layer(inputs, inputs)
    model = keras.Model(inputs, outputs)
    model.compile("sgd", ["mse", None] if scores else "mse")
    y = np.zeros((N, *SEQUENCE), "float32")
    return Network(model, numbers(*SEQUENCE), [y, np.zeros((N, 2, 5, 5), "float32")] if scores else y)


@seeded
def many(shape: tuple[int, ...], layers: dict[str, Any]) -> Network:
    """Return a model in which each of many layers stands beside the others on the same input."""
    import keras

    inputs = keras.Input(shape)
    scale = keras.layers.Dense(shape[-1], name="first")(inputs)
    outputs = [keras.layers.Flatten()(layer(scale)) for layer in layers.values()]
    model = keras.Model(inputs, keras.layers.Concatenate()(outputs))
    model.compile("sgd", "mse")
    return Network(model, numbers(*shape), np.zeros((N, model.output_shape[-1]), "float32"))


ANY_RANK: dict[str, tuple[Any, ...]] = {
    "Activation": ("relu",),
    "ActivityRegularization": (),
    "AlphaDropout": (0.2,),
    "BatchNormalization": (),
    "Dense": (3,),
    "Dropout": (0.2,),
    "ELU": (),
    "Flatten": (),
    "GaussianDropout": (0.2,),
    "GaussianNoise": (0.1,),
    "GroupNormalization": (1,),
    "Identity": (),
    "LayerNormalization": (),
    "LeakyReLU": (),
    "PReLU": (),
    "ReLU": (),
    "Rescaling": (2.0,),
    "Softmax": (),
    "UnitNormalization": (),
}
"""Layers for inputs of any shape, with the arguments that they cannot do without."""

BY_RANK: dict[str, tuple[Any, ...]] = {
    "AveragePooling*": (2,),
    "Conv*": (3, 2),
    "Conv*Transpose": (3, 2),
    "Cropping*": (1,),
    "DepthwiseConv*": (2,),
    "GlobalAveragePooling*": (),
    "GlobalMaxPooling*": (),
    "MaxPooling*": (2,),
    "SeparableConv*": (3, 2),
    "SpatialDropout*": (0.2,),
    "UpSampling*": (2,),
    "ZeroPadding*": (1,),
}
"""Layers for sequences, images or volumes: the star is `1D`, `2D` or `3D`."""


def simple_layers(rank: int) -> dict[str, Any]:
    """Return a layer of each simple class for inputs of `rank` axes, the samples' included, by its name."""
    import keras

    wanted = dict(ANY_RANK)
    if rank == 2:
        wanted["RepeatVector"] = (2,)
    else:
        wanted |= {name.replace("*", f"{rank - 2}D"): given for name, given in BY_RANK.items()}
    return {
        f"the_{name.lower()}": getattr(keras.layers, name)(*given, name=f"the_{name.lower()}")
        for name, given in wanted.items()
        if hasattr(keras.layers, name)  # there is no depthwise convolution of volumes
    }
