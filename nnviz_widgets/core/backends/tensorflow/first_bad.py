"""Where a step goes non-finite first: it is taken once more, eagerly, with all outputs and gradients noted.

Outputs are looked at in the order of the calls, then the loss, then gradients from the last call to the first: the
order in which they are computed, so the first that is bad is where it began.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf

from nnviz_widgets.core.backends.tensorflow.composites import values_of
from nnviz_widgets.core.backends.tensorflow.layer_calls import in_python
from nnviz_widgets.core.backends.tensorflow.put_aside import put_aside
from nnviz_widgets.core.backends.tensorflow.taps import Taps
from nnviz_widgets.core.backends.tensorflow.traced import without_optionals
from nnviz_widgets.core.backends.tensorflow.tree import walk
from nnviz_widgets.core.capsule_contents import Bad
from nnviz_widgets.core.frame import first_call

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnviz_widgets.core.capsule_contents import What


def first_bad(training: Any, batch: Any) -> Bad | None:
    """Return the first value that is not finite when a step is taken from here; `None` if all are.

    Args:
        training: A `Training` that stands before the step; it does so afterwards, too.
        batch: The batch, as the compiled step takes it.

    Raises:
        Exception: What the step raises when it is run eagerly.
    """
    model = training.model
    data = without_optionals(batch)
    with put_aside(model, training.keras_state), Taps(model, walk(model)) as taps:
        taps.inputs.note_batch(data)
        in_python(model.train_step)(data)
    if taps.failed is not None:
        raise taps.failed
    return next(_all_bad(model, taps), None)


def _all_bad(model: Any, taps: Taps) -> Iterator[Bad]:
    for call, outputs in taps.outputs.items():
        for output in outputs:
            yield from (replace(bad, of_logits=True) for bad in _bad(output.logits, call, "output"))
            yield from _bad(output.activation, call, "output")
    yield from _bad(taps.loss, None, "loss")
    entries = {entry.path: entry for entry in walk(model)}
    left = {id(v): name for entry in entries.values() for name, v in entry.variables.items()}
    for call, outputs in reversed(taps.outputs.items()):
        for output in outputs:
            yield from _bad(output.gradient, call, "gradient", fed=_fed_by(taps, call))
        for name, variable in entries[first_call(call)].variables.items():
            _, gradient = taps.gradients.get(id(variable), (None, None))
            yield from _bad(gradient, first_call(call), "gradient", name)
    for variable, gradient in taps.gradients.values():  # of variables that no call was noted of
        yield from _bad(gradient, None, "gradient", left.get(id(variable), variable.name))


def _fed_by(taps: Taps, call: str) -> tuple[str, ...]:
    return tuple(path for path, fed in taps.inputs.found().items() if fed.key.layer == call)


def _bad(
    tensor: Any, layer: str | None, what: What, variable: str | None = None, fed: tuple[str, ...] = ()
) -> Iterator[Bad]:
    """Yield the tensor if it has values that are not finite."""
    if tensor is None:
        return
    values = tf.convert_to_tensor(values_of(tensor))
    if not (values.dtype.is_floating or values.dtype.is_complex):
        return
    array = np.asarray(values)
    n_nan = int(np.isnan(array).sum())
    n_inf = int((~np.isfinite(array)).sum()) - n_nan
    if n_nan or n_inf:
        yield Bad(layer, what, variable, tuple(array.shape), n_nan, n_inf, computed_by=fed)
