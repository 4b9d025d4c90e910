"""What a capsule tells of a training that stands before a step: state, batch, configuration, where it goes wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras
import tensorflow as tf

from nnviz_widgets.core.backends.tensorflow import state
from nnviz_widgets.core.backends.tensorflow.batch_parts import described
from nnviz_widgets.core.backends.tensorflow.first_bad import first_bad
from nnviz_widgets.core.backends.tensorflow.plain_source import of_compile, of_model
from nnviz_widgets.core.backends.tensorflow.replicas import n_replicas, whole
from nnviz_widgets.core.backends.tensorflow.traced import without_optionals
from nnviz_widgets.core.capsule_contents import Bad, Contents

if TYPE_CHECKING:
    import numpy.typing as npt


def contents(training: Any, batch: Any) -> Contents:
    """Return what a capsule of the step on `batch` holds.

    Args:
        training: A `Training` that stands before the step; it does so afterwards, too.
        batch: As the compiled step takes it.
    """
    model = training.model
    arrays: dict[str, npt.NDArray[Any]] = {}
    named = state.variables_of(model, training.keras_state)
    names = {id(variable): name for name, variable in named.items()}
    optimizer = getattr(model, "optimizer", None)
    bad, why = _first_bad(training, batch)
    return Contents(
        model=of_model(model),
        compiled=of_compile(model),
        structure=described(without_optionals(whole(batch)), arrays),
        batch=arrays,
        state=state.capture(model, training.keras_state),
        model_variables=tuple(names.get(id(variable)) for variable in model.variables),
        optimizer_variables=tuple(names.get(id(variable)) for variable in getattr(optimizer, "variables", ())),
        bad=bad,
        why_unknown=why,
        versions={"keras": keras.__version__, "tensorflow": tf.__version__},
    )


def _first_bad(training: Any, batch: Any) -> tuple[Bad | None, str]:
    """Return the first value that is not finite, or why it is not known."""
    n = n_replicas(training.model)
    if n > 1:
        return None, f"the model is trained on {n} replicas, of which none was looked at by itself"
    try:
        bad = first_bad(training, batch)
    except Exception as error:  # the user's code need not run outside of a graph
        return None, f"the step could not be run eagerly ({type(error).__name__}: {error!s:.200})"
    return bad, "" if bad is not None else (
        "run eagerly, every output and gradient was finite: a sum over them overflowed, or random numbers were others"
    )
