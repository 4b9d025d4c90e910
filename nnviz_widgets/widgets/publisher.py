"""One thread per Inspector that does all its sending, so that the training thread never waits for a page.

The training thread only asks `wanted()` and calls `notify()`; messages from pages only change what is known of a
page. Everything is newest-wins: nothing but replies and notices is ever queued.
"""

from __future__ import annotations

import atexit
import logging
import time
from collections import deque
from threading import Event, Lock, Thread, current_thread
from typing import TYPE_CHECKING
from weakref import WeakSet

from nnviz_widgets.errors import ChannelClosed
from nnviz_widgets.protocol import Notice
from nnviz_widgets.widgets.clients import Clients
from nnviz_widgets.widgets.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from nnviz_widgets.core.frame import TensorKey
    from nnviz_widgets.pictures.source import Source
    from nnviz_widgets.protocol import Reply, Status, Watch
    from nnviz_widgets.widgets.channel import Channel
    from nnviz_widgets.widgets.cursor import Cursor

logger = logging.getLogger("nnviz_widgets")

TURN_S = 0.004
IDLE_TURN_S = 0.05
"""The least time between two turns while a page waits for a step, and else. Steps alone must not keep it busy."""
FAULT_PAUSE_S = 1.0

NOTHING: frozenset[TensorKey] = frozenset()

_open_publishers: WeakSet[Publisher] = WeakSet()


class Publisher:
    """What one Inspector tells its pages; also the session's viewer."""

    def __init__(self, source: Source, channel: Channel, set_status: Callable[[Status], None], cursor: Cursor) -> None:
        """Prepare; the thread starts when a page is there.

        Args:
            source: The session or recording.
            channel: Where messages go.
            set_status: Sets the widget's status trait.
            cursor: Moved to the newest step while it follows.
        """
        self.clients = Clients()
        self._channel = channel
        self._streams = Streams(source, channel, self.clients, cursor, set_status)
        self._lock = Lock()  # guards outbox and thread; never held while drawing or sending
        self._outbox: deque[tuple[Reply | Notice, Sequence[bytes]]] = deque()
        self._thread: Thread | None = None
        self._wake = Event()
        self._urgent = Event()
        self._closed = False
        self._wanted = NOTHING
        self._fault: str | None = None
        _open_publishers.add(self)

    # --- the training thread ------------------------------------------------------------------------------------------

    def wanted(self) -> frozenset[TensorKey]:
        """Return the tensors to read whole at the next step. Each answer is for one step: it is empty until renewed."""
        wanted = self._wanted
        if wanted:
            self._wanted = NOTHING
        return wanted

    def notify(self) -> None:
        """Hear that something changed."""
        if not self._wake.is_set():
            self._wake.set()

    # --- any thread ---------------------------------------------------------------------------------------------------

    def welcome(self, name: str) -> None:
        """Begin anew with a page: it gets layers, series and, once it watches, frames."""
        self.clients.welcome(name)
        self._hurry()

    def forget(self, name: str) -> None:
        """Send nothing more to a page."""
        self.clients.forget(name)
        self._hurry()

    def watch(self, watch: Watch) -> None:
        """Send a page what it shows."""
        self.clients.watch(watch)
        self._hurry()

    def acknowledge(self, name: str, seq: int) -> None:
        """Hear that a page painted a frame."""
        self.clients.acknowledge(name, seq)
        self._hurry()

    def say(self, message: Reply | Notice, buffers: Sequence[bytes] = ()) -> None:
        """Send a reply or a notice, before anything else."""
        with self._lock:
            if self._closed:
                return
            self._outbox.append((message, buffers))
        self._hurry()

    def close(self) -> None:
        """End the thread and drop what was not sent. Returns when it ended, or after a second."""
        with self._lock:
            self._closed = True
            thread = self._thread
        self._wanted = NOTHING
        self._urgent.set()
        self._wake.set()
        if thread is not None and thread is not current_thread():
            thread.join(1.0)

    def _hurry(self) -> None:
        with self._lock:
            if self._thread is None and not self._closed:
                self._thread = Thread(target=self._run, name="nnviz publisher", daemon=True)
                self._thread.start()
        self._urgent.set()
        self._wake.set()

    # --- the publisher's thread ---------------------------------------------------------------------------------------

    def _run(self) -> None:
        pause: float | None = 0.0
        try:
            while not self._closed:
                self._wake.wait(pause)
                self._wake.clear()
                self._urgent.clear()
                pause = self._turn()
                rest = IDLE_TURN_S if pause is None else min(pause, IDLE_TURN_S)
                rest = TURN_S if self._wanted else max(rest, TURN_S)
                self._urgent.wait(rest)
                pause = None if pause is None else max(0.0, pause - rest)
        except ChannelClosed:
            logger.info("the Inspector ends, since its page cannot be reached; the session goes on")
        finally:
            self._closed = True
            self._wanted = NOTHING

    def _turn(self) -> float | None:
        try:
            self._post()
            now = time.monotonic()
            pause = self._streams.turn(now)
            self._wanted = self._streams.wanted(now)
        except ChannelClosed:
            raise
        except Exception as error:
            # A fault of ours must not end the view without a word, nor a lasting one flood the log.
            logger.exception("the Inspector could not be updated")
            self._confess(f"The view could not be updated: {type(error).__name__}: {error}"[:500])
            self._urgent.wait(FAULT_PAUSE_S)
            return FAULT_PAUSE_S
        return pause

    def _post(self) -> None:
        while True:
            with self._lock:
                if not self._outbox:
                    return
                message, buffers = self._outbox.popleft()
            self._channel.send(message, buffers)

    def _confess(self, text: str) -> None:
        if text != self._fault:
            self._fault = text
            self._channel.send(Notice("error", text))


@atexit.register
def _close_all() -> None:
    """Let no thread send into the end of the interpreter."""
    for publisher in list(_open_publishers):
        publisher.close()
