"""Noting the calls of layers while a step runs: in their order, how they nest, how long they take, and where one fails.

A layer is tapped at its instance, as in `taps`. Keras checks what it is fed and builds the layer before `call`; that
check is tapped too, so that a layer which refuses its inputs, or cannot be built for them, is known.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from keras import tree

from nnviz_widgets.core.backends.tensorflow.taps import find_optimizers, method_called
from nnviz_widgets.core.call_trace import LayerCall, TensorForm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from nnviz_widgets.core.backends.tensorflow.tree import Entry

_ABSENT = object()


@dataclass(slots=True)
class Call:
    """One call that was begun.

    Attributes:
        path: Of the call, `"d#1"`.
        entry: The layer.
        depth: How many other calls it is within.
        inputs: What it is fed, by name where it is given by name.
        training: Whether in training mode, `None` if the layer makes no difference.
        outputs: What it returned, `None` until it has.
        seconds: How long it took, what is called within it included.
        own_seconds: Without that.
    """

    path: str
    entry: Entry
    depth: int
    inputs: tuple[tuple[str, TensorForm], ...]
    training: bool | None
    outputs: tuple[TensorForm, ...] | None = None
    seconds: float = 0.0
    own_seconds: float = 0.0

    def as_value(self) -> LayerCall:
        """Return it without the layer."""
        return LayerCall(
            path=self.path,
            class_name=type(self.entry.layer).__name__,
            depth=self.depth,
            inputs=self.inputs,
            outputs=self.outputs or (),
            training=self.training,
            seconds=self.seconds,
            own_seconds=self.own_seconds,
        )


@dataclass(frozen=True, slots=True)
class Place:
    """Where an exception was raised: in a layer, in the loss or in an optimizer.

    Attributes:
        path: Of the call of a layer, `None` elsewhere.
        part: `"layer"`, `"loss"` or `"optimizer"`.
        inputs: What it was fed.
    """

    path: str | None
    part: str
    inputs: tuple[tuple[str, TensorForm], ...]


class LayerCalls:
    """Notes the calls of the code that this thread runs inside the `with` block.

    Args:
        model: The model.
        entries: Its layers.
        around: Makes the call of a layer in place of the layer's own, given its path, the layer, its `call` and the
            arguments; `None` for just that.

    Attributes:
        calls: In the order in which they began.
        failed: Where the exception was raised that ended the block, if in one of these.
    """

    def __init__(self, model: Any, entries: Sequence[Entry], around: Callable[..., Any] | None = None) -> None:
        self._model = model
        self._entries = entries
        self._around = around
        self._thread = threading.get_ident()
        self._restore: list[tuple[Any, str, Any]] = []
        self._stack: list[Call] = []
        self._counts: Counter[str] = Counter()
        self._met: tuple[Entry, Any] | None = None
        self._waits = bool(tf.config.list_logical_devices("GPU"))
        self.calls: list[Call] = []
        self.failed: Place | None = None

    def __enter__(self) -> LayerCalls:
        for entry in self._entries:
            method = method_called(entry.layer)
            self._set(entry.layer, method, self._noting(entry, in_python(getattr(entry.layer, method))))
            self._set(entry.layer, _CHECK, self._meeting(entry, getattr(entry.layer, _CHECK)))
        self._set(self._model, "compute_loss", self._placing("loss", self._model.compute_loss, ("x", "y", "y_pred")))
        for optimizer in find_optimizers(self._model):
            self._set(optimizer, "apply", self._placing("optimizer", optimizer.apply, ()))
        return self

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        while self._restore:
            owner, name, before = self._restore.pop()
            if before is _ABSENT:
                object.__delattr__(owner, name)
            else:
                object.__setattr__(owner, name, before)
        if error is not None:
            self.failed = self.failed or self._refusing()

    def _refusing(self) -> Place | None:
        """Return the layer that was asked last whether it takes what it is fed, if it was not called since."""
        if self._met is None:
            return None
        entry, fed = self._met
        return Place(self._path(entry), "layer", forms((fed,), {}))

    def _set(self, owner: Any, name: str, function: Callable[..., Any]) -> None:
        self._restore.append((owner, name, vars(owner).get(name, _ABSENT)))
        object.__setattr__(owner, name, function)

    def _path(self, entry: Entry) -> str:
        n = self._counts[entry.path]
        return f"{entry.path}#{n}" if n else entry.path

    def _meeting(self, entry: Entry, check: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(check)
        def meeting(fed: Any) -> Any:
            if threading.get_ident() == self._thread:
                self._met = entry, fed
            return check(fed)

        return meeting

    def _noting(self, entry: Entry, call: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(call)
        def noting(*args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != self._thread:
                return call(*args, **kwargs)
            with self._noted(entry, args, kwargs) as one:
                if self._around is None:
                    result = call(*args, **kwargs)
                else:
                    result = self._around(one.path, entry.layer, call, args, kwargs)
                if self._waits:  # a device runs beside Python, whose clock would not tell its time
                    tf.test.experimental.sync_devices()
                one.outputs = tuple(form for _, form in forms((result,), {}))
            return result

        return noting

    @contextlib.contextmanager
    def _noted(self, entry: Entry, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Call]:
        training = kwargs.get("training")
        one = Call(
            self._path(entry),
            entry,
            len(self._stack),
            forms(args, kwargs),
            bool(training) if isinstance(training, int) else None,
        )
        self._counts[entry.path] += 1
        self._met = None
        self.calls.append(one)
        self._stack.append(one)
        began = time.perf_counter()
        try:
            yield one
        except BaseException:
            self.failed = self.failed or self._refusing() or Place(one.path, "layer", one.inputs)
            raise
        else:
            self.failed = self._met = None  # whatever was raised within was caught there
            one.seconds = time.perf_counter() - began
            one.own_seconds += one.seconds
        finally:
            self._stack.pop()
            if self._stack:
                self._stack[-1].own_seconds -= one.seconds

    def _placing(self, part: str, method: Callable[..., Any], names: Sequence[str]) -> Callable[..., Any]:
        @functools.wraps(method)
        def placing(*args: Any, **kwargs: Any) -> Any:
            if threading.get_ident() != self._thread:
                return method(*args, **kwargs)
            self._met = None
            try:
                return method(*args, **kwargs)
            except BaseException:
                fed = {**dict(zip(names, args, strict=False)), **{n: v for n, v in kwargs.items() if n in names}}
                self.failed = self.failed or Place(None, part, forms((), fed))
                raise

        return placing


_CHECK = "_assert_input_compatibility"


def in_python(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return what a user has decorated with `tf.function`, which would run as a graph; anything else as it is."""
    undecorated: Callable[..., Any] = getattr(function, "python_function", function)
    return undecorated


def forms(args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[tuple[str, TensorForm], ...]:
    """Return the shapes and dtypes of all tensors among arguments, with their names; the first has none."""
    named = [*(("", value) for value in args), *kwargs.items()]
    return tuple(
        (_join(name, path), form)
        for name, value in named
        for path, leaf in tree.flatten_with_path(value)
        if (form := form_of(leaf)) is not None
    )


def _join(name: str, path: tuple[Any, ...]) -> str:
    return "/".join([*([name] if name else []), *map(str, path)])


def form_of(value: Any) -> TensorForm | None:
    """Return shape and dtype of a tensor of any form, `None` of anything else."""
    if isinstance(value, tf.IndexedSlices) or not hasattr(value, "shape") or not hasattr(value, "dtype"):
        return None
    shape = tf.TensorShape(value.shape)
    sizes = None if shape.rank is None else tuple(shape.as_list())
    return TensorForm(sizes, str(tf.as_dtype(value.dtype).name))
