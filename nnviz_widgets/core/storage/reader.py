"""Opening a recording: the same `Recording` as of a run, whose arrays are read when somebody asks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.calls import called
from nnviz_widgets.core.idle_runs import IdleRun
from nnviz_widgets.core.news import News
from nnviz_widgets.core.recording import Recording
from nnviz_widgets.core.storage.file_readings import FileReadings
from nnviz_widgets.core.storage.file_tensors import FileTensors
from nnviz_widgets.core.storage.follow import Follower
from nnviz_widgets.core.storage.ink import checksum
from nnviz_widgets.core.storage.options import checked_path
from nnviz_widgets.core.storage.pages import Pages

if TYPE_CHECKING:
    from os import PathLike

    import numpy.typing as npt

    Metrics = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], dict[str, npt.NDArray[np.float64]]]

ABOUT = ("model",)
"""What is noted of a run and goes along where it is saved again."""


@called("open_recording")
def open_recording(path: str | PathLike[str], follow: bool = False) -> Recording:
    """Open a recording that `record=` or `recording.save` wrote; neither Keras nor TensorFlow is needed.

    Opening reads metrics and lists; vitals and tensors are read, and checked, when they are asked for. It never runs
    code, and it never writes.

    Args:
        path: The file. It may be one that is being written, by any process.
        follow: Whether to take in what is written from now on, until `recording.close()`.

    Raises:
        NotARecording: If the file is no recording, or only a newer version can read it.
        RecordingDamaged: If what opening reads is not what was written.
    """
    pages = Pages(checked_path("path", path))
    try:
        file = RecordingFile(pages)
        recording = Recording.of_stores(file.name, file.readings, file.tensors, pages.close, file.about)
        recording.take_in(file.news())
    except BaseException:
        pages.close()
        raise
    if follow:
        recording.follow(Follower(recording, file))
    return recording


class RecordingFile:
    """A file, and how far it was read.

    Attributes:
        pages: The file.
        name: Of the recording.
        about: What else is noted of the run.
        readings: Its vitals.
        tensors: Its tensors.
    """

    def __init__(self, pages: Pages) -> None:
        """Open what is in `pages`."""
        self.pages = pages
        meta = self.meta()
        self.name = meta.get("name", "")
        self.about = {name: meta[name] for name in ABOUT if name in meta}
        self.readings = FileReadings(pages)
        self.tensors = FileTensors(pages)
        self._n_catalogues = 0
        self._step = self._amend = self._event = 0
        self._idle_state: Any = (0, None, None)

    def meta(self) -> dict[str, str]:
        """Read what is noted of the run as a whole."""
        return dict(self.pages.rows("SELECT name, value FROM meta"))

    def news(self) -> News:
        """Read what was written since the last call, all of it as of one moment."""
        with self.pages.moment():
            shows = (self.readings.prepare(), self.tensors.prepare())

            def show() -> None:
                for each in shows:
                    each()

            return News(self._catalogues(), self._metrics(), self._amends(), self._events(), self._idle(), show)

    def _catalogues(self) -> list[Any]:
        catalogues = self.readings.catalogues[self._n_catalogues :]
        self._n_catalogues += len(catalogues)
        return catalogues

    def _metrics(self) -> list[Metrics]:
        rows = self.pages.checked_rows(
            "SELECT first, last, names, steps, numbers, joined, checksum FROM metrics WHERE last > ? ORDER BY first",
            "a row of the metrics",
            (self._step,),
        )
        return [self._metrics_of(*row) for row in rows]

    def _metrics_of(self, first: int, last: int, names: str, at: int, of: int, _: int) -> Metrics:
        what = f"steps {first} to {last}: the metrics"
        columns = json.loads(names)
        steps = self.pages.array(at, f"steps {first} {last}", what)
        numbers = self.pages.array(of, f"metrics {first} {last}", what)
        if steps.shape != (2, numbers.shape[-1]) or len(columns) != len(numbers):
            raise self.pages.damaged(what, "there are not as many as steps")
        new = steps[0] > self._step
        self._step = last
        return steps[0][new], steps[1][new], {name: numbers[row][new] for row, name in enumerate(columns)}

    def _amends(self) -> list[tuple[int, dict[str, float]]]:
        rows = self.pages.rows(
            "SELECT id, step, numbers, checksum FROM amends WHERE id > ? ORDER BY id", (self._amend,)
        )
        for _, step, numbers, check in rows:
            if checksum(step, numbers) != check:
                raise self.pages.damaged(f"step {step}: a metric", "it does not fit its checksum")
        self._amend = rows[-1][0] if rows else self._amend
        return [
            (step, {name: float.fromhex(value) for name, value in json.loads(numbers).items()})
            for _, step, numbers, _ in rows
        ]

    def _events(self) -> list[tuple[int, str, str]]:
        rows = self.pages.rows(
            "SELECT id, step, name, text, checksum FROM events WHERE id > ? ORDER BY id", (self._event,)
        )
        for _, *event, check in rows:
            if checksum(*event) != check:
                raise self.pages.damaged(f"step {event[0]}: an event", "it does not fit its checksum")
        self._event = rows[-1][0] if rows else self._event
        return [(step, name, text) for _, step, name, text, _ in rows]

    def _idle(self) -> list[IdleRun] | None:
        state = self.pages.rows("SELECT count(*), max(last), sum(n) FROM idle")[0]
        if state == self._idle_state:
            return None
        self._idle_state = state
        statement = "SELECT first, last, n, what, text, place, checksum FROM idle ORDER BY id"
        return [IdleRun(*row) for row in self.pages.checked_rows(statement, "an event")]
