"""One thread per Inspector that does all its sending, so that the training thread never waits for a page.

The training thread only asks `wanted()` and calls `notify()`; messages from pages only change what is known of a
client. Everything is newest-wins: nothing but replies and notices is ever queued.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from threading import Event, Lock, Thread, current_thread
from typing import TYPE_CHECKING, Any

from nnviz_widgets.protocol import Frame, Notice
from nnviz_widgets.widgets.channel import ChannelClosed
from nnviz_widgets.widgets.client import Client
from nnviz_widgets.widgets.frames import frame_message, keys_of, shown_step
from nnviz_widgets.widgets.layer_list import layers_message
from nnviz_widgets.widgets.series import series_message
from nnviz_widgets.widgets.status import status_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnviz_widgets.core.frame import Catalogue, TensorKey
    from nnviz_widgets.protocol import Reply, Status, Watch
    from nnviz_widgets.widgets.channel import Channel
    from nnviz_widgets.widgets.cursor import Cursor
    from nnviz_widgets.widgets.source import Source

logger = logging.getLogger("nnviz_widgets")

STATUS_S = 0.1
SERIES_S = 0.25
SILENT_STATUS_S = 1.0
"""The least time between two statuses, two series, and two statuses for pages that stopped painting."""
SERIES_SHARE = 0.05
"""The share of this thread's time that series may take: those of long runs come less often."""
SIGN_AFTER_S = 1.0
"""How long a page without maps may be quiet before it is asked for a sign of life."""
TURN_S = 0.004
IDLE_TURN_S = 0.05
"""The least time between two turns while a page waits for a step, and else. Steps alone must not keep it busy."""
MAX_CLIENTS = 16
"""Pages that are reloaded never say goodbye; the one that was silent longest makes room."""

NOTHING: frozenset[TensorKey] = frozenset()


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
        self._source = source
        self._channel = channel
        self._set_status = set_status
        self._cursor = cursor
        self._lock = Lock()  # guards clients, outbox and thread; never held while drawing or sending
        self._clients: dict[str, Client] = {}
        self._outbox: deque[Reply | Notice] = deque()
        self._thread: Thread | None = None
        self._wake = Event()
        self._urgent = Event()
        self._closed = False
        self._wanted = NOTHING
        self._seq = 0
        self._status: Status | None = None
        self._status_at = self._series_at = 0.0
        self._series_pause = SERIES_S
        self._series_due = False
        self._catalogue: Catalogue | None = None
        self._fault: str | None = None

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
        with self._lock:
            self._clients[name] = Client(name, time.monotonic())
            while len(self._clients) > MAX_CLIENTS:
                del self._clients[min(self._clients, key=lambda each: self._clients[each].heard_at)]
            self._catalogue = None
            self._series_due, self._series_at = True, 0.0
        self._hurry()

    def forget(self, name: str) -> None:
        """Send nothing more to a page."""
        with self._lock:
            self._clients.pop(name, None)
        self._hurry()

    def watch(self, watch: Watch) -> None:
        """Note what a page shows. A page that is not known (any more) is welcome."""
        with self._lock:
            known = watch.client in self._clients
        if not known:
            self.welcome(watch.client)
        with self._lock:
            if watch.client in self._clients:
                self._clients[watch.client].look_at(watch, time.monotonic())
        self._hurry()

    def acknowledge(self, name: str, seq: int) -> None:
        """Note that a page painted a frame."""
        with self._lock:
            if name in self._clients:
                self._clients[name].acknowledge(seq, time.monotonic())
        self._hurry()

    def say(self, message: Reply | Notice) -> None:
        """Send a reply or a notice, before anything else."""
        with self._lock:
            if self._closed:
                return
            self._outbox.append(message)
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

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

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
                pause = self._turn_safely()
                self._urgent.wait(TURN_S if self._wanted else IDLE_TURN_S)
        except ChannelClosed:
            pass  # said by the channel; the session goes on
        finally:
            self._closed = True
            self._wanted = NOTHING

    def _turn_safely(self) -> float | None:
        try:
            return self._turn(time.monotonic())
        except ChannelClosed:
            raise
        except Exception as error:
            # A fault of ours must not end the view without a word. The pause keeps a lasting one from flooding the log.
            logger.exception("the Inspector could not be updated")
            text = f"The view could not be updated: {type(error).__name__}: {error}"[:500]
            if text != self._fault:
                self._fault = text
                self._channel.send(Notice("error", text))
            self._urgent.wait(1.0)
            return 1.0

    def _turn(self, now: float) -> float | None:
        """Send what is due, and return after how many seconds to look again, `None` for when something happens."""
        self._post()
        with self._lock:
            clients = list(self._clients.values())
        if not clients:
            self._wanted = NOTHING
            return None
        silent = all(client.silent(now) for client in clients)
        self._publish_layers()
        pauses = [self._publish_status(now, silent)]
        for client in clients:
            self._publish_frame(client)
        if not silent:
            pauses.append(self._publish_series(now, clients))
        self._arm(clients)
        return min((pause for pause in pauses if pause is not None), default=None)

    def _post(self) -> None:
        while True:
            with self._lock:
                if not self._outbox:
                    return
                message = self._outbox.popleft()
            self._channel.send(message)

    def _publish_layers(self) -> None:
        catalogue = self._source.recording.catalogue
        if catalogue is self._catalogue:
            return
        self._catalogue = catalogue
        self._channel.send(layers_message(self._source.recording, self._source.n_samples))

    def _publish_status(self, now: float, silent: bool) -> float | None:
        status = status_of(self._source)
        before = self._status
        if status == before:
            return STATUS_S if status.state == "running" else None
        turned = before is None or (before.state, before.activity) != (status.state, status.activity)
        pause = SILENT_STATUS_S if silent else STATUS_S
        if not turned and now - self._status_at < pause:
            return pause - (now - self._status_at)
        self._status, self._status_at = status, now
        self._series_due = True
        if turned:
            self._series_at = 0.0
        self._channel.attempt(lambda: self._set_status(status))
        self._channel.attempt(self._cursor.refresh)
        return pause if status.state == "running" else None

    def _publish_series(self, now: float, clients: list[Client]) -> float | None:
        if not self._series_due:
            return None
        if now - self._series_at < self._series_pause:
            return self._series_pause - (now - self._series_at)
        started = time.thread_time()
        self._series_due, self._series_at = False, now
        message, buffers = series_message(self._source.recording)
        self._channel.send(message, buffers)
        self._series_pause = max(SERIES_S, (time.thread_time() - started) / SERIES_SHARE)
        for client in clients:
            self._ask_for_a_sign(client, message.last_step)
        return None

    def _ask_for_a_sign(self, client: Client, step: int) -> None:
        """Send a page without maps, such as one that shows the timeline alone, a frame of nothing to acknowledge.

        Series carry no acknowledgement of their own, and must not flow to a page that is long closed.
        """
        mute = time.monotonic() - client.heard_at > SIGN_AFTER_S
        if mute and (client.watch is None or not client.watch.maps) and client.credit:
            layer = "" if client.watch is None else client.watch.layer
            self._launch(client, Frame(client.name, self._next_seq(), layer, step, True, 0, [], []), [])

    def _publish_frame(self, client: Client) -> None:
        watch, exact = client.watch, not self._source.running
        if watch is None or not watch.maps or not client.credit:
            return
        keys = self._keys(client, watch)
        recording = self._source.recording
        step = shown_step(recording, keys, watch.step)
        showing = (step, exact, tuple(keys))
        if client.sent in (showing, (step, True, tuple(keys))):
            return
        message, buffers = frame_message(recording, watch, keys, step, self._next_seq(), exact=exact)
        if client.watch is watch and self._launch(client, message, buffers):
            client.sent = showing
        else:
            self._hurry()  # it looks elsewhere meanwhile: the next turn draws that

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq

    def _launch(self, client: Client, frame: Frame, buffers: list[bytes]) -> bool:
        """Send a frame to a page, unless it has gone meanwhile."""
        with self._lock:
            if self._clients.get(client.name) is not client:
                return False
            client.sent_at = time.monotonic()
            client.in_flight.append(frame.seq)
        self._channel.send(frame, buffers)
        return True

    def _keys(self, client: Client, watch: Watch) -> list[TensorKey | str]:
        catalogue = self._source.recording.catalogue
        if client.keys is None or client.keys[0] is not catalogue:
            client.keys = (catalogue, keys_of(self._source.recording, watch))
        return client.keys[1]

    def _arm(self, clients: list[Client]) -> None:
        """Ask the next step for what the pages show that follow and have room; whatever is there they got just now."""
        wanted: set[Any] = set()
        for client in clients:
            if client.following and client.credit and client.keys is not None:
                wanted.update(key for key in client.keys[1] if not isinstance(key, str))
        self._wanted = frozenset(wanted)
