"""A disk below SQLite that a test can watch, and ways to crash on it.

Run as a program it forks a process for each n, which records a small run and is killed in the middle of its n-th write.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import sys
from pathlib import Path
from threading import Lock

import apsw

from nnviz_widgets.core.storage import schema, writer
from tests.core.storage.runs import open_writer, run


class Disk(apsw.VFS):
    """Passes everything on to the system, after it was told to `hear(name, what, *values)`."""

    def __init__(self, name, hear):
        self.name, self._hear = name, hear
        super().__init__(name, "")

    def xOpen(self, name, flags):
        return _File(name, flags, self._hear)

    def xDelete(self, name, sync):
        self._hear(name, "delete")
        super().xDelete(name, sync)


class _File(apsw.VFSFile):
    def __init__(self, name, flags, hear):
        self._name = name.filename() if isinstance(name, apsw.URIFilename) else name
        self._hear = hear
        super().__init__("", name, flags)

    def xWrite(self, data, offset):
        self._hear(self._name, "write", offset, bytes(data), super().xWrite)
        super().xWrite(data, offset)

    def xTruncate(self, size):
        self._hear(self._name, "truncate", size)
        super().xTruncate(size)

    def xSync(self, flags):
        token = object()
        self._hear(self._name, "syncing", token)
        super().xSync(flags)
        self._hear(self._name, "synced", token)


LOG_BYTES = 12 * schema.PAGE_BYTES
"""Of a log that is moved into the file at nearly each step."""


def connecting(disk):
    """Return what connects a writer through `disk`."""

    def connect(path):
        database = apsw.Connection(str(path), vfs=disk.name)
        schema.prepare_to_write(database)
        return database

    return connect


def record_until(path, n_steps, n_writes):
    """Record a run, and be killed after half of the n-th write to the disk."""
    count, lock = itertools.count(1), Lock()

    def hear(name, what, *values):
        if what == "write":
            offset, data, write = values
            with lock:
                if next(count) == n_writes:
                    write(data[: len(data) // 2], offset)
                    os.kill(os.getpid(), signal.SIGKILL)

    writer.BATCH_BYTES = 1
    schema.LOG_BYTES = LOG_BYTES
    disk = Disk("killing", hear)
    run(open_writer(path, connect=connecting(disk)), n_steps).close()


def kill_at_every_write(folder, n_steps):
    """Print how many writes there are; leave a file for each of them that a process was killed in."""
    for n_writes in itertools.count(1):
        pid = os.fork()
        if not pid:
            record_until(folder / f"{n_writes}.nnv", n_steps, n_writes)
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status):
            print(json.dumps({"n_writes": n_writes - 1, "status": os.WEXITSTATUS(status)}))
            return
        assert os.WTERMSIG(status) == signal.SIGKILL


if __name__ == "__main__":
    kill_at_every_write(Path(sys.argv[1]), int(sys.argv[2]))
