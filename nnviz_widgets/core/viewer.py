"""The seam between a session and whoever looks at it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from nnviz_widgets.core.frame import TensorKey


class Viewer(Protocol):
    """Someone who looks at a session while it trains. Both methods are called on the training thread."""

    def wanted(self) -> frozenset[TensorKey]:
        """Return the tensors to read whole at the next step; empty for none. Takes microseconds, never blocks."""

    def notify(self) -> None:
        """Take note that something changed: a step, the state, the layers. Never blocks."""
