"""Finding the layer whose call fails in a step: by taking the step again, or else from what the exception tells."""

from __future__ import annotations

import re
import traceback as tracebacks
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from keras.src import callbacks

from nnviz_widgets.core.backends.tensorflow.layer_calls import LayerCalls, Place, forms, in_python
from nnviz_widgets.core.backends.tensorflow.looking import next_batch
from nnviz_widgets.core.backends.tensorflow.put_aside import put_aside
from nnviz_widgets.core.backends.tensorflow.replicas import n_replicas
from nnviz_widgets.core.backends.tensorflow.step import StepFunctions
from nnviz_widgets.core.backends.tensorflow.traced import without_optionals
from nnviz_widgets.core.backends.tensorflow.tree import Entry, walk
from nnviz_widgets.core.backends.tensorflow.validation import validate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from nnviz_widgets.core.post_mortem import Part


@dataclass(frozen=True, slots=True)
class Found:
    """Where a step failed.

    Attributes:
        place: The layer, the loss or the optimizer; `None` for none of these, or if it is not known.
        how: How it was found, in words.
        error: What the step raised when it was taken again, `None` if it was not, or raised something else.
    """

    place: Place | None
    how: str
    error: BaseException | None = None


def of_data(training: Any, error: BaseException) -> bool:
    """Whether an exception comes from the data: from the user's code, or from within tf.data."""
    return error is training.errors.last or (isinstance(error, tf.errors.OpError) and "IteratorGetNext" in str(error))


def failed_part(frames: TracebackType | None) -> Part:
    """Return what was being done when an exception was raised, of its whole traceback: `"step"` if a step was."""
    part: Part = "data"
    for frame, _ in tracebacks.walk_tb(frames):
        module, function = frame.f_globals.get("__name__"), frame.f_code.co_name
        if module == callbacks.CallbackList.__module__:
            return "callback"
        if module == validate.__module__:
            return "validation"
        if module == StepFunctions.__module__ or function in ("_maybe_symbolic_build", "_symbolic_build"):
            part = "step"
    return part


def find_failing(training: Any, error: BaseException, frames: TracebackType | None) -> Found:
    """Find where a step fails, taking it again with the state put aside.

    Args:
        training: A `Training` whose step has failed.
        error: What it raised.
        frames: The whole traceback of that.
    """
    again = None if n_replicas(training.model) > 1 else _again(training, error)
    if again is not None:
        return again
    entries = with_root(training.model)
    place = in_frames(frames, entries)
    if place is not None:
        return Found(place, "in the traceback")
    path = _named(str(error), entries)
    if path is not None:
        return Found(Place(path, "layer", ()), "by the name in the error")
    return Found(None, "only the traceback tells: the batch that failed is not at hand to be taken again")


def _again(training: Any, error: BaseException) -> Found | None:
    """Take the step again, eagerly on the batch that failed where that is found, else as a graph without a batch."""
    batch = next_batch(training)
    spec = getattr(getattr(training.iterator, "_distributed_dataset", None), "element_spec", None)
    if batch is not None and training.model.built:
        found = _failure(training, lambda step: step(batch), error)
        if found is not None:
            return Found(*found[:1], "by running the batch again, eagerly", found[1])
    if spec is None:
        return None

    def trace(step: Any) -> None:
        tf.function(step, autograph=False).get_concrete_function(spec)

    found = _failure(training, trace, error)
    return None if found is None else Found(found[0], "by building the step again", found[1])


def _failure(training: Any, run: Any, error: BaseException) -> tuple[Place | None, BaseException] | None:
    """Return where and how the step fails this time, `None` if it does not, or otherwise than with `error`."""
    model = training.model
    calls = LayerCalls(model, with_root(model))

    def step(data: Any) -> Any:
        return in_python(model.train_step)(without_optionals(data))

    try:
        with put_aside(model, training.keras_state), calls:
            run(step)
    except Exception as raised:
        return (calls.failed, raised) if type(raised) is type(error) else None
    return None


def with_root(model: Any) -> tuple[Entry, ...]:
    """Return the entries of a model, and itself if it is none, so that a failure in its own `call` has a place."""
    entries = walk(model)
    return entries if any(entry.layer is model for entry in entries) else (*entries, Entry(model.name, model, {}))


def in_frames(frames: TracebackType | None, entries: Sequence[Entry]) -> Place | None:
    """Return the innermost call of a layer in a traceback, with what it was fed."""
    paths = {id(entry.layer): entry.path for entry in entries}
    for frame, _ in reversed(list(tracebacks.walk_tb(frames))):
        scope, code = frame.f_locals, frame.f_code
        if code.co_name == "call" and id(scope.get("self")) in paths:
            names = code.co_varnames[1 : code.co_argcount]
            fed = forms((), {name: scope[name] for name in names if name in scope})
            return Place(paths[id(scope["self"])], "layer", fed)
    return None


def _named(message: str, entries: Sequence[Entry]) -> str | None:
    """Return the layer that the text of an exception names: by an operation's name, or as Keras puts it."""
    paths = {entry.layer.name: entry.path for entry in entries}
    quoted = re.findall(r'[Ll]ayer "([^"]+)"', message)
    nodes = re.findall(r"\{\{node ([^}]+)\}\}", message)
    parts = [re.sub(r"_\d+$", "", part) if part not in paths else part for node in nodes for part in node.split("/")]
    return next((paths[name] for name in [*quoted, *reversed(parts)] if name in paths), None)
