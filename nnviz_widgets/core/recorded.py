"""What of a recording is there by name: its layers and tensors, metrics, events, and the memory that it may hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnviz_widgets.core.arguments import byte_count
from nnviz_widgets.core.attributes import NamedAttributes
from nnviz_widgets.core.calls import all_called
from nnviz_widgets.core.lookup import check_kind
from nnviz_widgets.errors import LayerNotFound

if TYPE_CHECKING:
    from threading import Lock

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from nnviz_widgets.core.event_log import EventLog
    from nnviz_widgets.core.forked import ForkedReadings, ForkedTensors
    from nnviz_widgets.core.frame import Catalogue, LayerInfo, TensorKey, TensorSpec
    from nnviz_widgets.core.lookup import Lookup
    from nnviz_widgets.core.metric_log import MetricLog
    from nnviz_widgets.core.readings import Readings
    from nnviz_widgets.core.tensor_store import TensorStore

READINGS_SHARE = 4
"""Vitals and neuron statistics may take one part in so many of the budget."""


@all_called("recording")
class Recorded(NamedAttributes):
    """What a recording holds, behind one lock: whoever writes, reads or thins it takes that."""

    _budget_bytes: int
    _events: EventLog
    _lock: Lock
    _lookup: Lookup
    _metrics: MetricLog
    _readings: Readings | ForkedReadings
    _tensors: TensorStore | ForkedTensors

    def _thin_tensors(self) -> None:
        self._tensors.thin(max(0, self._budget_bytes - self._bytes_of_the_rest()))

    def _bytes_of_the_rest(self) -> int:
        """Count everything but whole tensors."""
        return self._readings.n_bytes + self._metrics.n_bytes + self._events.n_bytes

    @property
    def budget_bytes(self) -> int:
        """How much memory the recording may hold; lowering it drops older steps at once."""
        return self._budget_bytes

    @budget_bytes.setter
    def budget_bytes(self, value: int) -> None:
        checked = byte_count("budget_bytes", value)
        with self._lock:
            self._budget_bytes = checked
            self._readings.thin(checked // READINGS_SHARE)
            self._thin_tensors()

    @property
    def n_bytes(self) -> int:
        """How much memory the recording takes, what Python spends on its objects included.

        An array that is kept more than once counts once.
        """
        with self._lock:
            return self._tensors.n_bytes + self._bytes_of_the_rest()

    @property
    def catalogue(self) -> Catalogue:
        """The layers and tensors of the model as they are now."""
        return self._lookup.catalogue

    @property
    def layers(self) -> tuple[LayerInfo, ...]:
        """The layers of the model in call order."""
        return self._lookup.catalogue.layers

    @property
    def events(self) -> tuple[tuple[int, str, str], ...]:
        """What happened: `(step, name, text)` each, in the order of happening.

        Steps in a row that updated no variable are one event at the first of them; of very many such events, neighbours
        are one, which says how many of the steps are meant.
        """
        with self._lock:
            return self._events.events()

    @property
    def steps(self) -> npt.NDArray[np.int64]:
        """Every step taken, shape `(n,)`, ascending; without step 0, which is the state before any."""
        with self._lock:
            return self._metrics.steps

    @property
    def epochs(self) -> npt.NDArray[np.int64]:
        """The epoch of each of `steps`, shape `(n,)`."""
        with self._lock:
            return self._metrics.epochs

    @property
    def metrics(self) -> pd.DataFrame:
        """The metrics of every step, indexed by step; NaN where a step did not have one."""
        import pandas as pd

        steps, columns = self.metric_arrays()
        return pd.DataFrame(columns, index=pd.Index(steps, name="step"), copy=True)

    def metric_arrays(self) -> tuple[npt.NDArray[np.int64], dict[str, npt.NDArray[np.float64]]]:
        """Read the metrics without pandas and without a copy.

        Returns:
            The steps, `(n,)`, and each metric by name, `(n,)`. They are views: a later `amend_step` shows in them.
        """
        with self._lock:
            return self._metrics.steps, self._metrics.columns()

    def why(self, layer: str | LayerInfo, kind: str) -> str | None:
        """Say why a kind of tensor of a layer can never be read, `None` if it can.

        Args:
            layer: A `LayerInfo`, a path, or a name that only one layer has.
            kind: `"weights"`, `"activations"`, `"gradients"` or `"activation_gradients"`.
        """
        why = self._lookup.why(layer, kind)
        if why is not None or any(self._tensors.steps(key) for key in self._lookup.keys(layer, kind)):
            return why
        return self._lookup.why_now(self._lookup.path(layer), check_kind(kind))

    def resolve(
        self, layer: str | LayerInfo, kind: str, variable: str | None = None, call: int = 0, output: int = 0
    ) -> TensorKey:
        """Find the key of a tensor; arguments as in `tensor`.

        Raises:
            LayerNotFound: There is no such layer; the message names the nearest.
            TensorUnavailable: The tensor can never be read; the message is the reason.
            InvalidArgumentError: There is no such kind, variable or output; the message names those that are.
        """
        return self._lookup.resolve(layer, kind, variable, call, output)

    def keys(self, layer: str | LayerInfo, kind: str, call: int = 0) -> tuple[TensorKey, ...]:
        """Find the keys of all tensors of one kind of a layer; arguments as in `tensor`.

        Raises:
            LayerNotFound: There is no such layer; the message names the nearest.
            TensorUnavailable: There is no such tensor; the message is the reason.
        """
        return tuple(self._lookup.keys(layer, kind, call))

    def path(self, layer: str | LayerInfo, call: int = 0) -> str:
        """Find the path of a layer; arguments as in `tensor`.

        Raises:
            LayerNotFound: There is no such layer or call; the message names the nearest.
        """
        return self._lookup.path(layer, call)

    def spec(self, key: TensorKey) -> TensorSpec:
        """Look up what is known of a tensor before it is read."""
        spec = self._lookup.spec(key)
        if spec is None:
            raise LayerNotFound(
                f"`key` must be the key of a tensor of the catalogue. Received: {key}. Make one with `resolve`."
            )
        return spec
