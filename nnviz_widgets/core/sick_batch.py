"""Values of a batch that are not finite: what a training that goes non-finite was fed, and which sample of the data.

The order in which samples are fed need not be known for that: a sample that is not finite is looked for by its values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

PARTS = ("x", "y", "sample_weight")

_MOST_VALUES = 2**20
"""Values of the data that are compared at once."""


def sick_batch(batch: tuple[Any, Any, Any], data: tuple[Any, Any] | None = None) -> str | None:
    """Return which of its samples are not finite, in words; `None` if all are.

    Args:
        batch: `(x, y, sample_weight)` in numpy arrays, each `(batch, ...)`, or lists, tuples and dicts of them.
        data: `(x, y)` of all samples, put together likewise of arrays `(n, ...)`, so that a sample is named by its
            index there, too; `None` where they are no arrays.
    """
    leaves = [leaf for part, values in zip(PARTS, batch, strict=True) for leaf in _leaves(part, values)]
    found = [words for name, array in leaves if (words := _sick(name, array, batch, data)) is not None]
    return "; ".join(found) or None


def _leaves(name: str, values: Any) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    return ((name, array) for name, array in _arrays(name, values) if array.dtype.kind in "fc")


def _arrays(name: str, values: Any) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    if isinstance(values, dict):
        for key, value in values.items():
            yield from _arrays(f"{name}[{key!r}]", value)
    elif isinstance(values, list | tuple):
        for index, value in enumerate(values):
            yield from _arrays(f"{name}[{index}]", value)
    elif isinstance(values, np.ndarray):
        yield name, values


def _sick(name: str, array: npt.NDArray[Any], batch: tuple[Any, Any, Any], data: tuple[Any, Any] | None) -> str | None:
    sick = ~np.isfinite(array)
    if not sick.any():
        return None
    n_values = int(sick.sum())
    values = f"{n_values:,} value{'' if n_values == 1 else 's'}"
    if array.ndim == 0:
        return f"{name} is {array}"
    samples = np.flatnonzero(sick.reshape(len(array), -1).any(axis=1))
    row = int(samples[0])
    kind = "NaN" if np.isnan(array[row]).any() else "infinite"
    more = "" if len(samples) == 1 else f" and {len(samples) - 1:,} more"
    where = None if data is None else _in_the_data(row, batch, data)
    return f"{name} of sample {row}{more} ({values}, {kind}{'' if where is None else f'; {where}'})"


def _in_the_data(row: int, batch: tuple[Any, Any, Any], data: tuple[Any, Any]) -> str | None:
    """Say which sample of the data a row of a batch is, `None` if it is not found."""
    found = _equal_samples(row, batch, data)
    if not found.size:
        return None
    same = "" if found.size == 1 else f", or {found.size - 1:,} equal to it"
    return f"sample {int(found[0])} of the data{same}"


def _equal_samples(row: int, batch: tuple[Any, Any, Any], data: tuple[Any, Any]) -> npt.NDArray[np.intp]:
    """Return the samples of the data that have the values of a row of a batch in all that both hold, ascending."""
    known = dict(pair for part in zip(PARTS, data, strict=False) for pair in _arrays(*part))
    of_batch = [pair for part in zip(PARTS, batch, strict=True) for pair in _arrays(*part)]
    fed = [(array[row].reshape(-1), known[name]) for name, array in of_batch if name in known and array.ndim]
    if not all(_may_be_equal(value, every) for value, every in fed):
        return np.empty(0, np.intp)
    fed.sort(key=lambda pair: bool(np.isfinite(pair[0]).all()))
    if not fed or np.isfinite(fed[0][0]).all():
        return np.empty(0, np.intp)
    found = _not_finite_there(*fed[0])
    for value, every in fed:
        found = found[_are_equal(every, found[found < len(every)], value)]
    return found


def _may_be_equal(value: npt.NDArray[Any], every: npt.NDArray[Any]) -> bool:
    numbers = value.dtype.kind in "fciub" and every.dtype.kind in "fciub"
    return numbers and bool(every.ndim) and every[:1].size == value.size


def _not_finite_there(value: npt.NDArray[Any], every: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    """Return the samples that are not finite where a value is not: few, and found without a look at the rest."""
    place = int(np.flatnonzero(~np.isfinite(value))[0])
    with np.errstate(over="ignore"):  # what is beyond the batch's precision is infinite there
        return np.flatnonzero(~np.isfinite(every.reshape(len(every), -1)[:, place].astype(value.dtype)))


def _are_equal(every: npt.NDArray[Any], chosen: npt.NDArray[np.intp], value: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Tell of the chosen samples whether they have these values, as numbers of the batch's precision."""
    equal = np.empty(len(chosen), np.bool_)
    at_once = max(1, _MOST_VALUES // max(1, value.size))
    for start in range(0, len(chosen), at_once):
        part = chosen[start : start + at_once]
        rows = every[part].reshape(len(part), -1)
        with np.errstate(over="ignore"):  # what is beyond the precision is infinite in the batch, too
            rows = rows.astype(value.dtype)
        equal[start : start + at_once] = ((rows == value) | ((rows != rows) & (value != value))).all(axis=1)
    return equal
