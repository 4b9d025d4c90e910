"""The `Layers` message: a row for each layer, with its shape in words and what can be read of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnviz_widgets.core.frame import KINDS
from nnviz_widgets.protocol import LayerEntry, Layers

if TYPE_CHECKING:
    from nnviz_widgets.core.frame import LayerInfo, TensorSpec
    from nnviz_widgets.core.recording import Recording


def layers_message(recording: Recording, n_samples: int) -> Layers:
    """Return all layers of `recording` in call order."""
    main = recording.catalogue.main_specs()
    return Layers(
        [_entry(recording, layer, main.get((layer.path, "weights")), n_samples) for layer in recording.layers]
    )


def _entry(recording: Recording, layer: LayerInfo, kernel: TensorSpec | None, n_samples: int) -> LayerEntry:
    reasons = {kind: recording.why(layer.path, kind) for kind in KINDS}
    return LayerEntry(
        path=layer.path,
        name=layer.name,
        class_name=layer.class_name,
        summary=_summary(layer, kernel),
        n_neurons=layer.n_neurons,
        n_params=layer.n_params,
        n_samples=n_samples,
        tensors=[kind for kind, reason in reasons.items() if reason is None],
        reasons={kind: reason for kind, reason in reasons.items() if reason is not None},
    )


def _summary(layer: LayerInfo, kernel: TensorSpec | None) -> str:
    """Return `Dense 784 → 128`, `Conv2D 3×3, 1 → 8`, or the class and the shape of its output."""
    if kernel is not None and kernel.neuron_axis is not None and "in" in kernel.axes:
        sizes = dict(zip(kernel.axes, kernel.shape, strict=True))
        window = "×".join(str(sizes[name]) for name in ("y", "x") if name in sizes)
        return f"{layer.class_name} {window + ', ' if window else ''}{sizes['in']} → {layer.n_neurons}"
    shape = (layer.output_shape or ())[1:]
    return f"{layer.class_name} {'×'.join('?' if size is None else str(size) for size in shape)}".rstrip()
