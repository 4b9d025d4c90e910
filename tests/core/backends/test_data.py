"""Every source of data that `fit` takes gives the batches that it gives there."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.schedule import Variant
from nnviz_widgets.core.session import Session
from tests.core import networks
from tests.core.backends.test_parity import Outcome, assert_same, fitted, trained_to_the_end, watched
from tests.core.networks import BATCH_SIZE, Network, weights_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RAN_OUT = "ignore:Your input ran out of data"
"""Keras warns so at the end of any data whose length it does not know, in `fit` as well."""

NOT_SHUFFLED = "ignore:`shuffle=True` was passed, but will be ignored"
"""Keras warns so of its own default."""

pytestmark = pytest.mark.filterwarnings(NOT_SHUFFLED)


def batches(n_epochs: int = 1) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield the batches of `networks.mlp`, the last of an epoch smaller."""
    x, y = networks.features(), networks.classes()
    for _ in range(n_epochs):
        for start in range(0, len(x), BATCH_SIZE):
            yield x[start : start + BATCH_SIZE], y[start : start + BATCH_SIZE]


def with_data(make: Callable[[], Any]) -> Network:
    """Return `networks.mlp` on other data, made when everything is seeded."""
    network = networks.mlp()
    return Network(network.model, make())


def dataset() -> Any:
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((networks.features(), networks.classes())).shuffle(9).batch(BATCH_SIZE)


def py_dataset(workers: int) -> Any:
    import keras

    class Batches(keras.utils.PyDataset):
        def __len__(self) -> int:
            return 3

        def __getitem__(self, index: int) -> Any:
            return list(batches())[index]

    return Batches(workers=workers)


SOURCES: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "Dataset": (dataset, {}),
    "repeated Dataset": (lambda: dataset().repeat(), {"steps_per_epoch": 4}),
    "PyDataset": (lambda: py_dataset(1), {}),
    "PyDataset with two workers": (lambda: py_dataset(2), {"shuffle": False}),
    "generator with steps_per_epoch": (lambda: batches(3), {"steps_per_epoch": 3}),
    "generator": (lambda: batches(1), {"epochs": 2}),
}


@pytest.mark.filterwarnings(RAN_OUT)
@pytest.mark.parametrize("name", SOURCES)
def test_source_is_read_as_in_fit(name: str) -> None:
    """Weights, logs and history are equal to the last bit."""
    make, arguments = SOURCES[name]
    assert_same(watched(with_data(make), Probe(every=1), **arguments), fitted(with_data(make), **arguments))


class Loader:
    """What a torch `DataLoader` looks like: iterated anew in each epoch, and with a length."""

    def __init__(self) -> None:
        self.n_iterations = 0

    def __iter__(self) -> Iterator[list[np.ndarray]]:
        self.n_iterations += 1
        return (list(batch) for batch in batches())

    def __len__(self) -> int:
        return 3


def test_loader_that_looks_like_torchs_gives_its_batches_in_each_epoch() -> None:
    """`fit` on a dataset of the same batches is the measure; the loader is known by its shape alone."""
    import tensorflow as tf

    def same() -> Any:
        return tf.data.Dataset.from_tensor_slices((networks.features(), networks.classes())).batch(BATCH_SIZE)

    outcome, expected = watched(with_data(Loader), Probe(every=1)), fitted(with_data(same))
    assert_same(outcome, expected)


def test_unseeded_session_shuffles_in_an_order_of_its_own_in_every_epoch() -> None:
    """Each sample comes once an epoch, the orders differ, and batches have the right sizes."""
    from tensorflow.python.eager import context

    network = networks.line()
    seed = context.global_seed()
    context.context()._seed = None
    try:
        x = np.arange(22, dtype="float32")[:, None] * np.ones((1, 5), "float32")
        with Session(network.model, x, x[:, :2], batch_size=8, epochs=2, verbose=0) as session:
            seen: list[np.ndarray] = []
            sizes = []
            for _ in range(6):
                session.step()
                batch_x, batch_y, _ = session.batch
                np.testing.assert_array_equal(batch_x[:, 0], batch_y[:, 0])
                seen.append(batch_x[:, 0])
                sizes.append(len(batch_x))
    finally:
        context.context()._seed = seed
    assert sizes == [8, 8, 6] * 2
    first, second = np.concatenate(seen[:3]), np.concatenate(seen[3:])
    assert sorted(first) == sorted(second) == list(range(22))
    assert first.tolist() != second.tolist()
    assert first.tolist() != sorted(first)


AFTER_A_FIT = """
import sys
from nnviz_widgets.core.session import Session
from tests.core import networks

network = networks.line()
network.fit()
from tensorflow.python.eager import context
context.context()._seed = None
print("--- from here on", file=sys.stderr, flush=True)
with network.session() as session:
    session.step(9)
print(session.state)
"""


def test_unseeded_session_logs_no_line_that_fit_does_not() -> None:
    """What TensorFlow logs stands red in a notebook."""
    verbose = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    finished = subprocess.run(
        [sys.executable, "-c", AFTER_A_FIT],
        cwd=Path(__file__).parents[3],
        env=verbose,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert finished.stdout == "finished\n", finished.stderr
    assert finished.stderr.partition("--- from here on\n")[2] == ""


def test_seed_makes_the_order_that_fit_has_with_that_seed() -> None:
    """`seed=` is `keras.utils.set_random_seed`, at the making of the session."""
    import keras

    expected = Outcome()
    network = networks.mlp()
    weights = [v.numpy() for v in network.model.variables]
    keras.utils.set_random_seed(99)
    expected.history = network.fit().history
    expected.weights = weights_of(network.model)
    other = networks.mlp()
    for variable, value in zip(other.model.variables, weights, strict=True):
        variable.assign(value)
    with other.session(seed=99) as session:
        trained_to_the_end(session)
        assert session.history == expected.history


def test_K14_one_trace_for_each_form_of_the_step() -> None:
    """A smaller last batch, and epochs after the first, trace nothing again."""
    network = networks.mlp()
    with network.session(probe=Probe(every=2)) as session:
        session.step(2)
        functions = session._training.functions
        assert set(functions._compiled) == {Variant.SENTINEL, Variant.VITALS}
        n_traces = functions.n_traces
        trained_to_the_end(session)
        assert functions.n_traces == n_traces


@pytest.mark.filterwarnings("ignore:.*Mean of empty slice.*", "ignore:.*invalid value.*")
def test_K14_empty_batch_does_what_it_does_in_fit() -> None:
    """A batch of no rows in the middle of a dataset."""
    import tensorflow as tf

    def make() -> Network:
        def sizes() -> Iterator[tuple[np.ndarray, np.ndarray]]:
            x, y = networks.features(), networks.classes()
            for start, stop in ((0, 8), (8, 8), (8, 16)):
                yield x[start:stop], y[start:stop]

        signature = (tf.TensorSpec((None, 5), tf.float32), tf.TensorSpec((None,), tf.int64))
        return with_data(lambda: tf.data.Dataset.from_generator(sizes, output_signature=signature))

    outcome = watched(make(), Probe(every=1), epochs=1, steps_per_epoch=3)
    expected = fitted(make(), epochs=1, steps_per_epoch=3)
    np.testing.assert_equal(outcome.batch_logs, expected.batch_logs)
    for one, other in zip(outcome.weights, expected.weights, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.filterwarnings(RAN_OUT)
def test_length_of_a_generator_becomes_known_at_its_end() -> None:
    """Until then there is no total; afterwards the session is at its end."""
    network = with_data(batches)
    with network.session(epochs=1) as session:
        session.step()
        assert session.steps_per_epoch is None
        assert session.total_steps is None
        session.run("epoch")
        assert session.wait(60)
        assert session.step_index == 3
        assert session.steps_per_epoch == 3
        assert session.total_steps == 3
        with pytest.warns(UserWarning, match="came to its end at step 3 of 3"):
            session.run()
        assert session.wait(60)
        assert session.state == "finished"
        assert session.step_index == 3
        assert list(session.history) == ["accuracy", "loss"]


@pytest.mark.filterwarnings(RAN_OUT)
def test_K15_generator_that_ends_early_ends_the_epoch_as_in_fit() -> None:
    """Fewer batches than `steps_per_epoch` asks for."""
    arguments = {"steps_per_epoch": 5, "epochs": 1}
    outcome = watched(with_data(batches), Probe(every=1), **arguments)
    assert_same(outcome, fitted(with_data(batches), **arguments))
    assert len(outcome.batch_logs) == 3


@pytest.mark.filterwarnings(RAN_OUT)
def test_run_goes_on_after_a_pause_at_what_turns_out_to_be_the_end_of_an_epoch() -> None:
    """The end of an epoch without a step of its own is no step, so it fulfils no pause that was fulfilled before."""
    import keras

    made: list[Session] = []

    def pause_at_the_next_step(batch: int, logs: Any) -> None:
        if made[0].step_index == 1:
            made[0].pause()

    callback = keras.callbacks.LambdaCallback(on_train_batch_end=pause_at_the_next_step)
    with with_data(batches).session(epochs=2, callbacks=[callback]) as session:
        made.append(session)
        session.run()
        assert session.wait(60)
        assert (session.state, session.step_index) == ("paused", 3)
        session.run()
        assert session.wait(60)
        assert session.state == "finished"


def test_a_closed_session_lets_go_of_its_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    """TensorFlow keeps the function that draws the order for as long as it lives."""
    monkeypatch.setattr("nnviz_widgets.core.backends.tensorflow.data._has_global_seed", lambda: False)
    network = networks.mlp()
    x, y = networks.features().copy(), networks.classes()
    alive = weakref.ref(x)
    session = Session(network.model, x, y, batch_size=BATCH_SIZE, verbose=0)
    session.step()
    session.close()
    del session, x
    gc.collect()
    assert alive() is None
