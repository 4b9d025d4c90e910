"""A session that was saved goes on in another process as if nothing had happened, to the last bit."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnviz_widgets.core.backends.tensorflow import state
from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.session import Session
from nnviz_widgets.core.storage.run_file import read_run
from nnviz_widgets.errors import InvalidArgumentError, NotResumable, SessionBusy, SessionClosed
from tests.core import networks, sessions
from tests.core.backends import resumable
from tests.core.backends.resumable import RUNS, Outcome, file_of, to_the_end
from tests.core.backends.test_data import NOT_SHUFFLED, RAN_OUT
from tests.core.networks import Network, assert_same_weights, weights_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OF_KERAS = "ignore:__array__ implementation doesn't accept a copy keyword"
"""numpy warns so of what Keras does to read a learning rate."""

pytestmark = [
    pytest.mark.filterwarnings(OF_KERAS),
    pytest.mark.filterwarnings(NOT_SHUFFLED),
    pytest.mark.filterwarnings(RAN_OUT),
]

ROOT = Path(__file__).parents[3]


def saved(folder: Path, name: str) -> tuple[Outcome, list[np.ndarray]]:
    """Train a run of `RUNS` to its end, saving on the way, and return also the weights that it has then."""
    run = RUNS[name]
    network = run.make()
    with run.session(network) as session:
        for step in run.steps:
            session.run(until=step)
            session.wait()
            assert session.step_index == step
            session.save(file_of(folder, name, step))
        outcome = to_the_end(session)
    return outcome, weights_of(network.model)


class Ended:
    """The runs that were saved on the way, each trained to its end when it is first asked for.

    Attributes:
        folder: Where they were saved.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._runs: dict[str, tuple[Outcome, list[np.ndarray]]] = {}

    def __getitem__(self, name: str) -> tuple[Outcome, list[np.ndarray]]:
        if name not in self._runs:
            self._runs[name] = saved(self.folder, name)
        return self._runs[name]


@pytest.fixture(scope="module")
def ended(tmp_path_factory: pytest.TempPathFactory) -> Ended:
    """All runs, trained and saved here."""
    return Ended(tmp_path_factory.mktemp("saved"))


@pytest.fixture(scope="module")
def gone_on(ended: Ended) -> Path:
    """Go on with all runs in one other process; the folder has what came of them."""
    for name in RUNS:
        _ = ended[name]
    folder = ended.folder
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-W", "ignore", "-m", resumable.__name__, str(folder)]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.mark.timeout(900)  # the first of them trains all runs, and all again in the other process
@pytest.mark.parametrize(("name", "step"), [(name, step) for name, run in RUNS.items() for step in run.steps])
def test_another_process_goes_on_bit_by_bit(gone_on: Path, ended: Ended, name: str, step: int) -> None:
    expected, resumed = ended[name][0], Outcome.read(file_of(gone_on, name, step))
    assert resumed.steps[-len(expected.steps) :] == expected.steps
    assert resumed.steps[0] == step + 1
    n = len(expected.steps)
    assert n
    assert resumed.losses[-n:] == expected.losses
    assert resumed.logs[-n:] == expected.logs
    assert resumed.history == expected.history
    assert resumed.arrays.keys() == expected.arrays.keys()
    for key, array in expected.arrays.items():
        np.testing.assert_array_equal(resumed.arrays[key], array, err_msg=key)


@pytest.mark.parametrize("name", [name for name, run in RUNS.items() if run.like_fit])
def test_a_session_that_was_saved_on_the_way_trains_as_fit_does(name: str, ended: Ended) -> None:
    outcome, weights = ended[name]
    run = RUNS[name]
    network = run.make()
    history = network.fit(**{key: value for key, value in run.arguments().items() if key != "probe"}).history
    assert outcome.history == history
    assert_same_weights(weights, weights_of(network.model))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """An MLP, saved at step 5, in the middle of its second epoch."""
    with resumable.RUNS["mlp"].session(networks.mlp()) as session:
        session.step(5)
        session.save(tmp_path / "a.session")
    return tmp_path / "a.session"


def resumed(path: Path, network: Network, **arguments: Any) -> Session:
    everything = {"probe": Probe(layers=()), **network._all(arguments)}
    return Session.resume(path, network.model, network.x, network.y, **everything)


def test_what_is_resumed_is_paused_where_it_was(file: Path) -> None:
    with resumed(file, networks.mlp(), epochs=4, probe=Probe(every=1)) as session:
        assert (session.state, session.step_index, session.epoch, session.batch_index) == ("paused", 5, 1, 1)
        assert set(session.logs) == {"accuracy", "loss"}
        assert len(session.history["loss"]) == 1
        recording = session.recording
        assert recording.steps.tolist() == []
        kernel = recording.tensor("hidden", "weights", step=5)
        np.testing.assert_array_equal(kernel, session.model.layers[0].kernel.numpy())
        assert any("step 5 of a saved session" in sentence for _, _, sentence in recording.events)
        session.run()
        session.wait()
        assert recording.steps.tolist() == [6, 7, 8, 9, 10, 11, 12]


def test_what_is_saved_again_at_once_is_the_same(file: Path, tmp_path: Path) -> None:
    with resumed(file, networks.mlp()) as session:
        session.save(tmp_path / "b")
    first, second = read_run(file), read_run(tmp_path / "b")
    assert first.facts == second.facts
    assert first.shapes == second.shapes
    for name in first.shapes:
        np.testing.assert_array_equal(first.array(name), second.array(name), err_msg=name)


def other_rate() -> Network:
    network = networks.mlp()
    network.model.get_layer("drop").rate = 0.5
    return network


def other_width() -> Network:
    import keras

    keras.utils.set_random_seed(7)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(8, activation="relu", name="hidden"),
            layers.Dropout(0.3, name="drop"),
            layers.Dense(4, activation="softmax", name="out"),
        ]
    )
    model.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return Network(model, networks.features(), networks.classes())


def with_x(x: np.ndarray) -> Network:
    network = networks.mlp()
    return Network(network.model, x, networks.classes(n=len(x)))


REFUSED: dict[str, tuple[Callable[[], Network], dict[str, Any], str]] = {
    "another rate": (other_rate, {}, r"layer 'drop': rate was 0\.3 and is 0\.5"),
    "another width": (other_width, {}, r"layer 'out': units was 3 and is 4"),
    "another model": (networks.line, {}, r"layer 'hidden' is missing here.*layer 'd' is new here"),
    "another optimizer": (lambda: networks.mlp(optimizer="sgd"), {}, r"optimizer 0: .*class was 'Adam' and is 'SGD'"),
    "no metrics": (lambda: networks.mlp(metrics=None), {}, r"metrics/.* is missing here"),
    "other values": (lambda: with_x(networks.features() + 1), {}, r"`x` was float32 \(22, 5\).*the values differ"),
    "more samples": (lambda: with_x(networks.features(30)), {}, r"`x` was float32 \(22, 5\).*is float32 \(30, 5\)"),
    "another batch size": (networks.mlp, {"batch_size": 4}, r"`batch_size` was 8 and is 4"),
    "fewer epochs": (networks.mlp, {"epochs": 1}, r"in epoch 2. Received: epochs=1"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_another_model_or_data_set_is_refused_with_the_difference(name: str, file: Path) -> None:
    make, arguments, words = REFUSED[name]
    network = make()
    with pytest.raises(NotResumable, match=words):
        resumed(file, network, **arguments)
    assert Session.of(network.model) is None


def test_data_in_another_order_are_refused_and_can_begin_anew(tmp_path: Path) -> None:
    import tensorflow as tf

    def network(seed: int) -> Network:
        made = networks.mlp()
        data = tf.data.Dataset.from_tensor_slices((networks.features(), networks.classes()))
        return Network(made.model, data.shuffle(22, seed=seed).batch(8))

    with resumable.RUNS["data set"].session(network(1)) as session:
        session.step(5)
        session.save(tmp_path / "a")
        weights = state.capture(session.model)
    with pytest.raises(NotResumable, match=r"epoch 2, batch 3 is another.*state_only=True"):
        resumed(tmp_path / "a", network(2))
    with resumed(tmp_path / "a", network(2), state_only=True) as session:
        for name, array in state.capture(session.model).items():
            np.testing.assert_array_equal(array, weights[name], err_msg=name)
        assert to_the_end(session).steps == [6, 7, 8, 9]


def test_an_order_that_is_drawn_where_nobody_can_see_it_is_refused(tmp_path: Path) -> None:
    with resumable.without_seed().session(shuffle="batch", probe=Probe(layers=())) as session:
        session.step(2)
        session.save(tmp_path / "a")
    with pytest.raises(NotResumable, match="shuffle='batch' is drawn inside TensorFlow"):
        resumed(tmp_path / "a", resumable.without_seed(), shuffle="batch")


def test_a_session_is_saved_only_where_it_stands_still(tmp_path: Path) -> None:
    path = tmp_path / "a"
    session = sessions.endless()
    with pytest.raises(SessionBusy, match="has taken no step"):
        session.save(path)
    session.run()
    with pytest.raises(SessionBusy, match="running"):
        session.save(path)
    session.pause()
    session.save(path)
    session.close()
    with pytest.raises(SessionClosed, match="training has ended"):
        session.save(path)
    assert [found.name for found in tmp_path.iterdir()] == ["a"]


def test_callbacks_that_cannot_remember_are_named(file: Path) -> None:
    import keras

    class Own(keras.callbacks.Callback):
        pass

    with pytest.warns(UserWarning, match="Own, which begin anew") as caught:
        resumed(file, networks.mlp(), callbacks=[Own(), keras.callbacks.TerminateOnNaN()]).close()
    assert not [one for one in caught if "TerminateOnNaN" in str(one.message)]


def validation() -> Iterator[Any]:
    """Give batch after batch without end, each another."""
    for n in itertools.count():
        yield networks.features(8) + n, networks.classes(8)


def test_validation_data_of_a_generator_begin_anew_and_that_is_said(tmp_path: Path) -> None:
    """Training is the same all the same. Nothing is said where nothing was read of it."""
    fresh, path = {"validation_steps": 3, "probe": Probe(layers=())}, tmp_path / "a"
    with networks.mlp().session(validation_data=validation(), **fresh) as session:
        session.step(2)
        session.save(tmp_path / "before")
        session.step(3)
        session.save(path)
        expected = to_the_end(session)
    resumed(tmp_path / "before", networks.mlp(), validation_data=validation(), **fresh).close()
    network = networks.mlp()
    with pytest.warns(UserWarning, match=r"Received: a generator, which begins anew here"):
        session = resumed(path, network, validation_data=validation(), **fresh)
    with session:
        session.run(until="epoch")
        session.wait()
        network.model.reset_metrics()
        anew = network.model.evaluate(validation(), steps=3, verbose=0)
        assert session.history["val_loss"][1:] == [anew[0]]
    with (
        pytest.warns(UserWarning, match="begins anew"),
        resumed(path, networks.mlp(), validation_data=validation(), **fresh) as session,
    ):
        assert to_the_end(session).losses == expected.losses


def test_random_numbers_that_cannot_be_followed_are_told(tmp_path: Path) -> None:
    import keras
    import tensorflow as tf

    network = networks.line()
    noisy = keras.layers.Lambda(lambda x: x + tf.random.normal(tf.shape(x)))
    model = keras.Sequential([keras.Input((5,)), noisy, keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    with Network(model, network.x, network.y).session(probe=Probe(layers=())) as session:
        session.step()
        with pytest.warns(UserWarning, match="RandomStandardNormal of TensorFlow"):
            session.save(tmp_path / "a")


def test_paths_are_checked_and_missing_folders_made(tmp_path: Path) -> None:
    network = networks.line()
    with network.session() as session:
        session.step()
        session.save(tmp_path / "new" / "folder" / "a.session")
        with pytest.raises(InvalidArgumentError, match=r"`path` must be a path. Received: path=3"):
            session.save(3)  # type: ignore[arg-type]
    with pytest.raises(InvalidArgumentError, match=r'`path` must be a path. .* "runs/a.session"'):
        Session.resume(network.model, tmp_path / "a.session", network.x, network.y)  # type: ignore[arg-type]
