"""What the axes of variables and outputs are called, and which of them counts neurons."""

from __future__ import annotations

import string
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from keras import layers
from keras.src.layers.rnn.conv_lstm import ConvLSTMCell

from nnviz_widgets.core.grammar import PLAIN, Grammar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from nnviz_widgets.core.frame import LayerInfo

NEURON, FILTER = "neuron", "filter"

LSTM_GATES = ("input", "forget", "cell", "output")
GRU_GATES = ("update", "reset", "candidate")
_BIASES = MappingProxyType({"bias": ("input", "recurrent")})
"""A GRU with `reset_after` has a bias for each of its kernels."""

_SPACE = {0: (), 1: ("time",), 2: ("y", "x"), 3: ("z", "y", "x")}
_SPACE_IN_TIME = {2: ("time", "x"), 3: ("time", "y", "x"), 4: ("time", "z", "y", "x")}

CONVOLUTIONS = (layers.Conv1D, layers.Conv2D, layers.Conv3D)
TRANSPOSED = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
DEPTHWISE = (layers.DepthwiseConv1D, layers.DepthwiseConv2D)
SEPARABLE = (layers.SeparableConv1D, layers.SeparableConv2D)
CONV_LSTM = (layers.ConvLSTM1D, layers.ConvLSTM2D, layers.ConvLSTM3D)
ATTENTION = (layers.MultiHeadAttention, layers.GroupQueryAttention)
ALONG_OUTPUT = (
    layers.BatchNormalization,
    layers.GroupNormalization,
    layers.LayerNormalization,
    layers.Normalization,
    layers.PReLU,
)
"""Layers whose variables lie along the last axes of the output."""


@dataclass(frozen=True, slots=True)
class Axes:
    """The axes of one tensor: `names`, the one that counts neurons, and what the names leave open."""

    names: tuple[str, ...]
    neuron_axis: int | None = None
    grammar: Grammar = PLAIN


def neuron_axis_of(layer: Any, shape: Sequence[int | None] | None) -> int | None:
    """Return the axis of an output that counts neurons, `None` of one that has none."""
    if shape is None or len(shape) < 2:
        return None
    first = getattr(layer, "data_format", None) == "channels_first" and len(shape) > 2
    return 1 if first else len(shape) - 1


def output_axes(rank: int, neuron_axis: int | None, layer: Any) -> tuple[str, ...]:
    """Name the axes of an output: samples first, then time or space, and the neurons where they are."""
    if rank == 0:
        return ()
    if neuron_axis is None:
        return ("sample", *(f"axis {i}" for i in range(1, rank)))
    n_rest = rank - 2
    known = _SPACE | _SPACE_IN_TIME if _gives_sequences(layer) else _SPACE
    names = ["sample", *known.get(n_rest, (f"axis {i}" for i in range(1, rank - 1)))]
    spatial = rank >= 4 or "1D" in type(layer).__name__
    names.insert(neuron_axis, FILTER if spatial and rank > 2 else NEURON)
    return tuple(names)


def _gives_sequences(layer: Any) -> bool:
    """Whether time comes before space in the output."""
    return isinstance(layer, layers.TimeDistributed) or (isinstance(layer, CONV_LSTM) and layer.return_sequences)


def scores_axes(layer: Any, output: int, rank: int) -> Axes | None:
    """Return the axes of an attention layer's scores, `None` of any other output."""
    if output == 1 and isinstance(layer, ATTENTION) and rank == 4:
        return Axes(("sample", "head", "query", "key"))
    if output == 1 and isinstance(layer, (layers.Attention, layers.AdditiveAttention)) and rank == 3:
        return Axes(("sample", "query", "key"))
    return None


def output_names(layer: Any, found: Sequence[str]) -> tuple[str, ...]:
    """Name the outputs of a layer that has several.

    Args:
        layer: The layer.
        found: For each output its key in the dict or its place in the sequence that the layer returned.
    """
    if len(found) < 2:
        return ("",) * len(found)
    if isinstance(layer, (*ATTENTION, layers.Attention, layers.AdditiveAttention)) and len(found) == 2:
        return ("output", "attention_scores")
    if isinstance(layer, layers.Bidirectional):
        heads = ("forward", "backward") if layer.merge_mode is None else ("output",)
        states = _states_of(layer.forward_layer, (len(found) - len(heads)) // 2)
        return (*heads, *(f"{way} {state}" for way in ("forward", "backward") for state in states))
    if isinstance(layer, layers.RNN):
        return ("output", *_states_of(layer, len(found) - 1))
    return tuple(f"output {name}" if name.isdigit() else name for name in found)


def _states_of(layer: Any, n: int) -> tuple[str, ...]:
    if n == 2 and isinstance(layer, (layers.LSTM, *CONV_LSTM)):
        return ("hidden state", "cell state")
    return ("state",) if n == 1 else tuple(f"state {i}" for i in range(n))


def owners_of(layer: Any) -> dict[int, Any]:
    """Return for each variable, by `id`, the layer inside `layer` that made it."""
    owners = {id(v): layer for v in (*layer._trainable_variables, *layer._non_trainable_variables)}
    for child in layer._flatten_layers(include_self=False, recursive=False):
        owners = {**owners_of(child), **owners}
    return owners


def variable_axes(layer: Any, owner: Any, name: str, shape: tuple[int, ...], info: LayerInfo) -> Axes:
    """Return the axes of a variable.

    Args:
        layer: The layer that it is listed with.
        owner: The layer inside it that made it; may be `layer` itself.
        name: The variable's own name, `"kernel"`.
        shape: Its shape.
        info: What is known of `layer`.
    """
    special = _special_axes(layer, owner, name, len(shape))
    if special is not None:
        return _placed(layer, owner, special)
    rank, n_neurons = len(shape), info.n_neurons
    word = FILTER if type(owner).__name__.startswith(("Conv", "Depthwise", "Separable")) else NEURON
    if rank and shape[-1] == n_neurons and isinstance(owner, ALONG_OUTPUT):
        names = output_axes(len(info.output_shape or ()), info.neuron_axis, layer)[-rank:]
        return Axes(names, rank - 1) if info.neuron_axis == len(info.output_shape or ()) - 1 else Axes((word,), 0)
    if rank == 2 and shape[1] == n_neurons:
        return Axes(("in", word), 1)
    numbered = tuple(f"axis {i}" for i in range(rank))
    return Axes((*numbered[:-1], word), rank - 1) if rank and shape[-1] == n_neurons else Axes(numbered)


def _special_axes(layer: Any, owner: Any, name: str, rank: int) -> Axes | None:
    """Return the axes of a variable of which the class of its layer says everything."""
    if isinstance(layer, ATTENTION):
        return _ATTENTION.get((owner.name if owner.name in _PROJECTIONS else "output", name, rank))
    for kinds, axes_of in _BY_CLASS:
        if isinstance(owner, kinds):
            return axes_of(name, rank)
    return _einsum_axes(owner, name, rank) if isinstance(owner, layers.EinsumDense) else None


_PROJECTIONS = ("query", "key", "value")
_ATTENTION: Mapping[tuple[str, str, int], Axes] = {
    **{(part, "kernel", 3): Axes(("in", "head", "dim")) for part in _PROJECTIONS},
    **{(part, "bias", 2): Axes(("head", "dim")) for part in _PROJECTIONS},
    ("output", "kernel", 3): Axes(("head", "dim", NEURON), 2),
    ("output", "bias", 1): Axes((NEURON,), 0),
}


def _of_dense(name: str, rank: int) -> Axes | None:
    return Axes(("in", NEURON), 1) if (name, rank) == ("kernel", 2) else None


def _of_embedding(name: str, rank: int) -> Axes | None:
    return Axes(("token", NEURON), 1) if (name, rank) == ("embeddings", 2) else None


def _of_convolution(name: str, rank: int) -> Axes | None:
    return Axes((*_SPACE[rank - 2], "in", FILTER), rank - 1) if name == "kernel" else None


def _of_transposed(name: str, rank: int) -> Axes | None:
    return Axes((*_SPACE[rank - 2], FILTER, "in"), rank - 2) if name == "kernel" else None


def _of_depthwise(name: str, rank: int) -> Axes | None:
    joined = Axes((*_SPACE[rank - 2], "in", "multiplier"), rank - 1, Grammar(joined=2)) if rank > 2 else None
    return joined if name == "kernel" else None


def _of_separable(name: str, rank: int) -> Axes | None:
    if name == "depthwise_kernel":
        between = Grammar(joined=2, own=False)
        return Axes((*_SPACE[rank - 2], "in", "multiplier"), rank - 1, between)
    return Axes((*_SPACE[rank - 2], "in", FILTER), rank - 1) if name == "pointwise_kernel" else None


def _of_cell(grammar: Grammar) -> Callable[[str, int], Axes | None]:
    """Return the reading of a recurrent cell's variables: kernels of one value a gate and unit, and biases."""

    def axes_of(name: str, rank: int) -> Axes | None:
        if name in ("kernel", "recurrent_kernel") and rank >= 2:
            fed = "in" if name == "kernel" else "state"
            return Axes((*_SPACE[rank - 2], fed, NEURON if rank == 2 else FILTER), rank - 1, grammar)
        if name == "bias" and rank == 2:
            return Axes(("bias", NEURON), 1, replace(grammar, labels=_BIASES))
        return Axes((NEURON,), 0, grammar) if name == "bias" and rank == 1 else None

    return axes_of


_BY_CLASS: Sequence[tuple[Any, Callable[[str, int], Axes | None]]] = (
    (layers.Dense, _of_dense),
    (layers.Embedding, _of_embedding),
    (DEPTHWISE, _of_depthwise),
    (SEPARABLE, _of_separable),
    (CONVOLUTIONS, _of_convolution),
    (TRANSPOSED, _of_transposed),
    (layers.SimpleRNNCell, _of_cell(PLAIN)),
    ((layers.LSTMCell, ConvLSTMCell), _of_cell(Grammar(blocks=LSTM_GATES))),
    (layers.GRUCell, _of_cell(Grammar(blocks=GRU_GATES))),
)


def _einsum_axes(owner: Any, name: str, rank: int) -> Axes | None:
    """Read the equation of an `EinsumDense`: of `abc,cd->abd`, `c` comes in, and `d`, the last one, counts neurons."""
    fed, _, rest = owner.equation.replace(" ", "").partition(",")
    kernel, _, out = rest.partition("->")
    if name != "kernel" or len(kernel) != rank or not set(kernel) <= set(string.ascii_letters):
        return None
    names = tuple("in" if letter in fed and letter not in out else f"axis {i}" for i, letter in enumerate(kernel))
    if out[-1] not in kernel or names.count("in") > 1:
        return None
    place = kernel.index(out[-1])
    return Axes((*names[:place], NEURON, *names[place + 1 :]), place)


def _placed(layer: Any, owner: Any, axes: Axes) -> Axes:
    """Say which of the layer's neurons the columns are, where a layer holds several that each make a part of them."""
    if axes.neuron_axis is None:
        return axes
    half = _half(layer, owner)
    inner = half if half is not None else layer
    cells = getattr(getattr(inner, "cell", None), "cells", None)
    own = axes.grammar.own and (cells is None or owner is cells[-1])
    first = 0
    if half is not None and half is layer.backward_layer and layer.merge_mode == "concat":
        first = layer.backward_layer.units if hasattr(layer.backward_layer, "units") else 0
    return replace(axes, grammar=replace(axes.grammar, own=own, first_neuron=first))


def _half(layer: Any, owner: Any) -> Any:
    """Return the half of a `Bidirectional` in which `owner` is, `None` in any other layer."""
    if not isinstance(layer, layers.Bidirectional):
        return None
    halves = (layer.forward_layer, layer.backward_layer)
    return next((half for half in halves if any(each is owner for each in half._flatten_layers())), None)
