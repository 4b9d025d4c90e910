"""What tells one data set from another, cheaply: shapes, dtypes and a checksum of a few rows."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree
from keras.src.trainers.data_adapters.array_data_adapter import can_convert_arrays

if TYPE_CHECKING:
    from nnviz_widgets.core.fit_arguments import FitArguments

_N_ROWS = 256
_OF_THE_ORDER = ("batch_size", "steps_per_epoch", "validation_split", "validation_freq", "initial_epoch", "shuffle")


def data_facts(arguments: FitArguments) -> dict[str, Any]:
    """Return facts about the data by name, in words and numbers of JSON.

    Args:
        arguments: The arguments of `fit`, validation split already taken off.
    """
    facts = {name: _word(getattr(arguments, name)) for name in _OF_THE_ORDER}
    facts["class_weight"] = _word(arguments.class_weight)
    for name in ("x", "y", "sample_weight", "validation_data"):
        facts[name] = _describe(getattr(arguments, name))
    return facts


def changed(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Say which facts are others now: phrases, none if all are as before."""
    found = []
    for name in {**before, **now}:
        old, new = before.get(name), now.get(name)
        if old != new:
            found.append(f"`{name}` was {_told(old)} and is {_told(new)}{_of_values(old, new)}")
    return found


def checksum(batch: Any) -> int:
    """Return the CRC-32 of all values of a batch, ragged and sparse parts included."""
    crc = 0
    for leaf in tf.nest.flatten(batch, expand_composites=True):
        if leaf is not None:
            array = np.ascontiguousarray(leaf.numpy() if hasattr(leaf, "numpy") else leaf)
            crc = zlib.crc32(_bytes(array), crc)
    return crc


def _describe(part: Any) -> Any:
    """Describe one argument: a list with an entry for each array, or what kind of source it is."""
    if part is None:
        return None
    if isinstance(part, tf.data.Dataset):
        return f"a data set of {part.element_spec}"
    if isinstance(part, (keras.utils.PyDataset, str)) or not can_convert_arrays((part,)):
        return f"a {type(part).__name__}"
    return [_array(leaf) for leaf in tree.flatten(part) if leaf is not None]


def _array(leaf: Any) -> str:
    n = int(leaf.shape[0]) if hasattr(leaf, "shape") and len(leaf.shape) else None
    if n is None or not hasattr(leaf, "dtype") or isinstance(leaf, (tf.RaggedTensor, tf.SparseTensor)):
        return f"a {type(leaf).__name__} of shape {tuple(leaf.shape)}" if n is not None else f"a {type(leaf).__name__}"
    rows = np.unique(np.linspace(0, n - 1, min(n, _N_ROWS)).astype(np.int64)) if n else np.empty(0, np.int64)
    if isinstance(leaf, np.ndarray):
        sample = leaf[rows]
    elif isinstance(leaf, tf.Tensor):
        sample = tf.gather(leaf, rows).numpy()
    else:
        sample = np.asarray(leaf)[rows] if not hasattr(leaf, "tocsr") else leaf.tocsr()[rows].toarray()
    return f"{sample.dtype} {tuple(leaf.shape)}, checksum {zlib.crc32(_bytes(np.ascontiguousarray(sample))):08x}"


def _bytes(array: np.ndarray[Any, Any]) -> bytes | memoryview:
    if array.dtype.kind in "OUS":
        return repr(array.tolist()).encode()
    return array.reshape(-1).view(np.uint8).data


def _word(value: Any) -> Any:
    return value if value is None or isinstance(value, (bool, int, float, str)) else repr(value)


def _told(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else repr(value) if not isinstance(value, str) else value


def _of_values(old: Any, new: Any) -> str:
    heads = [
        [one.partition(", checksum")[0] for one in told] if isinstance(told, list) else None for told in (old, new)
    ]
    return " (the values differ)" if heads[0] is not None and heads[0] == heads[1] else ""
