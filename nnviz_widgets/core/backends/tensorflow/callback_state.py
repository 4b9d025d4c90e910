"""What Keras' own callbacks remember from one epoch to the next, as plain values and arrays.

| callback | what is kept |
| --- | --- |
| `History` | the history and its epochs |
| `EarlyStopping` | `wait`, `best`, `best_epoch`, `best_weights`, `stopped_epoch` |
| `ReduceLROnPlateau` | `wait`, `best`, `cooldown_counter` (the rate itself is a variable of the optimizer) |
| `ModelCheckpoint` | `best`, and the batches since it last wrote |
| `SwapEMAWeights` | whether the averages are in the model |

`LearningRateScheduler`, `TerminateOnNaN`, `LambdaCallback`, the progress bar and a `CSVLogger` that appends remember
nothing. Any other is named in a warning: it begins anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from keras import callbacks as of_keras
from keras.src.callbacks.progbar_logger import ProgbarLogger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy.typing as npt

_KEPT: dict[type, tuple[str, ...]] = {
    of_keras.History: ("history", "epoch"),
    of_keras.EarlyStopping: ("wait", "best", "best_epoch", "best_weights", "stopped_epoch"),
    of_keras.ReduceLROnPlateau: ("wait", "best", "cooldown_counter"),
    of_keras.ModelCheckpoint: ("best", "_batches_seen_since_last_saving", "_last_batch_seen"),
    of_keras.SwapEMAWeights: ("_ema_weights_in_model",),
}
_WITHOUT = (of_keras.LearningRateScheduler, of_keras.TerminateOnNaN, of_keras.LambdaCallback, ProgbarLogger)


Memories = list[dict[str, Any]]
"""What each callback remembers, for this process alone."""


def capture(
    callbacks: Iterable[Any], memories: Memories | None = None
) -> tuple[list[dict[str, Any]], dict[str, npt.NDArray[Any]]]:
    """Return what each callback remembers, and the arrays among it by name.

    Args:
        callbacks: Of a `keras.callbacks.CallbackList`, in its order.
        memories: What they remembered at another time; now if `None`.
    """
    callbacks = list(callbacks)
    states: list[dict[str, Any]] = []
    arrays: dict[str, npt.NDArray[Any]] = {}
    for index, (callback, memory) in enumerate(
        zip(callbacks, remembered(callbacks) if memories is None else memories, strict=True)
    ):
        values: dict[str, Any] = {}
        for name, value in memory.items():
            if name == "best_weights" and value is not None:
                arrays |= {f"callbacks/{index}/{name}/{n}": np.asarray(array) for n, array in enumerate(value)}
                value = len(value)
            values[name] = _plain(value)
        states.append({"class": type(callback).__name__, "values": values})
    return states, arrays


def restore(callbacks: Iterable[Any], states: list[dict[str, Any]], array: Callable[[str], Any]) -> None:
    """Let each callback remember what the one of its class at its place did.

    Args:
        callbacks: As for `capture`.
        states: What it returned.
        array: Reads one of its arrays by name.
    """
    for index, (callback, state) in enumerate(zip(callbacks, states, strict=False)):
        if state["class"] != type(callback).__name__:
            continue
        for name in _KEPT.get(type(callback), ()):
            value = state["values"].get(name)
            if name == "best_weights" and value is not None:
                value = [array(f"callbacks/{index}/{name}/{n}") for n in range(value)]
            setattr(callback, name, value)


def remembered(callbacks: Iterable[Any]) -> Memories:
    """Return what each callback remembers, so that it stays what it is when training goes on."""
    return [
        {name: _copied(getattr(callback, name, None)) for name in _KEPT.get(type(callback), ())}
        for callback in callbacks
    ]


def remind(callbacks: Iterable[Any], memories: Memories) -> None:
    """Let each callback remember what it did when `memories` were taken of the same callbacks."""
    for callback, memory in zip(callbacks, memories, strict=False):
        for name, value in memory.items():
            setattr(callback, name, _copied(value))


def _copied(value: Any) -> Any:
    """Copy what grows; arrays are replaced as a whole by who has them."""
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    return list(value) if isinstance(value, list) else value


def forgetful(callbacks: Iterable[Any]) -> list[str]:
    """Return the classes of those callbacks of which it is not known what they remember."""
    return [
        type(callback).__name__
        for callback in callbacks
        if type(callback) not in _KEPT
        and type(callback) not in _WITHOUT
        and not (type(callback) is of_keras.CSVLogger and callback.append)
    ]


def _plain(value: Any) -> Any:
    """Return a value as JSON keeps it, to the last bit."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return np.asarray(value.numpy() if hasattr(value, "numpy") else value).tolist()
