"""Writing a recording that is in memory to a file."""

from __future__ import annotations

import json
import sqlite3
from collections import deque
from contextlib import closing
from typing import TYPE_CHECKING, Any

import numpy as np

from nnviz_widgets._version import __version__
from nnviz_widgets.core.storage import schema
from nnviz_widgets.core.storage.metric_rows import BLOCK
from nnviz_widgets.core.storage.tables import Tables
from nnviz_widgets.errors import NnvizError, RecordingNotWritable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from nnviz_widgets.core.contents import Contents, Step
    from nnviz_widgets.core.frame import TensorKey
    from nnviz_widgets.core.storage.options import Record
    from nnviz_widgets.core.tensor_store import Held

BATCH_BYTES = 16 << 20
"""Of tensors in one transaction; they are encoded while others are written."""


def save(contents: Contents, record: Record) -> None:
    """Write a file that holds what a recording holds now.

    Raises:
        RecordingNotWritable: If it cannot be made, is there already, or the disk is full; nothing is left then.
    """
    meta = {"name": contents.name, "version": __version__, "created": str(schema.now()), "dtype": record.dtype}
    database = schema.create(record.path, {**meta, "state": "interrupted", **contents.about})
    try:
        with closing(database), closing(Tables(database, record.dtype)) as tables:
            _write(contents, database, tables)
    except BaseException as error:
        record.path.unlink(missing_ok=True)
        if not isinstance(error, OSError | sqlite3.Error) or isinstance(error, NnvizError):
            raise
        raise RecordingNotWritable(
            f"A recording must fit on its disk to be saved. Received: {str(record.path)!r} ({error}). "
            "Make room, or give another path."
        ) from error


def _write(contents: Contents, database: Any, tables: Tables) -> None:
    database.execute("BEGIN IMMEDIATE")
    _write_metrics(contents, tables)
    for event in contents.events:
        tables.add_event(*event)
    tables.events.insert_idle(contents.idle)
    for block in contents.blocks:
        tables.set_catalogue(block.segment.catalogue)
        specs = range(block.segment.n_specs)
        table = np.stack([block.rows(row) for row in specs], axis=1) if specs else np.empty((block.n, 0, 9))
        keys = block.segment.neurons if block.width else ()
        neurons = [block.neuron_values(key, slice(None)) for key in keys]
        values = np.concatenate(neurons, axis=1) if neurons else np.empty((block.n, 0))
        tables.vitals.insert_block(block.steps, table, values)
    tables.set_catalogue(contents.catalogue)
    database.execute("COMMIT")
    for batch in _batches(contents.tensors()):
        database.execute("BEGIN IMMEDIATE")
        coming: deque[Mapping[TensorKey, Held]] = deque(arrays for _, arrays, _, _ in batch)
        for step in batch:
            tables.tensors.prepare(coming)
            tables.add_tensors(*step)
        database.execute("COMMIT")
    tables.set_meta("state", "complete")


def _batches(steps: Iterator[Step]) -> Iterator[list[Step]]:
    """Yield steps together until they have `BATCH_BYTES`."""
    batch: list[Step] = []
    n_bytes = 0
    for step in steps:
        batch.append(step)
        n_bytes += sum(held.nbytes for held in step[1].values())
        if n_bytes >= BATCH_BYTES:
            yield batch
            batch, n_bytes = [], 0
    if batch:
        yield batch


def _write_metrics(contents: Contents, tables: Tables) -> None:
    names = json.dumps(list(contents.columns))
    numbers = np.stack([*contents.columns.values()]) if contents.columns else np.empty((0, contents.steps.size))
    for start in range(0, contents.steps.size, BLOCK):
        part = slice(start, start + BLOCK)
        steps = np.stack([contents.steps[part], contents.epochs[part]])
        first, last = int(steps[0, 0]), int(steps[0, -1])
        tables.metrics.insert(first, last, names, steps, np.ascontiguousarray(numbers[:, part]), joined=True)
