"""How a session ends: by `stop`, by `close`, with the process, and how an interrupt does not end it."""

from __future__ import annotations

import gc
import subprocess
import sys
import textwrap
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nnviz_widgets.core.session import Session
from nnviz_widgets.errors import SessionClosed
from tests.core import networks
from tests.core.networks import Network
from tests.core.sessions import Journal, endless, on_batch_end
from tests.waiting import LIMIT_S, until

if TYPE_CHECKING:
    from collections.abc import Callable


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
    with pytest.warns(UserWarning, match="training was stopped at step 0 of 9"):
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


def test_stopped_session_says_so_and_at_which_step(session: Session) -> None:
    """`"finished"` alone would sound as if all had been learned."""
    session.step(4)
    assert not session.stopped
    session.stop()
    assert session.stopped
    assert repr(session).startswith("<TrainingSession 'line': finished, stopped at step 4 of 9, epoch 2 of 3, ")
    session.close()
    assert repr(session).startswith("<TrainingSession 'line': finished, closed, stopped at step 4 of 9, ")


def test_run_and_step_of_a_stopped_session_say_so(session: Session) -> None:
    session.step(4)
    session.stop()
    for call in (session.run, session.step):
        with pytest.warns(
            UserWarning, match=r"training was stopped at step 4 of 9\. To train on, close\(\) this session"
        ):
            call()
    assert session.step_index == 4


def test_session_that_is_closed_in_mid_training_was_stopped_too() -> None:
    with networks.line().session() as session:
        session.step()
    assert session.stopped


def early_stopping() -> Any:
    import keras

    return keras.callbacks.EarlyStopping(monitor="loss", patience=0, min_delta=10.0)


@pytest.mark.parametrize("callbacks", [list, lambda: [early_stopping()]], ids=["to its last step", "stopped early"])
def test_session_that_came_to_its_end_was_not_stopped(callbacks: Callable[[], list[Any]]) -> None:
    """A callback of Keras that ends training is part of training."""
    with networks.line().session(callbacks=callbacks()) as session:
        session.run()
        assert session.wait(LIMIT_S)
        session.stop()
    assert session.state == "finished"
    assert not session.stopped
    assert "stopped" not in repr(session)


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


def once(network: Network) -> Network:
    """Let the data of a network come once, batch by batch."""
    import tensorflow as tf

    data = tf.data.Dataset.from_tensor_slices((network.x, network.y)).shuffle(4).batch(4)
    return Network(network.model, data, arguments={"shuffle": False})


def iterators() -> int:
    """Return how many iterators over data there are, those that wait for the garbage collector among them."""
    import tensorflow as tf

    return sum(issubclass(type(thing), tf.data.Iterator) for thing in gc.get_objects())


@pytest.mark.parametrize(
    ("given", "arguments"),
    [
        (lambda network: network, {}),
        (lambda network: network, {"steps_per_epoch": 3}),
        (once, {}),
    ],
    ids=["arrays", "a part of them each epoch", "data that come once"],
)
def test_C20_what_is_closed_in_mid_epoch_lets_go_of_its_data_at_once(
    given: Callable[[Network], Network], arguments: dict[str, Any]
) -> None:
    """Whoever collects garbage later waits for the threads of each, up to a minute, and be it a training."""
    network = given(networks.line())
    gc.collect()
    gc.disable()
    try:
        before = iterators()
        session = network.session(**arguments)
        session.step(2)
        session.rewind(1)
        session.step()
        assert iterators() > before
        session.close()
        assert iterators() == before
    finally:
        gc.enable()


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
    # What a shell runs in its background ignores interrupts, and so do the children of it.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = f"{heed}; import runpy, sys; sys.path.insert(0, {str(root)!r}); runpy.run_path({str(script)!r})"
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
