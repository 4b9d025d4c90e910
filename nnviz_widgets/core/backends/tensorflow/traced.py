"""One variant of the training step as graph code, and the way back from its outputs to values.

The step itself, `train`, is all that XLA compiles when the model asks for it. What we add, packing and statistics, is
computed outside from its outputs, so that it cannot change how XLA fuses the user's own operations.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree

from nnviz_widgets.core.backends.tensorflow import replicas, statistics
from nnviz_widgets.core.backends.tensorflow.catalogue import (
    FIXED_BATCH,
    after_tracing,
    before_tracing,
    with_fixed_batch,
)
from nnviz_widgets.core.backends.tensorflow.composites import first_rows, mapped, numbers, row_lengths
from nnviz_widgets.core.backends.tensorflow.memory import LeftOut, without
from nnviz_widgets.core.backends.tensorflow.taps import Taps
from nnviz_widgets.core.backends.tensorflow.untouched import moving_states
from nnviz_widgets.core.backends.tensorflow.values import read_now
from nnviz_widgets.core.frame import Catalogue, Kind, Reading, TensorKey, TensorSpec
from nnviz_widgets.core.schedule import Variant

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    import numpy.typing as npt

    from nnviz_widgets.core.backends.tensorflow.composites import RowLengths
    from nnviz_widgets.core.backends.tensorflow.tree import Entry
    from nnviz_widgets.core.probe import Probe
    from nnviz_widgets.core.tensor_store import Held

READING = Variant.VITALS
"""Vitals and whole tensors come from one compiled function: an output that nobody keeps costs 1 to 2 % of a step."""


@dataclass(slots=True)
class StepOutput:
    """What one step returned.

    Attributes:
        batch_loss: Loss of this batch alone, NaN if the step computes none.
        has_loss: Whether it computes one.
        logs: What `train_step` returned, numbers as floats.
        updates: How many variables were updated.
        loss_scales: What the loss was multiplied by, as mixed precision does, and what the next will be; else `None`.
        gradient_l2: Norm of all gradients; `None` in the plain variant, and if the step has none.
        vitals: Statistics of every probed tensor, if the variant computes them.
        batch: The batch itself, `(x, y, sample_weight)`, as tensors.
    """

    batch_loss: float
    has_loss: bool
    logs: dict[str, float]
    updates: int
    loss_scales: tuple[float, float] | None
    gradient_l2: float | None
    vitals: Reading | None
    batch: Any
    _keys: Sequence[TensorKey] = field(repr=False)
    _tensors: Sequence[Any] = field(repr=False)
    _samples: int = field(repr=False)
    _ragged: Sequence[int] = field(default=(), repr=False)

    @property
    def skipped(self) -> bool:
        """Whether a loss scale skipped the update because the scaled gradients overflowed; it falls only then."""
        return self.loss_scales is not None and self.updates == 0 and self.loss_scales[1] < self.loss_scales[0]

    def tensors(self, keys: Collection[TensorKey]) -> dict[TensorKey, Held]:
        """Return those of `keys` that the variant computed.

        Arrays share memory with the outputs of the step, but for rows that were cut from more: those are copied, since
        TensorFlow keeps all of the rows for them.
        """
        computed = zip(self._keys, self._tensors, strict=True)
        return {
            key: read_now(tensor, key.kind, cut=self._is_cut(key, tensor)) for key, tensor in computed if key in keys
        }

    def without_tensors(self) -> StepOutput:
        """Return the same without vitals and tensors, which nobody will read any more."""
        return replace(self, vitals=None, _keys=(), _tensors=(), _ragged=())

    def row_lengths(self) -> dict[TensorKey, RowLengths]:
        """Return the shortest and the longest row of each ragged tensor that is at hand."""
        return row_lengths((self._keys[i], self._tensors[i]) for i in self._ragged) if self._ragged else {}

    def _is_cut(self, key: TensorKey, tensor: Any) -> bool:
        """Whether there may have been more rows: fewer than the probe's samples were all that there are."""
        cut = key.kind in ("activations", "activation_gradients") and key.variable is None and tensor.shape.rank
        return bool(cut) and int(tensor.shape[0]) == self._samples


class TracedStep:
    """Calls the model's own `train_step` and gathers what its variant reads.

    `train` and `run` are traced; what they note of the layout of their outputs, `unpack` uses at every step.

    Args:
        model: A compiled Keras model.
        probe: What to read.
        variant: `PLAIN`, `SENTINEL` or `READING`.
        entries: All layers of the model.
        chosen: Those to read.
        left_out: What of them is not read, for want of memory.

    Attributes:
        catalogue: Layers and tensors as this trace saw them; `None` unless it reads.
        data_failed: Why the probe's own batch cannot be run through the model, if it cannot.
        failed: The first mistake of our own, if there was any; then nothing is read, and training goes on.
    """

    def __init__(
        self,
        model: Any,
        probe: Probe,
        variant: Variant,
        entries: Sequence[Entry],
        chosen: Sequence[Entry],
        left_out: Sequence[LeftOut] = (),
    ) -> None:
        self._model = model
        self._probe = probe
        self._variant = variant
        self._reads = variant >= READING
        self._entries = entries
        self._chosen = chosen if self._reads else ()
        self._left_out = left_out
        self._n_replicas = replicas.n_replicas(model)
        self._reads_layers = replicas.reads_layers(model, probe.replica)
        self._tapped = self._readable("activations")
        self._taps: Taps
        self._names: tuple[str, ...] = ()
        self._loose: tuple[str, ...] = ()
        self._n_updates: int | None = None
        self._has_loss = True
        self._gradient_keys: list[TensorKey | None] = []
        self._output_keys: list[TensorKey] = []
        self._layout: statistics.Layout | None = None
        self._keys: tuple[TensorKey, ...] = ()
        self._ragged: tuple[int, ...] = ()
        self.catalogue: Catalogue | None = None
        self.data_failed: Exception | None = None
        self.failed: Exception | None = None

    @property
    def reads(self) -> bool:
        """Whether it returns vitals and tensors."""
        return self._reads

    @property
    def log_names(self) -> tuple[str, ...] | None:
        """The names of the numbers that `train_step` returns, `None` before it was traced or run."""
        if not self._names:
            return None
        return (*(n.removeprefix("logs/") for n in self._names if n.startswith("logs/")), *self._loose)

    def _guarded(self, read: Callable[[], Any], otherwise: Any) -> Any:
        """Return what `read` returns; `otherwise` if it raises or something of ours has failed before."""
        if self.failed is not None:
            return otherwise
        try:
            return read()
        except Exception as error:
            self.failed = error
            return otherwise

    # --- traced ---

    def train(self, data: Any) -> dict[str, Any]:
        """Run `train_step` on a batch and return what the taps noted."""
        data = without_optionals(data)
        with self._taps_of_step() as taps:
            if replicas.has_strategy(self._model):
                logs = replicas.train_step(self._model, taps, data)
            else:
                self._guarded(lambda: taps.inputs.note_batch(data), None)
                logs = self._model.train_step(data)
        self._taps = taps
        self.failed = self.failed or taps.failed
        flat = dict(_flat_logs(logs or {}))
        loss = self._guarded(lambda: taps.loss, None)
        self._has_loss = loss is not None or "loss" in flat
        return {
            "loss": _batch_loss(loss, flat),
            "logs": flat,
            "changed": self._guarded(lambda: self._count_updates(taps), []),
            "gradients": self._guarded(lambda: self._gradients(taps), []),
            "outputs": self._guarded(lambda: self._outputs(taps), []),
        }

    def _taps_of_step(self) -> Taps:
        replica = (self._probe.replica or 0) if replicas.has_strategy(self._model) else None
        return Taps(self._model, self._tapped if self._reads_layers else (), replica=replica)

    def run(self, train: Callable[[Any], dict[str, Any]], data: Any) -> dict[str, Any]:
        """Run one step and return its outputs.

        Args:
            train: `self.train`, compiled or not.
            data: The batch.
        """
        scale = _loss_scale(self._model)
        before = self._guarded(lambda: (self._weights(), scale, self._run_fixed_batch()), ()) if self._reads else ()
        raw = train(data)
        scalars = {"batch_loss": raw["loss"]}
        if scale is not None:
            scalars |= {"scale_before": scale, "scale_after": _loss_scale(self._model)}
        scalars |= {f"logs/{name}": value for name, value in raw["logs"].items() if _is_scalar(value)}
        self._loose = tuple(name for name, value in raw["logs"].items() if not _is_scalar(value))
        if raw["changed"]:
            scalars["updates"] = tf.add_n(raw["changed"])
        if raw["gradients"] and self._n_replicas == 1:
            scalars |= self._guarded(lambda: {"gradient_l2": tf.sqrt(statistics.squared_norm(raw["gradients"]))}, {})
        self._names = tuple(scalars)
        outputs = {f"logs/{name}": raw["logs"][name] for name in self._loose}
        outputs["packed"] = _pack(scalars.values())
        return outputs | self._guarded(lambda: self._read(raw, *before), {}) if self._reads else outputs

    def _weights(self) -> dict[TensorKey, Any]:
        return {
            TensorKey(entry.path, "weights", variable=name): tf.identity(variable.value)
            for entry in self._readable("weights")
            for name, variable in entry.variables.items()
        }

    def _readable(self, kind: Kind) -> list[Entry]:
        return [entry for entry in self._chosen if not _any_holds(self._left_out, entry.path, kind)]

    def _run_fixed_batch(self) -> Taps | None:
        if self._probe.data is None or not self._reads:
            return None
        try:
            return self._with_states_put_back()
        except Exception as error:
            # The batch comes from the user, and reading the rest must not suffer from it.
            self.data_failed = error
            return None

    def _with_states_put_back(self) -> Taps:
        """Run the fixed batch; states that move at inference too, of random generators or recurrent layers, stay."""
        states = [(variable, variable.read_value()) for variable in moving_states(self._model)]
        with Taps(self._model, self._tapped, gradients=False) as taps:
            self._model(self._probe.data, training=False)
        for variable, before in states:
            variable.assign(before)
        return taps

    def _count_updates(self, taps: Taps) -> list[Any]:
        """Return how many variables each optimizer call changed, if only the step itself can tell."""
        if all(changed is True for _, changed in taps.updated):
            self._n_updates = sum(n for n, _ in taps.updated)
            return []
        return [n * tf.cast(changed, tf.int32) for n, changed in taps.updated]

    def _gradients(self, taps: Taps) -> list[Any]:
        """Return all gradients if they are watched; the keys of those that are read are noted beside them."""
        if self._variant < Variant.SENTINEL or not self._reads_layers:
            return []
        keys = {
            id(variable): TensorKey(entry.path, "gradients", variable=name)
            for entry in self._readable("gradients")
            for name, variable in entry.variables.items()
        }
        found = [(i, gradient) for i, (_, gradient) in taps.gradients.items() if gradient is not None]
        self._gradient_keys = [keys.get(i) for i, _ in found]
        # XLA cannot sum the repeated tokens of a sparse gradient: their number varies.
        return [tf.convert_to_tensor(g) if self._model.jit_compile else g for _, g in found]

    def _outputs(self, taps: Taps) -> list[Any]:
        """Return activations and their gradients, cut to the probe's samples; their keys are noted."""
        self._output_keys, values = [], []
        for path, outputs in taps.outputs.items():
            for i, output in enumerate(outputs):
                noted: tuple[tuple[Kind, Any], ...] = (
                    ("activations", output.activation),
                    ("activation_gradients", output.gradient),
                )
                for kind, value in noted:
                    if value is not None:
                        self._output_keys.append(TensorKey(path, kind, output=i))
                        values.append(first_rows(value, self._probe.samples))
        return values

    def _read(
        self, raw: dict[str, Any], befores: dict[TensorKey, Any], scale: Any, fixed: Taps | None
    ) -> dict[str, Any]:
        catalogue = self._seen()
        if fixed is not None:
            catalogue = with_fixed_batch(catalogue, self._entries, fixed)
        catalogue = without(catalogue, self._left_out)
        self.catalogue = catalogue
        self._keys = tuple(spec.key for spec in catalogue.specs)
        values = self._values(raw, scale, fixed)
        sums, n_values, self._layout = statistics.column_sums(
            [_subject(spec, values[spec.key], befores.get(spec.key)) for spec in catalogue.specs]
        )
        tensors = [values[key] for key in self._keys]
        self._ragged = tuple(i for i, tensor in enumerate(tensors) if isinstance(tensor, tf.RaggedTensor))
        return {"sums": sums, "n_values": n_values, "tensors": tensors}

    def _seen(self) -> Catalogue:
        """Return the catalogue of what the taps noted."""
        if not self._reads_layers:
            known = before_tracing(self._entries, self._chosen)
            return replicas.weights_only(known, self._chosen, self._n_replicas)
        catalogue = after_tracing(self._entries, self._chosen, self._taps, self._probe.samples)
        if self._probe.replica is None or self._n_replicas == 1:
            return catalogue
        return replicas.of_replica(catalogue, self._probe.replica, self._n_replicas)

    def _values(self, raw: dict[str, Any], scale: Any, fixed: Taps | None) -> dict[TensorKey, Any]:
        """Return every tensor that was noted, by key."""
        values = self._weights()
        for key, gradient in zip(self._gradient_keys, raw["gradients"], strict=True):
            if key is not None:
                values[key] = tf.convert_to_tensor(gradient)
        for key, value in zip(self._output_keys, raw["outputs"], strict=True):
            scaled = scale is not None and key.kind == "activation_gradients"
            values[key] = mapped(value, lambda one: tf.cast(one, tf.float32) / scale) if scaled else value
        for path, outputs in fixed.outputs.items() if fixed is not None else ():
            for i, output in enumerate(outputs):
                values[TensorKey(path, "activations", FIXED_BATCH, i)] = output.activation
        return values

    # --- at every step ---

    def unpack(self, outputs: dict[str, Any], batch: Any, *, keep_tensors: bool = True) -> StepOutput:
        """Return the outputs of `run` as values.

        Args:
            outputs: What `run` returned.
            batch: The batch.
            keep_tensors: Whether anybody will read tensors. A weight that is held is copied by the next step, which
                otherwise updates it in place.
        """
        scalars = dict(zip(self._names, outputs["packed"].numpy().tolist(), strict=True))
        batch_loss = scalars.pop("batch_loss")
        updates = scalars.pop("updates", None)
        gradient_l2 = scalars.pop("gradient_l2", None)
        scales = (scalars.pop("scale_before"), scalars.pop("scale_after")) if "scale_before" in scalars else None
        logs = {name.removeprefix("logs/"): value for name, value in scalars.items()}
        for name in self._loose:
            logs[name] = outputs[f"logs/{name}"]
        tensors = outputs.get("tensors", ())
        n_updates = int(updates) if updates is not None else self._n_updates or 0
        return StepOutput(
            batch_loss=batch_loss,
            has_loss=self._has_loss,
            logs=logs,
            updates=n_updates,
            loss_scales=scales,
            gradient_l2=gradient_l2,
            vitals=self._guarded(lambda: self._vitals(outputs, tensors), None),
            batch=batch,
            _keys=self._keys if keep_tensors and tensors else (),
            _tensors=tensors if keep_tensors else (),
            _samples=self._probe.samples,
            _ragged=self._ragged if keep_tensors and tensors else (),
        )

    def _vitals(self, outputs: dict[str, Any], tensors: Sequence[Any]) -> Reading | None:
        if self._layout is None:
            return None
        sums, n_values = np.asarray(outputs["sums"]), np.asarray(outputs["n_values"])  # `numpy()` would copy them
        return statistics.SumsReading(sums, n_values, self._layout, lambda i: self._numbers(i, tensors[i]))

    def _numbers(self, i: int, tensor: Any) -> npt.NDArray[Any]:
        """Return the numbers of which the vitals of the `i`-th tensor are."""
        return np.asarray(numbers(tensor, self._keys[i].kind, tuple(tensor.shape)))


def _any_holds(left_out: Sequence[LeftOut], path: str, kind: Kind) -> bool:
    return any(one.holds(path, kind) for one in left_out)


def _loss_scale(model: Any) -> Any:
    """Return the factor on the loss as it is now, or `None` if there is none: only mixed precision has one."""
    optimizer = getattr(model, "optimizer", None)
    if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer) or not optimizer.built:
        return None
    return tf.identity(optimizer.dynamic_scale.value)


def _subject(spec: TensorSpec, value: Any, before: Any) -> statistics.Subject:
    axis = _columns_of(spec)
    if axis is not None and isinstance(value, tf.RaggedTensor):
        axis -= 1  # its rows lie one after the other
    return statistics.Subject(numbers(value, spec.key.kind, spec.shape), axis, before, spec.n_neurons)


def _columns_of(spec: TensorSpec) -> int | None:
    """Return the axis that counts neurons if their number is fixed, else `None`."""
    return None if spec.n_neurons is None else spec.neuron_axis


def without_optionals(data: Any) -> Any:
    """Turn an empty `tf.experimental.Optional`, which stands for a `None` in a generator's batch, into `None`."""
    return tree.map_structure(lambda value: None if isinstance(value, tf.experimental.Optional) else value, data)


def _batch_loss(loss: Any, logs: dict[str, Any]) -> Any:
    return loss if loss is not None else logs.get("loss", float("nan"))


def _flat_logs(logs: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    for name, value in logs.items():
        if isinstance(value, dict):
            yield from _flat_logs(value)
        else:
            yield name, value


def _is_scalar(value: Any) -> bool:
    return tuple(getattr(value, "shape", ())) == () and not isinstance(value, str)


def _pack(scalars: Iterable[Any]) -> Any:
    """Stack numbers into one float64 vector, exact for float32 and for integers up to 2**53."""
    return tf.stack([tf.cast(tf.reshape(value, ()), tf.float64) for value in scalars])
