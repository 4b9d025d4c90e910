"""From what a trace noted to what a reader sees: layers, tensors, and reasons for what cannot be read."""

from __future__ import annotations

import math
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from nnviz_widgets.core.backends.tensorflow import reasons as why
from nnviz_widgets.core.backends.tensorflow.axes import (
    Axes,
    neuron_axis_of,
    output_axes,
    output_names,
    owners_of,
    scores_axes,
    variable_axes,
)
from nnviz_widgets.core.backends.tensorflow.composites import (
    RAGGED_NOTE,
    SPARSE_GRADIENT_NOTE,
    SPARSE_NOTE,
    dtype_of_view,
)
from nnviz_widgets.core.frame import Catalogue, Kind, LayerInfo, TensorKey, TensorSpec, first_call

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from nnviz_widgets.core.backends.tensorflow.taps import Output, Taps
    from nnviz_widgets.core.backends.tensorflow.tree import Entry

LOGITS_NOTE = "with respect to the logits"
FIXED_BATCH = "data"
"""The `variable` under which activations on the probe's own batch are read."""


def before_tracing(entries: Sequence[Entry], chosen: Sequence[Entry]) -> Catalogue:
    """Return what is known without a trace: all layers in the order of the tree, and their weights."""
    layers = tuple(_layer_info_before(entry) for entry in entries)
    paths = {entry.path for entry in chosen}
    specs = [
        spec
        for entry, info in zip(entries, layers, strict=True)
        if entry.path in paths
        for spec in _variable_specs(entry, info, "weights")
    ]
    return Catalogue(layers, tuple(specs), MappingProxyType({}))


def unreadable(entries: Sequence[Entry], reason: str) -> Catalogue:
    """Return the layers of a model of which nothing can be read."""
    reasons: why.Reasons = {}
    for entry in entries:
        why.explain_all(entry.path, reason, reasons)
    return replace(before_tracing(entries, ()), reasons=MappingProxyType(reasons))


def after_tracing(entries: Sequence[Entry], chosen: Sequence[Entry], taps: Taps, samples: int) -> Catalogue:
    """Return the catalogue of a model whose step was traced with `taps` on the `chosen` entries."""
    by_path = {entry.path: entry for entry in entries}
    paths = {entry.path for entry in chosen}
    calls = [call for call in taps.outputs if first_call(call) in by_path]
    rest = [entry.path for entry in entries if entry.path not in taps.outputs]
    reasons: why.Reasons = {}
    infos: dict[str, LayerInfo] = {}
    specs: list[TensorSpec] = []
    for call in [*calls, *rest]:
        entry = by_path[first_call(call)]
        outputs = taps.outputs.get(call, [])
        shape = tuple(outputs[0].activation.shape) if outputs else _symbolic_shape(entry.layer)
        axis = _output_axis(entry.layer, outputs[0].activation) if outputs else neuron_axis_of(entry.layer, shape)
        info = infos[call] = _layer_info(entry, call, shape, axis)
        for inner in entry.inner:
            why.explain_inner(inner, entry, reasons)
        if entry.path not in paths:
            why.explain_all(call, why.LEFT_OUT_BY_PROBE, reasons)
            continue
        if call == entry.path:
            specs += _variable_specs(entry, info, "weights")
            if not entry.variables:
                reasons[call, "weights"] = why.no_variables(call, entry.layer)
            specs += _gradient_specs(entry, info, taps, reasons)
        specs += _output_specs(entry, info, taps, samples, reasons)
    layers = tuple(infos[call] for call in containers_first(infos))
    return Catalogue(layers, tuple(specs), MappingProxyType(reasons), taps.inputs.found())


def containers_first(calls: Iterable[str]) -> list[str]:
    """Return calls in their order, but for a model or layer that holds others: it comes right before the first of them.

    It returns after they do, and a list that folds must name it before.
    """
    waiting = dict.fromkeys(calls)
    ordered: list[str] = []
    for call in list(waiting):
        parts = first_call(call).split("/")
        above = ["/".join(parts[:n]) for n in range(1, len(parts))]
        for path in (*above, call):
            if path in waiting:
                del waiting[path]
                ordered.append(path)
    return ordered


def _layer_info_before(entry: Entry) -> LayerInfo:
    shape = _symbolic_shape(entry.layer)
    return _layer_info(entry, entry.path, shape, neuron_axis_of(entry.layer, shape))


def _output_axis(layer: Any, output: Any) -> int | None:
    """Return the axis of an output that counts neurons; the ragged one does not."""
    if isinstance(output, tf.RaggedTensor):
        return len(output.shape) - 1 if len(output.shape) > 2 else None
    return neuron_axis_of(layer, tuple(output.shape))


def _layer_info(entry: Entry, path: str, shape: tuple[int | None, ...] | None, axis: int | None) -> LayerInfo:
    return LayerInfo(
        path=path,
        name=entry.layer.name,
        class_name=type(entry.layer).__name__,
        output_shape=shape,
        variables=tuple(entry.variables),
        n_params=sum(math.prod(v.shape) for v in entry.variables.values()),
        neuron_axis=axis,
        n_neurons=(shape[axis] or 0) if shape is not None and axis is not None else 0,
    )


def _symbolic_shape(layer: Any) -> tuple[int | None, ...] | None:
    """Return the shape of the output where the model was built from symbolic tensors, else `None`."""
    nodes = getattr(layer, "_inbound_nodes", None)
    if not nodes or not nodes[0].output_tensors:
        return None
    return tuple(nodes[0].output_tensors[0].shape)


def _variable_specs(entry: Entry, info: LayerInfo, kind: Kind) -> list[TensorSpec]:
    owners = owners_of(entry.layer)
    specs = []
    for name, variable in entry.variables.items():
        shape = tuple(variable.shape)
        owner = owners.get(id(variable), entry.layer)
        axes = variable_axes(entry.layer, owner, variable.name, shape, info)
        spec = _spec(TensorKey(entry.path, kind, variable=name), shape, str(variable.dtype), axes)
        specs.append(replace(spec, may_hold_data=_may_hold_data(owner, variable)))
    return specs


def _may_hold_data(owner: Any, variable: Any) -> bool:
    """Whether a variable may be data: it is not trained, and only its maker's code knows what it is for.

    Of Keras' own layers that is known: what they keep beside weights are counts, seeds and means of what is within the
    network, but for what `Normalization` has adapted to and what somebody else saved.
    """
    if variable.trainable:
        return False
    if isinstance(owner, (keras.layers.Normalization, keras.layers.TFSMLayer)):
        return True
    return type(owner).__module__.partition(".")[0] != "keras"


def _spec(key: TensorKey, shape: tuple[int | None, ...], dtype: str, axes: Axes) -> TensorSpec:
    return TensorSpec(key, shape, dtype, axes.names, axes.neuron_axis, grammar=axes.grammar)


def _gradient_specs(entry: Entry, info: LayerInfo, taps: Taps, reasons: why.Reasons) -> list[TensorSpec]:
    specs = []
    for spec in _variable_specs(entry, info, "gradients"):
        variable = entry.variables[str(spec.key.variable)]
        if taps.gradients.get(id(variable), (None, None))[1] is not None:
            specs.append(spec)
    if not specs:
        reasons[entry.path, "gradients"] = why.no_gradients(entry, taps)
    return specs


def _output_specs(entry: Entry, info: LayerInfo, taps: Taps, samples: int, reasons: why.Reasons) -> list[TensorSpec]:
    outputs = taps.outputs.get(info.path)
    if not outputs:
        reason = why.no_outputs(entry, info.path, taps)
        reasons[info.path, "activations"] = reasons[info.path, "activation_gradients"] = reason
        return []
    specs: list[TensorSpec] = []
    activations = _activation_specs(entry, info, outputs, samples)
    for spec, output in zip(activations, outputs, strict=True):
        specs.append(spec)
        if output.gradient is not None:
            specs.append(_output_gradient_spec(spec, output))
    if len(specs) == len(outputs):
        reasons[info.path, "activation_gradients"] = why.no_output_gradients(info.path, outputs)
    return specs


def _output_gradient_spec(spec: TensorSpec, output: Output) -> TensorSpec:
    """Return the spec of the gradient of an output with the spec `spec`."""
    note = LOGITS_NOTE if output.with_logits else None
    if isinstance(output.gradient, tf.RaggedTensor):
        note = RAGGED_NOTE
    key = replace(spec.key, kind="activation_gradients")
    spec = replace(spec, key=key, dtype=output.gradient.dtype.name, note=note)
    if isinstance(output.gradient, tf.SparseTensor):
        # Statistics are of what is stored, which lies anywhere: there are none of neurons.
        axes = output_axes(len(spec.shape), None, None)
        return replace(spec, axes=axes, neuron_axis=None, note=SPARSE_GRADIENT_NOTE)
    return spec


def _activation_specs(
    entry: Entry, info: LayerInfo, outputs: Sequence[Output], samples: int | None
) -> list[TensorSpec]:
    """Return a spec for each output of a call; `samples` cuts their first axis."""
    names = output_names(entry.layer, [output.name for output in outputs])
    specs = []
    for i, (name, output) in enumerate(zip(names, outputs, strict=True)):
        shape = tuple(output.activation.shape)
        if samples is not None and shape:
            shape = (samples if shape[0] is None else min(samples, shape[0]), *shape[1:])
        axis = _output_axis(entry.layer, output.activation)
        axes = scores_axes(entry.layer, i, len(shape)) or Axes(output_axes(len(shape), axis, entry.layer), axis)
        spec = _spec(TensorKey(info.path, "activations", output=i), shape, dtype_of_view(output.activation), axes)
        specs.append(replace(spec, note=_output_note(entry.layer, outputs, output), output_name=name))
    return specs


def _output_note(layer: Any, outputs: Sequence[Output], output: Output) -> str | None:
    if isinstance(output.activation, tf.RaggedTensor):
        return RAGGED_NOTE
    return SPARSE_NOTE if isinstance(output.activation, tf.SparseTensor) else why.no_scores(layer, outputs)


def with_fixed_batch(catalogue: Catalogue, entries: Sequence[Entry], taps: Taps) -> Catalogue:
    """Return the catalogue with the activations on the probe's own batch, noted by `taps`, after its own specs."""
    by_path = {entry.path: entry for entry in entries}
    infos = {info.path: info for info in catalogue.layers}
    extra = [
        replace(spec, key=replace(spec.key, variable=FIXED_BATCH))
        for path, outputs in taps.outputs.items()
        if path in infos
        for spec in _activation_specs(by_path[first_call(path)], infos[path], outputs, None)
    ]
    return replace(catalogue, specs=(*catalogue.specs, *extra))
