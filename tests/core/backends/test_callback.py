"""An `InspectCallback` leaves `fit` as it is to the last bit, and the model as `fit` leaves it, whatever raises."""

from __future__ import annotations

import functools
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import nnviz_widgets as nnviz
from nnviz_widgets.core.probe import Probe
from nnviz_widgets.errors import InvalidArgumentError, LayerNotFound, ModelAttached, WrongArguments
from tests.core import networks
from tests.core.backends.test_parity import (
    ARGUMENTS,
    COMPILED,
    NETWORKS,
    PROBES,
    Outcome,
    assert_same,
    fitted,
    quick_mlp,
)
from tests.core.networks import Network, assert_same_weights, weights_of
from tests.core.sessions import Journal
from tests.waiting import LIMIT_S, until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOOKS = (
    "on_train_begin",
    "on_epoch_begin",
    "on_train_batch_begin",
    "on_train_batch_end",
    "on_test_begin",
    "on_test_batch_begin",
    "on_test_batch_end",
    "on_test_end",
    "on_epoch_end",
    "on_train_end",
)


def inspected(network: Network, probe: Probe | None = None, **arguments: Any) -> Outcome:
    """Train with `fit` and the callback."""
    inspect = nnviz.InspectCallback(probe=probe)
    outcome = fitted(network, callbacks=[inspect, *arguments.pop("callbacks", ())], **arguments)
    assert inspect.session.state == "finished"
    return outcome


def hooked(**actions: Callable[..., None]) -> Any:
    """Return a callback that does something at some hooks; they get the callback, then what Keras gives."""
    import keras

    return type("Hooked", (keras.callbacks.Callback,), actions)()


def validation() -> tuple[np.ndarray, np.ndarray]:
    return networks.features(10) + 1, networks.classes(10)


# --- the same to the last bit ---


@functools.cache
def fitted_once(name: str) -> Outcome:
    return fitted(getattr(networks, name)(), epochs=2)


@pytest.mark.parametrize(
    ("name", "probe"), [*((name, probe) for name in NETWORKS for probe in ("default", "full")), ("mlp", "unwatched")]
)
def test_fit_is_bit_equal_with_the_callback(name: str, probe: str) -> None:
    """Two epochs, shuffled, the last batch smaller."""
    assert_same(inspected(getattr(networks, name)(), PROBES[probe](), epochs=2), fitted_once(name))


@pytest.mark.parametrize("name", ["mlp", "cnn", "own_step"])
def test_fit_with_validation_is_bit_equal_and_what_it_logs_is_recorded(name: str) -> None:
    make = getattr(networks, name)
    if name == "own_step":
        data = (networks.features(10), networks.features(10, width=1))
    else:
        data = (validation()[0] if name == "mlp" else networks.images(10), validation()[1])
    arguments: dict[str, Any] = {"validation_data": data, "epochs": 3}
    if name == "own_step":  # no loss is compiled
        arguments = {"epochs": 3}
    inspect = nnviz.InspectCallback(probe=Probe(every=1))
    outcome = fitted(make(), callbacks=[inspect], **arguments)
    assert_same(outcome, fitted(make(), **arguments))
    metrics = inspect.recording.metrics
    for metric, values in outcome.history.items():
        column = metrics[metric].to_numpy()
        np.testing.assert_array_equal(column[2::3], values)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments_of_fit_mean_the_same(name: str) -> None:
    make = ARGUMENTS[name]
    assert_same(inspected(quick_mlp(), Probe(every=1), **make()), fitted(quick_mlp(), **make()))


@pytest.mark.parametrize("made", COMPILED)
def test_K10_K12_K13_compile_options_are_bit_equal(made: str) -> None:
    make = COMPILED[made]
    assert_same(inspected(make(), Probe(every=2)), fitted(make()))


def unknown_length(n_batches: int) -> Any:
    """Return a data set that tells its length only by ending."""
    import tensorflow as tf

    x, y = networks.features(8 * n_batches), networks.classes(8 * n_batches)

    def batches() -> Iterator[Any]:
        for start in range(0, 8 * n_batches, 8):
            yield x[start : start + 8], y[start : start + 8]

    signature = (tf.TensorSpec((None, 5)), tf.TensorSpec((None,), tf.int64))
    return tf.data.Dataset.from_generator(batches, output_signature=signature)


@pytest.mark.filterwarnings("ignore:Your input ran out of data")
@pytest.mark.parametrize("n_at_a_time", [1, 2, 8])
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_K12_several_steps_an_execution_and_data_of_unknown_length(n_at_a_time: int, known: bool) -> None:
    """Callbacks hear what they hear without, and the optimizer has counted as often; each step is recorded."""

    def make() -> Network:
        network = quick_mlp(steps_per_execution=n_at_a_time)
        return network if known else Network(network.model, unknown_length(5), arguments={"shuffle": False})

    inspect = nnviz.InspectCallback(probe=Probe(every=2))
    assert_same(fitted(make(), callbacks=[inspect]), fitted(make()))
    assert inspect.session.step_index == (9 if known else 15)
    assert len(inspect.recording.steps) == inspect.session.step_index
    texts = [text for _, name, text in inspect.recording.events if name == "notice"]
    assert any(f"steps_per_execution={n_at_a_time}" in text for text in texts) == (n_at_a_time > 1)


def test_a_model_under_a_strategy_is_bit_equal() -> None:
    import tensorflow as tf

    def make() -> Network:
        with tf.distribute.MirroredStrategy(["CPU:0"]).scope():
            return networks.mlp()

    assert_same(inspected(make(), Probe(every=2)), fitted(make()))


def test_model_that_is_built_by_its_first_batch() -> None:
    import keras

    def make() -> Network:
        keras.utils.set_random_seed(3)
        model = keras.Sequential([keras.layers.Dense(4), keras.layers.Dense(3, activation="softmax")])
        model.compile("adam", "sparse_categorical_crossentropy")
        return Network(model, networks.features(), networks.classes())

    assert_same(inspected(make(), Probe(every=1)), fitted(make()))


def test_the_recording_is_that_of_a_session() -> None:
    """Metrics, events, vitals, gradients and activations, step by step."""
    probe = Probe(every=1)
    inspect = nnviz.InspectCallback(probe=probe)
    networks.mlp().fit(callbacks=[inspect], validation_data=validation())
    with networks.mlp().session(probe=probe, validation_data=validation()) as session:
        session.run()
        assert session.wait(LIMIT_S)
    ours, theirs = inspect.recording, session.recording
    assert ours.metrics.equals(theirs.metrics)
    assert ours.events == theirs.events
    assert ours.layers == theirs.layers
    for layer in ("hidden", "drop", "out"):
        for kind in ("weights", "gradients", "activations", "activation_gradients"):
            assert ours.why(layer, kind) == theirs.why(layer, kind)
            if ours.why(layer, kind) is not None:
                continue
            assert list(ours.tensor_steps(layer, kind)) == list(theirs.tensor_steps(layer, kind))
            assert ours.vitals(layer, kind).equals(theirs.vitals(layer, kind))
            for step in ours.tensor_steps(layer, kind):
                np.testing.assert_array_equal(ours.tensor(layer, kind, step), theirs.tensor(layer, kind, step))


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword")
def test_a_learning_rate_that_a_callback_logs_is_recorded_wherever_it_stands() -> None:
    import keras

    for place in (0, 1):
        inspect = nnviz.InspectCallback()
        callbacks = [keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1))]
        callbacks.insert(place, inspect)
        history = networks.mlp().fit(callbacks=callbacks).history
        np.testing.assert_array_equal(
            inspect.recording.metrics["learning_rate"].to_numpy()[2::3], history["learning_rate"]
        )


# --- beside other callbacks ---


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword")
@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
def test_beside_TensorBoard_ModelCheckpoint_and_EarlyStopping(first: bool, tmp_path: Any) -> None:
    """They do what they do without, and so does the callback."""
    import keras

    def callbacks(folder: Any) -> list[Any]:
        return [
            keras.callbacks.TensorBoard(folder / "logs", histogram_freq=1, update_freq=1),
            keras.callbacks.ModelCheckpoint(folder / "{epoch}.keras"),
            keras.callbacks.ModelCheckpoint(folder / "{epoch}-{batch}.weights.h5", save_weights_only=True, save_freq=2),
            keras.callbacks.EarlyStopping("val_loss", patience=1, min_delta=10, restore_best_weights=True),
        ]

    arguments = {"validation_data": validation(), "epochs": 9}
    (tmp_path / "without").mkdir()
    (tmp_path / "with").mkdir()
    expected = fitted(networks.mlp(), callbacks=callbacks(tmp_path / "without"), **arguments)
    inspect, beside = nnviz.InspectCallback(probe=Probe(every=1)), callbacks(tmp_path / "with")
    outcome = fitted(networks.mlp(), callbacks=[inspect, *beside] if first else [*beside, inspect], **arguments)
    assert_same(outcome, expected)
    assert len(outcome.history["loss"]) == 2
    assert (inspect.session.state, inspect.session.stopped) == ("finished", False)
    without, made = (
        {path.relative_to(tmp_path / name) for path in (tmp_path / name).glob("*.*")} for name in ("without", "with")
    )
    assert made == without
    assert len(made) == 5
    for path in made:
        if path.suffix == ".keras":
            models = [keras.models.load_model(tmp_path / name / path) for name in ("without", "with")]
            # Keras does not load the states of random streams.
            assert_same_weights(*([weight.numpy() for weight in model.weights] for model in models))
            assert_same_weights(*([slot.numpy() for slot in model.optimizer.variables] for model in models))


def test_other_callbacks_are_told_the_same() -> None:
    with_us, without = Journal(), Journal()
    networks.mlp().fit(callbacks=[nnviz.InspectCallback(), with_us.callback()], validation_data=validation())
    networks.mlp().fit(callbacks=[without.callback()], validation_data=validation())
    assert with_us.calls == without.calls


def test_it_is_a_callback_of_keras() -> None:
    import keras

    inspect = nnviz.InspectCallback()
    assert isinstance(inspect, nnviz.InspectCallback)
    assert isinstance(inspect, keras.callbacks.Callback)
    assert type(inspect).__name__ == "InspectCallback"
    network = networks.mlp()
    network.fit(callbacks=keras.callbacks.CallbackList([inspect], add_history=True, model=network.model, epochs=3))
    assert inspect.session.step_index == 9


def test_evaluate_and_predict_have_no_session() -> None:
    inspect, network = nnviz.InspectCallback(), networks.mlp()
    network.model.evaluate(network.x, network.y, verbose=0, callbacks=[inspect])
    network.model.predict(network.x, verbose=0, callbacks=[inspect])
    assert (inspect.session, inspect.recording) == (None, None)


def test_each_fit_is_a_session_and_a_recording_of_its_own() -> None:
    """Also on another model; a first one stays readable."""
    inspect, network = nnviz.InspectCallback(), networks.mlp()
    network.fit(callbacks=[inspect])
    session, recording = inspect.session, inspect.recording
    network.fit(callbacks=[inspect], initial_epoch=3, epochs=5)
    assert inspect.recording is not recording
    assert (session.step_index, inspect.session.step_index) == (9, 6)
    assert inspect.recording.epochs.tolist() == [3, 3, 3, 4, 4, 4]
    networks.line().fit(callbacks=[inspect])
    assert inspect.recording.name == "line"
    assert len(recording.steps) == 9


def test_a_recording_on_disk_is_what_is_in_memory(tmp_path: Any) -> None:
    inspect = nnviz.InspectCallback(tmp_path / "a.nnv", Probe(every=1))
    network = networks.mlp()
    network.fit(callbacks=[inspect], validation_data=validation())
    stored = nnviz.open_recording(tmp_path / "a.nnv")
    assert stored.metrics.equals(inspect.recording.metrics)
    assert stored.events == inspect.recording.events
    for step in range(10):
        ours, theirs = (each.tensor("hidden", "weights", step) for each in (stored, inspect.recording))
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(nnviz.RecordingNotWritable, match=r"a\.nnv"):
        network.fit(callbacks=[inspect])
    assert nnviz.TrainingSession.of(network.model) is None


# --- nothing of ours stays on the model ---


def test_the_models_own_function_is_there_at_every_hook() -> None:
    """But between the beginning of a batch and its step, where ours stands in."""
    network, seen = networks.mlp(), []

    def look(self: Any, *args: Any, **kwargs: Any) -> None:
        seen.append(network.model.train_function)

    names = [name for name in HOOKS if name != "on_train_batch_begin"]
    network.fit(callbacks=[nnviz.InspectCallback(), hooked(**dict.fromkeys(names, look))], validation_data=validation())
    assert len(seen) > 9
    assert {id(function) for function in seen} == {id(network.model.train_function)}


class BoomError(Exception):
    """Raised on purpose."""


def broken_off(hook: str, error: type[BaseException], before: list[Any], after: list[Any]) -> Network:
    """Train with a callback that raises at `hook`, and with others before and after it."""

    def boom(self: Any, *args: Any, **kwargs: Any) -> None:
        raise error("boom")

    network, data = networks.line(optimizer="adam"), (networks.features(9), networks.features(9, width=2))
    with pytest.raises(error, match="boom"):
        network.fit(callbacks=[*before, hooked(**{hook: boom}), *after], validation_data=data, epochs=1)
    return network


def trained_on(network: Network) -> Outcome:
    network.model.optimizer.build(network.model.trainable_variables)
    return fitted(network, epochs=1)


@functools.cache
def trained_on_unseen(hook: str, error: type[BaseException]) -> Outcome:
    """Train on where the callback that raised was alone."""
    return trained_on(broken_off(hook, error, [], []))


@pytest.mark.usefixtures("no_fit_left_behind")
@pytest.mark.parametrize("first", [True, False], ids=["ours first", "ours last"])
@pytest.mark.parametrize(
    ("hook", "error"), [*((hook, BoomError) for hook in HOOKS), ("on_test_batch_end", KeyboardInterrupt)]
)
def test_another_callback_raises(hook: str, error: type[BaseException], first: bool) -> None:
    """The model is free and has its own function; the next fit is bit-equal to one that nobody looked at."""
    inspect = nnviz.InspectCallback(probe=Probe(every=1))
    network = broken_off(hook, error, [inspect] if first else [], [] if first else [inspect])
    if inspect.session is None:
        assert (hook, first) == ("on_train_begin", False)
    elif hook == "on_train_end":
        assert not inspect.session.stopped
    else:
        until(lambda: inspect.session.state == "finished")
        assert "fit ended before its time" in inspect.recording.events[-1][2]
        assert inspect.session.stopped == (inspect.session.step_index < 3)
    until(lambda: nnviz.TrainingSession.of(network.model) is None)
    assert_same(trained_on(network), trained_on_unseen(hook, error))
    assert "InPlace" not in repr(network.model.train_function)


@pytest.mark.parametrize("again", [True, False], ids=["with the callback", "without"])
def test_a_step_that_was_about_to_be_taken_is_not_taken_for_another_fit(again: bool) -> None:
    """A callback after ours raises between our hook and the step; the next fit comes at once."""
    network, inspect = networks.mlp(), nnviz.InspectCallback(probe=Probe(every=1))

    def boom(self: Any, batch: int, logs: Any = None) -> None:
        if batch == 1:
            raise BoomError

    try:
        network.fit(callbacks=[inspect, hooked(on_train_batch_begin=boom)])
    except BoomError:
        first = inspect.recording
        network.fit(epochs=1, callbacks=[inspect] if again else None)
    assert len(first.steps) == 1
    assert inspect.session.step_index == (3 if again else 1)
    assert "InPlace" not in repr(network.model.train_function)


def test_another_session_may_follow_at_once_when_another_callback_raised() -> None:
    network, inspect = networks.line(), nnviz.InspectCallback()

    def boom(self: Any, epoch: int, logs: Any = None) -> None:
        raise BoomError

    with pytest.raises(BoomError):
        network.fit(callbacks=[inspect, hooked(on_epoch_end=boom)])
    with network.session() as session:
        session.step()
    assert (inspect.session.state, inspect.session.step_index) == ("finished", 3)


def test_data_that_raises_fails_the_session() -> None:
    network, inspect = networks.mlp(), nnviz.InspectCallback()
    x, y = networks.features(), networks.classes()

    def batches() -> Iterator[Any]:
        yield from [(x[:8], y[:8])] * 5  # Keras reads ahead
        raise BoomError("no more")

    with pytest.raises(Exception, match="no more"):
        network.model.fit(batches(), verbose=0, shuffle=False, callbacks=[inspect])
    assert inspect.session.state == "failed"
    assert "no more" in inspect.session.failure_text
    assert nnviz.TrainingSession.of(network.model) is None
    fitted(network)
    assert len(inspect.recording.steps) == inspect.session.step_index <= 5


def test_a_step_that_raises_fails_the_session() -> None:
    network, inspect = networks.mlp(), nnviz.InspectCallback()
    y = networks.classes() + 10  # beyond the classes
    with pytest.raises(Exception, match="label value"):
        network.model.fit(networks.features(), y, verbose=0, callbacks=[inspect])
    assert inspect.session.state == "failed"
    assert "label value" in inspect.session.failure_title
    assert "InPlace" not in repr(network.model.train_function)
    assert nnviz.TrainingSession.of(network.model) is None


def test_validation_that_raises_ends_the_session() -> None:
    network, inspect = networks.mlp(), nnviz.InspectCallback()
    with pytest.raises(Exception, match="label value"):
        network.fit(callbacks=[inspect], validation_data=(networks.features(8), networks.classes(8) + 10))
    until(lambda: inspect.session.state == "finished")
    assert inspect.session.stopped
    assert inspect.session.step_index == 3


def test_an_interrupt_within_a_step_is_fits_own() -> None:
    import keras

    class Interrupting(keras.Model):
        def train_step(self, data: Any) -> Any:
            raise KeyboardInterrupt

    model = Interrupting()
    model.compile("sgd", "mse", run_eagerly=True)
    inspect = nnviz.InspectCallback()
    with pytest.raises(KeyboardInterrupt):
        model.fit(networks.features(), networks.features(), verbose=0, callbacks=[inspect])
    assert (inspect.session.state, inspect.session.error) == ("finished", None)
    assert "interrupted" in inspect.recording.events[-1][2]
    assert nnviz.TrainingSession.of(model) is None


def test_what_others_train_within_fit_is_not_taken_for_its_steps() -> None:
    """A callback that calls `train_on_batch`, and one that calls `fit`, at the beginning of a batch."""
    inner = {"n": 0}

    def train(self: Any, batch: int, logs: Any = None) -> None:
        if inner["n"] == 0 and batch == 1:
            inner["n"] = 1
            self.model.train_on_batch(networks.features(8), networks.classes(8))
            self.model.fit(networks.features(16), networks.classes(16), batch_size=8, verbose=0, shuffle=False)
            self.model.stop_training = False

    def make(*ours: Any) -> Network:
        inner["n"] = 0
        network = networks.mlp()
        network.fit(callbacks=[*ours, hooked(on_train_batch_begin=train)])
        return network

    inspect = nnviz.InspectCallback(probe=Probe(every=1))
    assert_same_weights(weights_of(make(inspect).model), weights_of(make().model))
    assert inspect.session.step_index in (8, 9)  # the step after the inner `fit` may be the model's own


def test_a_model_that_a_session_has_is_refused() -> None:
    network, inspect = networks.mlp(), nnviz.InspectCallback()
    with network.session(), pytest.raises(ModelAttached):
        network.fit(callbacks=[inspect])
    network.fit(callbacks=[inspect])
    with pytest.raises(ModelAttached):
        network.fit(callbacks=[inspect, nnviz.InspectCallback()])
    until(lambda: inspect.session.state == "finished")
    network.fit(callbacks=[inspect])


def test_arguments_are_checked_when_it_is_made_and_names_of_layers_when_it_begins() -> None:
    with pytest.raises(InvalidArgumentError, match="`probe`"):
        nnviz.InspectCallback(probe=3)
    with pytest.raises(InvalidArgumentError, match="`record`"):
        nnviz.InspectCallback(3)
    with pytest.raises(WrongArguments, match="Did you mean `probe`"):
        nnviz.InspectCallback(prob=None)
    network = networks.mlp()
    with pytest.raises(LayerNotFound, match="hiden"):
        network.fit(callbacks=[nnviz.InspectCallback(probe=Probe("hiden"))])
    with pytest.raises(InvalidArgumentError, match="on_train_begin"):
        nnviz.InspectCallback().on_epoch_begin(0)
    assert nnviz.TrainingSession.of(network.model) is None


@pytest.mark.parametrize("given", ["alone", "list", "nested", "class", "keras list"])
def test_a_session_refuses_the_callback(given: str) -> None:
    import keras

    network, one = networks.mlp(), nnviz.InspectCallback()
    callbacks = {
        "alone": one,
        "list": [hooked(), one],
        "nested": (hooked(), [one]),
        "class": [nnviz.InspectCallback],
        "keras list": keras.callbacks.CallbackList([one]),
    }[given]
    with pytest.raises(InvalidArgumentError, match=r"a session shows itself.*Leave the callback out"):
        network.session(callbacks=callbacks)
    assert nnviz.TrainingSession.of(network.model) is None


def test_once_fit_has_ended_nothing_waits() -> None:
    network, inspect = networks.line(), nnviz.InspectCallback()
    network.fit(callbacks=[inspect])
    with pytest.warns(UserWarning, match="takes no step: training came to its end .* call fit again"):
        assert inspect.session.step().step == 9
    assert inspect.session.wait()
    inspect.session.pause()
    inspect.session.stop()
    assert inspect.session.state == "finished"


def test_once_another_callback_has_raised_nothing_waits() -> None:
    def leave(self: Any, batch: int, logs: Any = None) -> None:
        raise BoomError

    network, inspect = networks.line(), nnviz.InspectCallback()
    with pytest.raises(BoomError):
        network.fit(callbacks=[inspect, hooked(on_train_batch_end=leave)])
    assert inspect.session.wait()
    assert inspect.session.state == "finished"


# --- a person at the controls ---


class Running:
    """A `fit` with the callback, on a thread of its own."""

    def __init__(self, network: Network, probe: Probe | None = None, **arguments: Any) -> None:
        self.inspect = nnviz.InspectCallback(probe=probe if probe is not None else Probe(layers=()))
        more = arguments.pop("callbacks", [])
        self.thread = threading.Thread(target=lambda: network.fit(callbacks=[self.inspect, *more], **arguments))
        self.thread.start()
        until(lambda: self.inspect.session is not None)

    @property
    def session(self) -> Any:
        return self.inspect.session

    def end(self) -> None:
        self.thread.join(LIMIT_S)
        assert not self.thread.is_alive()


@pytest.fixture
def endless(no_fit_left_behind: None) -> Iterator[Running]:
    """A fit that does not end by itself."""
    running = Running(networks.line(), Probe(every=10**9), epochs=10**9)
    yield running
    running.session.close()
    running.end()


def test_another_thread_pauses_steps_and_runs(endless: Running) -> None:
    """As with a TrainingSession: the last step before a pause is read whole, and a pause holds."""
    session = endless.session
    until(lambda: session.step_index > 5)
    session.pause()
    at = session.step_index
    assert session.state == "paused"
    assert session.recording.tensor("d", "gradients", at).shape == (5, 2)
    report = session.step(4)
    assert (report.step, session.state, session.step_index) == (at + 4, "paused", at + 4)
    assert session.recording.tensor("d", "gradients", at + 4).shape == (5, 2)
    session.run(until=at + 7)
    assert session.wait(LIMIT_S)
    assert session.step_index == at + 7
    session.run(until="epoch")
    assert session.wait(LIMIT_S)
    assert session.step_index % 3 == 0
    assert session.recording.events[-1][:2] == (session.step_index, "epoch")
    session.speed = 1000
    session.run()
    until(lambda: session.step_index > at + 20)
    np.testing.assert_array_equal(session.recording.steps, np.arange(1, len(session.recording.steps) + 1))


@pytest.mark.parametrize("until_", ["epoch", None], ids=["after an epoch", "after a batch"])
def test_stop_during_a_pause_takes_no_step_more(endless: Running, until_: Any) -> None:
    session = endless.session
    session.pause()
    session.run(until=until_ or session.step_index + 1 + session.step_index % 3 // 2)
    assert session.wait(LIMIT_S)
    at = session.step_index
    session.stop()
    endless.end()
    assert (session.state, session.step_index, session.stopped) == ("finished", at, True)
    with pytest.warns(UserWarning, match=r"was stopped at step .*To train on, call fit again"):
        session.step()


@pytest.mark.parametrize("paused", [True, False])
def test_close_ends_fit_in_good_order(endless: Running, paused: bool) -> None:
    session = endless.session
    if paused:
        session.pause()
    session.close()
    endless.end()
    assert session.state == "finished"
    assert nnviz.TrainingSession.of(session.model) is None
    session.close()
    with pytest.raises(nnviz.SessionClosed):
        session.run()


def test_stop_in_the_last_pause_of_several_steps_an_execution() -> None:
    running = Running(networks.line(steps_per_execution=2), epochs=10**9)
    session = running.session
    session.pause()
    at = session.step_index
    session.step()
    assert session.step_index == at + 1
    session.stop()
    running.end()
    assert session.step_index == at + 1


def test_a_callback_of_the_same_fit_only_asks() -> None:
    """It cannot wait for itself; the pause comes after the next step, and another thread lets it go on."""
    asked = []

    def ask(self: Any, batch: int, logs: Any = None) -> None:
        if not asked:
            asked.append(batch)
            running[0].session.pause()
            with pytest.raises(nnviz.SessionBusy):
                running[0].session.wait()

    running: list[Running] = []
    go = threading.Event()
    gate = hooked(on_train_begin=lambda self, logs=None: go.wait(LIMIT_S), on_train_batch_end=ask)
    running.append(Running(networks.line(), callbacks=[gate]))
    go.set()
    until(lambda: running[0].session.state == "paused")
    assert running[0].session.step_index == 2
    running[0].session.run()
    running[0].end()
    assert running[0].session.step_index == 9


def test_fit_pauses_by_itself_when_values_are_not_finite() -> None:
    network = networks.line()
    network.x[8:] = np.nan
    go = threading.Event()
    gate = hooked(on_train_begin=lambda self, logs=None: go.wait(LIMIT_S))
    running = Running(network, Probe(), shuffle=False, callbacks=[gate])
    running.session.pause_when_non_finite = True
    go.set()
    until(lambda: running.session.state == "paused")
    assert any("finite" in text for _, _, text in running.inspect.recording.events)
    running.session.run()
    running.end()
    assert running.session.step_index == 9


def test_inspection_of_a_model_that_fit_trains(endless: Running) -> None:
    session = endless.session
    with pytest.raises(nnviz.SessionBusy, match="pause"):
        nnviz.Inspection(session.model, networks.features(4))
    session.pause()
    inspection = nnviz.Inspection(session.model, networks.features(4))
    np.testing.assert_array_equal(
        inspection.recording.tensor("d", "weights"), session.recording.tensor("d", "weights", session.step_index)
    )


def test_fit_pauses_after_a_step_at_which_a_condition_holds() -> None:
    go = threading.Event()
    gate = hooked(on_train_begin=lambda self, logs=None: go.wait(LIMIT_S))
    network = networks.line()
    running = Running(network, Probe(), callbacks=[gate], validation_data=(network.x, network.y))
    session = running.session
    added = session.breakpoints.add("step == 2")
    guard = session.breakpoints.add("step == 4 and gradient_l2 > 0")
    late = session.breakpoints.add("epoch == 1 and val_loss > 0")
    go.set()
    for step, found in ((2, added), (4, guard), (6, late)):
        until(lambda: session.state == "paused")
        assert (session.step_index, session.paused_by) == (step, found)
        session.run(until="step == 5" if step == 4 else None)
        if step == 4:
            until(lambda: session.state == "paused")
            assert session.step_index == 5
            session.run()
    running.end()
    assert session.step_index == 9
    notices = [text for _, name, text in session.recording.events if "a guard could pause only after" in text]
    assert len(notices) == 1
    assert notices[0].endswith("after step 4, not before its update: the steps of a fit that runs cannot be taken back")
