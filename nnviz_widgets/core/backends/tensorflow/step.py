"""The compiled training step in its four variants, built once and mixed freely from step to step.

Each is the model's own `train_step` on the next batch of an iterator, returning besides what was asked for. Everything
scalar comes back in one packed vector: an output of a compiled function costs more than the number in it.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree

from nnviz_widgets.core.backends.tensorflow import statistics
from nnviz_widgets.core.backends.tensorflow.catalogue import (
    FIXED_BATCH,
    after_tracing,
    before_tracing,
    with_fixed_batch,
)
from nnviz_widgets.core.backends.tensorflow.taps import Taps
from nnviz_widgets.core.backends.tensorflow.tree import Entry, walk
from nnviz_widgets.core.frame import Catalogue, TensorKey, VitalsReading
from nnviz_widgets.core.schedule import Variant

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy.typing as npt

    from nnviz_widgets.core.probe import Probe

_READING = Variant.VITALS
"""Vitals and whole tensors come from one compiled function: an output that is not fetched costs nothing."""


@dataclass(slots=True)
class StepOutput:
    """What one step returned.

    Attributes:
        batch_loss: Loss of this batch alone.
        logs: What `train_step` returned, as floats.
        updates: How many variables were updated.
        gradient_l2: Norm of all gradients; `None` in the plain variant.
        vitals: Statistics of every probed tensor, if the variant computes them.
        batch: The batch itself, `(x, y, sample_weight)`, as tensors.
    """

    batch_loss: float
    logs: dict[str, float]
    updates: int
    gradient_l2: float | None
    vitals: VitalsReading | None
    batch: Any
    _tensors: dict[TensorKey, Any] = field(repr=False)

    def tensors(self, keys: Iterable[TensorKey]) -> dict[TensorKey, npt.NDArray[Any]]:
        """Return those of `keys` that the variant computed. Arrays share memory with the outputs of the step."""
        return {key: np.asarray(self._tensors[key]) for key in keys if key in self._tensors}


@dataclass(slots=True)
class _Layout:
    """Where the parts of a traced step's outputs are; made while tracing."""

    names: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()
    n_updates: int | None = None
    keys: tuple[TensorKey, ...] = ()
    statistics: statistics.Layout | None = None


class StepFunctions:
    """Compiles the variants of the training step of one model, each when it is first needed.

    Args:
        model: A compiled Keras model.
        probe: What to read.
    """

    def __init__(self, model: Any, probe: Probe) -> None:
        self._model = model
        self._probe = probe
        self._compiled: dict[Variant, Callable[[Any], Any]] = {}
        self._layouts: dict[Variant, _Layout] = {}
        self.n_traces = 0
        self.catalogue = Catalogue()
        self._entries: tuple[Entry, ...] = ()
        self._chosen: tuple[Entry, ...] = ()
        self.taps_failed: BaseException | None = None

    def look(self) -> Catalogue:
        """Read the layers of the model as it stands, without tracing anything."""
        self._entries = walk(self._model)
        self._chosen = tuple(e for e in self._entries if self._probe.selects(e.path, e.layer.name))
        self.catalogue = before_tracing(self._entries, self._chosen)
        return self.catalogue

    def prepare(self, iterator: Any) -> Catalogue:
        """Build the model if it is not built, and trace the step that reads everything, for the catalogue.

        Nothing is executed: no weight, no random stream and no batch is used up.
        """
        optimizer = getattr(self._model, "optimizer", None)
        if self._model.built and optimizer is not None and not optimizer.built:
            optimizer.build(self._model.trainable_variables)
        if not self._model.built or (optimizer is not None and not optimizer.built):
            self._function(Variant.PLAIN, iterator)
        self.look()
        self._probe.check_layers([e.path for e in self._entries], [e.layer.name for e in self._entries])
        if self._chosen and not self._model.run_eagerly:
            self._function(_READING, iterator)
        return self.catalogue

    def weights(self) -> dict[TensorKey, npt.NDArray[Any]]:
        """Return a copy of the chosen layers' variables as they are now."""
        return {
            TensorKey(entry.path, "weights", variable=name): variable.numpy().copy()
            for entry in self._chosen
            for name, variable in entry.variables.items()
        }

    def take(self, variant: Variant, iterator: Any) -> StepOutput:
        """Run one training step on the next batch of `iterator`.

        Raises:
            StopIteration: If the iterator has no batch left; nothing was changed then.
        """
        form = Variant.PLAIN if self.taps_failed is not None else min(variant, _READING)
        outputs = self._function(form, iterator)(iterator)
        return self._unpack(self._layouts[form], outputs)

    def _function(self, variant: Variant, iterator: Any) -> Callable[[Any], Any]:
        if variant not in self._compiled:
            try:
                self._compiled[variant] = self._compile(variant, iterator)
            except Exception as error:
                if variant is Variant.PLAIN:
                    raise
                # Is it the user's own step that fails, or our reading of it? The plain step tells.
                self._function(Variant.PLAIN, iterator)
                self.taps_failed = error
                self._layouts[variant] = self._layouts[Variant.PLAIN]
                self._compiled[variant] = self._compiled[Variant.PLAIN]
        return self._compiled[variant]

    def _compile(self, variant: Variant, iterator: Any) -> Callable[[Any], Any]:
        body: Callable[[Any], Any] = functools.partial(self._body, variant)
        model = self._model
        if model.run_eagerly:
            return lambda it: (body(data := it.get_next()), data)
        if model.jit_compile:
            body = tf.function(body, jit_compile=True, reduce_retracing=True, autograph=False)

        def step(iterator: Any) -> Any:
            data = iterator.get_next()
            return body(data), data

        # The concrete function skips the look-up by signature, 8 % of a small step. One signature serves a whole
        # session: the iterators of all epochs have the element_spec of one data set.
        traced: Callable[[Any], Any] = tf.function(step, reduce_retracing=True, autograph=False).get_concrete_function(
            iterator
        )
        return traced

    def _body(self, variant: Variant, data: Any) -> dict[str, Any]:
        """Run the model's `train_step` and gather what `variant` reads. Runs when the step is traced."""
        self.n_traces += 1
        reading = variant >= _READING
        befores = self._weights() if reading else {}
        scale = self._loss_scale() if reading else None
        fixed = self._run_fixed_batch() if reading else None
        with Taps(self._model, self._chosen if reading else ()) as taps:
            logs = self._model.train_step(_without_optionals(data))
        layout = self._layouts[variant] = _Layout()
        outputs: dict[str, Any] = {}
        scalars = {"batch_loss": _batch_loss(taps.loss, logs)}
        scalars |= _split_logs(logs, layout, outputs)
        scalars |= _count_updates(taps, layout)
        if variant >= Variant.SENTINEL:
            scalars["gradient_l2"] = self._sentinel(taps)
        if reading:
            values = self._values(taps, fixed, scale)
            self._read(taps, fixed, values, befores, layout, outputs)
        layout.names = tuple(scalars)
        outputs["packed"] = _pack(scalars.values())
        return outputs

    def _sentinel(self, taps: Taps) -> Any:
        gradients = [g for _, g in taps.gradients.values() if g is not None]
        if self._model.jit_compile:  # XLA cannot sum repeated tokens: their number varies
            gradients = [tf.convert_to_tensor(g) for g in gradients]
        return tf.sqrt(statistics.squared_norm(gradients))

    def _weights(self) -> dict[TensorKey, Any]:
        return {
            TensorKey(entry.path, "weights", variable=name): tf.identity(variable.value)
            for entry in self._chosen
            for name, variable in entry.variables.items()
        }

    def _loss_scale(self) -> Any:
        """Return the factor on the loss in mixed precision, as it is before the step changes it, or `None`."""
        optimizer: Any = getattr(self._model, "optimizer", None)
        scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        return tf.identity(optimizer.dynamic_scale.value) if scaled else None

    def _run_fixed_batch(self) -> Taps | None:
        if self._probe.data is None:
            return None
        with Taps(self._model, self._chosen, gradients=False) as taps:
            self._model(self._probe.data, training=False)
        return taps

    def _read(
        self,
        taps: Taps,
        fixed: Taps | None,
        values: dict[TensorKey, Any],
        befores: dict[TensorKey, Any],
        layout: _Layout,
        outputs: dict[str, Any],
    ) -> None:
        catalogue = after_tracing(self._entries, self._chosen, taps, self._probe.samples)
        if fixed is not None:
            catalogue = with_fixed_batch(catalogue, self._entries, fixed)
        self.catalogue = catalogue
        layout.keys = tuple(spec.key for spec in catalogue.specs)
        outputs["sums"], outputs["n_values"], layout.statistics = statistics.column_sums(
            [
                statistics.Subject(
                    values[spec.key], spec.neuron_axis if _has_neurons(spec) else None, befores.get(spec.key)
                )
                for spec in catalogue.specs
            ]
        )
        outputs["tensors"] = [values[key] for key in layout.keys]

    def _values(self, taps: Taps, fixed: Taps | None, scale: Any) -> dict[TensorKey, Any]:
        """Return every tensor that was noted, by key; activations cut to the probe's samples."""
        samples = self._probe.samples
        values = self._weights()
        for entry in self._chosen:
            for name, variable in entry.variables.items():
                gradient = taps.gradients.get(id(variable), (None, None))[1]
                if gradient is not None:
                    values[TensorKey(entry.path, "gradients", variable=name)] = tf.convert_to_tensor(gradient)
        for path, outputs in taps.outputs.items():
            for i, output in enumerate(outputs):
                values[TensorKey(path, "activations", output=i)] = _first(output.activation, samples)
                if output.gradient is not None:
                    key = TensorKey(path, "activation_gradients", output=i)
                    gradient = _first(output.gradient, samples)
                    values[key] = gradient if scale is None else tf.cast(gradient, tf.float32) / scale
        for path, outputs in fixed.outputs.items() if fixed is not None else ():
            for i, output in enumerate(outputs):
                values[TensorKey(path, "activations", FIXED_BATCH, i)] = output.activation
        return values

    def _unpack(self, layout: _Layout, outputs: tuple[dict[str, Any], Any]) -> StepOutput:
        parts, batch = outputs
        scalars = dict(zip(layout.names, parts["packed"].numpy().tolist(), strict=True))
        batch_loss = scalars.pop("batch_loss")
        updates = scalars.pop("updates", None)
        gradient_l2 = scalars.pop("gradient_l2", None)
        logs = {name.removeprefix("logs/"): value for name, value in scalars.items()}
        for name in layout.loose:
            logs[name] = parts[f"logs/{name}"]
        tensors = parts.get("tensors", ())
        return StepOutput(
            batch_loss=batch_loss,
            logs=logs,
            updates=int(updates) if updates is not None else layout.n_updates or 0,
            gradient_l2=gradient_l2,
            vitals=_vitals(layout, parts, tensors),
            batch=batch,
            _tensors=dict(zip(layout.keys, tensors, strict=True)) if tensors else {},
        )


def _vitals(layout: _Layout, parts: dict[str, Any], tensors: Sequence[Any]) -> VitalsReading | None:
    if layout.statistics is None:
        return None
    return statistics.reading(
        parts["sums"].numpy(), parts["n_values"].numpy(), layout.statistics, lambda i: np.asarray(tensors[i])
    )


def _has_neurons(spec: Any) -> bool:
    return spec.neuron_axis is not None and spec.shape[spec.neuron_axis] is not None


def _first(value: Any, samples: int) -> Any:
    return value[:samples] if value.shape.rank else value


def _without_optionals(data: Any) -> Any:
    """Turn an empty `tf.experimental.Optional`, which stands for a `None` in a generator's batch, into `None`."""
    return tree.map_structure(lambda value: None if isinstance(value, tf.experimental.Optional) else value, data)


def _batch_loss(loss: Any, logs: Any) -> Any:
    if loss is not None:
        return loss
    own = logs.get("loss") if isinstance(logs, dict) else None
    return float("nan") if own is None else own


def _split_logs(logs: Any, layout: _Layout, outputs: dict[str, Any]) -> dict[str, Any]:
    """Return the scalar logs; what is not scalar becomes an output of its own."""
    scalars: dict[str, Any] = {}
    for name, value in _flat_logs(logs or {}):
        if _is_scalar(value):
            scalars[f"logs/{name}"] = value
        else:
            layout.loose = (*layout.loose, name)
            outputs[f"logs/{name}"] = value
    return scalars


def _flat_logs(logs: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    for name, value in logs.items():
        if isinstance(value, dict):
            yield from _flat_logs(value)
        else:
            yield name, value


def _is_scalar(value: Any) -> bool:
    shape = getattr(value, "shape", ())
    return tuple(shape) == () and not isinstance(value, str)


def _count_updates(taps: Taps, layout: _Layout) -> dict[str, Any]:
    if all(changed is True for _, changed in taps.updated):
        layout.n_updates = sum(n for n, _ in taps.updated)
        return {}
    return {"updates": tf.add_n([n * tf.cast(changed, tf.int32) for n, changed in taps.updated])}


def _pack(scalars: Iterable[Any]) -> Any:
    """Stack numbers into one float64 vector, exact for float32 and for integers up to 2**53."""
    return tf.stack([tf.cast(tf.reshape(value, ()), tf.float64) for value in scalars])
