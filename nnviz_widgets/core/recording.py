"""What a training run left behind: metrics, vitals and tensors by step, readable while it is written."""

from __future__ import annotations

import weakref
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.arguments import byte_count
from nnviz_widgets.core.backed_tensors import BackedTensors
from nnviz_widgets.core.byte_size import byte_size
from nnviz_widgets.core.calls import all_called
from nnviz_widgets.core.contents import Contents
from nnviz_widgets.core.event_log import EventLog
from nnviz_widgets.core.exports import tensorboard_writer
from nnviz_widgets.core.fed import FedBy
from nnviz_widgets.core.figures import Figures
from nnviz_widgets.core.forked import ForkedReadings, ForkedTensors
from nnviz_widgets.core.frame import Catalogue, VitalsReading
from nnviz_widgets.core.lookup import Lookup
from nnviz_widgets.core.metric_log import MetricLog
from nnviz_widgets.core.readings import Readings
from nnviz_widgets.core.recorded import READINGS_SHARE
from nnviz_widgets.core.recorded_tensors import RecordedTensors
from nnviz_widgets.core.shared_reading import SharedReading
from nnviz_widgets.core.tensor_store import TensorStore
from nnviz_widgets.errors import (
    InvalidArgumentError,
    RecordingNotWritable,
    TensorNotRecorded,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from os import PathLike
    from pathlib import Path
    from typing import Self

    from nnviz_widgets.core.branches import Branches
    from nnviz_widgets.core.frame import Reading, TensorKey
    from nnviz_widgets.core.news import News
    from nnviz_widgets.core.sink import Follower, Listener, Sink
    from nnviz_widgets.core.storage.options import Record
    from nnviz_widgets.core.tensor_store import Held


@all_called("recording")
class Recording(RecordedTensors):
    """Metrics, vitals and whole tensors of one training run.

    One thread writes, while any thread reads. Every write leaves the recording whole; a read sees the state of one
    moment. Arrays that are read are read-only views of what is kept.

    Tensors, vitals and neuron statistics are kept within a budget of memory: the newest steps densely, older ones ever
    more sparsely, step 0 and pinned steps always. Metrics are kept for every step.
    """

    name: str

    def __init__(
        self,
        name: str = "",
        budget_bytes: int = 1 << 30,
        sink: Sink | None = None,
        about: Mapping[str, str] | None = None,
    ) -> None:
        """Start an empty recording.

        Args:
            name: A name to show.
            budget_bytes: How much memory the recording may hold. The newest step, step 0, pinned steps, metrics and
                events stay even when they alone need more.
            sink: Is handed everything too, such as the writer of a file; tensors that memory gives up are read from it.
            about: More to note of the run where it is saved, such as the class of its model.
        """
        self.name = name
        self._about = dict(about or {})
        self._opened = False
        self._sink = sink
        self._follower: Follower | None = None
        self._listeners: weakref.WeakSet[Listener] = weakref.WeakSet()
        self._let_go: Callable[[], None] | None = None
        self._lock = Lock()
        self._budget_bytes = byte_count("budget_bytes", budget_bytes)
        self._lookup = Lookup(Catalogue())
        self._metrics = MetricLog()
        self._readings: Readings | ForkedReadings = Readings()
        self._tensors: TensorStore | ForkedTensors = TensorStore() if sink is None else BackedTensors(sink.stored())
        self._branches: Branches | None = None
        self._events = EventLog()
        self._fed_by = FedBy()
        if sink is not None:
            weakref.finalize(self, sink.end_soon).atexit = False  # the sink sees to that itself
            sink.on_stop(_teller(weakref.ref(self)))

    @classmethod
    def of_stores(
        cls, name: str, readings: Any, tensors: Any, end: Callable[[], None], about: Mapping[str, str]
    ) -> Self:
        """Make a recording that reads vitals and tensors from elsewhere, and cannot be written to but by `take_in`.

        Args:
            name: A name to show.
            readings: In the place of `Readings`.
            tensors: In the place of `TensorStore`.
            end: Called when the recording is closed.
            about: As in `Recording`.
        """
        recording = cls(name, about=about)
        recording._readings, recording._tensors, recording._let_go = readings, tensors, end
        recording._opened = True
        return recording

    def fork(self, step: int, name: str, sink: Sink | None = None) -> Recording:
        """Return a recording that has the steps of this one up to `step`, and goes on after it.

        What both have is not copied, but for metrics and events: it is dropped for both when this one must.

        Args:
            step: The last step that both have.
            name: A name to show.
            sink: Is handed the steps after it.
        """
        forked = Recording(name, self._budget_bytes, sink, self._about)
        forked._lock = self._lock  # whoever reads it may read of this one, too
        with self._lock:
            n = int(np.searchsorted(self._metrics.steps, step, side="right"))
            columns = {name: column[:n] for name, column in self._metrics.columns().items()}
            forked._metrics.extend(self._metrics.steps[:n], self._metrics.epochs[:n], columns)
            for event in self._events.events():
                if event[0] <= step:
                    forked._events.add(*event)
            forked._lookup = self._lookup
            forked._fed_by = self._fed_by.until(step)
            forked._readings = ForkedReadings(self._readings, self.catalogue, step)
            forked._tensors = ForkedTensors(forked._tensors, self._tensors, step)
        if sink is not None:
            sink.set_catalogue(self.catalogue)
        return forked

    @property
    def branches(self) -> tuple[str, ...]:
        """The names of the futures that the training had, in the order of their beginnings."""
        return () if self._branches is None else self._branches.names

    def branch(self, name: str) -> Recording:
        """Return the recording of another future of the same training.

        Args:
            name: One of `branches`.

        Raises:
            InvalidArgumentError: There is no such branch; the message names those that are.
        """
        if self._branches is None:
            raise InvalidArgumentError(
                f"`name` must be one of `branches`, and this recording has none. Received: name={name!r:.100}. "
                "Branches begin when a session steps on after `rewind`."
            )
        return self._branches[name].recording

    @property
    def fed_by(self) -> FedBy:
        """What fed its steps, where a session of this process has taken them."""
        return self._fed_by

    def belong_to(self, branches: Branches) -> None:
        """Be one of the branches of a session."""
        self._branches = branches

    # Writing. Everything here runs on the training thread between two steps, so it must be quick.

    def set_catalogue(self, catalogue: Catalogue) -> None:
        """Say which layers and tensors there are from now on.

        What was recorded of other tensors before stays readable. A tensor whose number of neurons changed starts a
        new series in `neurons`.

        Args:
            catalogue: All layers and tensors of the model; the rows of later vitals readings follow it.
        """
        self._require_writable()
        with self._lock:
            self._readings.open_segment(catalogue)
            self._lookup = Lookup(catalogue, self._lookup)
        if self._sink is not None:
            self._sink.set_catalogue(catalogue)

    def add_step(self, step: int, epoch: int, batch: int, values: Mapping[str, float]) -> None:
        """Add the metrics of a step that was taken.

        Args:
            step: The step, after all others.
            epoch: The epoch that it belongs to, from 0.
            batch: Index of its batch in the epoch. It is not kept: `step` and `epoch` tell it.
            values: Metrics by name, `batch_loss` among them. A name may come for the first time at any step.
        """
        self._require_writable()
        with self._lock:
            self._metrics.append(step, epoch, values)
        if self._sink is not None:
            self._sink.add_step(step, epoch, values)

    def amend_step(self, step: int, values: Mapping[str, float]) -> None:
        """Add metrics to a step that is already there, such as those of the validation that followed it."""
        self._require_writable()
        with self._lock:
            self._metrics.amend(step, values)
        if self._sink is not None:
            self._sink.amend_step(step, values)

    def add_vitals(self, step: int, reading: Reading) -> None:
        """Add the statistics of all tensors at a step; a second reading of the newest step replaces the first.

        Args:
            step: The step, not before the newest reading.
            reading: Rows in the order of the catalogue's specs. Its arrays now belong to the recording.
        """
        self._require_writable()
        if self._sink is not None and type(reading) is not VitalsReading:
            reading = SharedReading(reading)
        with self._lock:
            self._readings.append(step, reading)
            self._readings.thin(self._budget_bytes // READINGS_SHARE)
        if self._sink is not None:
            self._sink.add_vitals(step, reading)

    def add_tensors(
        self,
        step: int,
        arrays: Mapping[TensorKey, Held],
        *,
        labels: tuple[str, ...] = (),
        pinned: bool = False,
    ) -> None:
        """Keep whole tensors of a step, beside those of the step that are already there.

        Args:
            step: The step at which they were read; 0 is the state before any.
            arrays: Tensors by key: arrays, which now belong to the recording and are made read-only, or tensors that
                are read when somebody asks.
            labels: A text for each sample of the activations.
            pinned: Whether the step stays however old it gets.
        """
        self._require_writable()
        with self._lock:
            held = self._tensors.add(step, arrays, labels, pinned)
            self._thin_tensors()
        if self._sink is not None:
            self._sink.add_tensors(step, held, labels, pinned)

    def add_event(self, step: int, name: str, text: str) -> None:
        """Note that something happened at a step, as `events` lists it."""
        self._require_writable()
        with self._lock:
            self._events.add(step, name, text)
            self._thin_tensors()
        if self._sink is not None:
            self._sink.add_event(step, name, text)

    def commit(self) -> None:
        """Say that everything of the newest step was added: it is written to disk as a whole or not at all."""
        if self._sink is not None:
            self._sink.commit()

    def _require_writable(self) -> None:
        if self._opened:
            raise RecordingNotWritable(
                f"A recording that was opened from its file can only be read. Received: {self.name!r}, which was to be "
                "written to. Train with `record=` to write one."
            )

    def take_in(self, news: News) -> None:
        """Add what was written to the file that this recording reads."""
        with self._lock:
            for catalogue in news.catalogues:
                self._lookup = Lookup(catalogue, self._lookup)
            for steps, epochs, columns in news.metrics:
                self._metrics.extend(steps, epochs, columns)
            for step, values in news.amends:
                self._metrics.amend(step, values)
            for event in news.events:
                self._events.add(*event)
            if news.idle is not None:
                self._events.replace_idle(news.idle)
            news.show()
        self.tell_listeners()

    # On disk.

    @property
    def following(self) -> bool:
        """Whether it takes in what another process writes at this moment."""
        return self._follower is not None and self._follower.running

    def follow(self, follower: Follower) -> None:
        """Let `follower` call `take_in` until the recording is closed."""
        self._follower = follower

    def add_listener(self, listener: Listener) -> None:
        """Let `listener.notify()` be called after each `take_in`; it is not kept alive."""
        self._listeners.add(listener)

    def tell_listeners(self) -> None:
        """Tell everybody who looks that something changed."""
        for listener in list(self._listeners):
            listener.notify()

    def note_outside(self, text: str) -> None:
        """Add a notice that is about the file and not in it."""
        with self._lock:
            steps = self._metrics.steps
            self._events.add(int(steps[-1]) if steps.size else 0, "notice", text)
        self.tell_listeners()

    def save(self, path: str | PathLike[str] | Record) -> None:
        """Write what the recording holds now to one file, which `nnviz.open_recording` reads.

        Args:
            path: Where; no file may be there. Give an `nnviz.Record` to round floats.

        Raises:
            RecordingNotWritable: If the file is there already or cannot be written.
        """
        from nnviz_widgets.core.storage.options import as_record
        from nnviz_widgets.core.storage.save import save

        save(self._contents(), as_record(path))

    def to_tensorboard(
        self,
        logdir: str | PathLike[str],
        *,
        layers: str | Sequence[str] | None = None,
        kinds: str | Sequence[str] | None = None,
        histograms: int | None = 500,
        images: int | None = 10,
        vitals: str | Sequence[str] = ("l2", "update_ratio"),
    ) -> Path:
        """Write what the recording holds now to an event file for TensorBoard, which need not be installed.

        Under `metrics/` every metric at every step that had it; under `layers/`, with path and kind of each layer, the
        histograms of its tensors, the statistics of them that `vitals` names, and its maps as images, all on one scale.
        Scalars have 32 bits, as TensorBoard drops wider ones: what Keras computes in float32 is exact. All have the
        time of the call, as a recording does not know when each step was.

        Args:
            logdir: The folder of the run; it is made if there is none. Files that are there stay: TensorBoard shows
                all event files of a folder as one run, so give each recording a folder of its own.
            layers: Names, paths or glob patterns (`"block/*"`) of the layers to write; all by default.
            kinds: `"weights"`, `"activations"`, `"gradients"`, `"activation_gradients"`; all by default.
            histograms: The most histograms of each tensor, spread evenly over the steps at which it is kept; `None`
                for all of these. TensorBoard shows 500 unless it is told otherwise (`--samples_per_plugin`).
            images: The most images of each map, as above. TensorBoard shows 10.
            vitals: Columns of `vitals` to write as scalars, at every step at which they are kept.

        Returns:
            The file that was written.

        Raises:
            InvalidArgumentError: If an argument is not one of the above; nothing is written.
            LayerNotFound: If a name or pattern in `layers` matches no layer.
            OSError: If the file cannot be written; nothing is left of it.
        """
        return tensorboard_writer()(self, logdir, layers, kinds, histograms, images, vitals)

    def close(self) -> None:
        """Write everything to disk and end the file, or let go of the file that is read; closing again does nothing."""
        if self._follower is not None:
            self._follower.close()
        if self._sink is not None:
            self._sink.close()
        if self._let_go is not None:
            self._let_go()
            self._let_go = None

    def _contents(self) -> Contents:
        with self._lock:
            steps, epochs, columns = self._metrics.steps, self._metrics.epochs, self._metrics.columns()
            blocks, events, idle = self._readings.snapshot().blocks, list(self._events.others), self._events.idle()
            by_step: dict[int, list[TensorKey]] = {}
            for key in self._tensors.known():
                for step in self._tensors.steps(key):
                    by_step.setdefault(step, []).append(key)
            kept = [
                (step, keys, self._tensors.labels(step), self._tensors.pinned(step)) for step, keys in by_step.items()
            ]
        values = (steps, epochs, columns, events, idle, blocks, sorted(kept), self._array, self._about)
        return Contents(self.name, self.catalogue, *values)

    def _array(self, key: TensorKey, step: int) -> Held | None:
        """Look a tensor up, `None` if it has been dropped meanwhile."""
        with self._lock:
            try:
                return self._tensors.array(key, step)
            except (KeyError, TensorNotRecorded):
                return None

    @property
    def figure(self) -> Figures:
        """Plotly figures: `metrics()`, `histogram(layer, kind)`, `heatmap(layer, kind, step)`, `vitals()`."""
        return Figures(self)

    def __repr__(self) -> str:
        """Say in one line what was recorded and how full it is."""
        if self._opened and self._let_go is None:
            return f"<Recording {self.name!r}: {_count(len(self._metrics), 'step')}, closed>"
        with self._lock:
            n_steps, n_kept = len(self._metrics), len(self._tensors)
        name = f" {self.name!r}" if self.name else ""
        return (
            f"<Recording{name}: {_count(n_steps, 'step')}, {_count(len(self.layers), 'layer')}, whole tensors of "
            f"{_count(n_kept, 'step')}, {byte_size(self.n_bytes)} of {byte_size(self.budget_bytes)}>"
        )


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}" + ("" if n == 1 else "s")


def _teller(reference: weakref.ref[Recording]) -> Callable[[int, str], None]:
    """Return what notes that nothing more is written to disk, and does not keep the recording alive."""

    def tell(step: int, text: str) -> None:
        recording = reference()
        if recording is not None:
            recording.add_event(step, "notice", text)

    return tell
