"""When a network goes non-finite, and where first."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.frame import VITALS

if TYPE_CHECKING:
    from nnviz_widgets.core.frame import Catalogue, Reading

_NAN, _INF = VITALS.index("nan"), VITALS.index("inf")

_MOST_LOOKS = 20
"""Steps that are read for the first sick tensor, each in full."""


class SicknessWatch:
    """Looks at every step for a loss or a gradient that is not finite, and names the first tensor that is sick.

    Attributes:
        since: The first step at which something was not finite, `None` as long as all is well.
        named: Whether the first sick tensor has been looked for.
    """

    def __init__(self, n_rows: int | None = None) -> None:
        """Read activations of so many rows of a batch; `None` is of all."""
        self._n_rows = n_rows
        self.since: int | None = None
        self.named = False
        self._n_looked = 0

    def needs_reading(self, step: int) -> bool:
        """Whether the step after `step` should be read, to find where it began."""
        return self.since is not None and self.since <= step and not self.named

    def look(self, step: int, output: Any, catalogue: Catalogue) -> list[str]:
        """Return what there is to say of a step: nothing, or sentences that were not said before."""
        sentences = []
        if self.since is None and self._is_sick(output):
            self.since = step
            what = [] if math.isfinite(output.batch_loss) else [f"loss {output.batch_loss:.4g}"]
            if output.gradient_l2 is not None:
                what.append(f"gradient norm {output.gradient_l2:.4g}")
            sentences.append(f"step {step}: not finite ({', '.join(what)})")
        if self.since is not None and not self.named and output.vitals is not None:
            where = first_sick_tensor(catalogue, output.vitals)
            # A loss or a norm overflows before any tensor does: the squares of large numbers are larger.
            self._n_looked += 1
            self.named = where is not None or self._n_looked >= _MOST_LOOKS
            if where is not None:
                sentences.append(f"step {step}: the first tensor that is not finite is {where}{self._of_which()}")
        return sentences

    def _of_which(self) -> str:
        """Say of how many rows activations were looked at: those of another row may have come before."""
        return "" if self._n_rows is None else f" (of those read: activations of the first {self._n_rows} rows)"

    @staticmethod
    def _is_sick(output: Any) -> bool:
        if output.has_loss and not math.isfinite(output.batch_loss):
            return True
        # An overflow that the loss scale skips is part of its search for the right scale.
        return output.gradient_l2 is not None and not math.isfinite(output.gradient_l2) and not output.skipped


def first_sick_tensor(catalogue: Catalogue, reading: Reading) -> str | None:
    """Return the tensor that is not finite and comes first in the order of computation, in words, or `None`.

    Activations come first, in the order of the layers, then gradients from the last layer to the first, then weights:
    the order in which a NaN spreads.
    """
    order = {layer.path: i for i, layer in enumerate(catalogue.layers)}
    rows = np.flatnonzero((reading.table[:, _NAN] > 0) | (reading.table[:, _INF] > 0))
    if not rows.size:
        return None

    def when(row: int) -> tuple[int, int]:
        key = catalogue.specs[row].key
        position = order.get(key.layer, 0)
        forward = key.kind == "activations"
        return (0 if forward else 2 if key.kind == "weights" else 1, position if forward else -position)

    row = min(map(int, rows), key=when)
    key = catalogue.specs[row].key
    name = f"{key.kind} of {key.layer!r}" + (f" ({key.variable})" if key.variable else "")
    n_nan, n_inf = int(reading.table[row, _NAN]), int(reading.table[row, _INF])
    return f"{name}: {n_nan} NaN, {n_inf} Inf"
