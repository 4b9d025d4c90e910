"""What the metrics of a training will be called, before its first step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import keras
from keras.src.models.functional import Functional
from keras.src.utils.naming import get_object_name

from nnviz_widgets.core.backends.tensorflow.of_keras import is_in_keras

_MAKE_THE_LOGS = ("train_step", "compute_loss", "compute_metrics", "get_metrics_result", "metrics")


class _Uncertain(Exception):
    """Only a step can tell."""


def metric_names(model: Any) -> tuple[str, ...] | None:
    """Return the names that the logs of each step have, as Keras makes them; `None` where only a step can tell.

    Certain are they of a model whose logs Keras makes and whose outputs are known, with losses and metrics that are
    texts, functions or Keras' own. Nothing is built, and Keras counts no name.

    Args:
        model: A compiled model.
    """
    if any(name in vars(model) or _is_overridden(model, name) for name in _MAKE_THE_LOGS):
        return None
    try:
        compiled = _of_metrics(model)
        losses = _of_losses(model)
        others = _of_other_metrics(model)
    except _Uncertain:
        return None
    return tuple(dict.fromkeys(["loss", *compiled, *losses, *others]))


def _is_overridden(model: Any, name: str) -> bool:
    return getattr(type(model), name) is not getattr(keras.Model, name)


def _outputs(model: Any) -> list[str]:
    """Return the names of the outputs, where they are a plain row or go by these very names."""
    functional = getattr(model, "_functional", None) if isinstance(model, keras.Sequential) else model
    if not isinstance(functional, Functional):
        raise _Uncertain
    outputs, names = functional._outputs_struct, list(functional.output_names)
    is_row = isinstance(outputs, (list, tuple)) and not any(map(keras.tree.is_nested, outputs))
    if keras.tree.is_nested(outputs) and not is_row and not (isinstance(outputs, dict) and set(outputs) == set(names)):
        raise _Uncertain
    return names


def _of_metrics(model: Any) -> list[str]:
    """Name the metrics of `compile`: those of several outputs with the output in front, and no name twice."""
    compiled = model._compile_metrics
    if compiled is None:
        return []
    outputs = _outputs(model)
    found: list[str] = []
    taken: Counter[str] = Counter()
    for given, front in ((compiled._user_metrics, ""), (compiled._user_weighted_metrics, "weighted_")):
        for output, metric in _by_output(given, outputs):
            name = f"{output}{metric}"
            if taken[name] and front:
                name = f"{output}{front}{metric}"
            taken[name] += 1
            found.append(name if taken[name] == 1 else f"{name}_{taken[name] - 1}")
    return found


def _by_output(given: Any, outputs: list[str]) -> Iterator[tuple[str, str]]:
    """Yield each metric, with what stands in front of its name."""
    if not given:
        return
    if len(outputs) == 1:
        yield from (("", _name(one)) for one in keras.tree.flatten(given))
        return
    if isinstance(given, dict) and set(given) <= set(outputs):
        rows = [(name, given[name]) for name in outputs if name in given]
    elif isinstance(given, (list, tuple)) and len(given) == len(outputs):
        rows = list(zip(outputs, given, strict=True))
    else:
        raise _Uncertain
    for output, metrics in rows:
        for one in metrics if isinstance(metrics, (list, tuple)) else [metrics]:
            if one is not None:
                yield f"{output}_", _name(one)


def _name(metric: Any) -> str:
    """Name a metric as Keras does. What the user's own classes return may be several numbers, by any name."""
    if isinstance(metric, str) and keras.saving.get_registered_object(metric) is None:
        return metric
    if isinstance(metric, FunctionType) or (isinstance(metric, keras.metrics.Metric) and is_in_keras(type(metric))):
        return str(get_object_name(metric))
    raise _Uncertain


def _of_losses(model: Any) -> list[str]:
    """Name the losses of several outputs; a single one is the loss itself."""
    loss = getattr(model, "loss", None)
    if loss is None:
        return []
    outputs = _outputs(model)
    is_for_all = not keras.tree.is_nested(loss)
    if len(outputs) == 1 and (is_for_all or len(keras.tree.flatten(loss)) == 1):
        return []
    is_dict = isinstance(loss, dict) and set(loss) == set(outputs) and None not in loss.values()
    is_list = isinstance(loss, (list, tuple)) and len(loss) == len(outputs) and None not in loss
    if not (is_for_all or is_dict or is_list):
        raise _Uncertain
    return [f"{name}_loss" for name in outputs]


def _of_other_metrics(model: Any) -> list[str]:
    """Name the metrics that belong to the model or to its layers."""
    compiled = [model._loss_tracker, model._compile_metrics]
    if model._compile_loss is not None:
        compiled += model._compile_loss.metrics
    return [_name(one) for one in model.metrics if not any(one is known for known in compiled)]
