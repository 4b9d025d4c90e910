"""Where a recording hands on what it is given, such as a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nnviz_widgets.core.frame import Catalogue, Reading, TensorKey
    from nnviz_widgets.core.tensor_store import Held, Tensors


class Sink(Protocol):
    """Gets every write of a recording, in order, on the thread that writes. It never raises for reasons of its own."""

    def set_catalogue(self, catalogue: Catalogue) -> None:
        """As in `Recording`."""

    def add_step(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        """As in `Recording`; it opens the step. What follows belongs to it until `commit`."""

    def amend_step(self, step: int, values: Mapping[str, float]) -> None:
        """As in `Recording`."""

    def add_vitals(self, step: int, reading: Reading) -> None:
        """As in `Recording`."""

    def add_tensors(self, step: int, arrays: Mapping[TensorKey, Held], labels: tuple[str, ...], pinned: bool) -> None:
        """As in `Recording`; arrays are read-only and never change."""

    def add_event(self, step: int, name: str, text: str) -> None:
        """As in `Recording`."""

    def commit(self) -> None:
        """Hear that the open step is complete."""

    def on_stop(self, tell: Callable[[int, str], None]) -> None:
        """Let `tell` be called with the last step that was written and a sentence, when a fault ends the writing."""

    def stored(self) -> Tensors:
        """Return what can be read back."""

    def close(self, timeout: float | None = None) -> bool:
        """Write all that is left and end; whether that was done within `timeout` seconds."""

    def end_soon(self) -> None:
        """Ask for `close` without waiting for it."""


class Listener(Protocol):
    """Somebody who looks at a recording."""

    def notify(self) -> None:
        """Hear that something changed."""


class Follower(Protocol):
    """Takes in what is written to a file."""

    @property
    def running(self) -> bool:
        """Whether somebody writes."""

    def close(self) -> None:
        """Follow it no longer."""
