"""The arrays of a file as chunks of one text: deflated by two threads while the next pictures are drawn."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from itertools import accumulate
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


BATCH = 256 << 10
"""Bytes that are deflated at one go: to hand each of thousands of small pictures to a thread takes longer than to pack
it."""


class Chunks:
    """Takes arrays in, and hands out the index of each; the same bytes are written once.

    A context manager: it ends its threads.
    """

    def __init__(self) -> None:
        """Begin without any."""
        self._pool = ThreadPoolExecutor(N_THREADS, "nnviz-deflate")
        self._known: dict[bytes, int] = {}
        self._sizes: list[int] = []
        self._batch: list[bytes] = []
        self._n_batch = 0
        self._texts: list[Future[list[str]]] = []
        self._waiting: deque[tuple[int, Future[list[str]]]] = deque()
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
            self._known[name] = len(self._sizes)
            self._sizes.append(len(data))
            self._batch.append(data)
            self._n_batch += len(data)
            if self._n_batch >= BATCH:
                self._submit()
        return self._known[name]

    def _submit(self) -> None:
        """Hand the batch to a thread; wait for the first of those that wait, while they are too large together."""
        self._texts.append(self._pool.submit(_text_of, self._batch))
        self._waiting.append((self._n_batch, self._texts[-1]))
        self._n_waiting += self._n_batch
        self._batch, self._n_batch = [], 0
        while self._n_waiting > MOST_WAITING:
            n_bytes, texts = self._waiting.popleft()
            texts.result()
            self._n_waiting -= n_bytes

    def add_array(self, array: npt.NDArray[Any], dtype: str) -> int:
        """Return the index of the chunk of an array, written as `dtype`."""
        return self.add(np.ascontiguousarray(array, dtype).tobytes())

    def written(self) -> tuple[list[Chunk], list[str]]:
        """Return where each chunk is in the text, and the parts of that text."""
        self._submit()
        parts = [text for texts in self._texts for text in texts.result()]
        starts = accumulate(map(len, parts), initial=0)
        chunks = [Chunk(start, len(part), size) for start, part, size in zip(starts, parts, self._sizes, strict=False)]
        return chunks, parts


def _text_of(batch: list[bytes]) -> list[str]:
    return [base64_text(deflated(data)) for data in batch]
