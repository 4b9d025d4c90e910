"""What a session does when it is told to run, pause, step, stop and close."""

from __future__ import annotations

import gc
import math
import subprocess
import sys
import textwrap
import threading
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnviz_widgets.core.frame import KINDS
from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.session import Session, resolve_verbose
from nnviz_widgets.errors import (
    InvalidArgumentError,
    LayerNotFound,
    ModelAttached,
    NnvizError,
    SessionBusy,
    SessionClosed,
)
from tests.core import networks
from tests.core.networks import STEPS_PER_EPOCH, assert_same_weights, weights_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIMIT_S = 60
N_STEPS = 3 * STEPS_PER_EPOCH


@pytest.fixture
def session() -> Iterator[Session]:
    """A session of nine steps that nobody watches."""
    with networks.line().session(probe=Probe(layers=())) as made:
        yield made


def endless(**arguments: Any) -> Session:
    """Return a session that does not end by itself."""
    return networks.line().session(**{"epochs": 10**9, "probe": Probe(layers=()), **arguments})


def until(condition: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + LIMIT_S
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def on_batch_end(action: Callable[[int], None]) -> Any:
    """Return a callback that acts at the end of each batch."""
    import keras

    return keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: action(batch))


# --- run, step, wait ---


def test_new_session_is_idle_at_step_0(session: Session) -> None:
    assert session.state == "idle"
    assert (session.step_index, session.epoch, session.batch_index) == (0, 0, -1)
    assert session.logs == {}
    assert session.history == {}
    assert math.isnan(session.batch_loss)
    assert session.batch is None
    assert session.total_steps == N_STEPS
    assert session.error is None
    assert session.failure_text is None


def test_wait_in_idle_returns_at_once(session: Session) -> None:
    assert session.wait() is False
    assert session.state == "idle"


def test_run_returns_at_once_and_trains_to_the_end() -> None:
    with endless() as session:
        begin = time.monotonic()
        session.run()
        assert time.monotonic() - begin < 0.5
        assert session.state == "running"
        until(lambda: session.step_index > 5)
        assert session.wait(timeout=0.01) is False
        session.stop()
        assert session.state == "finished"


def test_run_until_a_step_pauses_after_it(session: Session) -> None:
    session.run(until=4)
    assert session.wait(LIMIT_S) is True
    assert session.state == "paused"
    assert (session.step_index, session.epoch, session.batch_index) == (4, 1, 0)


@pytest.mark.parametrize("k", [1, 2, np.int64(2)])
def test_run_until_a_step_that_is_reached_returns_at_once(session: Session, k: int) -> None:
    session.step(2)
    session.run(until=k)
    assert session.state == "paused"
    assert session.step_index == 2


def test_run_until_epoch_pauses_after_the_step_that_ends_it(session: Session) -> None:
    for epoch in (1, 2):
        session.run(until="epoch")
        assert session.wait(LIMIT_S)
        assert session.state == "paused"
        assert session.step_index == epoch * STEPS_PER_EPOCH
        assert session.batch_index == STEPS_PER_EPOCH - 1
        assert session.epoch == epoch - 1, "the next epoch begins with its first batch"
        assert len(session.history["loss"]) == epoch
    session.run(until="epoch")
    assert session.wait(LIMIT_S)
    assert session.state == "finished"


@pytest.mark.parametrize("wrong", ["step", 1.5, True, [1], object()])
def test_run_until_anything_else_is_refused(session: Session, wrong: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="until"):
        session.run(until=wrong)
    assert session.state == "idle"


def test_step_takes_exactly_n_steps_and_reports_the_last(session: Session) -> None:
    report = session.step()
    assert (report.step, report.epoch, report.batch) == (1, 0, 0)
    report = session.step(3)
    assert (report.step, report.epoch, report.batch) == (4, 1, 0)
    assert session.state == "paused"
    assert report.logs == session.logs
    assert report.batch_loss == session.batch_loss
    assert report.updates == 2
    assert report.seconds > 0


@pytest.mark.parametrize("wrong", [0, -1, 1.5, "1", None])
def test_step_of_no_positive_number_is_refused(session: Session, wrong: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="`n`"):
        session.step(wrong)


def test_step_past_the_end_finishes_and_then_returns_the_last_report(session: Session) -> None:
    assert session.step(100).step == N_STEPS
    assert session.state == "finished"
    assert session.step().step == N_STEPS
    session.run()
    assert session.wait() is True
    assert session.state == "finished"
    assert session.step_index == N_STEPS


def test_step_while_running_is_refused() -> None:
    with endless() as session:
        session.run()
        with pytest.raises(SessionBusy, match="pause"):
            session.step()
        session.stop()


def test_last_step_ends_training_once(session: Session) -> None:
    """The end belongs to the step: history is complete when `step` returns."""
    session.step(N_STEPS)
    assert session.state == "finished"
    assert len(session.history["loss"]) == 3


def test_batch_is_the_last_one_in_numpy() -> None:
    network = networks.line()
    weight = np.arange(networks.N_SAMPLES, dtype="float32")
    with network.session(sample_weight=weight, shuffle=False) as session:
        session.step(3)
        x, y, w = session.batch
    for part, whole in ((x, network.x), (y, network.y), (w, weight)):
        assert isinstance(part, np.ndarray)
        np.testing.assert_array_equal(part, whole[16:])


def test_logs_are_running_means_and_batch_loss_is_of_one_batch(session: Session) -> None:
    losses = []
    for _ in range(2):
        session.step()
        losses.append(session.batch_loss)
    assert session.logs["loss"] == pytest.approx(np.mean(losses))


def test_initial_epoch_is_the_epoch_before_the_first_step() -> None:
    with networks.line().session(initial_epoch=2, epochs=3) as session:
        assert session.epoch == 2
        assert session.total_steps == STEPS_PER_EPOCH
        session.run()
        assert session.wait(LIMIT_S)
        assert (session.step_index, session.epoch) == (STEPS_PER_EPOCH, 2)


# --- pause ---


def test_pause_takes_a_last_step_and_reads_all_of_it() -> None:
    with networks.mlp().session(probe=Probe(budget=0), epochs=10**9) as session:
        session.run()
        until(lambda: session.step_index > 3)
        assert session.recording.tensor_steps("hidden", "weights").tolist() == [0]
        session.pause()
        assert session.state == "paused"
        step = session.step_index
        recording = session.recording
        for layer in recording.layers:
            for kind in KINDS:
                if recording.why(layer, kind) is None:
                    assert recording.tensor_steps(layer, kind)[-1] == step, (layer.path, kind)
        assert recording.vitals("hidden", "weights").index[-1] == step
        np.testing.assert_array_equal(recording.tensor("hidden", "weights", step), session.model.layers[0].kernel)
        session.pause()
        assert session.step_index == step, "a paused session is left alone"


def test_step_reads_its_last_step_in_full() -> None:
    with networks.line().session(probe=Probe(budget=0)) as session:
        session.step(3)
        assert session.recording.tensor_steps("d", "gradients").tolist() == [3]
        session.run(until=5)
        session.wait(LIMIT_S)
        assert session.recording.tensor_steps("d", "gradients").tolist() == [3, 5]


def test_pause_of_an_idle_or_finished_session_does_nothing(session: Session) -> None:
    session.pause()
    assert session.state == "idle"
    session.step(N_STEPS)
    session.pause()
    assert session.state == "finished"


def test_pause_from_a_callback_only_asks() -> None:
    """The batch that asks is not the last one: it was begun before."""
    network = networks.line()
    made: list[Session] = []

    def act(batch: int) -> None:
        if made[0].step_index == 1:
            made[0].pause()

    with network.session(callbacks=[on_batch_end(act)], probe=Probe(budget=0)) as session:
        made.append(session)
        session.run()
        assert session.wait(LIMIT_S)
        assert session.state == "paused"
        assert session.step_index == 3
        assert session.recording.tensor_steps("d", "gradients").tolist()[-1] == 3


def test_callback_cannot_wait_for_its_own_step() -> None:
    made: list[Session] = []
    caught: list[BaseException] = []

    def act(batch: int) -> None:
        for call in (made[0].step, made[0].wait):
            try:
                call()
            except SessionBusy as error:
                caught.append(error)

    with networks.line().session(callbacks=[on_batch_end(act)]) as session:
        made.append(session)
        session.step()
        assert len(caught) == 2


# --- the same commands from inside, all at once, and over one another ---


def test_stop_is_not_undone_by_a_run_that_comes_after_it() -> None:
    """Commands are executed in their order: after a stop there is nothing to run."""
    made: list[Session] = []

    def act(batch: int) -> None:
        made[0].stop()
        made[0].run()

    with endless(callbacks=[on_batch_end(act)]) as session:
        made.append(session)
        session.run()
        assert session.wait(LIMIT_S)
        assert session.state == "finished"
        assert session.step_index == 1


def test_run_from_a_callback_sets_a_new_goal() -> None:
    made: list[Session] = []

    def act(batch: int) -> None:
        if made[0].step_index == 0:
            made[0].run(until=5)

    with networks.line().session(callbacks=[on_batch_end(act)]) as session:
        made.append(session)
        session.run(until=2)
        assert session.wait(LIMIT_S)
        assert session.step_index == 5


def test_run_that_comes_during_the_last_step_before_a_pause_goes_on() -> None:
    made: list[Session] = []

    def act(batch: int) -> None:
        if made[0].step_index == 1:
            made[0].pause()
        if made[0].step_index == 2:
            made[0].run(until=5)

    with networks.line().session(callbacks=[on_batch_end(act)]) as session:
        made.append(session)
        session.run()
        assert session.wait(LIMIT_S)
        assert session.step_index == 5


# --- stop and close ---


class Journal:
    """Counts the calls of every method of a callback, and keeps their logs."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any, dict[str, float]]] = []

    def callback(self) -> Any:
        import keras

        calls = self.calls

        def noting(name: str) -> Any:
            def note(self: Any, *args: Any, **kwargs: Any) -> None:
                logs = kwargs.get("logs") or (args[-1] if args and isinstance(args[-1], dict) else {})
                index = args[0] if args and not isinstance(args[0], dict) else None
                calls.append((name, index, {key: float(value) for key, value in logs.items()}))

            return note

        names = [
            f"on_{what}_{when}"
            for what in ("train", "epoch", "train_batch", "test", "test_batch")
            for when in ("begin", "end")
        ]
        return type("Noting", (keras.callbacks.Callback,), {name: noting(name) for name in names})()

    def names(self) -> list[str]:
        return [name for name, _, _ in self.calls]


def test_stop_finishes_and_calls_on_train_end_once() -> None:
    journal = Journal()
    with endless(callbacks=[journal.callback()]) as session:
        session.run()
        until(lambda: session.step_index > 2)
        session.stop()
        assert session.state == "finished"
        session.stop()
    assert journal.names().count("on_train_end") == 1
    assert journal.names()[-1] == "on_train_end"


def test_stop_of_an_idle_session_never_begins(session: Session) -> None:
    session.stop()
    assert session.state == "finished"
    assert session.step() is None
    assert session.step_index == 0


def test_stop_of_a_paused_session_ends_training() -> None:
    journal = Journal()
    with endless(callbacks=[journal.callback()]) as session:
        session.step(2)
        session.stop()
        assert session.state == "finished"
        assert session.step_index == 2
        assert journal.names()[-1] == "on_train_end"


def test_close_ends_training_and_can_be_called_again() -> None:
    journal = Journal()
    session = endless(callbacks=[journal.callback()])
    session.step()
    thread = session._worker._thread
    assert thread.is_alive()
    session.close()
    session.close()
    assert not thread.is_alive()
    assert session.state == "finished"
    assert "closed" in repr(session)
    assert journal.names().count("on_train_end") == 1
    for call in (session.step, session.run):
        with pytest.raises(SessionClosed, match="closed"):
            call()
    assert session.wait() is True
    session.pause()
    session.stop()
    assert session.recording.steps.tolist() == [1]


def test_close_of_a_running_session_ends_it_between_two_steps() -> None:
    with endless() as session:
        session.run()
        until(lambda: session.step_index > 2)
    assert session.state == "finished"
    assert session.step_index == len(session.recording.steps)


def test_close_from_a_callback_ends_training_after_the_step() -> None:
    made: list[Session] = []
    session = endless(callbacks=[on_batch_end(lambda batch: made[0].close())])
    made.append(session)
    session.run()
    until(lambda: not session._worker.alive)
    assert session.state == "finished"
    assert session.step_index == 1


def test_C20_closed_session_is_collectable() -> None:
    session = networks.line().session()
    session.step()
    session.close()
    alive = weakref.ref(session)
    del session
    gc.collect()
    assert alive() is None


def test_context_manager_closes_also_after_an_error() -> None:
    def failing(session: Session) -> None:
        with session:
            session.step()
            raise ZeroDivisionError

    session = networks.line().session()
    with pytest.raises(ZeroDivisionError):
        failing(session)
    assert not session._worker.alive


def test_session_is_closed_at_the_end_of_the_process(tmp_path: Path) -> None:
    """A script that forgets to close ends by itself, and callbacks see the end of training."""
    finished = run_script(
        tmp_path,
        """
        import keras
        from nnviz_widgets.core.probe import Probe
        from tests.core import networks

        ended = keras.callbacks.LambdaCallback(on_train_end=lambda logs: print("ended", flush=True))
        session = networks.line().session(epochs=10**9, probe=Probe(layers=()), callbacks=[ended])
        session.run()
        while session.step_index < 3:
            pass
        print("leaving", flush=True)
        """,
    )
    assert finished.stdout.split() == ["leaving", "ended"]
    assert finished.returncode == 0


def run_script(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own, from the root of the project."""
    script = folder / "script.py"
    script.write_text(textwrap.dedent(text))
    root = Path(__file__).parents[2]
    command = f"import runpy, sys; sys.path.insert(0, {str(root)!r}); runpy.run_path({str(script)!r})"
    return subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, timeout=120, check=False, cwd=folder
    )


@pytest.mark.parametrize("interrupt", ["signal.raise_signal(signal.SIGINT)", "_thread.interrupt_main()"])
def test_C10_interrupt_of_a_waiting_call_pauses_between_two_steps(tmp_path: Path, interrupt: str) -> None:
    """Training stands at a whole step, the interrupt goes on as `KeyboardInterrupt`, and `run` resumes."""
    finished = run_script(
        tmp_path,
        f"""
        import _thread, signal, threading, time
        from nnviz_widgets.core.probe import Probe
        from tests.core import networks

        session = networks.line().session(epochs=10**9, probe=Probe(layers=()))
        session.run()
        while session.step_index < 3:
            time.sleep(0.01)
        threading.Timer(0.3, lambda: {interrupt}).start()
        try:
            session.wait()
        except KeyboardInterrupt as error:
            print(str(error).replace(str(session.step_index), "K"))
        print(session.state, session.step_index == len(session.recording.steps))
        before = session.step_index
        print(session.step().step == before + 1)
        session.run(until=before + 50)
        print(session.wait(60), session.step_index == before + 50, session.state)
        session.close()
        """,
    )
    assert finished.stdout.splitlines() == [
        "Paused by interrupt at step K; session.run() goes on from there.",
        "paused True",
        "True",
        "True True paused",
    ], finished.stderr
    assert finished.returncode == 0


# --- callbacks and history as in fit ---


def early_stopping() -> list[Any]:
    import keras

    return [keras.callbacks.EarlyStopping(monitor="loss", patience=0, min_delta=10.0)]


def slower() -> list[Any]:
    import keras

    return [keras.callbacks.ReduceLROnPlateau(monitor="val_loss", patience=1, min_delta=1.0, factor=0.5)]


def stopping_in_mid_epoch() -> list[Any]:
    import keras

    class Stop(keras.callbacks.Callback):
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            if batch == 1:
                self.model.stop_training = True

    return [Stop()]


COPYING = "ignore:.*__array__ implementation doesn't accept a copy keyword"
"""Keras' own way to read a learning rate, in `fit` as well."""


@pytest.mark.filterwarnings(COPYING)
@pytest.mark.parametrize("make", [list, early_stopping, slower, stopping_in_mid_epoch])
def test_callbacks_are_called_as_often_and_with_the_same_logs_as_in_fit(make: Callable[[], list[Any]]) -> None:
    validation = {"validation_data": (networks.features(6), networks.features(6, 2))}
    by_fit, network = networks.line(), networks.line()
    expected, journal = Journal(), Journal()
    history = by_fit.fit(callbacks=[*make(), expected.callback()], **validation).history
    with network.session(callbacks=[*make(), journal.callback()], **validation) as session:
        session.run()
        assert session.wait(LIMIT_S)
        assert session.state == "finished"
        assert session.history == history
    assert journal.calls == expected.calls
    assert_same_weights(weights_of(network.model), weights_of(by_fit.model))


@pytest.mark.filterwarnings(COPYING)
def test_restored_epoch_of_a_backup_is_where_training_begins(tmp_path: Path) -> None:
    """`BackupAndRestore` tells `fit` to begin later; it must tell a session as well."""
    import keras

    def backup(name: str) -> list[Any]:
        return [keras.callbacks.BackupAndRestore(tmp_path / name, delete_checkpoint=False)]

    by_fit = networks.line()
    by_fit.fit(epochs=2, callbacks=backup("fit"))
    expected = by_fit.fit(epochs=3, callbacks=backup("fit")).history

    network = networks.line()
    network.fit(epochs=2, callbacks=backup("session"))
    with network.session(epochs=3, callbacks=backup("session")) as session:
        session.run()
        assert session.wait(LIMIT_S)
        assert session.history == expected
        assert session.epoch == 2


def test_validation_runs_within_the_step_that_ends_the_epoch() -> None:
    arguments = {"validation_data": (networks.features(6), networks.features(6, 2))}
    with networks.line().session(**arguments) as session:
        session.step(STEPS_PER_EPOCH)
        assert "val_loss" in session.history
        metrics = session.recording.metrics
        assert metrics["val_loss"].notna().tolist() == [False, False, True]
        assert metrics["val_loss"].iloc[-1] == session.history["val_loss"][0]


# --- speed ---


def test_speed_limits_the_steps_a_second() -> None:
    with endless() as session:
        session.step()
        session.speed = 20.0
        begin = time.monotonic()
        session.run(until=9)
        assert session.wait(LIMIT_S)
        assert time.monotonic() - begin > 0.3


def test_slow_session_answers_at_once() -> None:
    with endless() as session:
        session.step()
        session.speed = 0.001
        session.run()
        session.speed = None
        until(lambda: session.step_index > 3)
        session.speed = 0.001
        begin = time.monotonic()
        session.stop()
        assert time.monotonic() - begin < 10
        assert session.state == "finished"


@pytest.mark.parametrize("wrong", [0, -1, "fast", float("nan")])
def test_speed_must_be_positive(session: Session, wrong: Any) -> None:
    with pytest.raises(InvalidArgumentError, match="speed"):
        session.speed = wrong
    assert session.speed is None


# --- one model, one session ---


def test_K22_second_session_on_a_model_is_refused_with_the_name_of_the_first() -> None:
    network = networks.line()
    first = network.session(name="the first")
    with pytest.raises(ModelAttached, match="'the first'"):
        network.session()
    first.close()
    with network.session() as second:
        second.step()


def test_K22_forgotten_session_that_never_ran_frees_its_model() -> None:
    network = networks.line()
    session = network.session()
    del session
    gc.collect()
    network.session().close()


def test_K07_fit_outside_the_session_works_and_is_noticed() -> None:
    network = networks.line()
    with network.session(probe=Probe(every=1)) as session:
        session.step(2)
        history = network.fit(epochs=1).history
        assert len(history["loss"]) == 1
        assert session.recording.steps.tolist() == [1, 2]
        assert session.step().step == 3
        assert [text for _, name, text in session.recording.events if name == "notice"] == [
            "the model was trained outside the session; those steps are not recorded"
        ]


def held(thing: Any) -> set[str]:
    """Return the attributes of an object, without those that any training leaves."""
    return set(vars(thing)) - {"_compiled_trainable_state"}


def test_model_is_as_fit_leaves_it_after_close() -> None:
    """No attribute of ours on model, layers, optimizer."""
    validation = {"validation_data": (networks.features(6), networks.classes(6))}
    by_fit, network = networks.mlp(), networks.mlp()
    by_fit.fit(**validation)
    with network.session(probe=Probe(every=1), **validation) as session:
        session.run()
        session.wait(LIMIT_S)
    for ours, theirs in zip(
        [network.model, network.model.optimizer, *network.model.layers],
        [by_fit.model, by_fit.model.optimizer, *by_fit.model.layers],
        strict=True,
    ):
        assert held(ours) <= held(theirs), type(ours)
        assert "call" not in vars(ours)
    np.testing.assert_array_equal(
        network.model.predict(network.x, verbose=0), by_fit.model.predict(by_fit.x, verbose=0)
    )
    network.fit(epochs=1)


@pytest.mark.parametrize("wrong", ["not compiled", "no model"])
def test_what_cannot_be_trained_is_refused(wrong: str) -> None:
    import keras

    thing = object() if wrong == "no model" else keras.Sequential([keras.layers.Dense(1)])
    with pytest.raises(InvalidArgumentError, match="model"):
        Session(thing, networks.features())


def test_probe_of_another_type_is_refused() -> None:
    network = networks.line()
    with pytest.raises(InvalidArgumentError, match="probe"):
        network.session(probe="all")
    network.session().close()


def test_probe_that_names_no_layer_fails_with_the_nearest_names() -> None:
    with networks.line().session(probe=Probe(layers=["dd"])) as session:
        with pytest.raises(LayerNotFound, match="'d'"):
            session.step()
        assert session.state == "failed"


# --- how it reads ---


def test_every_public_object_says_in_one_line_how_it_stands() -> None:
    with networks.line().session(name="digits") as session:
        report = session.step()
        for thing in (session, session.probe, session.recording, report):
            assert "\n" not in repr(thing)
        assert repr(session).startswith("<TrainingSession 'digits': paused, step 1 of 9, epoch 1 of 3, loss ")
        assert repr(report).startswith("<StepReport step 1, epoch 0, batch_loss ")
        assert repr(session.probe).startswith("<Probe all layers")
        assert repr(session.recording).startswith("<Recording 'digits': 1 step, ")


def test_verbose_is_a_progress_line_except_in_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    import IPython

    assert resolve_verbose(2) == 2
    monkeypatch.setattr(IPython, "get_ipython", lambda: None)
    assert resolve_verbose("auto") == 1
    monkeypatch.setattr(IPython, "get_ipython", lambda: type("Shell", (), {"kernel": None})())
    assert resolve_verbose("auto") == 0


# --- those who look ---


class Looker:
    """A viewer that wants one tensor at chosen steps."""

    def __init__(self) -> None:
        self.keys: frozenset[Any] = frozenset()
        self.n_notices = 0

    def wanted(self) -> frozenset[Any]:
        return self.keys

    def notify(self) -> None:
        self.n_notices += 1


def test_viewer_gets_what_it_wants_and_nothing_else() -> None:
    with networks.mlp().session(probe=Probe(budget=0)) as session:
        looker = Looker()
        session.step()
        session.add_viewer(looker)
        looker.keys = frozenset({session.recording.resolve("hidden", "gradients")})
        session.run(until=4)
        session.wait(LIMIT_S)
        assert session.recording.tensor_steps("hidden", "gradients", variable="kernel").tolist() == [1, 2, 3, 4]
        assert session.recording.tensor_steps("out", "gradients").tolist() == [1, 4]
        n_notices = looker.n_notices
        assert n_notices >= 4
        session.remove_viewer(looker)
        session.step()
        assert looker.n_notices == n_notices


def test_K23_changing_what_is_looked_at_traces_nothing_again() -> None:
    with networks.mlp().session(probe=Probe(budget=0)) as session:
        looker = Looker()
        session.add_viewer(looker)
        session.step(2)
        n_traces = session._training.functions.n_traces
        for path in ("hidden", "out", "drop"):
            looker.keys = frozenset({session.recording.resolve(path, "activations")})
            session.step()
        assert session._training.functions.n_traces == n_traces


# --- many threads, any order ---


def test_ask_methods_never_block_and_refuse_in_words(session: Session) -> None:
    session.ask_steps(2)
    until(lambda: session.state == "paused")
    assert session.step_index == 2
    session.ask_run(until=4)
    until(lambda: session.state == "paused")
    assert session.step_index == 4
    session.ask_pause()
    session.ask_stop()
    until(lambda: session.state == "finished")
    session.close()
    with pytest.raises(NnvizError, match="closed"):
        session.ask_run()


def _command(session: Session, draw: np.random.Generator) -> str:
    """Give the session one command drawn at random, and return its name."""
    choice = draw.choice(["run", "run until", "pause", "step", "wait", "ask_pause", "ask_steps", "speed"])
    try:
        if choice == "run until":
            session.run(until=session.step_index + int(draw.integers(0, 4)))
        elif choice == "wait":
            session.wait(timeout=0.002)
        elif choice == "step":
            session.step(int(draw.integers(1, 3)))
        elif choice == "ask_steps":
            session.ask_steps()
        elif choice == "speed":
            session.speed = None if draw.random() < 0.5 else 5000.0
        else:
            getattr(session, choice)()
    except SessionBusy:
        return "busy"
    return str(choice)


def _storm(n_commands: int) -> None:
    """Let two threads give commands at once, then compare with `fit` over as many steps."""
    network = networks.line()
    inside, overlaps = [0], [0]

    class Owner(_keras_callback()):
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            inside[0] += 1
            overlaps[0] += inside[0] != 1

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            inside[0] -= 1

    session = network.session(epochs=10**9, probe=Probe(layers=()), callbacks=[Owner()])
    done: list[int] = []

    def give(seed: int) -> None:
        draw = np.random.default_rng(seed)
        for _ in range(n_commands // 2):
            _command(session, draw)
        done.append(seed)

    threads = [threading.Thread(target=give, args=(seed,), daemon=True) for seed in (1, 2)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 60 + n_commands / 50
    pump = threading.Event()
    while any(thread.is_alive() for thread in threads):
        assert time.monotonic() < end, "deadlock"
        pump.wait(0.02)
        session.ask_pause()  # frees a thread that waits for a run without an end
    session.pause()
    assert len(done) == 2
    assert session.state in ("paused", "idle")
    n_steps = session.step_index
    assert session.recording.steps.tolist() == list(range(1, n_steps + 1))
    weights = weights_of(network.model)
    session.close()
    assert overlaps == [0]

    by_fit = networks.line()
    fit_steps(by_fit, n_steps)
    assert_same_weights(weights, weights_of(by_fit.model))


def _keras_callback() -> Any:
    import keras

    return keras.callbacks.Callback


def fit_steps(network: networks.Network, n_steps: int) -> None:
    """Train with `fit` for a number of steps."""
    import keras

    class Stop(keras.callbacks.Callback):
        n = 0

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            self.n += 1
            self.model.stop_training = self.n == n_steps

    if n_steps:
        network.fit(epochs=10**9, callbacks=[Stop()])


def test_C13_two_threads_with_random_commands_agree_with_fit() -> None:
    _storm(1000)


@pytest.mark.soak
@pytest.mark.timeout(7200)
def test_C13_two_threads_with_random_commands_agree_with_fit_in_full_length() -> None:
    _storm(100_000)
