"""The data of a session: what `fit` takes, in the order in which `fit` would give it.

Keras' own adapters and epoch iterator do the work, so every batch is `fit`'s. Three things are added: an order that
is stored when no seed fixes it, iterables of batches that Keras does not know, and the user's own exception
where tf.data would only hand on its text.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import tensorflow as tf
from keras import tree
from keras.src.backend.tensorflow.trainer import TFEpochIterator
from keras.src.trainers import data_adapters
from keras.src.trainers.data_adapters import array_slicing
from keras.src.trainers.data_adapters.array_data_adapter import ArrayDataAdapter
from keras.src.trainers.data_adapters.data_adapter_utils import (
    get_tensor_spec,
    is_scipy_sparse,
    unpack_x_y_sample_weight,
)
from keras.src.trainers.data_adapters.generator_data_adapter import GeneratorDataAdapter
from keras.src.trainers.data_adapters.py_dataset_adapter import PyDatasetAdapter
from tensorflow.python.eager import context

from nnviz_widgets.errors import InvalidArgumentError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from nnviz_widgets.core.fit_arguments import FitArguments


class UserErrors:
    """Keeps the last exception that the user's own data code raised inside tf.data."""

    def __init__(self) -> None:
        self.last: BaseException | None = None

    def watching(self, make_iterator: Callable[[], Iterator[Any]]) -> Callable[[], Iterator[Any]]:
        """Return `make_iterator` with its exceptions kept as well as raised."""

        def watched() -> Iterator[Any]:
            try:
                yield from make_iterator()
            except Exception as error:
                self.last = error
                raise

        return watched


class Order:
    """Draws the order of the samples of an epoch. TensorFlow keeps it for ever, so it knows nothing of the arrays.

    Attributes:
        first: With which sample of its order the next epoch begins, those before it were trained on; 0 again after it.
    """

    def __init__(self, random: np.random.Generator, n_samples: int) -> None:
        self._random = random
        self._n_samples = n_samples
        self.first = 0

    def draw(self) -> Any:
        """Return the indices of the samples of an epoch, `(n_samples - first,)`."""
        first, self.first = self.first, 0
        return self._random.permutation(self._n_samples)[first:]


class StoredOrderAdapter(ArrayDataAdapter):  # type: ignore[misc]
    """Shuffles arrays in an order drawn from a generator that the session stores.

    Keras draws it from TensorFlow's global generator, where nothing that comes later can find it again. The
    pipeline is otherwise the same: a permutation an epoch, cut into batches of indices, gathered from the arrays.
    """

    def __init__(self, *args: Any, random: np.random.Generator, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order = Order(random, self._num_samples)

    def begin_with(self, batch: int) -> None:
        """Let the next epoch begin with a batch in the middle of it, 0-based."""
        self.order.first = batch * self._batch_size

    def get_tf_dataset(self) -> Any:
        """Return the batches of one epoch; each iteration draws an order of its own."""
        n, batch_size = self._num_samples, self._batch_size
        inputs = array_slicing.convert_to_sliceable(self._inputs, target_backend="tensorflow")
        inputs = tree.lists_to_tuples(inputs)

        order = self.order

        def draw(_: Any) -> Any:
            # `Dataset.from_generator` would log a line of its own, red in a notebook, that `fit` does not.
            return tf.ensure_shape(tf.numpy_function(order.draw, [], tf.int64), (None,))

        def in_batches(indices: Any) -> Any:
            n_rest = n % batch_size
            n_full = tf.size(indices) - n_rest
            batches = tf.data.Dataset.from_tensor_slices(tf.reshape(indices[:n_full], [-1, batch_size]))
            return batches.concatenate(tf.data.Dataset.from_tensors(indices[n_full:])) if n_rest else batches

        def gather(indices: Any, arrays: Any) -> Any:
            return tree.map_structure(lambda x: tf.gather(x, indices) if tf.is_tensor(x) else x, arrays)

        orders = tf.data.Dataset.range(1).map(draw)
        arrays = tf.data.Dataset.from_tensors(inputs).repeat()
        batches = tf.data.Dataset.zip((orders.flat_map(in_batches), arrays))
        return batches.map(gather, num_parallel_calls=tf.data.AUTOTUNE).prefetch(tf.data.AUTOTUNE)


class IterableAdapter(GeneratorDataAdapter):  # type: ignore[misc]
    """Any object that can be iterated again and again and has a length: batches from a loader of another library."""

    def __init__(self, batches: Any) -> None:
        self._batches = batches
        self._first_batches = [next(self.generator())]
        self._output_signature = None

    def generator(self) -> Iterator[Any]:
        """Yield the batches of one epoch as tuples of numpy arrays."""
        for batch in self._batches:
            batch = tuple(batch) if isinstance(batch, list) else batch
            yield tree.map_structure(np.asarray, batch if isinstance(batch, tuple) else (batch,))

    def get_tf_dataset(self) -> Any:
        """Return the batches of one epoch."""
        spec = get_tensor_spec(self._first_batches)
        # One batch tells nothing of the others' sizes: the first axis stays open.
        spec = tree.map_structure(lambda s: tf.TensorSpec((None, *s.shape[1:]), s.dtype), spec)
        return tf.data.Dataset.from_generator(self.generator, output_signature=spec).prefetch(tf.data.AUTOTUNE)

    @property
    def num_batches(self) -> int:
        """Batches an epoch."""
        return len(self._batches)


def make_epoch_iterator(model: Any, arguments: FitArguments, errors: UserErrors, random: np.random.Generator) -> Any:
    """Return Keras' epoch iterator over the training data.

    Args:
        model: The Keras model.
        arguments: The arguments of `fit`, validation split already taken off.
        errors: Where exceptions of the user's data code are kept.
        random: Draws the order of arrays when TensorFlow has no global seed.
    """
    adapter = _adapter(arguments, random)
    if isinstance(adapter, GeneratorDataAdapter):
        adapter.generator = errors.watching(adapter.generator)
    elif isinstance(adapter, PyDatasetAdapter):
        adapter._get_iterator = errors.watching(adapter._get_iterator)
    return TFEpochIterator(
        x=adapter,
        steps_per_epoch=arguments.steps_per_epoch,
        distribute_strategy=model.distribute_strategy,
        steps_per_execution=1,
    )


def let_go(iterator: Any) -> None:
    """End what an epoch iterator has begun, and with it the threads of tf.data.

    In mid-epoch it and its generator hold each other until garbage is collected, and whoever does that, perhaps a
    training in the middle of a trace, waits for those threads. The one that tunes the pipeline may oversleep the call
    to end, for about as long as it has lived, 60 s at most.

    Args:
        iterator: Keras' epoch iterator, as `make_epoch_iterator` returns it.
    """
    if iterator._epoch_iterator is not None:
        iterator._epoch_iterator.close()
    iterator._epoch_iterator = iterator._current_iterator = None


def _adapter(arguments: FitArguments, random: np.random.Generator) -> Any:
    if _is_foreign_loader(arguments.x):
        _refuse_beside_loader(arguments)
        return IterableAdapter(arguments.x)
    adapter = data_adapters.get_data_adapter(
        x=arguments.x,
        y=arguments.y,
        sample_weight=arguments.sample_weight,
        batch_size=arguments.batch_size,
        steps_per_epoch=arguments.steps_per_epoch,
        shuffle=arguments.shuffle,
        class_weight=arguments.class_weight,
    )
    if type(adapter) is ArrayDataAdapter and adapter._shuffle is True and not _has_global_seed():
        return _with_stored_order(adapter, arguments, random)
    return adapter


def _refuse_beside_loader(arguments: FitArguments) -> None:
    """Refuse what Keras refuses beside a torch `DataLoader`: the loader's batches hold it."""
    for name in ("y", "sample_weight", "class_weight"):
        if getattr(arguments, name) is not None:
            raise InvalidArgumentError(
                f"`{name}` must be None when `x` is a loader. Received: a {type(arguments.x).__name__} and `{name}`. "
                "Let the loader yield (inputs, targets, sample_weights)."
            )


def _with_stored_order(adapter: ArrayDataAdapter, arguments: FitArguments, random: np.random.Generator) -> Any:
    """Return an adapter over the same arrays in a stored order, or `adapter` if they are sparse."""
    if any(is_scipy_sparse(x) or isinstance(x, tf.SparseTensor) for x in tree.flatten(adapter._inputs)):
        return adapter
    return StoredOrderAdapter(
        arguments.x,
        arguments.y,
        sample_weight=arguments.sample_weight,
        class_weight=arguments.class_weight,
        shuffle=True,
        batch_size=arguments.batch_size,
        steps=arguments.steps_per_epoch,
        random=random,
    )


def arrays_of(iterator: Any) -> tuple[Any, Any] | None:
    """Return `x` and `y` of all samples as an epoch iterator takes them, in numpy arrays; `None` of any other data.

    What is no dense array, such as a sparse matrix, stays as it is.
    """
    adapter = getattr(iterator, "data_adapter", None)
    if not isinstance(adapter, ArrayDataAdapter):
        return None
    x, y, _ = unpack_x_y_sample_weight(adapter._inputs)
    x, y = tree.map_structure(_in_numpy, (x, y))
    return x, y


def _in_numpy(array: Any) -> Any:
    is_dense = hasattr(array, "__array__") and not isinstance(array, (tf.RaggedTensor, tf.SparseTensor))
    return np.asarray(array) if is_dense else array


def expected_batches(arguments: FitArguments) -> int | None:
    """Return how many batches an epoch will have, before any pipeline is made; `None` if only the data can tell."""
    if arguments.steps_per_epoch:
        return arguments.steps_per_epoch
    x = arguments.x
    if isinstance(x, tf.data.Dataset):
        n = int(x.cardinality())
        return n if n > 0 else None
    if isinstance(x, keras.utils.PyDataset):
        n_batches: int | None = x.num_batches
        return n_batches
    if _is_foreign_loader(x):
        return len(x)
    shapes: list[Any] = [getattr(part, "shape", None) for part in tree.flatten(x)]
    if not shapes or not all(shapes):
        return None
    n_samples = int(shapes[0][0])
    if arguments.validation_split and arguments.validation_data is None:
        n_samples = math.floor(n_samples * (1.0 - arguments.validation_split))
    return math.ceil(n_samples / (arguments.batch_size or 32))


def _has_global_seed() -> bool:
    return context.global_seed() is not None


def _is_foreign_loader(x: Any) -> bool:
    """Whether `x` is a loader in the manner of torch's: it iterates over batches and has a length, no more."""
    known = (np.ndarray, list, tuple, dict, str, tf.data.Dataset, tf.Tensor, keras.utils.PyDataset)
    if x is None or isinstance(x, known) or hasattr(x, "shape") or hasattr(x, "__array__"):
        return False
    return hasattr(x, "__iter__") and hasattr(x, "__len__") and not hasattr(x, "__next__")
