"""Data that come once: a guard pauses before the update and the session goes back, and no batch is lost or changed."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.snapshots import Snapshots
from tests.core import networks
from tests.core.backends.resumable import Run, batches, dataset, of_unknown_length, on, py_dataset, remembering
from tests.core.backends.test_data import NOT_SHUFFLED, RAN_OUT, Loader
from tests.core.backends.test_resume import OF_KERAS
from tests.core.networks import BATCH_SIZE, Network
from tests.core.sessions import assert_same, everything

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nnviz_widgets.core.session import Session

pytestmark = [pytest.mark.filterwarnings(text) for text in (OF_KERAS, NOT_SHUFFLED, RAN_OUT)]


def drawn(n: int) -> Iterator[Any]:
    """Yield batches that Python's and numpy's random streams choose and change."""
    x, y = networks.features(), networks.classes()
    for _ in range(n):
        rows = np.random.permutation(len(x))[:BATCH_SIZE]
        yield x[rows] + np.float32(random.random()), y[rows]


def drawing_py_dataset() -> Any:
    import keras

    class Batches(keras.utils.PyDataset):
        """Changes its samples at random, and their order after each epoch."""

        order = np.arange(24)

        def __len__(self) -> int:
            return 3

        def __getitem__(self, index: int) -> Any:
            rows = self.order[index * 8 : (index + 1) * 8] % len(networks.features())
            return networks.features()[rows] + np.float32(np.random.random()), networks.classes()[rows]

        def on_epoch_end(self) -> None:
            self.order = np.random.permutation(24)

    return Batches()


def augmented_dataset() -> Any:
    import tensorflow as tf

    whole = tf.data.Dataset.from_tensor_slices((networks.features(), networks.classes())).shuffle(20)
    return whole.map(lambda x, y: (x + tf.random.normal((5,)), y), num_parallel_calls=1).batch(8).prefetch(2)


def python_in_a_dataset() -> Any:
    import tensorflow as tf

    def changed(x: Any, y: Any) -> Any:
        noise = tf.numpy_function(lambda: np.random.normal(size=5).astype("float32"), [], tf.float32)
        return x + tf.ensure_shape(noise, (5,)), y

    return tf.data.Dataset.from_tensor_slices((networks.features(), networks.classes())).map(changed).batch(8)


@networks.seeded
def nested() -> Network:
    """Two inputs in a dict, and sample weights."""
    import keras
    import tensorflow as tf

    a, b = keras.Input((5,), name="a"), keras.Input((5,), name="b")
    model = keras.Model({"a": a, "b": b}, keras.layers.Dense(3)(keras.layers.Add()([a, b])))
    model.compile("adam", "mse")
    x, y = networks.features(), networks.features(width=3)
    data = tf.data.Dataset.from_tensor_slices(({"a": x, "b": x[::-1]}, y, np.abs(x[:, 0]))).batch(8)
    return Network(model, data)


@networks.seeded
def of_words() -> Network:
    """Rows of tokens that differ in length."""
    import keras
    import tensorflow as tf

    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    sparse = tf.sparse.from_dense(np.maximum(networks.features(), 0))
    return Network(model, tf.data.Dataset.from_tensor_slices((sparse, networks.classes())).batch(8))


KINDS = {
    "data set": Run(on(dataset)),
    "data set read in full": Run(on(dataset), arguments=lambda: {"probe": Probe(every=1)}),
    "data set of unknown length": Run(on(of_unknown_length)),
    "data set without an end": Run(on(lambda: dataset().repeat()), arguments=lambda: {"steps_per_epoch": 4}),
    "data set that changes its samples at random": Run(on(augmented_dataset)),
    "data set with Python inside": Run(on(python_in_a_dataset)),
    "data set of dicts": Run(nested),
    "data set of sparse tensors": Run(of_words),
    "data set with class weights": Run(on(dataset), arguments=lambda: {"class_weight": {0: 1.0, 1: 2.0, 2: 0.5}}),
    "data set, run eagerly": Run(on(dataset, lambda: networks.mlp(run_eagerly=True))),
    "PyDataset": Run(on(py_dataset)),
    "PyDataset with two workers": Run(on(lambda: py_dataset(2)), arguments=lambda: {"shuffle": False}),
    "PyDataset that draws from numpy": Run(on(drawing_py_dataset)),
    "loader": Run(on(Loader)),
    "generator": Run(on(lambda: batches(3)), arguments=lambda: {"steps_per_epoch": 3}),
    "generator that draws from Python and numpy": Run(on(lambda: drawn(20)), arguments=lambda: {"steps_per_epoch": 3}),
    "generator for one epoch": Run(on(lambda: batches(3)), arguments=lambda: {"epochs": 1}),
    "generator that ends too early": Run(on(lambda: batches(2)), arguments=lambda: {"steps_per_epoch": 4}),
    "arrays with steps_per_epoch": Run(networks.mlp, arguments=lambda: {"steps_per_epoch": 2, "epochs": 4}),
    "callbacks": Run(on(dataset), arguments=remembering),
}


def to_the_end(session: Session) -> tuple[list[float], dict[str, Any], dict[str, list[float]]]:
    """Train to the end, past every breakpoint; return the losses, all that a step may change, and the history."""
    while session.state != "finished":
        session.run()
        session.wait()
    return session.recording.metrics["batch_loss"].tolist(), everything(session), session.history


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Run:
    return KINDS[request.param]


def test_a_guard_pauses_before_the_update_and_all_goes_on_as_if_nothing_had_been(kind: Run) -> None:
    with kind.session(kind.make(), snapshots=False) as free:
        losses, end, history = to_the_end(free)
    with kind.session(kind.make(), snapshots=Snapshots(every=5)) as session:
        guard = session.breakpoints.add("gradient_l2 > 0 and step > 2")
        for step in range(3, len(losses) + 1):
            session.run()
            session.wait()
            assert (session.step_index, session.paused_by) == (step - 1, guard)
        found = to_the_end(session)
        assert len(session.branches) == 1
        assert not [text for _, _, text in session.recording.events if "differs" in text or "only after" in text]
    assert (found[0], found[2]) == (losses, history)
    assert_same(found[1], end)


def test_after_going_back_the_same_batches_come_again_and_then_the_others(kind: Run) -> None:
    with kind.session(kind.make(), snapshots=False) as free:
        losses, end, history = to_the_end(free)
    with kind.session(kind.make(), snapshots=Snapshots(every=4)) as session:
        for until, back in ((5, 2), (4, 3), (7, 1), (len(losses), 0), (6, 5), (6, 6)):
            session.run(until=until)
            session.wait()
            session.rewind(back, "main")
            assert session.rewind_plan(back).grade == "exact"
        session.rewind(3)
        while session.state != "finished":  # on a branch, since the others are not overwritten
            session.run()
            session.wait()
        assert session.recording.metrics["batch_loss"].tolist() == losses
        assert session.history == history
        assert_same(everything(session), end)


def batches_of(session: Session, until: int) -> list[bytes]:
    found = []
    while session.step_index < until and session.state != "finished":
        session.step()
        assert session.batch is not None
        found.append(session.batch[0].tobytes())
    return found


def test_another_future_is_of_the_same_batches() -> None:
    """Another learning rate, and then past where the data were: none is left out, none comes twice."""
    with networks.Network(networks.mlp().model, drawn(30)).session(steps_per_epoch=4, epochs=3) as session:
        first = batches_of(session, 7)
        session.rewind(2)
        session.model.optimizer.learning_rate.assign(0.3)
        second = batches_of(session, 9)
        assert second[:5] == first[2:]
        session.rewind(5, "main")
        third = batches_of(session, 12)
        assert third[:2] == first[5:]
        assert third[2:4] == second[5:]
        assert len({*first, *second, *third}) == 12
        assert session.branches.names == ("main", "branch 1", "branch 2")


def test_a_batch_that_was_stopped_in_the_middle_of_an_epoch_leads_back_and_on() -> None:
    network = Network(networks.mlp().model, py_dataset(2))
    with network.session(shuffle=False) as free:
        losses = to_the_end(free)[0]
    network = Network(networks.mlp().model, py_dataset(2))
    with network.session(shuffle=False) as session:
        session.step(5)
        session.stop()
        session.rewind(4)
        session.run()
        session.wait()
        assert session.recording.metrics["batch_loss"].tolist() == losses


def test_a_batch_at_which_the_step_fails_is_not_in_the_way_of_those_before_it() -> None:
    import tensorflow as tf

    def six() -> Iterator[Any]:
        yield from batches()
        yield networks.features(8), networks.classes(8) + 100  # no such class
        yield from batches()

    with Network(networks.mlp(jit_compile=False).model, six()).session(steps_per_epoch=6, epochs=1) as session:
        session.step(2)
        then = everything(session)
        with pytest.raises(tf.errors.OpError):
            session.step(2)
        assert (session.state, session.step_index) == ("failed", 3)
        assert session.rewind_plan(2).grade == "exact"
        session.rewind(2)
        assert_same(everything(session), then)
        assert len(batches_of(session, 6)) == 4, "the one at which the step failed is left out"


def session_on(n_bytes: int, **arguments: Any) -> Session:
    """Return a session on batches of 8 kB that come once."""
    import tensorflow as tf

    x, y = np.zeros((256, 5), np.float32), np.zeros((256, 2), np.float32)
    data = tf.data.Dataset.from_tensor_slices((x, y)).repeat().batch(256)
    options = Snapshots(every=1000, memory=n_bytes)
    return Network(networks.line().model, data).session(
        **{"steps_per_epoch": 400, "epochs": 1, "probe": Probe(layers=()), "snapshots": options, **arguments}
    )


def test_R08_the_batches_stay_within_their_share_of_the_memory_and_it_is_told_once() -> None:
    memory = 4_000_000
    with session_on(memory) as session:
        most = 0
        tape = None
        while session.state != "finished":
            session.run(until=session.step_index + 40)
            session.wait()
            if session.state != "finished":
                tape = session._training.taped.tape
                most = max(most, tape.n_bytes)
                store = session._worker.travel._store
                assert tape.n_bytes + store.n_bytes <= memory
                assert session.rewind_plan(session.step_index).grade == "exact"
        assert memory / 4 < most <= memory / 2
        told = [text for _, _, text in session.recording.events if "only the newest are held" in text]
        assert len(told) == 1


def test_a_guard_finds_a_way_back_however_rarely_snapshots_are_taken() -> None:
    with session_on(200_000) as session:
        session.breakpoints.add("gradient_l2 >= 0 and step == 300")
        session.run()
        session.wait()
        assert session.step_index == 299
        assert not [text for _, _, text in session.recording.events if "only after" in text]


def test_without_snapshots_no_batch_is_held() -> None:
    with session_on(1, snapshots=False) as session:
        session.step(3)
        assert session._training.taped is None
        assert session.replay_grade == "state only"
