"""Snapshots that memory has no room for, as files of a directory that is gone with the session."""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from nnviz_widgets.core.byte_size import byte_size

if TYPE_CHECKING:
    from nnviz_widgets.core.snapshots import Kept


class SnapshotFiles:
    """Writes snapshots to files, and reads them back. Only the training thread does.

    Where the disk is full or fails, nothing more is written: what is there can still be read.

    Args:
        budget: Bytes that the files may have.

    Attributes:
        n_bytes: What they have.
        n_dropped: How many were given up because there were too many.
        failure: Why nothing more is written, in words; `None` as long as the disk takes it.
    """

    def __init__(self, budget: int) -> None:
        self.budget = budget
        self.n_bytes = 0
        self.n_dropped = 0
        self.failure: str | None = None
        self._n_written = 0
        self._folder: Path | None = None
        self._remove: weakref.finalize[[Path, int], SnapshotFiles] | None = None

    def move(self, kept: Kept) -> bool:
        """Write a snapshot to a file, and let go of what it holds in memory; whether that could be done."""
        if self.failure is not None or kept.n_bytes > self.budget:
            return False
        path = None
        try:
            path = self._made_folder() / f"{self._n_written}.snapshot"
            kept.state = kept.state.write(path)
        except OSError as error:
            self.failure = f"{type(error).__name__}: {error}"
            if path is not None:
                path.unlink(missing_ok=True)
            return False
        self._n_written += 1
        kept.file = path
        kept.file_bytes = path.stat().st_size
        self.n_bytes += kept.file_bytes
        return True

    def read(self, kept: Kept) -> Kept:
        """Return a snapshot with all that it held in memory, which it keeps whatever becomes of the stored one.

        Raises:
            OSError: If the file is gone, or not what was written.
        """
        if kept.file is None:
            return replace(kept)
        return replace(kept, state=kept.state.read(kept.file), file=None, file_bytes=0)

    def check(self, kept: Kept) -> None:
        """Look whether the file of a snapshot is there, if it has one.

        Raises:
            OSError: If it is not, or is not as long as it was.
        """
        if kept.file is not None and kept.file.stat().st_size != kept.file_bytes:
            raise OSError(f"the file of a snapshot is damaged: {kept.file.name}")

    def drop(self, kept: Kept) -> None:
        """Delete the file of a snapshot, if it has one."""
        if kept.file is not None:
            self.n_bytes -= kept.file_bytes
            try:
                kept.file.unlink(missing_ok=True)
            except OSError as error:
                self.failure = self.failure or f"{type(error).__name__}: {error}"

    def over_budget(self) -> str | None:
        """Say what is given up for want of room on the disk, or why nothing is written; `None` if all is there."""
        if self.failure is not None:
            return (
                f"snapshots are not written to disk any more ({self.failure}): from here on those that memory has no "
                "room for are dropped"
            )
        if not self.n_dropped:
            return None
        return (
            f"the files of snapshots have reached their {byte_size(self.budget)}: those of older steps are given up, "
            "ever more sparsely spread. Give them more: snapshots=nnviz.Snapshots(disk=...)"
        )

    def close(self) -> None:
        """Delete everything."""
        if self._remove is not None:
            self._remove()
        self._folder = self._remove = None
        self.n_bytes = 0

    def _made_folder(self) -> Path:
        if self._folder is None:
            self._folder = Path(tempfile.mkdtemp(prefix="nnviz-snapshots-"))
            # Also where the session is lost, and when the interpreter ends.
            self._remove = weakref.finalize(self, _remove, self._folder, os.getpid())
        return self._folder


def _remove(folder: Path, pid: int) -> None:
    """Delete a directory, in the process that made it alone: one that was forked leaves it."""
    if os.getpid() == pid:
        shutil.rmtree(folder, ignore_errors=True)
