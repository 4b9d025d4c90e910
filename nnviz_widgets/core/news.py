"""What was written to a recording's file since it was last looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from nnviz_widgets.core.frame import Catalogue
    from nnviz_widgets.core.idle_runs import IdleRun

    Metrics = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], Mapping[str, npt.NDArray[np.float64]]]


@dataclass(frozen=True, slots=True)
class News:
    """Everything new as of one moment.

    Attributes:
        catalogues: Layers and tensors, as they changed.
        metrics: Steps, epochs and metrics by name, all of shape `(n,)`.
        amends: Metrics that came after their step.
        events: As `Recording.events`, without steps that updated nothing.
        idle: All of those, `None` if they are as before.
        show: Lets vitals and tensors of that moment be seen.
    """

    catalogues: Sequence[Catalogue]
    metrics: Sequence[Metrics]
    amends: Sequence[tuple[int, Mapping[str, float]]]
    events: Sequence[tuple[int, str, str]]
    idle: Sequence[IdleRun] | None
    show: Callable[[], None]
