"""One writer a recording: who it is stands in the file."""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.storage.processes import born, is_alive
from nnviz_widgets.core.storage.schema import now
from nnviz_widgets.errors import RecordingNotWritable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Self

OWNER = "SELECT pid, born, host, token, beat FROM writer"

SILENT_S = 120.0
"""After so long without a sign the writer of another machine is taken for gone where its state is shown."""


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that writes a recording.

    Attributes:
        pid: Its number.
        born: When it began, so that another process of that number is not taken for it; empty where unknown.
        host: The machine's name.
        token: Drawn for each writer.
        beat: When it last gave a sign.
    """

    pid: int
    born: str
    host: str
    token: str
    beat: float

    @classmethod
    def here(cls) -> Self:
        """Return this process as a new writer."""
        return cls(os.getpid(), born(os.getpid()), socket.gethostname(), secrets.token_hex(8), now())

    @property
    def local(self) -> bool:
        """Whether it is a process of this machine."""
        return self.host == socket.gethostname()

    @property
    def alive(self) -> bool:
        """Whether it still runs, as far as that can be told from here."""
        if not self.local:
            return now() - self.beat < SILENT_S
        return is_alive(self.pid) and born(self.pid) == self.born


def owner_of(database: Any) -> Owner | None:
    """Return who writes, `None` if nobody does."""
    return owner_of_rows(database.execute(OWNER).fetchall())


def owner_of_rows(rows: Sequence[tuple[Any, ...]]) -> Owner | None:
    """Return who the rows that `OWNER` selects tell of."""
    return Owner(*rows[0]) if rows else None


def take(database: Any, path: Path) -> str | None:
    """Become the writer.

    Returns:
        What to tell if a writer was there that is no more, else `None`.

    Raises:
        RecordingNotWritable: If another process writes, or one of another machine may.
    """
    database.execute("BEGIN IMMEDIATE")
    try:
        owner = owner_of(database)
        if owner is not None and (not owner.local or owner.alive):
            raise RecordingNotWritable(_refusal(owner, path))
        database.execute("DELETE FROM writer")
        me = Owner.here()
        row = (me.pid, me.born, me.host, me.token, me.beat)
        database.execute("INSERT INTO writer VALUES (1, ?, ?, ?, ?, ?)", row)
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")
    return None if owner is None else f"the recording was taken over from process {owner.pid}, which is no more"


def _refusal(owner: Owner, path: Path) -> str:
    where = f"process {owner.pid}" + ("" if owner.local else f" on the machine {owner.host!r}")
    what = "Close its session, or give another path." if owner.local else "End it there, or give another path."
    return f"A recording must have one writer. Received: {str(path)!r}, which is written by {where}. {what}"


def beat(database: Any) -> None:
    """Give a sign of life."""
    database.execute("UPDATE writer SET beat = ?", (now(),))


def release(database: Any) -> None:
    """Be the writer no longer."""
    database.execute("DELETE FROM writer")
