"""The one door from a recording to what is written of it for other programs.

`core` must not import `pictures` and `sharing`, which are built on it, and yet `recording.to_tensorboard` is where a
user looks for it. So its function is loaded by name when it is called, as `core/backends/__init__.py` loads TensorFlow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def tensorboard_writer() -> Callable[..., Path]:
    """Return `nnviz_widgets.sharing.tensorboard.write_tensorboard`."""
    writer: Callable[..., Path] = importlib.import_module("nnviz_widgets.sharing.tensorboard").write_tensorboard
    return writer
