"""The arrays of a file as chunks of one text: deflated by two threads while the next pictures are drawn."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets.sharing.codec import base64_text, deflated
from nnviz_widgets.sharing.document import Chunk

if TYPE_CHECKING:
    from concurrent.futures import Future
    from types import TracebackType

    import numpy.typing as npt

N_THREADS = 2
"""zlib lets other threads run."""

MOST_WAITING = 64 << 20
"""Bytes that wait to be deflated: drawing is faster."""


class Chunks:
    """Takes arrays in, and hands out the index of each; the same bytes are written once.

    A context manager: it ends its threads.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self._pool = ThreadPoolExecutor(N_THREADS, "nnviz-deflate")
        self._known: dict[bytes, int] = {}
        self._texts: list[tuple[int, Future[str]]] = []
        self._waiting: deque[tuple[int, Future[str]]] = deque()
        self._n_waiting = 0

    def __enter__(self) -> Chunks:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End the threads; what waits is dropped."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def add(self, data: bytes) -> int:
        """Return the index of the chunk that inflates to `data`."""
        name = blake2b(data, digest_size=16).digest()
        if name not in self._known:
            self._known[name] = len(self._texts)
            self._texts.append((len(data), self._pool.submit(_text, data)))
            self._wait(*self._texts[-1])
        return self._known[name]

    def _wait(self, n_bytes: int, text: Future[str]) -> None:
        """Wait for the first of those that wait, while they are too large together."""
        self._waiting.append((n_bytes, text))
        self._n_waiting += n_bytes
        while self._n_waiting > MOST_WAITING:
            n_bytes, text = self._waiting.popleft()
            text.result()
            self._n_waiting -= n_bytes

    def add_array(self, array: npt.NDArray[Any], dtype: str) -> int:
        """Return the index of the chunk of an array, written as `dtype`."""
        return self.add(np.ascontiguousarray(array, dtype).tobytes())

    def written(self) -> tuple[list[Chunk], list[str]]:
        """Return where each chunk is in the text, and the parts of that text."""
        chunks: list[Chunk] = []
        parts: list[str] = []
        start = 0
        for n_bytes, future in self._texts:
            parts.append(future.result())
            chunks.append(Chunk(start, len(parts[-1]), n_bytes))
            start += len(parts[-1])
        return chunks, parts


def _text(data: bytes) -> str:
    return base64_text(deflated(data))
