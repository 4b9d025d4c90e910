"""Why something cannot be read, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
from keras import layers
from keras.src.layers.merging.base_merge import Merge
from keras.src.layers.pooling.base_global_pooling import BaseGlobalPooling
from keras.src.layers.pooling.base_pooling import BasePooling

from nnviz_widgets.core.backends.tensorflow.axes import ATTENTION
from nnviz_widgets.core.frame import KINDS, Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnviz_widgets.core.backends.tensorflow.taps import Output, Taps
    from nnviz_widgets.core.backends.tensorflow.tree import Entry

LEFT_OUT_BY_PROBE = "the probe leaves this layer out"

Reasons = dict[tuple[str, Kind], str]

_DOES = (
    ((BasePooling, BaseGlobalPooling), "it pools its input"),
    ((Merge, layers.Concatenate, layers.Dot), "it combines its inputs"),
    (
        (
            layers.Cropping1D,
            layers.Cropping2D,
            layers.Cropping3D,
            layers.Flatten,
            layers.Permute,
            layers.RepeatVector,
            layers.Reshape,
            layers.UpSampling1D,
            layers.UpSampling2D,
            layers.UpSampling3D,
            layers.ZeroPadding1D,
            layers.ZeroPadding2D,
            layers.ZeroPadding3D,
        ),
        "it rearranges its input",
    ),
    (
        (layers.AlphaDropout, layers.Dropout, layers.GaussianDropout, layers.GaussianNoise),
        "it changes its input at random, and only while training",
    ),
    ((layers.Activation, layers.ELU, layers.LeakyReLU, layers.ReLU, layers.Softmax), "it applies a fixed function"),
    ((layers.Attention,), "it weighs its inputs by each other"),
)
"""Classes of layers without variables, and what they do instead."""


def no_variables(path: str, layer: Any) -> str:
    """Say that a layer has no variables, and what it does without."""
    if isinstance(layer, keras.Model):
        return f"{path!r} is a model: its variables are listed with the layers in it"
    if isinstance(layer, layers.Rescaling):
        return (
            f"{path!r} has no variables: its scale {_short(layer.scale)} and offset {_short(layer.offset)} are fixed "
            "numbers that are not trained"
        )
    if isinstance(layer, layers.Normalization):
        return f"{path!r} has no variables: it was given a mean and variance, fixed numbers that are not trained"
    does = next((f": {words}" for kinds, words in _DOES if isinstance(layer, kinds)), "")
    return f"{path!r} has no variables{does}"


def _short(number: Any) -> str:
    text = f"{number:.6g}" if isinstance(number, (int, float)) else str(number)
    return text if len(text) <= 40 else "(several)"


def no_gradients(entry: Entry, taps: Taps) -> str:
    """Say why no variable of a layer has a gradient."""
    if not entry.variables:
        return no_variables(entry.path, entry.layer)
    if not any(v.trainable for v in entry.variables.values()):
        return f"{entry.path!r} is frozen: none of its variables is trainable"
    if not any(id(v) in taps.gradients for v in entry.variables.values()):
        return f"no optimizer is given the variables of {entry.path!r} in this step"
    return f"none: {entry.path!r} is not connected to the loss"


def no_outputs(entry: Entry, call: str, taps: Taps) -> str:
    """Say why there are no activations of a call."""
    if call in taps.unread:
        return f"the output of {call!r} {taps.unread[call]}"
    if call in taps.outputs:
        return f"the output of {call!r} is no tensor of numbers"
    if entry.path in taps.foreign:
        return (
            f"{entry.path!r} runs inside a loop or branch of the graph; its values cannot be read there. "
            "Look at the layer around it instead"
        )
    return f"{entry.path!r} was not called in the step"


def no_output_gradients(call: str, outputs: Sequence[Output]) -> str:
    """Say why no output of a call has a gradient."""
    if any(output.activation.dtype.is_floating for output in outputs):
        return (
            f"none: no gradient reaches the output of {call!r}, which is not on a path from a trained variable "
            "to the loss"
        )
    return f"the output of {call!r} is of {outputs[0].activation.dtype.name}, which has no gradient"


def no_scores(layer: Any, outputs: Sequence[Output]) -> str | None:
    """Say why the scores of an attention layer are not among its outputs, `None` where they are or there are none."""
    if len(outputs) != 1 or not isinstance(layer, (*ATTENTION, layers.Attention, layers.AdditiveAttention)):
        return None
    return "attention scores are read where it is called with return_attention_scores=True"


def explain_inner(path: str, entry: Entry, reasons: Reasons) -> None:
    """Note that a layer inside `entry` is read with it."""
    name = path.rsplit("/", 1)[-1]
    outputs: tuple[Kind, Kind] = ("activations", "activation_gradients")
    for kind in outputs:
        reasons[path, kind] = (
            f"{name!r} runs inside {entry.path!r} (for a cell: inside a loop), so its output cannot be read. "
            f"Read {entry.path!r} instead"
        )
    variables: tuple[Kind, Kind] = ("weights", "gradients")
    for kind in variables:
        reasons[path, kind] = f"the variables of {name!r} are listed with {entry.path!r}"


def explain_all(path: str, why: str, reasons: Reasons) -> None:
    """Note one reason for all kinds."""
    for kind in KINDS:
        reasons[path, kind] = why
