"""Moving what was committed from the log into the file.

The disk is asked twice to keep what is moved, in the log and in the file, and so takes more time than all else that is
done to write. So this has a thread and a connection of its own, while more is committed to the end of the log.
"""

from __future__ import annotations

from threading import Condition, Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from nnviz_widgets.core.storage.schema import Connect

LONGEST = 6
"""The log begins anew only when all of it was moved, for which the writer waits when it is so many times as long."""


class LogMover:
    """A thread that starts when there is something to move."""

    def __init__(self, path: Path, connect: Connect, log_bytes: int) -> None:
        """Prepare.

        Args:
            path: The file.
            connect: Opens it to write.
            log_bytes: What is committed is moved when it has reached that.
        """
        self._path, self._connect, self._log_bytes = path, connect, log_bytes
        self._changed = Condition()
        self._unmoved = self._length = self._n_begun = self._n_ended = 0
        self._asked = self._closing = False
        self._error: Exception | None = None
        self._thread: Thread | None = None

    def wrote(self, n_bytes: int) -> None:
        """Hear that so much was committed; wait if the log has become too long.

        Raises:
            Exception: What ended the thread.
        """
        with self._changed:
            self._unmoved += n_bytes
            self._length += n_bytes
            if self._unmoved >= self._log_bytes:
                self._ask()
            if self._length >= LONGEST * self._log_bytes:
                enough = self._n_begun + 1
                self._ask()
                self._changed.wait_for(lambda: self._n_ended >= enough or self._error is not None)
                self._length = 0
            self._raise()

    @property
    def has_work(self) -> bool:
        """Whether something was committed that nobody was asked to move yet."""
        return self._unmoved > 0 and not self._asked

    def move(self) -> None:
        """Begin to move whatever there is.

        Raises:
            Exception: What ended the thread.
        """
        with self._changed:
            self._ask()
            self._raise()

    def close(self) -> None:
        """End the thread, after what it is about to move."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _ask(self) -> None:
        self._asked = True
        self._changed.notify_all()
        if self._thread is None:
            self._thread = Thread(target=self._serve, name="nnviz writer's log", daemon=True)
            self._thread.start()

    def _raise(self) -> None:
        if self._error is not None:
            raise self._error

    # --- the thread ---

    def _serve(self) -> None:
        try:
            database = self._connect(self._path)
            try:
                while self._wait():
                    self._pass(database.execute)
            finally:
                database.close()
        except Exception as error:
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _wait(self) -> bool:
        """Wait until there is something to do; whether there is."""
        with self._changed:
            self._changed.wait_for(lambda: self._asked or self._closing)
            return not self._closing

    def _pass(self, execute: Callable[[str], Any]) -> None:
        with self._changed:
            self._asked = False
            self._n_begun += 1
            n_bytes = self._unmoved
        execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        with self._changed:
            self._unmoved -= n_bytes  # some of it stays for later while others read what it replaces
            self._n_ended += 1
            self._changed.notify_all()
