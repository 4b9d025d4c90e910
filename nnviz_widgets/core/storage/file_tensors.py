"""Whole tensors that are read from a file when somebody asks."""

from __future__ import annotations

import json
from threading import Lock
from typing import TYPE_CHECKING, Any

from nnviz_widgets.core.deferred import Deferred
from nnviz_widgets.core.frame import TensorKey
from nnviz_widgets.core.lookup import words
from nnviz_widgets.core.storage.ink import tensor_tag
from nnviz_widgets.core.storage.pages import Pages
from nnviz_widgets.errors import RecordingDamaged, TensorNotRecorded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from nnviz_widgets.core.tensor_store import Held


_BLOB = "SELECT blob FROM tensors WHERE key = ? AND step = ?"
_HEAD = (
    "SELECT dtype, shape, size, coding, crc FROM tensors LEFT JOIN blobs ON blobs.id = tensors.blob "
    "WHERE key = ? AND step = ?"
)
_STEPS = "SELECT step FROM tensors WHERE key = ? AND step <= ? ORDER BY step"


class FileTensors:
    """The tensors of a file, a `Tensors`: lists of steps are read once for each key, until `refresh`."""

    def __init__(self, pages: Pages) -> None:
        """Read from `pages`."""
        self._pages = pages
        self._keys: dict[TensorKey, int] = {}
        self._steps: dict[TensorKey, list[int]] = {}
        self._newest = -1
        self.refresh()

    def refresh(self) -> None:
        """Look for what was written since."""
        self.prepare()()

    def prepare(self) -> Callable[[], None]:
        """Look for what was written since; it can be seen when what is returned is called."""
        rows = self._pages.rows("SELECT id, layer, kind, variable, output FROM keys")
        newest = self._pages.rows("SELECT coalesce(max(step), -1) FROM kept")[0][0]

        def show() -> None:
            self._keys = {TensorKey(*key): row for row, *key in rows}
            self._newest = newest
            self._steps = {}

        return show

    def __len__(self) -> int:
        """Count the steps that have tensors."""
        return int(self._pages.rows("SELECT count(*) FROM kept")[0][0])

    def steps(self, key: TensorKey) -> Sequence[int]:
        """As in `Tensors`."""
        steps = self._steps.get(key)
        if steps is None:
            rows = self._pages.rows(_STEPS, (self._keys.get(key, -1), self._newest))
            steps = self._steps[key] = [step for (step,) in rows]
        return steps

    def array(self, key: TensorKey, step: int) -> Held:
        """As in `Tensors`; the values are read and checked when somebody asks for them."""
        pages, tag, what = self._pages, tensor_tag(key, step), _what(key, step)
        place = (self._keys.get(key, -1), step)

        def kept(statement: str) -> Any:
            rows = pages.rows(statement, place)
            if not rows:
                raise TensorNotRecorded(f"It was dropped from the recording to stay within its quota: {what}.")
            return rows[0]

        def fetch(part: Any) -> Any:
            with pages.moment():
                return pages.array(int(kept(_BLOB)[0]), tag, what)[part]

        shape, dtype = pages.like(kept(_HEAD), what)
        return Deferred(shape, dtype, fetch)

    def labels(self, step: int) -> tuple[str, ...]:
        """As in `Tensors`."""
        rows = self._pages.checked_rows(
            "SELECT step, ordinal, pinned, labels, checksum FROM kept WHERE step = ?",
            f"the labels of step {step}",
            (step,),
        )
        return tuple(json.loads(rows[0][3])) if rows else ()

    def known(self) -> Sequence[TensorKey]:
        """As in `Tensors`."""
        return list(self._keys)

    def pinned(self, step: int) -> bool:
        """As in `Tensors`."""
        rows = self._pages.rows("SELECT pinned FROM kept WHERE step = ?", (step,))
        return bool(rows and rows[0][0])

    @property
    def n_bytes(self) -> int:
        """Memory held by arrays at hand."""
        return self._pages.n_bytes

    def thin(self, limit: int) -> None:
        """Do nothing: what is at hand is bounded anyway."""


class LateTensors:
    """The tensors of a file that is being written by this process, opened when somebody asks."""

    def __init__(self, path: Path, listeners: list[Callable[[], None]]) -> None:
        """Read `path`, anew after each call to what is put among `listeners`."""
        self._path = path
        self._lock = Lock()
        self._changed = True
        self._tensors: FileTensors | None = None
        listeners.append(self._hear)

    def _hear(self) -> None:
        self._changed = True

    def _open(self) -> FileTensors | None:
        with self._lock:
            try:
                if self._tensors is None:
                    self._tensors = FileTensors(Pages(self._path))
                elif self._changed:
                    self._tensors.refresh()
            except (OSError, ValueError):  # it has gone, as `recording.events` says: memory is what is left
                self._tensors = None
            self._changed = False
            return self._tensors

    def __len__(self) -> int:
        """Count the steps that have tensors."""
        tensors = self._open()
        return 0 if tensors is None else len(tensors)

    def steps(self, key: TensorKey) -> Sequence[int]:
        """As in `Tensors`."""
        tensors = self._open()
        return () if tensors is None else tensors.steps(key)

    def array(self, key: TensorKey, step: int) -> Held:
        """As in `Tensors`."""
        tensors = self._open()
        if tensors is None:
            raise RecordingDamaged(f"The recording {str(self._path)!r} has gone, and with it {_what(key, step)}.")
        return tensors.array(key, step)

    def labels(self, step: int) -> tuple[str, ...]:
        """As in `Tensors`."""
        tensors = self._open()
        return () if tensors is None else tensors.labels(step)

    def known(self) -> Sequence[TensorKey]:
        """As in `Tensors`."""
        tensors = self._open()
        return () if tensors is None else tensors.known()

    def pinned(self, step: int) -> bool:
        """As in `Tensors`."""
        tensors = self._open()
        return tensors is not None and tensors.pinned(step)


def _what(key: TensorKey, step: int) -> str:
    variable = f", variable `{key.variable}`," if key.variable else ""
    return f"step {step}: the {words(key.kind)} of layer `{key.layer}`{variable}"
