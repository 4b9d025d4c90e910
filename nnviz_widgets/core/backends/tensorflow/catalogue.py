"""From what a trace noted to what a reader sees: layers, tensors, names of axes, and reasons."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from keras import layers

from nnviz_widgets.core.frame import KINDS, Catalogue, Kind, LayerInfo, TensorKey, TensorSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnviz_widgets.core.backends.tensorflow.taps import Taps
    from nnviz_widgets.core.backends.tensorflow.tree import Entry

LOGITS_NOTE = "with respect to the logits"
FIXED_BATCH = "data"
"""The `variable` under which activations on the probe's own batch are read."""

_SPACE = {3: ("time",), 4: ("y", "x"), 5: ("z", "y", "x")}


def before_tracing(entries: Sequence[Entry], chosen: Sequence[Entry]) -> Catalogue:
    """Return what is known without a trace: all layers in the order of the tree, and their weights."""
    layers = tuple(_layer_info(entry, entry.path, _symbolic_shape(entry.layer)) for entry in entries)
    paths = {entry.path for entry in chosen}
    specs = [
        spec
        for entry, info in zip(entries, layers, strict=True)
        if entry.path in paths
        for spec in _variable_specs(entry, info, "weights")
    ]
    return Catalogue(layers, tuple(specs), MappingProxyType({}))


def unreadable(entries: Sequence[Entry], why: str) -> Catalogue:
    """Return the layers of a model of which nothing can be read."""
    reasons: dict[tuple[str, Kind], str] = {}
    for entry in entries:
        _explain_all(entry.path, why, reasons)
    return replace(before_tracing(entries, ()), reasons=MappingProxyType(reasons))


def after_tracing(entries: Sequence[Entry], chosen: Sequence[Entry], taps: Taps, samples: int) -> Catalogue:
    """Return the catalogue of a model whose step was traced with `taps` on the `chosen` entries."""
    by_path = {entry.path: entry for entry in entries}
    paths = {entry.path for entry in chosen}
    calls = [call for call in taps.outputs if call.split("#")[0] in by_path]
    rest = [entry.path for entry in entries if entry.path not in taps.outputs]
    reasons: dict[tuple[str, Kind], str] = {}
    layers: list[LayerInfo] = []
    specs: list[TensorSpec] = []
    for call in [*calls, *rest]:
        entry = by_path[call.split("#")[0]]
        outputs = taps.outputs.get(call, [])
        shape = tuple(outputs[0].activation.shape) if outputs else _symbolic_shape(entry.layer)
        info = _layer_info(entry, call, shape)
        layers.append(info)
        for inner in entry.inner:
            _explain_inner(inner, entry, reasons)
        if entry.path not in paths:
            _explain_all(call, "the probe leaves this layer out", reasons)
            continue
        if call == entry.path:
            specs += _variable_specs(entry, info, "weights")
            if not entry.variables:
                reasons[call, "weights"] = f"{call!r} has no variables"
            specs += _gradient_specs(entry, info, taps, reasons)
        specs += _output_specs(entry, info, taps, samples, reasons)
    return Catalogue(tuple(layers), tuple(specs), MappingProxyType(reasons), taps.inputs.found())


def _layer_info(entry: Entry, path: str, shape: tuple[int | None, ...] | None) -> LayerInfo:
    axis = _neuron_axis(entry.layer, shape)
    return LayerInfo(
        path=path,
        name=entry.layer.name,
        class_name=type(entry.layer).__name__,
        output_shape=shape,
        variables=tuple(entry.variables),
        n_params=sum(_size(v.shape) for v in entry.variables.values()),
        neuron_axis=axis,
        n_neurons=(shape[axis] or 0) if shape is not None and axis is not None else 0,
    )


def _neuron_axis(layer: Any, shape: tuple[int | None, ...] | None) -> int | None:
    if shape is None or len(shape) < 2:
        return None
    first = getattr(layer, "data_format", None) == "channels_first" and len(shape) > 2
    return 1 if first else len(shape) - 1


def _size(shape: Sequence[int]) -> int:
    n = 1
    for length in shape:
        n *= length
    return n


def _symbolic_shape(layer: Any) -> tuple[int | None, ...] | None:
    """Return the shape of the output where the model was built from symbolic tensors, else `None`."""
    nodes = getattr(layer, "_inbound_nodes", None)
    if not nodes or not nodes[0].output_tensors:
        return None
    return tuple(nodes[0].output_tensors[0].shape)


def _variable_specs(entry: Entry, info: LayerInfo, kind: Kind) -> list[TensorSpec]:
    return [
        TensorSpec(
            key=TensorKey(entry.path, kind, variable=name),
            shape=tuple(variable.shape),
            dtype=str(variable.dtype),
            axes=(axes := _variable_axes(entry.layer, name, tuple(variable.shape), info.n_neurons)),
            neuron_axis=axes.index(_NEURON) if _NEURON in axes else axes.index(_FILTER) if _FILTER in axes else None,
        )
        for name, variable in entry.variables.items()
    ]


_NEURON, _FILTER = "neuron", "filter"


def _variable_axes(layer: Any, name: str, shape: tuple[int, ...], n_neurons: int) -> tuple[str, ...]:
    """Name the axes of a variable; `neuron` or `filter` marks the one that counts neurons."""
    rank = len(shape)
    word = _FILTER if type(layer).__name__.startswith(("Conv", "Depthwise", "Separable")) else _NEURON
    if name == "kernel" and rank > 2 and isinstance(layer, (layers.Conv1D, layers.Conv2D, layers.Conv3D)):
        return (*_SPACE_OF_KERNEL[rank - 2], "in", _FILTER)
    transposed = (layers.Conv1DTranspose, layers.Conv2DTranspose, layers.Conv3DTranspose)
    if name == "kernel" and rank > 2 and isinstance(layer, transposed):
        return (*_SPACE_OF_KERNEL[rank - 2], _FILTER, "in")
    if rank == 1 and shape[0] == n_neurons:
        return (word,)
    if rank == 2 and shape[1] == n_neurons:
        return ("token" if name == "embeddings" else "in", word)
    return tuple(f"axis {i}" for i in range(rank))


_SPACE_OF_KERNEL = {1: ("x",), 2: ("y", "x"), 3: ("z", "y", "x")}


def _gradient_specs(
    entry: Entry, info: LayerInfo, taps: Taps, reasons: dict[tuple[str, Kind], str]
) -> list[TensorSpec]:
    specs = []
    for spec in _variable_specs(entry, info, "gradients"):
        variable = entry.variables[str(spec.key.variable)]
        if taps.gradients.get(id(variable), (None, None))[1] is not None:
            specs.append(spec)
    if specs:
        return specs
    if not entry.variables:
        why = f"{entry.path!r} has no variables"
    elif not any(v.trainable for v in entry.variables.values()):
        why = f"{entry.path!r} is frozen: none of its variables is trainable"
    elif not any(id(v) in taps.gradients for v in entry.variables.values()):
        why = f"no optimizer is given the variables of {entry.path!r} in this step"
    else:
        why = f"none: {entry.path!r} is not connected to the loss"
    reasons[entry.path, "gradients"] = why
    return []


def _output_specs(
    entry: Entry, info: LayerInfo, taps: Taps, samples: int, reasons: dict[tuple[str, Kind], str]
) -> list[TensorSpec]:
    outputs = taps.outputs.get(info.path)
    if outputs is None:
        if entry.path in taps.foreign:
            why = (
                f"{entry.path!r} runs inside a loop or branch of the graph; its values cannot be read there. "
                "Look at the layer around it instead"
            )
        else:
            why = f"{entry.path!r} was not called in the step"
        reasons[info.path, "activations"] = reasons[info.path, "activation_gradients"] = why
        return []
    if not outputs:
        why = f"the output of {info.path!r} is no tensor of numbers"
        reasons[info.path, "activations"] = reasons[info.path, "activation_gradients"] = why
        return []
    specs: list[TensorSpec] = []
    for i, output in enumerate(outputs):
        spec = _output_spec(info, "activations", i, output.activation, entry.layer, samples)
        specs.append(spec)
        if output.gradient is not None:
            note = LOGITS_NOTE if output.with_logits else None
            gradient = _output_spec(info, "activation_gradients", i, output.gradient, entry.layer, samples, note)
            specs.append(gradient)
    if not any(spec.key.kind == "activation_gradients" for spec in specs):
        floating = any(output.activation.dtype.is_floating for output in outputs)
        reasons[info.path, "activation_gradients"] = (
            f"none: no gradient reaches the output of {info.path!r}, which is not on a path from a trained variable "
            "to the loss"
            if floating
            else f"the output of {info.path!r} is of {outputs[0].activation.dtype.name}, which has no gradient"
        )
    return specs


def _output_spec(
    info: LayerInfo, kind: Kind, index: int, tensor: Any, layer: Any, samples: int | None, note: str | None = None
) -> TensorSpec:
    shape = tuple(tensor.shape)
    if samples is not None and shape:
        shape = (samples if shape[0] is None else min(samples, shape[0]), *shape[1:])
    axis = _neuron_axis(layer, shape)
    return TensorSpec(
        key=TensorKey(info.path, kind, output=index),
        shape=shape,
        dtype=tensor.dtype.name,
        axes=output_axes(len(shape), axis, layer),
        neuron_axis=axis,
        note=note,
    )


def output_axes(rank: int, neuron_axis: int | None, layer: Any) -> tuple[str, ...]:
    """Name the axes of an output: samples first, then time or space, and the neurons where they are."""
    if rank == 0:
        return ()
    if neuron_axis is None:
        return ("sample", *(f"axis {i}" for i in range(1, rank)))
    spatial = rank >= 4 or "1D" in type(layer).__name__
    rest = list(_SPACE.get(rank, ())) or [f"axis {i}" for i in range(1, rank - 1)]
    names = ["sample", *rest]
    names.insert(neuron_axis, _FILTER if spatial and rank > 2 else _NEURON)
    return tuple(names)


def _explain_inner(path: str, entry: Entry, reasons: dict[tuple[str, Kind], str]) -> None:
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


def _explain_all(path: str, why: str, reasons: dict[tuple[str, Kind], str]) -> None:
    for kind in KINDS:
        reasons[path, kind] = why


def with_fixed_batch(catalogue: Catalogue, entries: Sequence[Entry], taps: Taps) -> Catalogue:
    """Return the catalogue with the activations on the probe's own batch, noted by `taps`, after its own specs."""
    layers = {entry.path: entry.layer for entry in entries}
    infos = {info.path: info for info in catalogue.layers}
    extra = []
    for path, outputs in taps.outputs.items():
        for i, output in enumerate(outputs):
            if path in infos:
                spec = _output_spec(infos[path], "activations", i, output.activation, layers[path.split("#")[0]], None)
                extra.append(replace(spec, key=replace(spec.key, variable=FIXED_BATCH)))
    return replace(catalogue, specs=(*catalogue.specs, *extra))
