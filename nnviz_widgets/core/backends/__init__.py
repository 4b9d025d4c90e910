"""The one door to Keras: everything else in the package sees numpy.

Nothing here imports Keras or TensorFlow until a session is made, so recordings can be read where neither is installed.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from nnviz_widgets.errors import BackendMissing

if TYPE_CHECKING:
    from types import ModuleType


def load_tensorflow_backend() -> ModuleType:
    """Return the package `nnviz_widgets.core.backends.tensorflow`.

    Raises:
        BackendMissing: If Keras 3 or TensorFlow cannot be imported, or Keras runs on another backend.
    """
    try:
        keras = importlib.import_module("keras")
        importlib.import_module("tensorflow")
    except ImportError as error:
        raise BackendMissing(
            "A training session needs Keras 3 with TensorFlow, and one of them cannot be imported "
            f"({error}). Install both with: pip install 'nnviz-widgets[tensorflow]'"
        ) from error
    if keras.backend.backend() != "tensorflow":
        raise BackendMissing(
            "A training session needs Keras' TensorFlow backend. "
            f"Received: backend {keras.backend.backend()!r}. "
            "Set the environment variable KERAS_BACKEND=tensorflow before Keras is imported."
        )
    return importlib.import_module("nnviz_widgets.core.backends.tensorflow")
