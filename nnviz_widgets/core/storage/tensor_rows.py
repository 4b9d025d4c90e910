"""Whole tensors as rows of the file, and which of them go when there is no more room."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.byte_size import byte_size
from nnviz_widgets.core.deferred import Deferred
from nnviz_widgets.core.lookup import words
from nnviz_widgets.core.storage.blobs import MAX_BYTES, can_store
from nnviz_widgets.core.storage.ink import checksum, rounded
from nnviz_widgets.core.thinning import drop_order

if TYPE_CHECKING:
    from collections import deque
    from collections.abc import Callable, Mapping

    import numpy.typing as npt

    from nnviz_widgets.core.frame import TensorKey
    from nnviz_widgets.core.storage.ink import Encoded, Ink
    from nnviz_widgets.core.storage.options import StoredDtype
    from nnviz_widgets.core.tensor_store import Held

AHEAD_BYTES, AHEAD_STEPS = 32 << 20, 64
"""Of the tensors, and how many steps, that are compressed before their turn: while the disk is asked to keep others."""


class TensorRows:
    """Writes tensors inside the caller's transaction.

    Attributes:
        left_out: A sentence on each tensor that cannot be written.
    """

    def __init__(self, database: Any, ink: Ink, dtype: StoredDtype) -> None:
        """Write to `database`, with wide floats as `dtype`."""
        self._database, self._ink, self._dtype = database, ink, dtype
        self._keys: dict[TensorKey, int] = {}
        ordinal, newest = database.execute(
            "SELECT coalesce(max(ordinal), -1), coalesce(max(step), -1) FROM kept"
        ).fetchone()
        self._ordinal, self._newest = 1 + int(ordinal), int(newest)
        self._ahead: dict[int, tuple[dict[TensorKey, Callable[[], Encoded]], int]] = {}
        self._ahead_bytes = 0
        self.left_out: dict[TensorKey, str] = {}

    def add(self, step: int, arrays: Mapping[TensorKey, Held], labels: tuple[str, ...], pinned: bool) -> None:
        """Write the tensors of a step beside those that are there; the same key again replaces its tensor."""
        again = self._keep(step, labels, pinned)
        encoding = self._encoding(arrays)
        rows = [self._ink.write_tensor(key, step, encoded()) for key, encoded in encoding.items()]
        places = [(self._key(key), step) for key in encoding]
        if again:
            replaced = "SELECT blob FROM tensors WHERE key = ? AND step = ?"
            self._database.executemany(f"INSERT OR IGNORE INTO orphans {replaced}", places)
        inserted = [(*place, row) for place, row in zip(places, rows, strict=True)]
        self._database.executemany("INSERT OR REPLACE INTO tensors VALUES (?, ?, ?)", inserted)

    def prepare(self, coming: deque[Mapping[TensorKey, Held]]) -> None:
        """Begin to encode the tensors that `add` will be given next, in this order; those that begun are taken out."""
        while coming and (not self._ahead or self._more_ahead()):
            arrays = coming.popleft()
            n_bytes = sum(held.nbytes for held in arrays.values())
            self._ahead[id(arrays)] = self._encode(arrays), n_bytes
            self._ahead_bytes += n_bytes

    def _more_ahead(self) -> bool:
        return self._ahead_bytes < AHEAD_BYTES and len(self._ahead) < AHEAD_STEPS

    def _encoding(self, arrays: Mapping[TensorKey, Held]) -> dict[TensorKey, Callable[[], Encoded]]:
        """Return what was begun by `prepare`, or begin now."""
        encoding, n_bytes = self._ahead.pop(id(arrays), (None, 0))
        self._ahead_bytes -= n_bytes
        return self._encode(arrays) if encoding is None else encoding

    def _encode(self, arrays: Mapping[TensorKey, Held]) -> dict[TensorKey, Callable[[], Encoded]]:
        values = ((key, self._values(key, held)) for key, held in arrays.items())
        return {key: self._ink.encode_soon(key, array) for key, array in values if array is not None}

    def _keep(self, step: int, labels: tuple[str, ...], pinned: bool) -> bool:
        """Note that a step has tensors; whether it had some before."""
        row = None
        if step <= self._newest:
            row = self._database.execute("SELECT ordinal, pinned, labels FROM kept WHERE step = ?", (step,)).fetchone()
        self._newest = max(step, self._newest)
        text = json.dumps(labels) if labels or row is None else row[2]
        if row is None:
            ordinal, self._ordinal = self._ordinal, self._ordinal + 1
        else:
            ordinal, pinned = row[0], pinned or bool(row[1])
        values = (step, ordinal, int(pinned), text)
        self._database.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?, ?)", (*values, checksum(*values)))
        return row is not None

    def _key(self, key: TensorKey) -> int:
        if key not in self._keys:
            row = (key.layer, key.kind, key.variable, key.output)
            found = self._database.execute(
                "SELECT id FROM keys WHERE layer = ? AND kind = ? AND variable IS ? AND output = ?", row
            ).fetchone()
            if found is None:
                self._database.execute("INSERT INTO keys(layer, kind, variable, output) VALUES (?, ?, ?, ?)", row)
                found = self._database.execute("SELECT last_insert_rowid()").fetchone()
            self._keys[key] = int(found[0])
        return self._keys[key]

    def _values(self, key: TensorKey, held: Held) -> npt.NDArray[Any] | None:
        """Return the values to write, `None` where there are too many."""
        readable = not isinstance(held, Deferred) or held.readable
        if not readable or held.nbytes > MAX_BYTES or not can_store(held.dtype):
            self.left_out.setdefault(
                key,
                f"the {words(key.kind)} of layer `{key.layer}` are left out of the file: {byte_size(held.nbytes)} of "
                f"{held.dtype.name}, and at most {byte_size(MAX_BYTES)} of numbers can be written",
            )
            return None
        return rounded(held.read() if isinstance(held, Deferred) else held, self._dtype)

    # --- room ---

    def used_bytes(self) -> int:
        """Return how much of the file is in use."""
        pages = [int(self._pragma(name)) for name in ("page_count", "freelist_count", "page_size")]
        return (pages[0] - pages[1]) * pages[2]

    def _pragma(self, name: str) -> int:
        return int(self._database.execute(f"PRAGMA {name}").fetchone()[0])

    def thin(self, limit: int) -> bool:
        """Drop tensors of older steps until no more than `limit` bytes are in use; whether that was possible.

        Step 0, pinned steps and the newest stay.
        """
        rows = self._database.execute("SELECT ordinal, step, pinned FROM kept ORDER BY ordinal").fetchall()
        droppable = [(ordinal, step) for ordinal, step, pinned in rows[:-1] if step and not pinned]
        order = drop_order([ordinal for ordinal, _ in droppable], self._ordinal - 1)
        for index in order:
            if self.used_bytes() <= limit:
                break
            self._drop(droppable[index][1])
        return self.used_bytes() <= limit

    def _drop(self, step: int) -> None:
        self._database.execute("INSERT OR IGNORE INTO orphans SELECT blob FROM tensors WHERE step = ?", (step,))
        self._database.execute("DELETE FROM tensors WHERE step = ?", (step,))
        self._database.execute("DELETE FROM kept WHERE step = ?", (step,))
        self.sweep()

    def sweep(self) -> None:
        """Remove the blobs that nobody needs any more; a base stays as long as there are differences from it."""
        needed = self._ink.bases
        orphans = [row for (row,) in self._database.execute("SELECT blob FROM orphans").fetchall()]
        for blob in sorted(orphans, reverse=True):  # differences come after their base
            used = self._database.execute("SELECT 1 FROM blobs WHERE base = ? LIMIT 1", (blob,)).fetchone()
            if blob not in needed and used is None:
                self._database.execute("DELETE FROM blobs WHERE id = ?", (blob,))
                self._database.execute("DELETE FROM orphans WHERE blob = ?", (blob,))
