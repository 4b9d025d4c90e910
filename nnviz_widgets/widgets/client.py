"""What is known of one page: what it shows, and which frames it has not painted yet."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nnviz_widgets.protocol import MAX_UNACKNOWLEDGED

if TYPE_CHECKING:
    from nnviz_widgets.core.frame import Catalogue, TensorKey
    from nnviz_widgets.protocol import Watch

LOST_AFTER_S = 0.5
"""A page that asks anew so long after the last frame did not get it: its credit is given back."""

SILENT_AFTER_S = 2.0
"""A page that owes acknowledgements for so long is hidden or closed: nothing is sent that it did not ask for."""


@dataclass(slots=True)
class Client:
    """One page.

    Attributes:
        name: Its name, chosen by itself.
        heard_at: When it last said anything, on the monotonic clock.
        watch: What it shows, `None` before it said so.
        in_flight: Sequence numbers of the frames that it has not painted yet.
        sent_at: When the last frame left.
        sent: What the last frame showed, to send nothing twice.
        keys: For each map the tensor's key, or the reason why there is none; with the catalogue that said so.
    """

    name: str
    heard_at: float
    watch: Watch | None = None
    in_flight: list[int] = field(default_factory=list)
    sent_at: float = 0.0
    sent: Any = None
    keys: tuple[Catalogue, list[TensorKey | str]] | None = None

    @property
    def credit(self) -> bool:
        """Whether one more frame may be sent."""
        return len(self.in_flight) < MAX_UNACKNOWLEDGED

    @property
    def following(self) -> bool:
        """Whether it shows maps of the newest step."""
        return self.watch is not None and self.watch.step == -1 and bool(self.watch.maps)

    def silent(self, now: float) -> bool:
        """Whether it stopped painting."""
        return not self.credit and now - max(self.heard_at, self.sent_at) > SILENT_AFTER_S

    def look_at(self, watch: Watch, now: float) -> None:
        """Note what it shows from now on."""
        if self.in_flight and now - self.sent_at > LOST_AFTER_S:
            self.in_flight.clear()
        self.watch, self.sent, self.keys, self.heard_at = watch, None, None, now

    def acknowledge(self, seq: int, now: float) -> None:
        """Note that a frame was painted: it, and all before it, are on their way no more."""
        self.heard_at = now
        if seq in self.in_flight:
            self.in_flight = [later for later in self.in_flight if later > seq]
