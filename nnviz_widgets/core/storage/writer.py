"""The thread that writes a recording to disk, so that the training need not wait for it."""

from __future__ import annotations

import atexit
import logging
import os
import sqlite3
import time
from collections import deque
from contextlib import suppress
from threading import Condition, Thread, current_thread, main_thread
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from nnviz_widgets._version import __version__
from nnviz_widgets.core.storage import lock, schema
from nnviz_widgets.core.storage.file_tensors import LateTensors
from nnviz_widgets.core.storage.log_mover import LogMover
from nnviz_widgets.core.storage.tables import Tables
from nnviz_widgets.core.tensor_store import ARRAY_BYTES
from nnviz_widgets.errors import RecordingNotWritable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from nnviz_widgets.core.frame import Catalogue, Reading, TensorKey
    from nnviz_widgets.core.storage.options import Record
    from nnviz_widgets.core.tensor_store import Held, Tensors

logger = logging.getLogger("nnviz_widgets")

CAPACITY_BYTES = 64 << 20
"""What may wait to be written. Its arrays are those of the recording, by reference."""

BATCH_BYTES = 16 << 20
"""Of one transaction, more or less: as many whole steps as reach it."""

COMMIT_BYTES = 10 * schema.PAGE_BYTES
"""What a transaction adds to the log besides arrays, more or less: the last page of each table and of each index."""

FLUSH_S = 0.2
"""What is committed is at most so old, while the disk keeps up."""

BEAT_S = 10.0
"""How often it gives a sign of life and, against a power cut, has the disk keep what was committed."""

REST_S = 1.0
"""After so long without anything to write all is moved from the log into the file, which can then be copied alone."""

LOG_WAIT_MS = 500
"""How long the end of a recording waits for readers that keep it from moving the log into the file."""

EXIT_S = 2.0
"""How long the end of the interpreter waits."""

_open_writers: WeakSet[Writer] = WeakSet()


class _Task:
    """Something to write: a method of `Tables` and its arguments; `whole` if a step ends with it."""

    __slots__ = ("arguments", "method", "n_bytes", "whole")

    def __init__(self, method: Callable[..., None], arguments: tuple[Any, ...], n_bytes: int, whole: bool) -> None:
        self.method, self.arguments, self.n_bytes, self.whole = method, arguments, n_bytes, whole


class Writer:
    """A `Sink` that writes one file.

    The file holds a prefix of what it was given, that ends with a whole step, whatever happens to this process. A fault
    of the disk ends the recording, never the caller. A process that was forked from this one writes nothing.

    Attributes:
        path: The file.
        stopped: Why nothing is written any more, in words; `None` while it is.
    """

    def __init__(
        self,
        record: Record,
        name: str = "",
        about: Mapping[str, str] | None = None,
        connect: schema.Connect | None = None,
    ) -> None:
        """Make the file and start.

        Args:
            record: Where and how.
            name: Of the recording.
            about: More to note of the run, such as the class of its model.
            connect: Opens the file to write.

        Raises:
            RecordingNotWritable: If the file cannot be made, or is there already.
        """
        meta = {"name": name, "version": __version__, "created": str(schema.now()), "dtype": record.dtype}
        database = schema.create(record.path, {**meta, "state": "recording", **(about or {})}, connect)
        tables = self._taken(database, record)
        self.path = record.path
        self.stopped: str | None = None
        self._quota, self._overflow = record.quota, record.overflow
        # Tensors that are left out must not leave metrics without room, for which the training would wait.
        self._capacity = CAPACITY_BYTES if record.overflow == "block" else 2 * CAPACITY_BYTES
        self._tell: Callable[[int, str], None] | None = None
        self._limit = BATCH_BYTES if record.quota is None else max(1 << 16, min(BATCH_BYTES, record.quota // 16))
        self._pid = os.getpid()
        self._changed = Condition()
        self._tasks: deque[_Task] = deque()
        self._coming: deque[Mapping[TensorKey, Held]] = deque()  # tensors that nobody has begun to encode
        self._n_bytes = self._n_ready = self._ready_bytes = self._taken_bytes = self._n_dropped = 0
        self._committed = 0
        self._in_step = self._closing = self._writing = self._hurry = False
        self._listeners: list[Callable[[], None]] = []
        self._file = os.stat(record.path)  # noqa: PTH116
        # Only the thread holds the connection: a forked process has no thread, and so never closes it.
        mover = LogMover(record.path, connect or schema.connect_to_write, self._log_bytes())
        self._thread = Thread(target=self._serve, args=(database, tables, mover), name="nnviz writer", daemon=True)
        self._thread.start()
        _open_writers.add(self)

    @staticmethod
    def _taken(database: Any, record: Record) -> Tables:
        """Become the writer of a file that was just made."""
        try:
            lock.take(database, record.path)
            return Tables(database, record.dtype)
        except BaseException as error:
            database.close()
            if isinstance(error, sqlite3.Error):
                raise RecordingNotWritable(
                    f"`path` must be one where a file can be written. Received: {str(record.path)!r} ({error})."
                ) from error
            raise

    # --- the thread that records ---

    def set_catalogue(self, catalogue: Catalogue) -> None:
        """As in `Sink`."""
        self._put(Tables.set_catalogue, catalogue)

    def add_step(self, step: int, epoch: int, values: Mapping[str, float]) -> None:
        """As in `Sink`."""
        self.commit()
        self._in_step = True
        self._put(Tables.add_step, step, epoch, values, n_bytes=200 + 60 * len(values))

    def amend_step(self, step: int, values: Mapping[str, float]) -> None:
        """As in `Sink`."""
        self._put(Tables.amend_step, step, values)

    def add_vitals(self, step: int, reading: Reading) -> None:
        """As in `Sink`."""
        self._put(Tables.add_vitals, step, reading, n_bytes=reading.n_bytes)

    def add_tensors(self, step: int, arrays: Mapping[TensorKey, Held], labels: tuple[str, ...], pinned: bool) -> None:
        """As in `Sink`."""
        n_bytes = sum(array.nbytes for array in arrays.values()) + ARRAY_BYTES * len(arrays)
        self._put(Tables.add_tensors, step, dict(arrays), labels, pinned, n_bytes=n_bytes, droppable=not pinned)

    def add_event(self, step: int, name: str, text: str) -> None:
        """As in `Sink`."""
        self._put(Tables.add_event, step, name, text)

    def commit(self) -> None:
        """As in `Sink`."""
        if not self._in_step or os.getpid() != self._pid:
            return
        with self._changed:
            self._in_step = False
            if self._tasks:
                self._tasks[-1].whole = True
                self._make_ready()

    def _put(self, method: Callable[..., None], *arguments: Any, n_bytes: int = 500, droppable: bool = False) -> None:
        if os.getpid() != self._pid:  # a lock that another thread held at the fork would never open here
            return
        with self._changed:
            if droppable and self._overflow == "thin" and self._n_bytes + n_bytes > CAPACITY_BYTES and self._n_bytes:
                self._n_dropped += 1
                return
            while self._must_wait(n_bytes) and self._thread.is_alive():
                self._hurry = True
                self._changed.notify_all()
                self._changed.wait(1.0)
            if self.stopped is not None or self._closing:
                return
            self._tasks.append(_Task(method, arguments, n_bytes, not self._in_step))
            if method is Tables.add_tensors:
                self._coming.append(arguments[1])
            self._n_bytes += n_bytes
            if not self._in_step:
                self._make_ready()

    def _must_wait(self, n_bytes: int) -> bool:
        """Whether there is no room, and there will be without the caller."""
        if self.stopped is not None or self._closing or not self._n_bytes:
            return False
        return self._n_bytes + n_bytes > self._capacity and (self._n_ready > 0 or self._writing)

    def _make_ready(self) -> None:
        self._n_ready, self._ready_bytes = len(self._tasks), self._n_bytes - self._taken_bytes
        if self._ready_bytes >= self._limit:
            self._changed.notify_all()

    # --- anybody ---

    def on_stop(self, tell: Callable[[int, str], None]) -> None:
        """As in `Sink`."""
        with self._changed:
            self._tell = tell
            stopped = self.stopped
        if stopped is not None:
            tell(self._committed, stopped)

    def stored(self) -> Tensors:
        """As in `Sink`: it is opened when it is first asked."""
        return LateTensors(self.path, self._listeners)

    def close(self, timeout: float | None = None) -> bool:
        """As in `Sink`."""
        if os.getpid() != self._pid:
            return True
        self.end_soon()
        if timeout is None and not main_thread().is_alive():  # the interpreter ends, and closes its sessions
            timeout = EXIT_S
        if self._thread is not current_thread():
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def end_soon(self) -> None:
        """As in `Sink`."""
        if os.getpid() != self._pid:
            return
        self.commit()
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    # --- the writer's thread ---

    def _log_bytes(self) -> int:
        """Return how much is committed to the log before it is moved into the file."""
        return schema.LOG_BYTES if self._quota is None else min(schema.LOG_BYTES, self._quota // 4)

    def _serve(self, database: Any, tables: Tables, mover: LogMover) -> None:
        try:
            database.execute("PRAGMA wal_autocheckpoint=0").fetchall()
            self._write_all(database, tables, mover)
            self._end(database, tables)
        except Exception as error:
            if not isinstance(error, OSError | sqlite3.Error):
                logger.exception("a recording stops")
            self._stop(database, self._committed, error)
        finally:
            tables.close()
            mover.close()
            with suppress(Exception):  # what could be written was; with its log the file is whole without this
                database.execute(f"PRAGMA busy_timeout={LOG_WAIT_MS}").fetchall()
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            with suppress(Exception):
                database.close()

    def _write_all(self, database: Any, tables: Tables, mover: LogMover) -> None:
        beat = written = time.monotonic()
        while True:
            with self._changed:
                self._changed.wait_for(self._must_write, FLUSH_S)
                self._hurry = False
                batch, n_bytes = self._take()
                closing = self._closing
            if batch:
                stored = tables.stored_bytes
                self._write(database, tables, batch)
                mover.wrote(tables.stored_bytes - stored + COMMIT_BYTES)
                with self._changed:
                    self._n_bytes -= n_bytes
                    self._taken_bytes = 0
                    self._writing = False
                    self._changed.notify_all()
                written = time.monotonic()
            elif closing:
                return
            elif mover.has_work and time.monotonic() - written > REST_S:
                mover.move()
            if time.monotonic() - beat > BEAT_S:
                self._look_for_file()
                lock.beat(database)
                mover.move()
                beat = time.monotonic()

    def _must_write(self) -> bool:
        return self._closing or self._hurry or self._ready_bytes >= self._limit

    def _take(self) -> tuple[list[_Task], int]:
        """Take whole steps from the queue, as many as make a transaction."""
        batch: list[_Task] = []
        n_bytes = 0
        while self._n_ready and not (n_bytes >= self._limit and batch[-1].whole):
            task = self._tasks.popleft()
            batch.append(task)
            n_bytes += task.n_bytes
            self._n_ready -= 1
        self._ready_bytes -= n_bytes
        self._taken_bytes = n_bytes  # they are no longer in the queue, and still count as memory
        self._writing = bool(batch)
        return batch, n_bytes

    def _write(self, database: Any, tables: Tables, batch: list[_Task]) -> None:
        self._look_for_file()
        database.execute("BEGIN IMMEDIATE")
        for task in batch:
            tables.tensors.prepare(self._coming)
            task.method(tables, *task.arguments)
        tables.write()
        tables.tensors.prepare(self._coming)
        if self._quota is not None and tables.tensors.used_bytes() > self._quota - 4 * self._limit:
            kept_all = tables.tensors.thin(self._quota - 6 * self._limit)
            if not kept_all and tables.tensors.used_bytes() > self._quota - 2 * self._limit:
                database.execute("ROLLBACK")
                raise OSError(f"the quota of {self._quota:,} bytes is used up")
        database.execute("COMMIT")
        self._committed = tables.step
        for listener in self._listeners:
            listener()

    def _look_for_file(self) -> None:
        """Find out that the file was removed, which the system keeps alive as long as it is open."""
        try:
            found = os.stat(self.path)  # noqa: PTH116
        except OSError:
            found = None
        if found is None or not os.path.samestat(found, self._file):
            raise FileNotFoundError("the recording has gone")

    def _end(self, database: Any, tables: Tables) -> None:
        """Say in the file that it is complete."""
        self._look_for_file()
        database.execute("BEGIN IMMEDIATE")
        if self._n_dropped:
            text = f"the disk was too slow for the whole tensors of {self._n_dropped} steps, which are left out"
            tables.add_event(tables.step, "notice", text)
        tables.set_meta("state", "complete")
        lock.release(database)
        database.execute("COMMIT")
        with self._changed:
            self.stopped = "it is closed"

    def _stop(self, database: Any, step: int, error: Exception) -> None:
        """End the recording, and let the training go on."""
        with suppress(Exception):  # the file is whole either way
            if database.in_transaction:
                database.execute("ROLLBACK")
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        text = f"the recording stopped at step {step}: {reason} ({self.path})"
        with self._changed:
            self.stopped = text
            self._tasks.clear()
            self._coming.clear()
            self._n_bytes = self._n_ready = self._ready_bytes = self._taken_bytes = 0
            self._writing = False
            self._changed.notify_all()
            tell = self._tell
        if tell is not None:
            tell(step, text)


@atexit.register
def _close_all() -> None:
    """Write what is left before the interpreter ends, if that takes no longer than `EXIT_S`."""
    writers = list(_open_writers)
    deadline = time.monotonic() + EXIT_S
    for writer in writers:
        writer.end_soon()
    for writer in writers:
        writer.close(max(0.0, deadline - time.monotonic()))
