"""A layer in a few words: what it is and from how much to how much, `LSTM 16 → 32`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnviz_widgets.core.frame import LayerInfo, TensorSpec

_WINDOW = ("z", "y", "x", "time")
"""Axes of a kernel that make the window of a convolution."""


def summary(layer: LayerInfo, weights: Sequence[TensorSpec], n_inside: int = 0) -> str:
    """Return a layer in a few words.

    Args:
        layer: The layer.
        weights: Its variables, the one that stands for it first.
        n_inside: How many layers are listed beneath it.
    """
    return f"{layer.class_name} {_sizes(layer, weights, n_inside)}".rstrip()


def _sizes(layer: LayerInfo, weights: Sequence[TensorSpec], n_inside: int) -> str:
    if n_inside:
        return f"of {n_inside:,} layer{'' if n_inside == 1 else 's'}"
    kernel = dict(zip(weights[0].axes, weights[0].shape, strict=True)) if weights else {}
    if "token" in kernel:
        return f"{kernel['token']:,} × {layer.n_neurons:,}"
    if "head" in kernel:
        return f"{kernel['head']} heads × {kernel['dim']}" if "dim" in kernel else f"{kernel['head']} heads"
    if "in" in kernel and layer.n_neurons:
        window = _window(weights)
        return f"{window + ', ' if window else ''}{_n_in(weights)} → {layer.n_neurons}"
    shape = (layer.output_shape or ())[1:]
    return "×".join("?" if size is None else str(size) for size in shape)


def _window(weights: Sequence[TensorSpec]) -> str:
    """Return the largest window among the kernels: a separable convolution has one of single places, too."""
    windows = [
        [size or 0 for name, size in zip(spec.axes, spec.shape, strict=True) if name in _WINDOW]
        for spec in weights
        if "in" in spec.axes
    ]
    return "×".join(str(size) for size in max(windows, key=lambda window: (len(window), window)))


def _n_in(weights: Sequence[TensorSpec]) -> int:
    """Return how many channels come in: of a separable convolution, into the first of its two kernels."""
    first = next((spec for spec in weights if not spec.grammar.own and "in" in spec.axes), weights[0])
    return first.shape[first.axes.index("in")] or 0
