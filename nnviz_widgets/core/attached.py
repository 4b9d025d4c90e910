"""Which session trains which model: one at a time."""

from __future__ import annotations

import gc
import threading
import weakref
from typing import Any

from nnviz_widgets.errors import InvalidArgumentError, ModelAttached

_lock = threading.Lock()
_sessions: weakref.WeakKeyDictionary[Any, weakref.ref[Any]] = weakref.WeakKeyDictionary()


def attach(model: Any, session: Any) -> None:
    """Give `model` to `session`.

    A session that was forgotten without being closed does not keep its model. One that is finished or failed does: its
    owner may still read it, and it gives the model back when it is closed.

    Raises:
        ModelAttached: If it belongs to another session that is not closed.
    """
    if attached_to(model) is not None:
        gc.collect()  # the other one may be forgotten, and wait in a cycle of references
    if (other := attached_to(model)) is not None:
        _ = other.state  # asked, a `fit` notices that it has raised, and gives the model back
    with _lock:
        other = attached_to(model)
        if other is not None and other is not session:
            raise ModelAttached(
                f"A model can belong to one session at a time. Received: {model.name!r}, which is already attached to "
                f"session {other.name!r} ({other.state}, step {other.step_index}). Go on with that session, or close "
                "it: nnviz.TrainingSession.of(model).close()"
            )
        _sessions[model] = weakref.ref(session)


def attached_to(model: Any) -> Any | None:
    """Return the session that has `model`, `None` if none has."""
    try:
        reference = _sessions.get(model)
    except TypeError:
        raise InvalidArgumentError(
            f"`model` must be a Keras model. Received: {model!r:.80} of type {type(model).__name__}."
        ) from None
    return None if reference is None else reference()


def detach(model: Any, session: Any) -> None:
    """Take `model` back from `session`, if it has it."""
    with _lock:
        if attached_to(model) is session:
            del _sessions[model]
