"""Checks of what a reader of a recording passes in, and the words when it is not what it must be."""

from __future__ import annotations

import operator
import re
from bisect import bisect_left
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.byte_size import byte_size
from nnviz_widgets.core.deferred import MAX_COPY_BYTES
from nnviz_widgets.core.lookup import words
from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnviz_widgets.core.deferred import Deferred
    from nnviz_widgets.core.frame import TensorKey

_UNITS = {
    "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30,
}  # fmt: skip


def whole_number(value: object) -> int | None:
    """Return a value as an int, `None` if it is no integer; `True` is none either."""
    try:
        return None if isinstance(value, bool) else operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return None


def byte_count(name: str, value: int) -> int:
    """Return a number of bytes that is at least 1, or say what it must be."""
    number = whole_number(value)
    if number is None or number < 1:
        raise InvalidArgumentError(
            f"`{name}` must be a whole number of bytes, at least 1. Received: {name}={value!r}. "
            "Give, for example, 1 << 30 for a gibibyte."
        )
    return number


def checked_bytes(name: str, value: Any) -> int:
    """Return a number of bytes, given as one or as a text such as `"20 MB"`.

    Raises:
        InvalidArgumentError: If it is neither, or less than 1.
    """
    number = _of_text(value) if isinstance(value, str) else whole_number(value)
    if number is None or number < 1:
        raise InvalidArgumentError(
            f"`{name}` must be a number of bytes, at least 1, or a text with a unit. Received: {name}={value!r}. "
            'Give, for example, "20 MB", "500 kB" or 20_000_000.'
        )
    return number


def _of_text(text: str) -> int | None:
    match = re.fullmatch(r"\s*(\d{1,15}(?:\.\d{1,6})?)\s*([a-zA-Z]*)\s*", text)
    if match is None or (match[2] or "b").lower() not in _UNITS:
        return None
    return int(float(match[1]) * _UNITS[(match[2] or "b").lower()])


def step_or_newest(step: int) -> int:
    """Return a step as an int, or -1 for the newest, or say what it must be."""
    number = whole_number(step)
    if number is None or number < -1:
        raise InvalidArgumentError(
            f"`step` must be a whole number from 0, or -1 for the newest kept step. Received: step={step!r}. "
            "`tensor_steps` lists the steps that are kept."
        )
    return number


def index_of(name: str, value: str, choices: tuple[str, ...]) -> int:
    """Return the index of one of the choices, or name them."""
    if value in choices:
        return choices.index(value)
    listed = ", ".join(f'"{choice}"' for choice in choices)
    raise InvalidArgumentError(f"`{name}` must be one of {listed}. Received: {name}={value!r}. Use one of them.")


def _what(key: TensorKey) -> str:
    return f"{words(key.kind)} of layer `{key.layer}`" + (f", variable `{key.variable}`," if key.variable else "")


def too_large(key: TensorKey, tensor: Deferred) -> str:
    """Say that a tensor on a device is too large to be copied, and what can be read instead."""
    call = f'("{key.layer}", "{key.kind}"' + (f', variable="{key.variable}"' if key.variable else "")
    instead = (
        f"Read a part of it: recording.tensor{call}, part=np.s_[:100])"
        if tensor.kept
        else f"Its statistics are computed where it is: recording.vitals{call})"
    )
    return (
        f"The {_what(key)} must be at most {byte_size(MAX_COPY_BYTES)} to be copied from a device whole. Received: "
        f"shape {tensor.shape} of {tensor.dtype.name}, {byte_size(tensor.nbytes)}. {instead}."
    )


def not_recorded(key: TensorKey, step: int, kept: Sequence[int]) -> str:
    """Say that a tensor was not kept at a step, and which steps are nearest."""
    what = _what(key)
    if not kept:
        return (
            f"The {what} must have been kept to be read. Received: step={step}, but no step of it is kept yet. "
            "Take a step, or name the layer and kind in `Probe`."
        )
    index = bisect_left(kept, step)
    nearest = " and ".join(str(near) for near in kept[max(0, index - 1) : index + 1])
    return (
        f"The {what} must have been kept at the step to be read. Received: step={step}, the nearest kept: {nearest}. "
        "Use one of these, or list all with `tensor_steps`."
    )
