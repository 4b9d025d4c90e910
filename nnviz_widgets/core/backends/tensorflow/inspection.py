"""One batch through a model in inference mode, with everything that flows noted, and the model left as it was.

A call runs eagerly, operation by operation, as `model(x)` does: tracing it first would take longer than the call itself
for all but loops over many time steps, which are traced (`benchmarks/inspection.py` has the figures). Nothing
is copied (`values`), so that the size of a model hardly matters.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree
from keras.src import backend

from nnviz_widgets.core.backends.tensorflow.batches import as_batch, n_rows
from nnviz_widgets.core.backends.tensorflow.catalogue import after_tracing
from nnviz_widgets.core.backends.tensorflow.composites import mapped, row_lengths, values_of, with_row_lengths
from nnviz_widgets.core.backends.tensorflow.losses import given_loss
from nnviz_widgets.core.backends.tensorflow.replicas import parts
from nnviz_widgets.core.backends.tensorflow.taps import Taps, scales_loss, unscaled
from nnviz_widgets.core.backends.tensorflow.tree import Entry, walk
from nnviz_widgets.core.backends.tensorflow.untouched import untouched
from nnviz_widgets.core.backends.tensorflow.values import read_when_asked
from nnviz_widgets.core.frame import Catalogue, Kind, TensorKey, of_batch
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from nnviz_widgets.core.frame import TensorSpec
    from nnviz_widgets.core.tensor_store import Held

INFERENCE_NOTE = "in inference mode"
LONG_LOOP = 48
"""Recurrent layers over so many time steps are run faster if they are traced first."""

FLOAT16_SCALE = 2.0**15
"""The factor on a loss in half precision with which Keras begins where the model is compiled."""

_ALL_ROWS = sys.maxsize
_GRADIENTS: tuple[Kind, Kind] = ("gradients", "activation_gradients")


@dataclass(frozen=True, slots=True)
class Inspected:
    """What one batch showed.

    Attributes:
        catalogue: Layers and tensors, and the reason for what cannot be read.
        tensors: Every tensor of the catalogue, and the rows of the batch that layers are fed.
        targets: The targets if they are one array, for the labels of the samples.
        loss: The loss in inference mode, if there are targets and a loss.
        n_samples: Rows of the batch.
    """

    catalogue: Catalogue
    tensors: dict[TensorKey, Held]
    targets: npt.NDArray[Any] | None
    loss: float | None
    n_samples: int


def inspect(model: Any, x: Any, y: Any = None, sample_weight: Any = None, loss: Any = None) -> Inspected:
    """Run one batch through a model and read everything; a model that is not built yet is built by it.

    Args:
        model: A Keras model, compiled or not.
        x: Inputs as `model` takes them: an array, or a list, tuple or dict of arrays.
        y: Targets; without them, or without a loss, there are no gradients.
        sample_weight: As in `fit`.
        loss: As in `compile`, in place of the model's own.

    Raises:
        InvalidArgumentError: If `model` is no Keras model, `x` no batch of at least one row, or `loss` no loss, or one
            without targets.
        Exception: Whatever the model raises, such as Keras' words on inputs of a wrong shape.
    """
    if not isinstance(model, keras.Model):
        raise InvalidArgumentError(
            f"`model` must be a Keras model. Received: {model!r:.80} of type {type(model).__name__}."
        )
    x, y, sample_weight = (
        as_batch(name, value) for name, value in (("x", x), ("y", y), ("sample_weight", sample_weight))
    )
    n_samples = n_rows(x, y=y, sample_weight=sample_weight)
    given = given_loss(model, loss, y)
    if not all(layer.built for layer in model._flatten_layers()):
        _build(model, x)
    entries = walk(model)
    why = None if given is not None else _why_no_gradients(model, y)
    with untouched(model):
        if given is not None:
            vars(model)["_compile_loss"] = given
        one = _run(model, entries, (x, y, sample_weight), _compute_loss(model, given, why))
    catalogue = after_tracing(entries, entries, one.taps, _ALL_ROWS)
    catalogue = with_row_lengths(catalogue, row_lengths(one.tensors.items()), so_far=False)
    catalogue = _in_inference_mode(catalogue) if why is None else _without_gradients(catalogue, why)
    return Inspected(
        catalogue=catalogue,
        tensors={key: read_when_asked(tensor, key.kind) for key, tensor in _all_tensors(entries, one, catalogue, x)},
        targets=np.asarray(y) if isinstance(y, tf.Tensor) else None,
        loss=None if one.loss is None else float(one.loss),
        n_samples=n_samples,
    )


def _build(model: Any, x: Any) -> None:
    """Make the variables of a model, as `fit` does: without computing anything, where that can be."""

    def symbolic(value: Any) -> Any:
        return backend.KerasTensor(
            value.shape,
            backend.standardize_dtype(value.dtype),
            sparse=isinstance(value, tf.SparseTensor),
            ragged=isinstance(value, tf.RaggedTensor),
        )

    try:
        backend.compute_output_spec(model, tree.map_structure(symbolic, x), training=False)
    except Exception:
        model(x, training=False)  # if it is the model that fails, it does so here in its own words


def _why_no_gradients(model: Any, y: Any) -> str | None:
    if y is None:
        return "there are gradients only with targets: nnviz.inspect(model, x, y)"
    own = type(model).compute_loss is not keras.Model.compute_loss
    if own or model._compile_loss is not None:
        return None
    return 'the model has no loss: name one, nnviz.inspect(model, x, y, loss="mse"), or compile the model with one'


def _compute_loss(model: Any, given: Any, why_none: str | None) -> Callable[..., Any] | None:
    """Return what computes the loss: the model's own code, unless a loss was given; `None` if there is no loss."""
    if why_none is not None:
        return None
    return model._compute_loss if given is None else partial(keras.Model.compute_loss, model)


class _Pass:
    """One call of a model, and the gradients of its loss; may be traced.

    Attributes:
        taps: What was noted, symbolic if it was traced.
        loss: The loss, `None` without one.
        tensors: Activations and gradients by key.
    """

    def __init__(
        self, model: Any, entries: Sequence[Entry], compute_loss: Callable[..., Any] | None, scale: float
    ) -> None:
        """Prepare.

        Args:
            model: The model.
            entries: Its layers.
            compute_loss: Computes the loss as `keras.Model.compute_loss` does; `None` for no loss at all.
            scale: Factor on the loss while gradients are computed, 1 for none.
        """
        self._model = model
        self._entries = entries
        self._compute_loss = compute_loss
        self._scale = scale
        self._keys: tuple[TensorKey, ...] = ()
        self.taps: Taps
        self.loss: Any = None
        self.tensors: dict[TensorKey, Any] = {}

    def __call__(self, batch: Any, *, traced: bool) -> None:
        # The concrete function: TensorFlow would warn of a function that is traced anew each time.
        run = tf.function(self._run, autograph=False).get_concrete_function(*batch) if traced else self._run
        self.loss, values = run(*batch)
        self.tensors = dict(zip(self._keys, values, strict=True))

    def _run(self, x: Any, y: Any, sample_weight: Any) -> tuple[Any, list[Any]]:
        loss = None
        with Taps(self._model, self._entries, gradients=self._compute_loss is not None) as taps:
            taps.inputs.note_batch((x, y, sample_weight))
            if self._compute_loss is None:
                self._model(x, training=False)
            else:
                loss = self._differentiate(taps, self._compute_loss, x, y, sample_weight)
        if taps.failed is not None:
            raise taps.failed
        self.taps = taps
        noted = dict(self._noted())
        self._keys = tuple(noted)
        return loss, list(noted.values())

    def _differentiate(self, taps: Taps, compute_loss: Callable[..., Any], x: Any, y: Any, sample_weight: Any) -> Any:
        """Return the loss; gradients are noted in `taps`."""
        model = self._model
        with tf.GradientTape() as tape:
            # Frozen ones too, so that a gradient reaches the outputs before them.
            tape.watch([_read_from(v) for v in model.variables if backend.is_float_dtype(v.dtype)])
            y_pred = model(x, training=False)
            loss = compute_loss(x, y, y_pred, sample_weight, training=False)
            scaled = loss if self._scale == 1 else loss * tf.cast(self._scale, loss.dtype)
        variables = model.trainable_variables
        gradients = tape.gradient(scaled, [_read_from(v) for v in variables])
        for variable, gradient in zip(variables, gradients, strict=True):
            taps.gradients[id(variable)] = variable, self._unscaled(gradient)
        return loss

    def _unscaled(self, gradient: Any) -> Any:
        return unscaled(gradient, None if self._scale == 1 else self._scale)

    def _noted(self) -> Iterator[tuple[TensorKey, Any]]:
        for path, outputs in self.taps.outputs.items():
            for i, output in enumerate(outputs):
                yield TensorKey(path, "activations", output=i), output.activation
                if output.gradient is not None:
                    yield TensorKey(path, "activation_gradients", output=i), mapped(output.gradient, self._unscaled)
        for entry in self._entries:
            for name, variable in entry.variables.items():
                gradient = self.taps.gradients.get(id(variable), (None, None))[1]
                if gradient is not None:
                    yield TensorKey(entry.path, "gradients", variable=name), gradient


def _run(model: Any, entries: Sequence[Entry], batch: Any, compute_loss: Callable[..., Any] | None) -> _Pass:
    traced = _has_long_loop(entries, batch[0]) and not model.run_eagerly
    for scale in _scales(model) if compute_loss is not None else (1,):
        one = _Pass(model, entries, compute_loss, scale)
        one(batch, traced=traced)
        if scale == 1 or _finite(one):
            break
    return one


def _scales(model: Any) -> tuple[float, ...]:
    """Return the factors on the loss to try: that of training in mixed precision, and none if values overflow."""
    optimizer: Any = getattr(model, "optimizer", None)
    if optimizer is None and any(layer.compute_dtype == "float16" for layer in model._flatten_layers()):
        return FLOAT16_SCALE, 1
    if not scales_loss(optimizer):
        return (1,)
    return float(optimizer.dynamic_scale if optimizer.built else optimizer.initial_scale), 1


def _finite(one: _Pass) -> bool:
    gradients = [
        tf.convert_to_tensor(values_of(tensor)) for key, tensor in one.tensors.items() if key.kind in _GRADIENTS
    ]
    return all(bool(tf.reduce_all(tf.math.is_finite(gradient))) for gradient in gradients)


def _has_long_loop(entries: Sequence[Entry], x: Any) -> bool:
    recurrent = (keras.layers.RNN, keras.layers.Bidirectional, keras.layers.ConvLSTM2D)
    if not any(isinstance(entry.layer, recurrent) for entry in entries):
        return False
    return any(len(leaf.shape) > 1 and (leaf.shape[1] or 0) >= LONG_LOOP for leaf in tree.flatten(x))


def _all_tensors(entries: Sequence[Entry], one: _Pass, catalogue: Catalogue, x: Any) -> Iterator[tuple[TensorKey, Any]]:
    for entry in entries:
        for name, variable in entry.variables.items():
            yield TensorKey(entry.path, "weights", variable=name), variable.value.read_value()
    yield from one.tensors.items()
    leaves = tree.flatten(x)
    for key in {fed.key for fed in catalogue.inputs.values() if of_batch(fed.key)}:
        yield key, leaves[key.output]


def _read_from(variable: Any) -> Any:
    """Return the variable of TensorFlow's that a call reads: of one that several replicas have, the first copy."""
    return parts(variable.value)[0]


def _in_inference_mode(catalogue: Catalogue) -> Catalogue:
    """Say with each gradient that dropout and batch statistics had no part in it."""
    return replace(catalogue, specs=tuple(map(_noted_spec, catalogue.specs)))


def _noted_spec(spec: TensorSpec) -> TensorSpec:
    if spec.key.kind not in _GRADIENTS:
        return spec
    return replace(spec, note=f"{spec.note}, {INFERENCE_NOTE}" if spec.note else INFERENCE_NOTE)


def _without_gradients(catalogue: Catalogue, why: str) -> Catalogue:
    reasons = dict(catalogue.reasons)
    for layer in catalogue.layers:
        if layer.variables:
            reasons[layer.path, "gradients"] = why
        reasons[layer.path, "activation_gradients"] = why
    return replace(catalogue, reasons=MappingProxyType(reasons))
