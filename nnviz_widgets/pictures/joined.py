"""Arrays made of kept ones, made once: a page at rest asks for the same picture with every move of the pointer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import ref

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Array = npt.NDArray[Any]

MOST_BYTES = 128 << 20
"""Of all that is held here; the oldest makes room."""

# By what they are made of; the references drop an entry as soon as one of its parts is kept no more. Each access is one
# operation of the dictionary, as a part may go at any moment and on any thread.
_held: dict[tuple[tuple[int, int], ...], tuple[tuple[ref[Array], ...], Array]] = {}


def joined_once(join: Callable[..., Array], *parts: Array) -> Array:
    """Return `join(*parts)`, or what it returned of the same parts before.

    Args:
        join: Makes an array of the parts; what else it depends on must follow from them.
        parts: Views of arrays that nobody writes to.
    """
    owners = [part if part.base is None else part.base for part in parts]
    key = tuple((id(owner), part.ctypes.data) for owner, part in zip(owners, parts, strict=True))
    known = _held.get(key)
    if known is not None:
        return known[1]
    made = join(*parts)
    _held[key] = tuple(ref(owner, lambda _: _held.pop(key, None)) for owner in owners), made
    _make_room()
    return made


def _make_room() -> None:
    entries = list(_held.copy().items())
    n_bytes = sum(array.nbytes for _, (_, array) in entries)
    for key, (_, array) in entries:
        if n_bytes <= MOST_BYTES:
            break
        _held.pop(key, None)
        n_bytes -= array.nbytes
