"""Where the batches of an epoch come from: the data alone, or first the tape of what came from them before."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import tensorflow as tf
from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter
from keras.src.trainers.data_adapters.generator_data_adapter import GeneratorDataAdapter
from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter

from nnviz_widgets.core.backends.tensorflow.batch_tape import BatchTape, End
from nnviz_widgets.core.backends.tensorflow.refeed import Refeed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_IN_PYTHON = {"PyFunc", "PyFuncStateless", "EagerPyFunc"}


class Live:
    """The data themselves.

    Args:
        iterator: Keras' epoch iterator.
    """

    def __init__(self, iterator: Any) -> None:
        self._iterator = iterator

    @contextmanager
    def until_end(self) -> Iterator[None]:
        """Within the block, let the end of the data end the epoch, as it does in `fit`."""
        with self._iterator.catch_stop_iteration():
            yield

    def batches(self, first: int) -> Iterator[tuple[int, Any]]:
        """Yield for each batch of an epoch its index, and an iterator whose next element it is.

        Args:
            first: Index of the first one.
        """
        for batch, _, batches in self._iterator:
            yield batch, batches

    def taken(self, batch: Any) -> None:
        """Take note that a step was taken on a batch."""


class Taped:
    """Data that come once, with a tape of what came.

    After going back, that comes first, in its order, and then the data go on from where they are.

    Args:
        iterator: Keras' epoch iterator.
        tape: Of what came from it.
        no_batches: Returns an iterator of the same type over nothing.

    Attributes:
        tape: As given.
        in_python: Whether code in Python makes the batches: it may draw from Python's and numpy's random streams, which
            belong to it then, and stay where they are when training goes back.
        begun: Whether the data are in the middle of an epoch.
    """

    def __init__(self, iterator: Any, tape: BatchTape, no_batches: Callable[[], Any]) -> None:
        self._iterator = iterator
        self._no_batches = no_batches
        self._refeed: Refeed | None = None
        self._is_live = False
        self.tape = tape
        self.in_python = _in_python(iterator)
        self.begun = False

    @contextmanager
    def until_end(self) -> Iterator[None]:
        """Within the block, let the end of the data end the epoch. Keras hears of it when it is met the first time."""
        try:
            yield
            self._iterator.tf_sync()
        except (StopIteration, tf.errors.OutOfRangeError):
            if not self._is_live:
                self.tape.place += 1
                return
            self._came_to(End.RAN_OUT)
            with self._iterator.catch_stop_iteration():
                raise

    def batches(self, first: int) -> Iterator[tuple[int, Any]]:
        """As `Live.batches`."""
        self._is_live = False
        tape = self.tape
        while tape.place < tape.end:
            found = tape.at_place()
            if found is End.COUNTED:
                tape.place += 1
                return
            yield first, self._no_batches() if found is End.RAN_OUT else self._put(found)
            first += 1
        self._is_live = True
        yield from self._go_on()

    def _go_on(self) -> Iterator[tuple[int, Any]]:
        """Yield the batches that were never trained on, from the one on that comes next."""
        if not self.begun:
            iter(self._iterator)
            self.begun = True
        while (found := next(self._iterator, None)) is not None:
            yield found[0], found[2]
        self._came_to(End.COUNTED)

    def _came_to(self, end: End) -> None:
        self.begun = False
        self.tape.add(end)

    def _put(self, batch: Any) -> Any:
        """Return an iterator whose next element is a batch of the tape."""
        if self._refeed is None:
            self._refeed = Refeed(self._no_batches().element_spec)
        self._refeed.put(batch)
        return self._refeed.iterator

    def taken(self, batch: Any) -> None:
        """Take note that a step was taken on a batch."""
        if self._is_live:
            self.tape.add(batch)
        else:
            self.tape.place += 1

    def go_to(self, place: int) -> None:
        """Let the tape come next, from a place on."""
        self.tape.go_to(place)
        self._refeed = None  # a step that failed may have left its batch there

    def begin_anew(self) -> None:
        """Let the data begin anew with an epoch: what was taped comes no more."""
        self.tape.forget()
        self.begun = False


def _in_python(iterator: Any) -> bool:
    """Whether batches are made by code in Python that is not ours."""
    adapter = iterator.data_adapter
    if isinstance(adapter, (GeneratorDataAdapter, PyDatasetAdapter)):
        return True
    return not isinstance(adapter, ArrayDataAdapter) and any(map(_calls_python, _all_of(iterator._distributed_dataset)))


def _all_of(dataset: Any) -> Iterator[Any]:
    """Yield a data set and all that it is made of."""
    waiting = [dataset]
    while waiting:
        one = waiting.pop()
        waiting += one._inputs()
        yield one


def _calls_python(dataset: Any) -> bool:
    """Whether a function of a data set calls Python, itself or in a function that it calls."""
    for wrapped in dataset._functions():
        graph = wrapped.function.graph
        inner = (node.op for function in graph.as_graph_def().library.function for node in function.node_def)
        if not _IN_PYTHON.isdisjoint({operation.type for operation in graph.get_operations()} | set(inner)):
            return True
    return False
