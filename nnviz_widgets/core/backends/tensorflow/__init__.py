"""Keras 3 on TensorFlow: the only code that knows either.

One idea a file: the object tree (`tree`), noting what flows (`taps`, `tapes`), what is noted as values (`catalogue`,
`axes`, `reasons`), statistics in the graph (`statistics`), the step as graph code (`traced`) and compiled (`step`), the
data (`data`, `lengths`), the progress bar (`progress`), a run of `fit` (`training`, its loop in `fit_loop`, what edits
change in `changing`) and one that the user called
(`callback`), what a saved run must hold to be gone on with (`state`, `random_streams`, `callback_state`, `position`,
`data_facts`, `resumption`), going back within a run (`snapshot`, `rewinding`), one batch without training
(`inspection`, `batches`, `untouched`), one step looked at closely (`looking`, `layer_calls`, `failing`, `put_aside`,
`thread_state`, `variables`), what a capsule holds (`capsules`, `first_bad`, `batch_parts`, `plain_source`), and
scalings as layers (`scaling_layers`).
"""

from __future__ import annotations

from nnviz_widgets.core.backends.tensorflow import (
    capsules,
    cloning,
    editing,
    failing,
    looking,
    random_streams,
    trying,
    variables,
)
from nnviz_widgets.core.backends.tensorflow.callback import FitTraining, StepInPlace, as_keras_callback
from nnviz_widgets.core.backends.tensorflow.events import EpochEnd, Step
from nnviz_widgets.core.backends.tensorflow.inspection import Inspected, inspect
from nnviz_widgets.core.backends.tensorflow.resumption import Resumption
from nnviz_widgets.core.backends.tensorflow.scaling_layers import normalization_layer, rescaling_layer
from nnviz_widgets.core.backends.tensorflow.settings import settings_of
from nnviz_widgets.core.backends.tensorflow.training import Training, set_random_seed

__all__ = [
    "EpochEnd",
    "FitTraining",
    "Inspected",
    "Resumption",
    "Step",
    "StepInPlace",
    "Training",
    "as_keras_callback",
    "capsules",
    "cloning",
    "editing",
    "failing",
    "inspect",
    "looking",
    "normalization_layer",
    "random_streams",
    "rescaling_layer",
    "set_random_seed",
    "settings_of",
    "trying",
    "variables",
]
