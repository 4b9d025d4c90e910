"""What pages are told: layers, status, series and frames, each when it is due and never an old one.

Runs on the publisher's thread only.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import msgspec

from nnviz_widgets.core.frame import TensorKey
from nnviz_widgets.errors import ChannelClosed
from nnviz_widgets.pictures.branching import BranchViews
from nnviz_widgets.pictures.comparison import Comparison
from nnviz_widgets.pictures.frames import frame_message, keys_of
from nnviz_widgets.pictures.layer_list import layers_message
from nnviz_widgets.pictures.moments import moment_of
from nnviz_widgets.pictures.neuron import further_keys
from nnviz_widgets.pictures.neuron_lines import LinesPacer
from nnviz_widgets.pictures.series import both_series, branch_series, series_message
from nnviz_widgets.pictures.source import runs_of, why_nothing
from nnviz_widgets.pictures.stack import every_key
from nnviz_widgets.pictures.status import status_of
from nnviz_widgets.pictures.text import cut
from nnviz_widgets.protocol import Frame, Notice

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnviz_widgets.core.frame import Catalogue
    from nnviz_widgets.core.recording import Recording
    from nnviz_widgets.pictures.source import Source
    from nnviz_widgets.protocol import Status, Watch
    from nnviz_widgets.widgets.channel import Channel
    from nnviz_widgets.widgets.clients import Client, Clients
    from nnviz_widgets.widgets.cursor import Cursor

logger = logging.getLogger("nnviz_widgets")

STATUS_S = 0.2
SERIES_S = 0.25
SILENT_STATUS_S = 1.0
"""The least time between two statuses, two series, and two statuses for pages that stopped painting."""
SERIES_SHARE = 0.05
"""The share of this thread's time that series may take: those of long runs come less often."""
MAX_NOTICE = 600
"""Characters; the timeline's marks have each text on its own."""
SIGN_AFTER_S = 1.0
"""How long a page without maps may be quiet before it is asked for a sign of life."""


class Streams:
    """Everything that is sent without being asked for each time."""

    def __init__(
        self,
        source: Source,
        channel: Channel,
        clients: Clients,
        cursor: Cursor,
        set_status: Callable[[Status], None],
    ) -> None:
        """Begin with nothing told; the arguments are those of `Publisher`."""
        self._source = source
        self._channel = channel
        self._clients = clients
        self._cursor = cursor
        self._set_status = set_status
        self._seq = 0
        self._views = BranchViews(source)
        self._noticed: set[tuple[int, str]] = set()
        self._catalogue: Catalogue | None = None
        self._status: Status | None = None
        self._status_at = self._series_at = 0.0
        self._series_pause = SERIES_S
        self._series_due = False
        self._observer_fault: str | None = None
        self._keys: dict[tuple[str, int], tuple[Recording, Catalogue, Watch, list[TensorKey | str]]] = {}
        self._lines = LinesPacer()

    def turn(self, now: float) -> float | None:
        """Send what is due, and return after how many seconds to look again, `None` for when something happens."""
        clients = self._clients.snapshot()
        if not clients:
            return None
        self._greet(clients)
        self._reassure(clients)
        silent = all(client.silent(now) for client in clients)
        self._publish_layers()
        pauses = [self._publish_status(now, silent)]
        pauses.extend(self._publish_frame(client, now) for client in clients)
        if not silent:
            pauses.append(self._publish_series(now, clients))
        return min((pause for pause in pauses if pause is not None), default=None)

    def wanted(self, now: float) -> frozenset[TensorKey]:
        """Return what the pages show that follow and have room: whatever is kept of it they got just now."""
        wanted: set[TensorKey] = set()
        for client in self._clients.snapshot():
            if client.watch is not None and client.following and client.credit.left and client.wait(now) is None:
                for run in runs_of(self._views.of(client.watch)):
                    recording = run.recording
                    keys = self._keys_of(client, client.watch, recording)
                    wanted.update(every_key(recording, (key for key in keys if isinstance(key, TensorKey))))
                    wanted.update(further_keys(recording, client.watch))
        return frozenset(wanted)

    def _greet(self, clients: list[Client]) -> None:
        """Tell everything again when a page is new."""
        if all(client.greeted for client in clients):
            return
        for client in clients:
            client.greeted = True
        names = {client.name for client in clients}
        self._keys = {place: keys for place, keys in self._keys.items() if place[0] in names}
        self._lines.keep(names)
        self._catalogue = self._status = None
        self._noticed.clear()
        self._series_due, self._series_at = True, 0.0

    def _reassure(self, clients: list[Client]) -> None:
        """Tell status and series again if a page is unsure: the last ones of a run have none after them."""
        unsure = [client for client in clients if client.unsure]
        for client in unsure:
            client.unsure = False
        if unsure and self._status is not None:
            status = self._status
            self._channel.attempt(lambda: self._set_status(status))
            self._series_due = True

    def _publish_layers(self) -> None:
        catalogue = self._source.recording.catalogue
        if catalogue is not self._catalogue:
            self._catalogue = catalogue
            self._channel.send(layers_message(self._source.recording, self._source.n_samples))

    def _publish_notices(self) -> None:
        """Say what was noted since the last turn, such as where values went NaN, where nobody can miss it."""
        recordings = [run.recording for run in runs_of(self._source)]
        notices = [(step, text) for each in recordings for step, name, text in each.events if name == "notice"]
        new = [text for step, text in notices if (step, text) not in self._noticed and text not in self._of_branches()]
        self._noticed.update(notices)
        if new:
            self._channel.send(Notice("warning", cut(". ".join(new), MAX_NOTICE)))

    def _forget_dropped(self) -> None:
        """Let go of the recordings of branches that were dropped."""
        session = self._source.session
        if session is not None:
            held = {id(one.recording) for one in session.branches}
            self._keys = {place: keys for place, keys in self._keys.items() if place[1] in held}

    def _of_branches(self) -> set[str]:
        """Return what is noted of each branch that begins: the page shows where it leaves."""
        session = self._source.session
        branches = () if session is None else session.branches
        return {one.begins for one in branches}

    def _publish_status(self, now: float, silent: bool) -> float | None:
        status, before = status_of(self._source), self._status
        running = status.state == "running"
        if status == before:
            if not running:  # nobody may miss what is noted while it rests, such as a disk that is full
                self._publish_notices()
            return STATUS_S if running else None
        turned = before is None or (before.state, before.activity) != (status.state, status.activity)
        pause = SILENT_STATUS_S if silent else STATUS_S
        if not turned and now - self._status_at < pause:
            return pause - (now - self._status_at)
        self._status, self._status_at = status, now
        self._forget_dropped()
        self._publish_notices()
        self._series_due = True
        if turned:
            self._series_at = 0.0
        self._channel.attempt(lambda: self._set_status(status))
        self._move_cursor()
        return pause if running else None

    def _move_cursor(self) -> None:
        """Let the cursor follow. Code of the user's observes it: if that fails, the view must go on all the same."""
        try:
            self._channel.attempt(self._cursor.refresh)
        except ChannelClosed:
            raise
        except Exception as error:
            logger.exception("an observer of the cursor failed")
            text = cut(f"An observer of `session.cursor` failed: {type(error).__name__}: {error}", MAX_NOTICE)
            if text != self._observer_fault:
                self._observer_fault = text
                self._channel.send(Notice("error", text))

    def _publish_series(self, now: float, clients: list[Client]) -> float | None:
        if not self._series_due:
            return None
        if now - self._series_at < self._series_pause:
            return self._series_pause - (now - self._series_at)
        started = time.thread_time()
        self._series_due, self._series_at = False, now
        source = self._source
        if isinstance(source, Comparison):
            message, buffers = both_series(source)
        elif source.session is not None:
            message, buffers = branch_series(source.session)
        else:
            message, buffers = series_message(source.recording)
        self._channel.send(message, buffers)
        self._series_pause = max(SERIES_S, (time.thread_time() - started) / SERIES_SHARE)
        for client in clients:
            self._ask_for_a_sign(client, now, message.last_step)
        return None

    def _ask_for_a_sign(self, client: Client, now: float, step: int) -> None:
        """Send a page without maps, such as one that shows the timeline alone, a frame of nothing to acknowledge.

        Series carry no acknowledgement of their own, and must not flow to a page that is long closed.
        """
        if client.credit.left and now - client.heard_at > SIGN_AFTER_S and not (client.watch and client.watch.maps):
            layer = "" if client.watch is None else client.watch.layer
            sign = Frame(client.name, self._next_seq(), layer, step, True, 0, [], [])
            self._launch(client, sign, [], last=True)

    def _publish_frame(self, client: Client, now: float) -> float | None:
        """Send a page what it shows if that is new, and return when it may want the next step, in seconds."""
        watch, exact = client.watch, not self._source.running
        if watch is None or not watch.maps or not client.credit.left:
            return None
        if exact or client.wait(now) is None or not client.answered:
            self._send_frame(client, watch, exact=exact)
        return client.wait(now)

    def _send_frame(self, client: Client, watch: Watch, *, exact: bool) -> None:
        source = self._views.of(watch)
        moment = moment_of(source, watch, lambda recording: self._keys_of(client, watch, recording))
        recording, keys = moment.recording, moment.keys
        lacking = any(isinstance(key, TensorKey) and recording.kept_step(key) is None for key in keys)
        why = why_nothing(source) if lacking else ""
        # The watch is part of it: a page that asks anew gets an answer, even if it is the same again.
        asked = (watch, keys, moment.step, moment.shown, why)
        if client.sent in ((*asked, exact), (*asked, True)):
            return
        lines = self._lines.due(watch, time.monotonic(), exact=exact)
        drawn, buffers = frame_message(
            recording,
            moment.watch,
            keys,
            moment.step,
            self._next_seq(),
            exact=exact,
            lines=lines,
            why_nothing=why,
            beside=moment.beside,
            twin=moment.twin,
        )
        message = moment.as_the_page_counts(drawn, watch)
        if client.watch is watch and self._launch(client, message, buffers, last=exact):
            client.sent = (*asked, exact)

    def _launch(self, client: Client, frame: Frame, buffers: list[bytes], *, last: bool) -> bool:
        n_bytes = sum(len(buffer) for buffer in buffers)
        asked = self._clients.launch(client, frame.seq, n_bytes, last=last)
        if asked is None:
            return False
        numbered = msgspec.structs.replace(frame, acknowledge=asked, nth=client.n_sent + 1)
        left = self._channel.send(numbered, buffers)
        client.n_sent += left
        return left

    def _next_seq(self) -> int:
        self._seq += 1
        return self._seq

    def _keys_of(self, client: Client, watch: Watch, recording: Recording) -> list[TensorKey | str]:
        place = (client.name, id(recording))
        known = self._keys.get(place)
        now = (recording, recording.catalogue, watch)
        if known is None or any(one is not other for one, other in zip(known, now, strict=False)):
            known = self._keys[place] = (*now, keys_of(recording, watch))
        return known[3]
