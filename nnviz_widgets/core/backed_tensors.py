"""Tensors in memory, and behind them those that memory has given up and a file still holds."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING

from nnviz_widgets.core.tensor_store import TensorStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnviz_widgets.core.frame import TensorKey
    from nnviz_widgets.core.tensor_store import Held, Tensors


class BackedTensors(TensorStore):
    """A `TensorStore` whose dropped steps are read from elsewhere; as long as none was dropped, nobody looks there."""

    def __init__(self, behind: Tensors) -> None:
        """Start empty, before `behind`."""
        super().__init__()
        self._behind = behind

    def __len__(self) -> int:
        """Count the steps in memory, or all where some were dropped."""
        return max(super().__len__(), len(self._behind)) if self.n_dropped else super().__len__()

    def steps(self, key: TensorKey) -> Sequence[int]:
        """List the steps at which a tensor can be read, ascending."""
        kept = super().steps(key)
        if not self.n_dropped:
            return kept
        return sorted({*kept, *self._behind.steps(key)})

    def array(self, key: TensorKey, step: int) -> Held:
        """Look up a tensor, in memory first."""
        kept = super().steps(key)
        index = bisect_left(kept, step)
        if index < len(kept) and kept[index] == step:
            return super().array(key, step)
        return self._behind.array(key, step)

    def labels(self, step: int) -> tuple[str, ...]:
        """Read the texts of the samples of a step."""
        return super().labels(step) or (self._behind.labels(step) if self.n_dropped else ())

    def known(self) -> Sequence[TensorKey]:
        """List the tensors of which some step was kept."""
        return list(dict.fromkeys([*super().known(), *self._behind.known()]))
