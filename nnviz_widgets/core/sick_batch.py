"""Values of a batch that are not finite: what a training that goes non-finite was fed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

PARTS = ("x", "y", "sample_weight")


def sick_batch(batch: tuple[Any, Any, Any]) -> str | None:
    """Return which of its samples are not finite, in words; `None` if all are.

    Args:
        batch: `(x, y, sample_weight)` in numpy arrays, each `(batch, ...)`, or lists, tuples and dicts of them.
    """
    leaves = [leaf for part, values in zip(PARTS, batch, strict=True) for leaf in _leaves(part, values)]
    found = [words for name, array in leaves if (words := _sick(name, array)) is not None]
    return "; ".join(found) or None


def _leaves(name: str, values: Any) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    if isinstance(values, dict):
        for key, value in values.items():
            yield from _leaves(f"{name}[{key!r}]", value)
    elif isinstance(values, list | tuple):
        for index, value in enumerate(values):
            yield from _leaves(f"{name}[{index}]", value)
    elif isinstance(values, np.ndarray) and values.dtype.kind in "fc":
        yield name, values


def _sick(name: str, array: npt.NDArray[Any]) -> str | None:
    sick = ~np.isfinite(array)
    if not sick.any():
        return None
    n_values = int(sick.sum())
    values = f"{n_values:,} value{'' if n_values == 1 else 's'}"
    if array.ndim == 0:
        return f"{name} is {array}"
    samples = np.flatnonzero(sick.reshape(len(array), -1).any(axis=1))
    first = array[int(samples[0])].reshape(-1)
    kind = "NaN" if np.isnan(first).any() else "infinite"
    more = "" if len(samples) == 1 else f" and {len(samples) - 1:,} more"
    return f"{name} of sample {int(samples[0])}{more} ({values}, {kind})"
