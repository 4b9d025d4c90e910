"""Keras 3 on TensorFlow: the only code that knows either.

One idea a file:

- what a model has: the object tree (`tree`), the names of axes (`axes`), why something cannot be read (`reasons`), all
  variables (`variables`), what was compiled (`fingerprint`, `losses`, `metrics`, `metric_names`), what of it is
  Keras' own (`of_keras`)
- a step that is read: noting what flows (`taps`, `tapes`, `inputs`, `composites`), layers and tensors for a reader
  (`catalogue`), statistics in the graph (`statistics`), the step as graph code (`traced`) and compiled (`step`), its
  values (`values`), what is left out when memory runs short (`memory`), replicas (`replicas`)
- the data: as `fit` takes them (`data`, `lengths`, `batches`, `data_facts`), what feeds a training (`feed`, `source`),
  those that come once (`batch_tape`, `refeed`), scalings of them as layers (`scaling_layers`)
- a run of `fit`: as it stands (`training`), its loop (`fit_loop`), what that yields (`events`), its validation
  (`validation`), its progress bar (`progress`); one that the user called (`callback`)
- a run that is gone on with: all that it holds (`state`, `random_streams`, `callback_state`, `position`,
  `resumption`), going back within it (`snapshot`, `written_snapshot`, `rewinding`)
- edits: what there is to change (`settings`), each as it is made (`editing`, `weight_edits`), a training that is set up
  otherwise (`setup`, `changing`), a loss tried out (`trying`), a second model (`cloning`), a script in plain Keras
  (`script`, `repeating`, `plain_source`)
- one batch without training (`inspection`, `untouched`), one step looked at closely (`looking`, `layer_calls`,
  `put_aside`, `thread_state`), a failure (`failing`), a capsule (`capsules`, `first_bad`, `batch_parts`)
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
