"""What of a recording is read by step: whole tensors, and the statistics of tensors and of their neurons."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.arguments import index_of, not_recorded, step_or_newest, too_large
from nnviz_widgets.core.calls import all_called
from nnviz_widgets.core.deferred import Deferred
from nnviz_widgets.core.frame import NEURON_STATISTICS, Frame
from nnviz_widgets.core.lookup import words
from nnviz_widgets.core.readings import COLUMNS
from nnviz_widgets.core.recorded import Recorded
from nnviz_widgets.core.warn import warn
from nnviz_widgets.errors import TensorNotRecorded, TensorTooLarge, TensorUnavailable

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from nnviz_widgets.core.frame import LayerInfo, TensorKey
    from nnviz_widgets.core.readings import Snapshot
    from nnviz_widgets.core.tensor_store import Held


@all_called("recording")
class RecordedTensors(Recorded):
    """A recording whose tensors are read."""

    def tensor(
        self,
        layer: str | LayerInfo,
        kind: str,
        step: int = -1,
        variable: str | None = None,
        call: int = 0,
        output: int = 0,
        *,
        part: Any = None,
    ) -> npt.NDArray[Any]:
        """Read a tensor as it was at one step.

        Args:
            layer: A `LayerInfo`, a path, or a name that only one layer has.
            kind: `"weights"`, `"activations"`, `"gradients"` or `"activation_gradients"`.
            step: The step; -1 is the newest at which this tensor was kept.
            variable: Name of the variable, for weights and gradients; the kernel, or the only one, if not given.
            call: Which call of a layer that is called more than once.
            output: Which output of a layer that has more than one.
            part: An index, such as `np.s_[:100]`, to read no more than that: only it is fetched from a GPU.

        Returns:
            A read-only array.

        Raises:
            TensorNotRecorded: It was not kept at that step; the message names the nearest steps.
            TensorTooLarge: It is on a device and too large to be copied whole; the message says what can be read.
            LayerNotFound: There is no such layer; the message names the nearest.
            TensorUnavailable: It can never be read; the message is the reason.
        """
        key = self._resolve_word(layer, kind, variable, call, output)
        if part is None:
            return self.frame(key, step).array
        _, held = self._held(key, step)
        if isinstance(held, Deferred) and not held.kept:
            raise TensorTooLarge(too_large(key, held))
        array = np.asarray(held.part(part) if isinstance(held, Deferred) else held[part])
        array.flags.writeable = False
        return array

    def _resolve_word(
        self, layer: str | LayerInfo, kind: str, variable: str | None, call: int, output: int
    ) -> TensorKey:
        """Find the tensor that a person means, and warn where the word for the layer may mean another one."""
        text = self._lookup.misread(layer)
        if text is not None:
            warn(text)
        return self.resolve(layer, kind, variable, call, output)

    def frame(self, key: TensorKey, step: int = -1) -> Frame:
        """Read a tensor by its key, with the step and the names of its axes.

        Args:
            key: Which tensor, from `resolve`.
            step: The step; -1 is the newest at which this tensor was kept.
        """
        found, held = self._held(key, step)
        if isinstance(held, Deferred):
            if not held.readable:
                raise TensorTooLarge(too_large(key, held))
            held = held.read()
        array = held.view()
        spec = self._lookup.spec(key)
        if spec is None or len(spec.axes) != array.ndim:  # not shaped as the catalogue says now
            return Frame(key, found, array, tuple(f"axis {index}" for index in range(array.ndim)))
        return Frame(key, found, array, spec.axes, spec.neuron_axis, spec.grammar)

    def kept_step(self, key: TensorKey, step: int = -1) -> int | None:
        """Find the newest step at or before `step` at which a tensor is kept, without reading it.

        Args:
            key: Which tensor, from `resolve`.
            step: The step; -1 for the newest of all.

        Returns:
            The step, `None` if there is none.
        """
        with self._lock:
            kept = self._tensors.steps(key)
            index = len(kept) if step == -1 else bisect_right(kept, step)
            return kept[index - 1] if index else None

    def tensor_steps(
        self, layer: str | LayerInfo, kind: str, variable: str | None = None, call: int = 0, output: int | None = None
    ) -> npt.NDArray[np.int64]:
        """List the steps at which a whole tensor is kept.

        Args:
            layer: As in `tensor`.
            kind: As in `tensor`.
            variable: As in `tensor`. If it is not given, the steps at which every variable is kept.
            call: As in `tensor`.
            output: As in `tensor`. If it is not given, the steps at which every output is kept.

        Returns:
            Shape `(n,)`, ascending.
        """
        if variable is None and output is None:
            keys = self._lookup.keys(layer, kind, call)
        else:
            keys = [self.resolve(layer, kind, variable, call, output or 0)]
        with self._lock:
            common = set(self._tensors.steps(keys[0])).intersection(*(self._tensors.steps(key) for key in keys))
        return np.array(sorted(common), np.int64)

    def labels(self, step: int) -> tuple[str, ...]:
        """Read the texts of the samples of a kept step, empty if there are none."""
        with self._lock:
            return self._tensors.labels(step)

    def vitals(
        self, layer: str | LayerInfo, kind: str, variable: str | None = None, call: int = 0, output: int = 0
    ) -> pd.DataFrame:
        """Read the statistics of a tensor at every step at which they were computed and kept.

        Args:
            layer: As in `tensor`.
            kind: As in `tensor`.
            variable: As in `tensor`.
            call: As in `tensor`.
            output: As in `tensor`.

        Returns:
            Indexed by step. `mean std min max l2` are over finite values and NaN if there are none, `zeros` is the
            share of values that are exactly 0, `nan` and `inf` count values; for weights, `update_ratio` is the
            norm of the update over the norm of the weight.
        """
        import pandas as pd

        key = self._resolve_word(layer, kind, variable, call, output)
        steps, values = self.readings().rows(key)
        columns = COLUMNS if kind == "weights" else COLUMNS[:-1]
        table = pd.DataFrame(values[:, : len(columns)], index=pd.Index(steps, name="step"), columns=list(columns))
        return table.astype({"nan": np.int64, "inf": np.int64})

    def vital_arrays(self, key: TensorKey, statistic: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Read one column of `vitals` without pandas.

        Args:
            key: Which tensor, from `resolve`.
            statistic: Name of the column.

        Returns:
            The steps and the values, both of shape `(n,)`.
        """
        return self.readings().column(key, index_of("statistic", statistic, COLUMNS))

    def neurons(
        self,
        layer: str | LayerInfo,
        kind: str,
        statistic: str = "l2",
        variable: str | None = None,
        call: int = 0,
        output: int = 0,
    ) -> npt.NDArray[np.floating[Any]]:
        """Read a statistic of each neuron at every step at which it was computed and kept.

        Args:
            layer: As in `tensor`.
            kind: As in `tensor`.
            statistic: `"l2"`, `"mean"`, `"max"` or `"zeros"`, over all axes but the neurons'.
            variable: As in `tensor`.
            call: As in `tensor`.
            output: As in `tensor`.

        Returns:
            Shape `(n_steps, n_neurons)`; the rows are the newest rows of `vitals`. If the number of neurons changed,
            only steps since then.

        Raises:
            TensorUnavailable: No axis of the tensor counts neurons; the message names those that it has.
        """
        key = self._resolve_word(layer, kind, variable, call, output)
        spec = self.spec(key)
        if spec.neuron_axis is None:
            raise TensorUnavailable(
                f"The {kind.replace('_', ' ')} of layer `{key.layer}` tell of no neurons. Received: "
                f"variable={key.variable!r} with the axes ({', '.join(spec.axes)}). Read it whole with `tensor`."
            )
        return self.neuron_arrays(key, statistic)[1]

    def neuron_arrays(
        self, key: TensorKey, statistic: str = "l2"
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.floating[Any]]]:
        """Read what `neurons` reads, with its steps.

        Args:
            key: Which tensor, from `resolve`.
            statistic: As in `neurons`.

        Returns:
            The steps, `(n,)`, and the values, `(n, n_neurons)`.
        """
        return self.readings().neurons(key, index_of("statistic", statistic, NEURON_STATISTICS))

    def readings(self) -> Snapshot:
        """Take all vitals and neuron statistics of this moment at once, for readers of many tensors."""
        with self._lock:
            return self._readings.snapshot()

    def _held(self, key: TensorKey, step: int) -> tuple[int, Held]:
        """Look a tensor up at a step, -1 for the newest, and return the step too."""
        step = step_or_newest(step)
        with self._lock:
            kept = self._tensors.steps(key)
            if not kept and (why := self._lookup.why_now(key.layer, key.kind)) is not None:
                raise TensorUnavailable(f"The {words(key.kind)} of layer `{key.layer}` cannot be read: {why}")
            found = kept[-1] if step == -1 and kept else step
            index = bisect_left(kept, found)
            if index == len(kept) or kept[index] != found:
                raise TensorNotRecorded(not_recorded(key, step, kept))
            return found, self._tensors.array(key, found)
