"""Everything that is written of a run, through one connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.storage.event_rows import EventRows
from nnviz_widgets.core.storage.ink import Ink
from nnviz_widgets.core.storage.metric_rows import MetricRows
from nnviz_widgets.core.storage.tensor_rows import TensorRows
from nnviz_widgets.core.storage.vital_rows import VitalRows

if TYPE_CHECKING:
    from collections.abc import Mapping

    from nnviz_widgets.core.frame import Catalogue, Reading, TensorKey
    from nnviz_widgets.core.storage.options import StoredDtype
    from nnviz_widgets.core.tensor_store import Held


class Tables:
    """Takes what a recording is given and writes it, inside the caller's transaction.

    Attributes:
        step: The newest step that was taken in.
        metrics: Metrics of steps.
        vitals: Readings.
        tensors: Whole tensors.
        events: What happened.
    """

    def __init__(self, database: Any, dtype: StoredDtype) -> None:
        """Write to `database`, with wide floats of tensors as `dtype`."""
        self._database = database
        self._ink = ink = Ink(database)
        self.metrics = MetricRows(database, ink)
        self.vitals = VitalRows(database, ink)
        self.tensors = TensorRows(database, ink, dtype)
        self.events = EventRows(database)
        self.step = 0
        self._told = 0

    @property
    def stored_bytes(self) -> int:
        """How many bytes of arrays were stored through this connection."""
        return self._ink.stored_bytes

    def set_catalogue(self, catalogue: Catalogue) -> None:
        """Take the layers and tensors that there are from now on."""
        self.vitals.open_segment(catalogue)
        self.set_meta("layers", str(len(catalogue.layers)))
        self.set_meta("n_params", str(sum(layer.n_params for layer in catalogue.layers)))

    def add_step(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        """Take the metrics of a step."""
        self.step = step
        self.metrics.add(step, epoch, values)

    def amend_step(self, step: int, values: Mapping[str, float]) -> None:
        """Take metrics that belong to an earlier step."""
        self.metrics.amend(step, values)

    def add_vitals(self, step: int, reading: Reading) -> None:
        """Take a reading."""
        self.vitals.add(step, reading)

    def add_tensors(self, step: int, arrays: Mapping[TensorKey, Held], labels: tuple[str, ...], pinned: bool) -> None:
        """Take whole tensors."""
        self.tensors.add(step, arrays, labels, pinned)
        for sentence in list(self.tensors.left_out.values())[self._told :]:
            self.add_event(step, "notice", sentence)
            self._told += 1

    def add_event(self, step: int, name: str, text: str) -> None:
        """Take an event."""
        self.events.add(step, name, text)

    def set_meta(self, name: str, value: str) -> None:
        """Note something about the run as a whole."""
        self._database.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def write(self) -> None:
        """Write what was collected."""
        self.metrics.write()
        self.vitals.write()
        self.events.write()

    def close(self) -> None:
        """End what helped."""
        self._ink.close()
