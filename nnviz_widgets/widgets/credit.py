"""How many frames may be on their way to one page, and which of them it must acknowledge.

A credit of two: a page that never paints gets two frames and no more, and one that paints never waits. But an
acknowledgement is dear: it makes the kernel busy and idle, and JupyterLab shows either with new icons, which costs
more than to paint ten pictures. So a page that keeps up answers for a burst of frames at once; when it stops to paint,
it gets those of two seconds more at most.
"""

from __future__ import annotations

from nnviz_widgets.protocol import MAX_FRAME_BYTES, MAX_UNACKNOWLEDGED

LONGEST_BURST = 32
BURST_S = 1.0
"""How many frames, and how long, a page may go without an acknowledgement."""
PROMPT_S = 0.15
"""An acknowledgement that takes longer speaks of a page, or of a network, that does not keep up."""


class Credit:
    """The frames between a kernel and a page. Not safe for threads: `Clients` holds its lock."""

    __slots__ = ("_asked_at", "_burst", "_owed", "_unasked")

    def __init__(self) -> None:
        """Begin with a burst of one: each frame is acknowledged."""
        self._burst = 1
        self._unasked = 0
        self._asked_at = 0.0
        self._owed: dict[int, float] = {}

    @property
    def left(self) -> bool:
        """Whether one more frame may leave."""
        return len(self._owed) < MAX_UNACKNOWLEDGED

    @property
    def used(self) -> bool:
        """Whether the page owes an acknowledgement."""
        return bool(self._owed)

    def launch(self, seq: int, n_bytes: int, now: float, *, last: bool) -> bool:
        """Note that a frame leaves and return whether the page must acknowledge it.

        Args:
            seq: Its number.
            n_bytes: Its size: no burst is larger than the largest message.
            now: The time, in seconds.
            last: Whether no other may follow soon: it is acknowledged in any case.
        """
        burst = min(self._burst, MAX_FRAME_BYTES // max(n_bytes, 1))
        self._unasked += 1
        if not last and self._unasked < burst and now - self._asked_at < BURST_S:
            return False
        self._unasked, self._asked_at = 0, now
        self._owed[seq] = now
        return True

    def acknowledge(self, seq: int, now: float) -> None:
        """Note that a frame was painted: it, and all before it, are on their way no more."""
        sent_at = self._owed.get(seq)
        if sent_at is None:
            return
        self._burst = min(2 * self._burst, LONGEST_BURST) if now - sent_at <= PROMPT_S else 1
        self._owed = {later: at for later, at in self._owed.items() if later > seq}

    def reset(self) -> None:
        """Begin anew: what was on its way is lost."""
        self._burst = 1
        self._unasked = 0
        self._owed = {}
