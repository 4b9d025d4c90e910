"""Where in the data a run is, and how another process gets there again.

The order of the data follows from the random streams at the moment when the pipeline was made. So those are put back
first, and then batches are taken and left until the place is reached:

- **Arrays.** Each epoch draws its order at its beginning, from the session's own generator or from TensorFlow's global
  seed; the generator is put back to there, and only the batches of that epoch are passed over.
- **Everything else** (data sets, a `PyDataset`, loaders, generators, arrays with `steps_per_epoch`) is read from the
  beginning, since what it holds inside cannot be looked at. Its last batch must then have the checksum of the one that
  was trained on last.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras import tree
from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter
from keras.src.trainers.data_adapters.data_adapter_utils import is_scipy_sparse

from nnviz_widgets.core.backends.tensorflow.data import StoredOrderAdapter
from nnviz_widgets.core.backends.tensorflow.data_facts import checksum
from nnviz_widgets.core.backends.tensorflow.replicas import whole
from nnviz_widgets.errors import NotResumable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True, slots=True)
class Position:
    """A place between two batches.

    Attributes:
        epoch: Of the next batch, 0-based.
        batch: Index of the next batch in its epoch; how many of it are done.
        first_epoch: With which epoch training began.
        order: The state of the session's generator before the first batch of `epoch`, a dict of JSON.
        checksum: Of the last batch that was trained on, `None` if there was none.
        n_counted: What an epoch without a known length turned out to have, `None` while it is not known.
    """

    epoch: int
    batch: int
    first_epoch: int
    order: Mapping[str, Any]
    checksum: int | None = None
    n_counted: int | None = None


def checksum_of(batch: Any) -> int:
    """Return the checksum of a batch as the step took it, on all replicas."""
    return checksum(whole(batch))


def epochs_stand_alone(iterator: Any) -> bool:
    """Whether each epoch can be gone over without those before it."""
    return isinstance(iterator.data_adapter, ArrayDataAdapter) and iterator.steps_per_epoch is None


def why_not(iterator: Any, *, seeded: bool) -> str | None:
    """Say why the order of the data cannot be found again whatever is tried; `None` if it can be tried.

    Args:
        iterator: Keras' epoch iterator.
        seeded: Whether TensorFlow has a global seed.
    """
    adapter = iterator.data_adapter
    if not isinstance(adapter, ArrayDataAdapter) or isinstance(adapter, StoredOrderAdapter):
        return None
    if seeded or not adapter._shuffle:
        return None
    kind = (
        "sparse arrays"
        if any(is_scipy_sparse(x) for x in tree.flatten(adapter._inputs))
        else f"shuffle={adapter._shuffle!r}"
    )
    return f"the order of {kind} is drawn inside TensorFlow, which has no global seed"


def pass_epochs(iterator: Any, position: Position) -> Any:
    """Read the data up to the epoch of `position`.

    Returns:
        The last batch on the way, `None` if none was read.
    """
    last = None
    for _ in range(position.first_epoch, position.epoch):
        for batch in batches_of_epoch(iterator):
            last = batch
    return last


def batches_of_epoch(iterator: Any) -> Iterator[Any]:
    """Yield the batches of an epoch as `fit` would take them."""
    with iterator.catch_stop_iteration():
        for _, _, batches in iterator:
            yield next(batches)


def check(position: Position, batch: Any) -> None:
    """Refuse data whose last batch before the place is not the one that was trained on.

    Raises:
        NotResumable: If it is another.
    """
    if batch is None or position.checksum is None or checksum_of(batch) == position.checksum:
        return
    raise NotResumable(
        "Data must come in the same order again for a session to be resumed exactly. Received: data whose last batch "
        f"before epoch {position.epoch + 1}, batch {position.batch + 1} is another than the one that was trained on. "
        "Make them as before, with the same seeds, or go on with the data from their beginning: "
        "resume(..., state_only=True)."
    )
