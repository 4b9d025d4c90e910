"""Everything that a recording holds at one moment, for who writes it down elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from nnviz_widgets.core.frame import Catalogue, TensorKey
    from nnviz_widgets.core.idle_runs import IdleRun
    from nnviz_widgets.core.readings import Readable
    from nnviz_widgets.core.tensor_store import Held

    Kept = tuple[int, list[TensorKey], tuple[str, ...], bool]
    Step = tuple[int, dict[TensorKey, Held], tuple[str, ...], bool]


@dataclass(frozen=True, slots=True)
class Contents:
    """A recording at one moment. Tensors are looked up one step after the other, so that few are in memory.

    Attributes:
        name: Of the recording.
        catalogue: As `Recording.catalogue`.
        steps: As `Recording.steps`.
        epochs: As `Recording.epochs`.
        columns: The metrics by name.
        events: As `Recording.events`, without steps that updated nothing.
        idle: Those.
        blocks: Vitals.
        kept: Steps that have tensors: step, their keys, labels, whether it is pinned.
        find: Returns a tensor, `None` if it has been dropped meanwhile.
        about: More to note of the run.
    """

    name: str
    catalogue: Catalogue
    steps: npt.NDArray[np.int64]
    epochs: npt.NDArray[np.int64]
    columns: Mapping[str, npt.NDArray[np.float64]]
    events: Sequence[tuple[int, str, str]]
    idle: Sequence[IdleRun]
    blocks: Sequence[Readable]
    kept: Sequence[Kept]
    find: Callable[[TensorKey, int], Held | None]
    about: Mapping[str, str]

    def tensors(self) -> Iterator[Step]:
        """Yield what each step keeps: step, tensors, labels, whether it is pinned."""
        for step, keys, labels, pinned in self.kept:
            found = {key: held for key in keys if (held := self.find(key, step)) is not None}
            if found:
                yield step, found, labels, pinned
