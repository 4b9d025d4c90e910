"""Noting what flows through a model while a step is traced, without changing one bit of it.

A layer is tapped by giving the *instance* its own `call`, which notes the output and returns it as it is. Gradients of
the outputs are noted where the step computes its own, by asking its tape for them too. Optimizers are tapped at
`apply`, where gradients are those of the loss, before clipping. The taps are set and removed *inside* the
traced body. Set around it they would be missing when TensorFlow traces again for another batch size, and a
`predict` from another thread would be tapped too.

What was tried instead: an identity with a custom gradient behind each output. It stands between operations that
TensorFlow would otherwise put in another order; with a noise layer the last bits then differ from `fit`.
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf
from keras import tree

from nnviz_widgets.core.backends.tensorflow.composites import COMPOSITES, mapped, values_of, why_unread, with_values
from nnviz_widgets.core.backends.tensorflow.inputs import Inputs
from nnviz_widgets.core.backends.tensorflow.tapes import asking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from nnviz_widgets.core.backends.tensorflow.tree import Entry

_ABSENT = object()


@dataclass(slots=True)
class Output:
    """One output of one call of a layer.

    Attributes:
        activation: The output, to be read; may be ragged or sparse.
        name: Its key in the dict or its place in the sequence that the layer returned.
        value: The output itself, of a ragged or sparse one its numbers; `None` if it is not floating: then it has no
            gradient.
        logits: What a softmax was computed from. Keras computes the loss from it and leaves the softmax out.
        gradient: Gradient of the loss with respect to the output, or to the logits.
        with_logits: Whether the gradient is that of the logits.
    """

    activation: Any
    name: str = "0"
    value: Any = None
    logits: Any = None
    gradient: Any = None
    with_logits: bool = False

    def sources(self) -> list[Any]:
        """Return the tensors whose gradients are wanted."""
        return [tensor for tensor in (self.value, self.logits) if tensor is not None]


class Taps:
    """Notes activations, gradients and the loss of the code that runs inside the `with` block.

    Args:
        model: The model whose `compute_loss` and optimizers are tapped.
        entries: The layers to tap; may be empty.
        gradients: Whether to tap the optimizers.
        replica: Where the code runs on several replicas, each in `on_replica`: the one to note, of the others only the
            loss. `None` where it runs in the block itself.

    Attributes:
        outputs: Path of the call (`"d"`, `"d#1"`) to its outputs, in call order.
        foreign: Paths of layers that were called in another graph, inside a loop or a branch.
        unread: Path of the call to what keeps an output of numbers from being read, in words.
        gradients: `id(variable)` to `(variable, gradient)`, unscaled; the gradient is `None` if not connected.
        updated: Per optimizer call, how many variables it was given and a tensor or bool that says if they changed.
        inputs: What each call is fed.
        failed: The first mistake of our own while noting; the code that is tapped never sees it.
    """

    def __init__(
        self, model: Any, entries: Sequence[Entry] = (), *, gradients: bool = True, replica: int | None = None
    ) -> None:
        self._model = model
        self._entries = entries
        self._tap_gradients = gradients
        self._replica = replica
        self._thread: int | None = None
        self._losses: dict[int, Any] = {}
        self._restore: list[tuple[Any, str, Any]] = []
        self._tapes = contextlib.ExitStack()
        self._calls: Counter[str] = Counter()
        self.inputs = Inputs()
        self.outputs: dict[str, list[Output]] = {}
        self.foreign: set[str] = set()
        self.unread: dict[str, str] = {}
        self.gradients: dict[int, tuple[Any, Any]] = {}
        self.updated: list[tuple[int, Any]] = []
        self.failed: Exception | None = None

    @property
    def loss(self) -> Any:
        """What `compute_loss` returned last, `None` if it was not called; of replicas, each with its share, the sum."""
        losses = [loss for loss in self._losses.values() if loss is not None]
        if len(losses) < 2:
            return losses[0] if losses else None
        # Run eagerly, a replica without a row of the last batch has a loss of no values.
        return tf.add_n([tf.reduce_sum(loss) for loss in losses])

    @contextlib.contextmanager
    def on_replica(self, batch: Any) -> Iterator[None]:
        """Note what flows in the block if it runs on the replica to note. Each replica has a thread of its own.

        Args:
            batch: The replica's share of it.
        """
        self._losses[threading.get_ident()] = None
        with contextlib.ExitStack() as stack:
            if self._guarded(_replica_here) == self._replica:
                self._thread = threading.get_ident()
                self._guarded(lambda: self.inputs.note_batch(batch))
                self._guarded(lambda: self._ask(stack))
            yield

    def __enter__(self) -> Taps:
        if self._replica is None:
            self._thread = threading.get_ident()
            self._losses[self._thread] = None
        self._graph = None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()
        self._guarded(self._tap)
        if self.failed is not None:
            self._remove()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._remove()

    def _tap(self) -> None:
        self._set(self._model, "compute_loss", self._noting_loss(self._model.compute_loss))
        for entry in self._entries:
            method = method_called(entry.layer)
            self._set(entry.layer, method, self._noting_call(entry, getattr(entry.layer, method)))
        if self._tap_gradients:
            for optimizer in find_optimizers(self._model):
                self._set(optimizer, "apply", self._noting_apply(optimizer))
        if self._replica is None:
            self._ask(self._tapes)

    def _ask(self, stack: contextlib.ExitStack) -> None:
        """Ask tapes of this thread for the gradients of outputs, until `stack` is closed."""
        if self._entries and self._tap_gradients:
            stack.enter_context(asking(lambda: self._guarded(self._sources, []), self._note_output_gradients))

    def _guarded(self, note: Callable[[], Any], otherwise: Any = None) -> Any:
        """Return what `note` returns; `otherwise` if it raises, since training must not stop at a mistake of ours."""
        try:
            return note()
        except Exception as error:
            self.failed = self.failed or error
            return otherwise

    def _set(self, owner: Any, name: str, function: Callable[..., Any]) -> None:
        self._restore.append((owner, name, vars(owner).get(name, _ABSENT)))
        object.__setattr__(owner, name, function)

    def _remove(self) -> None:
        self._tapes.close()
        while self._restore:
            owner, name, before = self._restore.pop()
            if before is _ABSENT:
                object.__delattr__(owner, name)
            else:
                object.__setattr__(owner, name, before)

    def _here(self) -> bool:
        """Whether the running code belongs to the graph and thread that this block traces."""
        return self._in_graph() and threading.get_ident() == self._thread

    def _in_graph(self) -> bool:
        return (None if tf.executing_eagerly() else tf.compat.v1.get_default_graph()) is self._graph

    def _noting_loss(self, compute_loss: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(compute_loss)
        def noting(*args: Any, **kwargs: Any) -> Any:
            loss = compute_loss(*args, **kwargs)
            if self._in_graph() and threading.get_ident() in self._losses:
                self._losses[threading.get_ident()] = loss
            return loss

        return noting

    def _noting_call(self, entry: Entry, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def noting(*args: Any, **kwargs: Any) -> Any:
            result = call(*args, **kwargs)
            self._guarded(lambda: self._note_call(entry, next(iter((*args, *kwargs.values())), None), result))
            return result

        return noting

    def _note_call(self, entry: Entry, fed: Any, result: Any) -> None:
        if not self._here():
            self.foreign.add(entry.path)
            return
        n = self._calls[entry.path]
        self._calls[entry.path] += 1
        call = f"{entry.path}#{n}" if n else entry.path
        named = [(path, value) for path, value in tree.flatten_with_path(result) if _is_of_numbers(value)]
        whys = [why for _, value in named if (why := why_unread(value)) is not None]
        if whys:
            self.unread[call] = whys[0]
            named = [(path, value) for path, value in named if why_unread(value) is None]
        self.outputs.setdefault(call, []).extend(_output(_name(path), value) for path, value in named)
        self.inputs.note_call(call, entry.layer, fed, [value for _, value in named])

    def _sources(self) -> list[Any]:
        """Return the tensors whose gradients are wanted of the tape that is asked now."""
        return [tensor for output in self._all_outputs() for tensor in output.sources()] if self._here() else []

    def _all_outputs(self) -> list[Output]:
        return [output for outputs in self.outputs.values() for output in outputs]

    def _note_output_gradients(self, gradients: list[Any]) -> None:
        self._guarded(lambda: self._match(iter(gradients)))

    def _match(self, gradients: Iterator[Any]) -> None:
        """Give each output its gradient; `gradients` are in the order of `_sources`."""
        for output in self._all_outputs():
            of_value = next(gradients) if output.value is not None else None
            of_logits = next(gradients) if output.logits is not None else None
            if of_value is not None:
                gradient = aside(_dense(of_value, output.value))
                output.gradient, output.with_logits = with_values(output.activation, gradient), False
            elif of_logits is not None:
                output.gradient, output.with_logits = aside(_dense(of_logits, output.logits)), True

    def _noting_apply(self, optimizer: Any) -> Callable[..., Any]:
        apply = optimizer.apply

        @functools.wraps(apply)
        def noting(grads: Any, trainable_variables: Any = None) -> Any:
            grads = list(grads)
            trainable_variables = None if trainable_variables is None else list(trainable_variables)
            if not self._here():
                return apply(grads, trainable_variables)
            before = self._guarded(lambda: self._note_gradients(optimizer, grads, trainable_variables))
            result = apply(grads, trainable_variables)
            self._guarded(lambda: self._note_update(optimizer, grads, before))
            return result

        return noting

    def _note_gradients(self, optimizer: Any, grads: list[Any], trainable_variables: Any) -> Any:
        """Note gradients before they are applied, and return the number that tells an update."""
        variables = trainable_variables if trainable_variables is not None else optimizer._trainable_variables
        scale = optimizer.dynamic_scale if scales_loss(optimizer) and optimizer.built else None
        for variable, gradient in zip(variables, grads, strict=False):
            self.gradients[id(variable)] = (variable, unscaled(aside(gradient), scale))
        return _update_counter(optimizer)

    def _note_update(self, optimizer: Any, grads: list[Any], before: Any) -> None:
        n_updated = sum(gradient is not None for gradient in grads)
        after = _update_counter(optimizer)
        self.updated.append((n_updated, True if before is None or after is None else after > before))


def _replica_here() -> int:
    """Return the number of the replica that the running code is of."""
    context: Any = tf.distribute.get_replica_context()
    return int(tf.get_static_value(context.replica_id_in_sync_group))


def method_called(layer: Any) -> str:
    """Return the method that Keras runs when it calls a layer: another one once `quantize` was there."""
    return "call" if getattr(layer, "quantization_mode", None) is None else "quantized_call"


def _is_of_numbers(value: Any) -> bool:
    if not isinstance(value, (tf.Tensor, *COMPOSITES)):
        return False
    return bool(value.dtype.is_floating or value.dtype.is_integer or value.dtype.is_bool or value.dtype.is_complex)


def _dense(gradient: Any, source: Any) -> Any:
    """Return the gradient of `source` as one tensor. That of a tensor of which rows are picked comes as slices."""
    if not isinstance(gradient, tf.IndexedSlices):
        return gradient
    return tf.ensure_shape(tf.convert_to_tensor(gradient), source.shape)


def _name(path: tuple[Any, ...]) -> str:
    return "/".join(str(part) for part in path) or "0"


def _output(name: str, value: Any) -> Output:
    floating = value.dtype.is_floating
    logits = getattr(value, "_keras_logits", None) if floating else None
    return Output(mapped(value, aside), name, values_of(value) if floating else None, logits)


_REORDERED = frozenset(("Add", "AddN", "AddV2", "ExpandDims", "Mul", "Neg", "RealDiv", "Reshape", "Squeeze", "Sub"))
"""Operations that TensorFlow's graph optimizer puts in another order, or looks through while doing so."""


def aside(tensor: Any) -> Any:
    """Return a tensor equal to `tensor` whose readers do not count as readers of `tensor`.

    The graph optimizer computes `lr * (a * b)` as `(lr * a) * b` where that saves a broadcast, which rounds
    differently, and does so only if nobody else reads `a * b`. A reader of ours would therefore change bits of the
    training. So what is cheap and may be put in another order is computed a second time for us; an attribute keeps
    the optimizer from finding that both are the same.
    """
    if not tf.is_tensor(tensor) or isinstance(tensor, tf.IndexedSlices) or not hasattr(tensor, "op"):
        return tensor
    return _copied(tensor, {})


def _copied(tensor: Any, copies: dict[int, Any]) -> Any:
    operation = tensor.op
    if operation.control_inputs:
        return tensor
    if operation.type in ("Identity", "IdentityN"):
        return _copied(operation.inputs[tensor.value_index], copies)
    if operation.type not in _REORDERED:
        return tensor
    if id(operation) not in copies:
        attributes = {name: operation.node_def.attr[name] for name in operation.node_def.attr}
        attributes[_MARK] = tf.compat.v1.AttrValue(b=True)
        inputs = [_copied(value, copies) for value in operation.inputs]
        copy = operation.graph.create_op(
            operation.type, inputs, [output.dtype for output in operation.outputs], attrs=attributes
        )
        copies[id(operation)] = copy.outputs[0]
    return copies[id(operation)]


_MARK = "_read_by_nnviz"


def find_optimizers(model: Any) -> list[Any]:
    """Return every optimizer held by an attribute of the model, alone or in a list, tuple or dict, each once."""
    found: dict[int, Any] = {}

    def look(value: Any) -> None:
        if isinstance(value, keras.optimizers.Optimizer):
            found[id(value)] = value
        elif isinstance(value, (list, tuple)):
            for item in value:
                if isinstance(item, keras.optimizers.Optimizer):
                    look(item)
        elif isinstance(value, dict):
            look(list(value.values()))

    look(getattr(model, "optimizer", None))
    for value in list(vars(model).values()):
        look(value)
    return list(found.values())


def scales_loss(optimizer: Any) -> bool:
    """Whether an optimizer scales the loss before gradients are computed, as in mixed precision."""
    return isinstance(optimizer, keras.optimizers.LossScaleOptimizer)


def unscaled(gradient: Any, scale: Any) -> Any:
    """Return a gradient without the factor on the loss, in float32; as it is if there is none of either."""
    if gradient is None or scale is None:
        return gradient
    if isinstance(gradient, tf.IndexedSlices):
        return tf.IndexedSlices(unscaled(gradient.values, scale), gradient.indices, gradient.dense_shape)
    return tf.cast(gradient, tf.float32) / tf.cast(scale, tf.float32)


def _update_counter(optimizer: Any) -> Any:
    """Return a number that grows when the optimizer really updates, or `None` if it does at every call.

    Two do not: one that accumulates gradients, and one that skips a step whose scaled gradients overflowed.
    """
    inner = optimizer.inner_optimizer if scales_loss(optimizer) else optimizer
    if not scales_loss(optimizer) and not inner.gradient_accumulation_steps:
        return None
    if not inner.built:
        return None
    return tf.identity(inner.iterations.value if hasattr(inner.iterations, "value") else inner.iterations)
