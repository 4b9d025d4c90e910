"""The pages that look on: what each shows, and which frames it has not painted yet."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any

import msgspec

from nnviz_widgets.widgets.credit import Credit

if TYPE_CHECKING:
    from nnviz_widgets.protocol import Watch

FRAME_S = 1 / 36
"""The beat of frames while it runs: enough for the eye, and each one more slows training down."""
LOST_AFTER_S = 0.5
"""A page that asks anew so long after the last frame did not get it: its credit is given back."""
SILENT_AFTER_S = 2.0
"""A page that owes acknowledgements for so long is hidden or closed. When all are, series stop, status slows down."""
MAX_CLIENTS = 16
"""Pages that are reloaded never say goodbye; the one that was silent longest makes room."""


@dataclass(slots=True)
class Client:
    """One page.

    Attributes:
        name: Its name, chosen by itself.
        heard_at: When it last said anything, on the monotonic clock.
        watch: What it shows, `None` before it said so.
        credit: What may be on its way to it.
        sent_at: When the last frame left.
        due_at: When the next frame may leave while it runs: frames keep a beat, so that one that is late costs none.
        sent: What the last frame showed, to send nothing twice.
        greeted: Whether layers and series were sent since it came.
        n_sent: How many frames have left for it.
        unsure: Whether it asked again for what it asked for before: it missed something, and perhaps not only frames.
    """

    name: str
    heard_at: float
    watch: Watch | None = None
    credit: Credit = field(default_factory=Credit)
    sent_at: float = 0.0
    due_at: float = 0.0
    sent: Any = None
    greeted: bool = False
    n_sent: int = 0
    unsure: bool = False

    @property
    def following(self) -> bool:
        """Whether it shows maps of the newest step."""
        return self.watch is not None and self.watch.step == -1 and bool(self.watch.maps)

    @property
    def answered(self) -> bool:
        """Whether it got a frame of what it shows now."""
        return self.sent is not None and self.sent[0] is self.watch

    def wait(self, now: float) -> float | None:
        """Return in how many seconds the beat lets it have the next step, `None` if it may have it now."""
        return self.due_at - now if self.following and now < self.due_at else None

    def silent(self, now: float) -> bool:
        """Whether it stopped painting."""
        return not self.credit.left and now - max(self.heard_at, self.sent_at) > SILENT_AFTER_S


class Clients:
    """All pages of one Inspector. Used by the door's threads and the publisher's; the lock is held for microseconds."""

    def __init__(self) -> None:
        """Begin without pages."""
        self._lock = Lock()
        self._clients: dict[str, Client] = {}

    def snapshot(self) -> list[Client]:
        """Return the pages of this moment."""
        with self._lock:
            return list(self._clients.values())

    def welcome(self, name: str) -> None:
        """Begin anew with a page."""
        with self._lock:
            self._add(name)

    def forget(self, name: str) -> None:
        """Drop a page."""
        with self._lock:
            self._clients.pop(name, None)

    def watch(self, watch: Watch) -> None:
        """Note what a page shows from now on. A page that is not known (any more) is welcome."""
        now = time.monotonic()
        with self._lock:
            client = self._clients.get(watch.client) or self._add(watch.client)
            if client.credit.used and now - client.sent_at > LOST_AFTER_S:
                client.credit.reset()
            known = client.watch
            client.unsure |= known is not None and msgspec.structs.replace(watch, id=known.id) == known
            client.watch, client.heard_at = watch, now

    def acknowledge(self, name: str, seq: int) -> None:
        """Note that a page painted a frame: it, and all before it, are on their way no more."""
        with self._lock:
            client = self._clients.get(name)
            if client is None:
                return
            client.heard_at = time.monotonic()
            client.credit.acknowledge(seq, client.heard_at)

    def launch(self, client: Client, seq: int, n_bytes: int, *, last: bool) -> bool | None:
        """Note that a frame leaves and return whether the page must acknowledge it, `None` if the page has gone.

        The arguments are those of `Credit.launch`.
        """
        with self._lock:
            if self._clients.get(client.name) is not client:
                return None
            client.sent_at = time.monotonic()
            # One that was late is made up for, but not so soon that the screen shows only the second of the two.
            # And those that needed not wait, such as the first of another layer, run up no debt.
            soonest, latest = client.sent_at + FRAME_S / 2, client.sent_at + FRAME_S
            client.due_at = min(max(client.due_at + FRAME_S, soonest), latest)
            return client.credit.launch(seq, n_bytes, client.sent_at, last=last)

    def _add(self, name: str) -> Client:
        client = self._clients[name] = Client(name, time.monotonic())
        if len(self._clients) > MAX_CLIENTS:
            oldest = min(self._clients.values(), key=lambda each: each.heard_at)
            del self._clients[oldest.name]
        return client
