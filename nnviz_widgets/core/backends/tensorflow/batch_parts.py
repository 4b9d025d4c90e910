"""A batch of any structure as arrays with names, and a description in JSON's values that puts them together again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

if TYPE_CHECKING:
    import numpy.typing as npt


def described(value: Any, arrays: dict[str, npt.NDArray[Any]], name: str = "batch") -> Any:
    """Return the description of a batch, and put its arrays into `arrays`.

    Args:
        value: Tensors, ragged and sparse ones among them, in lists, tuples and dicts.
        arrays: By name.
        name: Of this part.
    """
    if isinstance(value, dict):
        return {"dict": {key: described(part, arrays, f"{name}/{key}") for key, part in value.items()}}
    if isinstance(value, (list, tuple)):
        kind = "list" if isinstance(value, list) else "tuple"
        return {kind: [described(part, arrays, f"{name}/{i}") for i, part in enumerate(value)]}
    if value is None:
        return None
    if isinstance(value, tf.RaggedTensor):
        splits = [_kept(part, arrays, f"{name}/splits/{i}") for i, part in enumerate(value.nested_row_splits)]
        return {"ragged": _kept(value.flat_values, arrays, f"{name}/values"), "splits": splits}
    if isinstance(value, tf.SparseTensor):
        parts = {part: getattr(value, part) for part in ("indices", "values", "dense_shape")}
        return {"sparse": {part: _kept(tensor, arrays, f"{name}/{part}") for part, tensor in parts.items()}}
    return {"array": _kept(value, arrays, name)}


def _kept(tensor: Any, arrays: dict[str, npt.NDArray[Any]], name: str) -> str:
    array = np.asarray(tensor)
    if array.dtype == object:  # texts; as such they would need pickle
        array = np.array(array.tolist(), dtype=np.bytes_)
    arrays[name] = array
    return name
