"""All variables of a model and what its optimizers keep for each, looked at once."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf

from nnviz_widgets.core.backends.tensorflow.replicas import parts
from nnviz_widgets.core.backends.tensorflow.taps import find_optimizers, scales_loss
from nnviz_widgets.core.backends.tensorflow.tree import walk
from nnviz_widgets.core.numeric import is_numeric
from nnviz_widgets.core.running_statistics import RunningStatistics

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

_MOST_VALUES = 1 << 24
"""Values that are fetched from a device at once."""


_NO_SLOTS = ("_trainable_variables", "_variables")


def variable_rows(model: Any) -> list[dict[str, Any]]:
    """Return a row for each variable of a model's layers, in their order, then those of the optimizers' own.

    Args:
        model: A Keras model; layers that are not built have no variables yet.

    Returns:
        Rows of the same columns, but for the norms of slots, which only variables with that slot have.
    """
    trainable = {id(variable) for variable in model.trainable_variables}
    slots = _slots(model)
    rows = []
    for entry in walk(model):
        for name, variable in entry.variables.items():
            row = _row(entry.path, name, variable, trainable=id(variable) in trainable)
            rows.append(row | _slot_columns(slots.get(id(variable), {})))
    for path, optimizer in _named_optimizers(model):
        rows += [_row(path, name, v, trainable=False) | _slot_columns({}) for name, v in _own_variables(optimizer)]
    return rows


def _row(path: str, name: str, variable: Any, *, trainable: bool) -> dict[str, Any]:
    statistics = _statistics(variable)
    return {
        "path": path,
        "variable": name,
        "shape": tuple(variable.shape),
        "dtype": str(tf.as_dtype(variable.dtype).name),
        "trainable": trainable,
        "mean": statistics.mean if statistics.n else math.nan,
        "std": statistics.std,
        "norm": statistics.norm,
        "n_nonfinite": statistics.n_nonfinite,
    }


def _statistics(variable: Any) -> RunningStatistics:
    statistics = RunningStatistics()
    for array in _pieces(variable):
        if is_numeric(array.dtype):
            statistics.add(array)
    return statistics


def _pieces(variable: Any) -> Iterator[npt.NDArray[Any]]:
    """Yield the values flat: on a CPU at once, where no copy is made, and from a device in pieces."""
    own = variable.value if isinstance(variable, keras.Variable) else variable
    value = parts(own)[0].read_value()
    if "CPU" in value.device:
        yield np.asarray(value).reshape(-1)
        return
    flat = tf.reshape(value, (-1,))
    for start in range(0, int(flat.shape[0]), _MOST_VALUES):
        yield np.asarray(flat[start : start + _MOST_VALUES])


def _slot_columns(slots: dict[str, Any]) -> dict[str, Any]:
    norms = {f"{name}_norm": _statistics(variable).norm for name, variable in slots.items()}
    return {"slots": ", ".join(slots), **norms}


def _slots(model: Any) -> dict[int, dict[str, Any]]:
    """Return what optimizers keep for each trained variable: `id(variable)` to name and variable."""
    found: dict[int, dict[str, Any]] = {}
    for optimizer in map(_inner, find_optimizers(model)):
        trained = list(getattr(optimizer, "_trainable_variables", ()))
        for attribute, kept in list(vars(optimizer).items()):
            if not isinstance(kept, list) or len(kept) != len(trained) or attribute in _NO_SLOTS:
                continue
            for variable, slot in zip(trained, kept, strict=True):
                if isinstance(slot, keras.Variable) and slot is not variable:
                    found.setdefault(id(variable), {})[_slot_name(variable, slot, attribute)] = slot
    return found


def _slot_name(variable: Any, slot: Any, attribute: str) -> str:
    """Return what Keras calls a slot: its variable has the path of the trained one before the name."""
    name: str = slot.name.removeprefix(variable.path.replace("/", "_") + "_")
    return attribute.strip("_") if name == slot.name else name


def _inner(optimizer: Any) -> Any:
    return optimizer.inner_optimizer if scales_loss(optimizer) else optimizer


def _named_optimizers(model: Any) -> Iterator[tuple[str, Any]]:
    """Yield each optimizer under the name of the attribute that holds it, `optimizer` for that of `compile`."""
    names = {id(value): name for name, value in reversed(vars(model).items())}
    for number, optimizer in enumerate(find_optimizers(model)):
        name = names.get(id(optimizer), f"optimizer_{number}").strip("_")
        yield name, optimizer
        if scales_loss(optimizer):
            yield f"{name}/inner_optimizer", optimizer.inner_optimizer


def _own_variables(optimizer: Any) -> Iterator[tuple[str, Any]]:
    """Yield the variables that belong to an optimizer itself: the count of updates, the rate, a loss scale."""
    of_inner = ("iterations", "learning_rate") if scales_loss(optimizer) else ()
    for attribute, value in vars(optimizer).items():
        name = attribute.strip("_")
        if isinstance(value, keras.Variable) and name not in of_inner:
            yield name, value
