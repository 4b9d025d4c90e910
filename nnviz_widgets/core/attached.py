"""Which session trains which model: one at a time."""

from __future__ import annotations

import threading
import weakref
from typing import Any

from nnviz_widgets.errors import ModelAttached

_lock = threading.Lock()
_sessions: weakref.WeakKeyDictionary[Any, weakref.ref[Any]] = weakref.WeakKeyDictionary()


def attach(model: Any, session: Any) -> None:
    """Give `model` to `session`.

    Raises:
        ModelAttached: If it belongs to another session that is not closed.
    """
    with _lock:
        other = _sessions[model]() if model in _sessions else None
        if other is not None and other is not session:
            raise ModelAttached(
                f"A model can belong to one session. Received: {model.name!r}, which is already attached to session "
                f"{other.name!r}. Close that one first: session.close()."
            )
        _sessions[model] = weakref.ref(session)


def detach(model: Any, session: Any) -> None:
    """Take `model` back from `session`, if it has it."""
    with _lock:
        if model in _sessions and _sessions[model]() is session:
            del _sessions[model]
