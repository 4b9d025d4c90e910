"""The random streams of the process: Python's, numpy's and the seeds from which TensorFlow seeds its operations.

Those that live in variables (Keras' seed generators, `tf.random.Generator`) belong to the state of the model.
"""

from __future__ import annotations

import random
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from tensorflow.python.eager import context

if TYPE_CHECKING:
    from collections.abc import Iterator


Streams = tuple[Any, Any, Any, Any]
"""Where the streams are, as their libraries say it: quick to take, for this process alone."""


def held() -> Streams:
    """Return where the streams are."""
    stream = getattr(context.context(), "_rng", None)
    drawn = None if stream is None else stream.getstate()
    return random.getstate(), np.random.get_state(legacy=False), context.global_seed(), drawn


def capture() -> dict[str, Any]:
    """Return where the streams are, as plain values of JSON."""
    return as_facts(held())


def as_facts(streams: Streams) -> dict[str, Any]:
    """Return what `held` returned as plain values of JSON."""
    of_python, of_numpy, seed, drawn = streams
    return {
        "python": _plain(of_python),
        "numpy": _plain(of_numpy),
        "tensorflow_seed": None if seed is None else int(seed),
        "tensorflow": None if seed is None or drawn is None else _plain(drawn),
    }


def restore(saved: dict[str, Any]) -> None:
    """Put the streams of the whole process back to where they were.

    Args:
        saved: What `capture` returned.
    """
    random.setstate(_as_tuples(saved["python"]))
    np.random.set_state(saved["numpy"])
    seed = saved["tensorflow_seed"]
    # What `tf.random.set_seed` does, which takes no `None`.
    context.context()._set_global_seed(seed)
    if saved["tensorflow"] is not None:
        context.context()._rng.setstate(_as_tuples(saved["tensorflow"]))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, np.generic) else value


def _as_tuples(value: Any) -> Any:
    return tuple(_as_tuples(item) for item in value) if isinstance(value, list) else value


def put_back(streams: Streams) -> None:
    """Put the streams of the whole process back to where they were.

    Args:
        streams: What `held` returned.
    """
    of_python, of_numpy, seed, drawn = streams
    random.setstate(of_python)
    np.random.set_state(of_numpy)
    if context.global_seed() != seed:
        context.context()._set_global_seed(seed)
    stream = getattr(context.context(), "_rng", None)
    if stream is not None and drawn is not None:
        stream.setstate(drawn)


@contextmanager
def kept() -> Iterator[None]:
    """After the block, the streams are where they were before it."""
    before = held()
    try:
        yield
    finally:
        put_back(before)
