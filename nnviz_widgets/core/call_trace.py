"""The calls of a model's layers in one step, in their order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from nnviz_widgets.core.text_table import as_html, as_text

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class TensorForm:
    """What is known of a tensor without its values.

    Attributes:
        shape: Its sizes, `None` where one is not known; `None` alone if not even their number is.
        dtype: Its dtype.
    """

    shape: tuple[int | None, ...] | None
    dtype: str

    def __str__(self) -> str:
        shape = "(…)" if self.shape is None else str(self.shape).replace(" ", "")
        return f"{shape} {self.dtype}"


Fed = tuple[tuple[str, TensorForm], ...]
"""Tensors that something is given, each with its name; that of a single first argument is empty."""


def in_words(fed: Fed) -> str:
    """Write tensors with their names in one line."""
    return ", ".join(f"{name}={form}" if name else str(form) for name, form in fed)


@dataclass(frozen=True, slots=True)
class LayerCall:
    """One call of a layer.

    Attributes:
        path: Of the layer, with `#1` for its second call in the step.
        class_name: Of the layer.
        depth: How many calls of other layers and models it is within.
        inputs: What it was fed, with the names of what was given by name.
        outputs: What it returned.
        training: Whether it was called in training mode; `None` for a layer that makes no difference.
        seconds: How long it took, layers that it calls included.
        own_seconds: How long without these.
    """

    path: str
    class_name: str
    depth: int
    inputs: Fed
    outputs: tuple[TensorForm, ...]
    training: bool | None
    seconds: float
    own_seconds: float


@dataclass(frozen=True, slots=True, repr=False)
class Trace:
    """The calls of the layers in one step that was run eagerly, operation by operation.

    Attributes:
        calls: In the order in which they began: a model before the layers that it calls.
        what: Which batch it was, in words.
    """

    calls: tuple[LayerCall, ...]
    what: str

    @property
    def seconds(self) -> float:
        """How long all calls took together."""
        return sum(call.seconds for call in self.calls if not call.depth)

    @property
    def table(self) -> pd.DataFrame:
        """A row for each call: `layer class depth inputs outputs training ms own_ms`.

        `ms` is the time of the call, in milliseconds; `own_ms` without that of the layers which it calls.
        """
        import pandas as pd

        rows = [
            (
                call.path,
                call.class_name,
                call.depth,
                in_words(call.inputs),
                ", ".join(map(str, call.outputs)),
                call.training,
                call.seconds * 1e3,
                call.own_seconds * 1e3,
            )
            for call in self.calls
        ]
        return pd.DataFrame(rows, columns=["layer", "class", "depth", "inputs", "outputs", "training", "ms", "own_ms"])

    def _title(self) -> str:
        n = len(self.calls)
        return f"{n} call{'' if n == 1 else 's'} of layers, {self.seconds * 1e3:.3g} ms forward, {self.what}"

    def _rows(self) -> list[tuple[str, ...]]:
        modes = {True: "training", False: "inference", None: ""}
        return [
            (
                "  " * call.depth + call.path,
                call.class_name,
                in_words(call.inputs),
                ", ".join(map(str, call.outputs)),
                modes[call.training],
                f"{call.seconds * 1e3:.3f}",
            )
            for call in self.calls
        ]

    def __repr__(self) -> str:
        """Draw a table, inner calls indented."""
        return f"{self._title()}\n{as_text(_HEAD, self._rows(), numbers=(5,))}"

    def _repr_html_(self) -> str:
        """Draw the same for a notebook."""
        return as_html(self._title(), _HEAD, self._rows(), numbers=(5,))


_HEAD = ("layer", "class", "inputs", "outputs", "mode", "ms")
