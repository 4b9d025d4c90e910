"""Reading arrays of a recording's file: each is checked, and the last few stay at hand."""

from __future__ import annotations

import os
import sqlite3
import weakref
from collections import OrderedDict
from contextlib import contextmanager, suppress
from threading import RLock
from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.core.storage.blobs import DIFFERENCE, DTYPES, Blob, decode, raw_bytes, shape_of
from nnviz_widgets.core.storage.ink import checksum
from nnviz_widgets.core.storage.planes import Damaged
from nnviz_widgets.core.storage.schema import connect_to_read
from nnviz_widgets.errors import RecordingClosed, RecordingDamaged

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy.typing as npt

AT_HAND_BYTES = 64 << 20
"""Of decoded arrays."""


class Pages:
    """A connection to read, for any thread, and the arrays that were read last.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        """Open `path`.

        Raises:
            NotARecording: If it is none.
            RecordingDamaged: If it cannot be opened.
        """
        self.path = path
        self._lock = RLock()
        self._database = connect_to_read(path)
        self._file = os.stat(path)  # noqa: PTH116
        weakref.finalize(self, self._database.close).atexit = False
        self._at_hand: OrderedDict[int, npt.NDArray[Any]] = OrderedDict()
        self._n_bytes = 0

    @contextmanager
    def moment(self) -> Iterator[None]:
        """See the file as it is at one moment, whatever is written meanwhile."""
        with self._lock:
            self.rows("BEGIN")
            try:
                yield
            finally:
                with suppress(sqlite3.Error):
                    self._database.execute("COMMIT")

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return the rows that a statement selects."""
        with self._lock:
            try:
                return self._database.execute(statement, values).fetchall()
            except sqlite3.ProgrammingError:
                raise RecordingClosed(
                    f"A recording must be open to be read. Received: {str(self.path)!r}, which was closed. Open it "
                    "again."
                ) from None
            except sqlite3.DatabaseError as error:
                raise self.damaged("a table", str(error)) from error

    def checked_rows(self, statement: str, what: str, values: Sequence[Any] = ()) -> list[Any]:
        """Return rows whose last value is the checksum of the others."""
        rows = self.rows(statement, values)
        for row in rows:
            if checksum(*row[:-1]) != row[-1]:
                raise self.damaged(what, f"the row {row[:2]} does not fit its checksum")
        return [row[:-1] for row in rows]

    def array(self, row: int, tag: str, what: str) -> npt.NDArray[Any]:
        """Read an array.

        Args:
            row: Its row.
            tag: What it was written with.
            what: What it is, in words, for an error.

        Raises:
            RecordingDamaged: If it is not what was written.
        """
        with self._lock:
            array = self._at_hand.get(row)
            if array is not None:
                self._at_hand.move_to_end(row)
                return array
            try:
                array = self._decoded(row, tag)
            except Damaged as error:
                raise self.damaged(what, str(error)) from None
            self._keep(row, array)
            return array

    def like(self, head: tuple[Any, ...], what: str) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """Return shape and dtype of an array, of which everything but its bytes was read."""
        if set(head) == {None}:
            raise self.damaged(what, "it is missing")
        dtype, text, size, coding, crc = head
        blob = Blob(dtype, text, size, coding, crc, b"")
        try:
            shape = shape_of(blob)
        except Damaged as error:
            raise self.damaged(what, str(error)) from None
        return shape, DTYPES[dtype]

    def _blob(self, row: int) -> tuple[int | None, int, Blob]:
        found = self.rows(
            "SELECT base, checksum, dtype, shape, size, coding, crc, data FROM blobs WHERE id = ?", (row,)
        )
        if not found:
            raise Damaged("it is missing")
        base, check, *rest = found[0]
        return base, check, Blob(*rest)

    def _decoded(self, row: int, tag: str) -> npt.NDArray[Any]:
        base, check, blob = self._blob(row)
        shape_of(blob)
        if blob.check(f"{tag}|{base}") != check:
            raise Damaged("it does not fit its checksum")
        return decode(blob, self._base(base) if blob.coding & DIFFERENCE else None)

    def _base(self, row: int | None) -> npt.NDArray[np.uint8]:
        """Read what a tensor differs from. The tensor's own checksum tells whether it was the right one."""
        if row is None:
            raise Damaged("what it differs from is missing")
        array = self._at_hand.get(row)
        if array is None:
            base, _, blob = self._blob(row)
            if base is not None:
                raise Damaged("what it differs from is a difference itself")
            array = decode(blob)
            self._keep(row, array)
        return raw_bytes(array)

    def _keep(self, row: int, array: npt.NDArray[Any]) -> None:
        if array.nbytes > AT_HAND_BYTES // 4:
            return
        self._at_hand[row] = array
        self._n_bytes += array.nbytes
        while self._n_bytes > AT_HAND_BYTES:
            _, oldest = self._at_hand.popitem(last=False)
            self._n_bytes -= oldest.nbytes

    @property
    def n_bytes(self) -> int:
        """Memory held by arrays at hand."""
        return self._n_bytes

    def version(self) -> int:
        """Return a number that changes when somebody else has written."""
        return int(self.rows("PRAGMA data_version")[0][0])

    def gone(self) -> bool:
        """Whether the file was removed or replaced; what is open can still be read."""
        try:
            return not os.path.samestat(os.stat(self.path), self._file)  # noqa: PTH116
        except OSError:
            return True

    def damaged(self, what: str, how: str) -> RecordingDamaged:
        """Return an error that names the file."""
        return RecordingDamaged(
            f"The recording {str(self.path)!r} must hold what was written. Received: {what} is damaged, {how}. "
            "The rest of it can still be read."
        )

    def close(self) -> None:
        """Close the file. What is at hand is forgotten."""
        with self._lock, suppress(sqlite3.Error):
            self._database.close()
            self._at_hand.clear()
            self._n_bytes = 0
