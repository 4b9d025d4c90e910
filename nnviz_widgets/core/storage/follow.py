"""Following a recording that another process writes."""

from __future__ import annotations

import logging
import time
import weakref
from threading import Event, Thread, current_thread
from typing import TYPE_CHECKING

from nnviz_widgets.core.storage.lock import OWNER, owner_of_rows
from nnviz_widgets.errors import RecordingDamaged

if TYPE_CHECKING:
    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.core.storage.reader import RecordingFile

logger = logging.getLogger("nnviz_widgets")

POLL_S = 0.1
"""How often it is asked whether something was written."""

LOOK_S = 2.0
"""How often it is asked whether the file and its writer are still there."""


class Follower:
    """A thread that takes in what is written to a file, as long as the recording lives.

    Attributes:
        running: Whether somebody writes.
    """

    def __init__(self, recording: Recording, file: RecordingFile) -> None:
        """Start to follow `file` into `recording`, which this does not keep alive."""
        self._recording = weakref.ref(recording)
        self._file = file
        self._ended = Event()
        self._version = -1
        self._looked = 0.0
        self.running = self._is_written()
        self._thread = Thread(target=self._follow, name="nnviz follower", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread."""
        self._ended.set()
        if self._thread is not current_thread():
            self._thread.join(5.0)

    def _follow(self) -> None:
        try:
            while not self._ended.wait(POLL_S) and self._recording() is not None:
                self._turn()
        except RecordingDamaged as error:
            self._note(str(error))
        except Exception as error:
            logger.exception("a recording is followed no longer")
            self._note(f"the recording is followed no longer: {type(error).__name__}: {error}")
        finally:
            self.running = False
            self._tell()

    def _turn(self) -> None:
        version = self._file.pages.version()
        written = version != self._version
        if written:
            self._version = version
            news = self._file.news()
            recording = self._recording()
            if recording is not None:
                recording.take_in(news)
        if written or time.monotonic() - self._looked > LOOK_S:
            self._look()

    def _look(self) -> None:
        self._looked = time.monotonic()
        if self._file.pages.gone():
            self._note(f"the recording has gone: {self._file.pages.path}")
            self._ended.set()
        running = self._is_written()
        if running is not self.running:
            self.running = running
            self._tell()

    def _is_written(self) -> bool:
        owner = owner_of_rows(self._file.pages.rows(OWNER))
        return owner is not None and owner.alive

    def _note(self, text: str) -> None:
        recording = self._recording()
        if recording is not None:
            recording.note_outside(text)

    def _tell(self) -> None:
        recording = self._recording()
        if recording is not None:
            recording.tell_listeners()
