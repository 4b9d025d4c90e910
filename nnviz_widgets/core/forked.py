"""What a branch of a recording keeps: the steps that it shares are read where they are, in the recording it left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nnviz_widgets.core.readings import Readings, Snapshot

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from nnviz_widgets.core.frame import Catalogue, Reading, TensorKey
    from nnviz_widgets.core.tensor_store import Held, Tensors, TensorStore


class ForkedTensors:
    """A `TensorStore` before another one, of which the steps up to the fork are read.

    Args:
        own: Where the steps after the fork are kept, and what is read of earlier ones once more.
        shared: The store of the recording that was left.
        step: The last step that is read of it.
    """

    def __init__(self, own: TensorStore | ForkedTensors, shared: Tensors, step: int) -> None:
        self._own, self._shared, self._step = own, shared, step

    @property
    def n_bytes(self) -> int:
        """Memory held besides what is shared."""
        return self._own.n_bytes

    @property
    def n_dropped(self) -> int:
        """How many steps of its own were dropped."""
        return self._own.n_dropped

    def __len__(self) -> int:
        """Count the steps."""
        return len({step for key in self.known() for step in self.steps(key)})

    def add(
        self, step: int, arrays: Mapping[TensorKey, Held], labels: tuple[str, ...], pinned: bool
    ) -> dict[TensorKey, Held]:
        """As in `TensorStore`."""
        return self._own.add(step, arrays, labels, pinned)

    def thin(self, limit: int) -> None:
        """As in `TensorStore`, of what is its own."""
        self._own.thin(limit)

    def steps(self, key: TensorKey) -> Sequence[int]:
        """As in `TensorStore`."""
        shared = [step for step in self._shared.steps(key) if step <= self._step]
        own = self._own.steps(key)
        return [*shared, *own] if not (shared and own) or shared[-1] < own[0] else sorted({*shared, *own})

    def array(self, key: TensorKey, step: int) -> Held:
        """As in `TensorStore`."""
        return (self._own if step in self._own.steps(key) else self._shared).array(key, step)

    def labels(self, step: int) -> tuple[str, ...]:
        """As in `TensorStore`."""
        return self._own.labels(step) or (self._shared.labels(step) if step <= self._step else ())

    def known(self) -> Sequence[TensorKey]:
        """As in `TensorStore`."""
        return list(dict.fromkeys([*self._shared.known(), *self._own.known()]))

    def pinned(self, step: int) -> bool:
        """As in `TensorStore`."""
        return self._own.pinned(step) or (step <= self._step and self._shared.pinned(step))


class ForkedReadings:
    """`Readings` before others, of which the steps up to the fork are read.

    Args:
        shared: The readings of the recording that was left.
        catalogue: What the rows of the next ones mean.
        step: The last step that is read of them.
    """

    def __init__(self, shared: Readings | ForkedReadings, catalogue: Catalogue, step: int) -> None:
        self._shared, self._step = shared, step
        self._own = Readings()
        self._own.open_segment(catalogue)

    @property
    def n_bytes(self) -> int:
        """Memory held besides what is shared."""
        return self._own.n_bytes

    def open_segment(self, catalogue: Catalogue) -> None:
        """As in `Readings`."""
        self._own.open_segment(catalogue)

    def append(self, step: int, reading: Reading) -> None:
        """As in `Readings`."""
        self._own.append(step, reading)

    def thin(self, limit: int) -> None:
        """As in `Readings`, of what is its own."""
        self._own.thin(limit)

    def snapshot(self) -> Snapshot:
        """As in `Readings`."""
        cut = [
            block.selected(slice(0, int(np.searchsorted(block.steps, self._step, side="right"))))
            for block in self._shared.snapshot().blocks
        ]
        return Snapshot((*(block for block in cut if block.n), *self._own.snapshot().blocks))
