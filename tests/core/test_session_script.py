"""The journal's script, run by another process: plain Keras makes the same weights, bit by bit."""

from __future__ import annotations

import functools
import importlib.util
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from nnviz_widgets.core.session import Session
from nnviz_widgets.core.snapshots import Snapshots
from nnviz_widgets.errors import InvalidArgumentError, ScriptNotPossible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

RANDOM = np.random.default_rng(1)
X = RANDOM.normal(size=(50, 6)).astype("float32")
Y = (X.sum(1) > 0).astype("int32")

DRIVER = """
import json, os, sys, traceback
import keras, numpy as np

def repeat_in(folder, callbacks):
    sys.path.insert(0, folder)
    import repeat
    assert not any(name.startswith("nnviz") for name in sys.modules)
    given = np.load(f"{folder}/given.npz")
    callbacks = [keras.callbacks.ReduceLROnPlateau("loss", patience=0, factor=0.5)] if callbacks == "plateau" else []
    model = repeat.train(repeat.make_model(), given["x"], given["y"], callbacks=callbacks, verbose=0)
    np.savez(f"{folder}/after.npz", *[np.array(v.numpy()) for v in repeat.variables(model)])

for line in sys.stdin:
    folder, callbacks = json.loads(line)
    if os.fork() == 0:
        try:
            repeat_in(folder, callbacks)
        except BaseException:
            open(f"{folder}/error", "w").write(traceback.format_exc())
        finally:
            os._exit(0)
    print(os.wait()[1], flush=True)
"""


@functools.cache
def driver() -> subprocess.Popen[str]:
    """A process that has Keras and nothing of ours, and divides for each script: to import Keras takes longer."""
    command = [sys.executable, "-c", DRIVER]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.fixture(scope="module", autouse=True)
def _driver_ends() -> Iterator[None]:
    yield
    if driver.cache_info().currsize:
        driver().communicate()
        driver.cache_clear()


def network() -> Any:
    model = keras.Sequential(
        [
            keras.Input((6,)),
            keras.layers.Dense(8, activation="relu", name="hidden"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Dropout(0.4, name="drop"),
            keras.layers.Dense(2, name="out"),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.01), loss, metrics=["accuracy"])
    return model


def session_of(**options: Any) -> Session:
    defaults: dict[str, Any] = {"batch_size": 8, "epochs": 4, "verbose": 0}
    return Session(network(), X, Y, **(defaults | options))


def now(session: Session) -> list[Any]:
    model = session.model
    metrics = {id(variable) for variable in model.metrics_variables}
    found = [*(one for one in model.variables if id(one) not in metrics), *model.optimizer.variables]
    return [np.array(variable.numpy()) for variable in found]


def repeated(folder: Path, callbacks: str = "none", data: tuple[Any, Any] = (X, Y)) -> list[Any]:
    np.savez(folder / "given.npz", x=data[0], y=data[1])
    (folder / "after.npz").unlink(missing_ok=True)
    process = driver()
    assert process.stdin is not None
    assert process.stdout is not None
    print(json.dumps([str(folder), callbacks]), file=process.stdin, flush=True)
    status, error = process.stdout.readline(), folder / "error"
    assert not error.exists(), error.read_text()[-3000:]
    assert status == "0\n"
    with np.load(folder / "after.npz") as after:
        return [after[name] for name in after.files]


def assert_repeats(session: Session, folder: Path, callbacks: str = "none") -> str:
    expected = now(session)
    session.journal.to_script(folder / "repeat.py")
    for index, (one, other) in enumerate(zip(expected, repeated(folder, callbacks), strict=True)):
        np.testing.assert_array_equal(one, other, err_msg=f"variable {index}")
    return (folder / "repeat.py").read_text()


def edited(session: Session) -> None:
    """Go through a training with edits of each kind, one that is undone, and a future that is left behind."""
    session.step(3)
    session.edit.learning_rate(0.05)
    session.edit.weights("hidden", 9.0)
    session.undo()
    session.step(2)
    session.edit.dropout("drop", 0.2)
    session.edit.reinitialize("hidden", neuron=1)
    session.step(3)
    session.edit.learning_rate(3.0)
    session.step(2)
    session.rewind(9)
    session.edit.hyperparameter("clipnorm", 0.5)
    session.model.get_layer("out").bias.assign([0.5, -0.5])
    session.step(3)
    session.edit.trainable("norm", False)
    session.edit.hyperparameter("beta_1", 0.8)
    session.step(4)
    session.edit.learning_rate(0.001)


@pytest.mark.parametrize("seed", [None, 11], ids=["without a seed", "seeded"])
def test_all_edits_are_repeated_bit_by_bit(seed: int | None, tmp_path: Path) -> None:
    with session_of(seed=seed) as session:
        edited(session)
        text = assert_repeats(session, tmp_path)
    assert "nnviz" not in text
    assert "model.optimizer.clipnorm = 0.5" in text
    assert "model.get_layer('drop').rate = 0.2" in text
    assert "by hand: out/bias" in text
    assert "9" not in [line.strip() for line in text.splitlines()]


@pytest.mark.parametrize("n", [1, 7, 14], ids=["first step", "end of an epoch", "two epochs"])
def test_any_place_can_be_repeated(n: int, tmp_path: Path) -> None:
    with session_of() as session:
        session.step(n)
        assert_repeats(session, tmp_path)


@pytest.mark.parametrize("then", ["pause", "edit", "undo", "go back"])
def test_what_was_edited_before_a_refused_step_is_repeated_where_it_counts(then: str, tmp_path: Path) -> None:
    with session_of() as session:
        session.step(3)
        session.edit.learning_rate(0.05)
        session.breakpoints.add("step == 4 and gradient_l2 >= 0")
        session.run()
        session.wait()
        assert (session.step_index, session.recording.steps[-1]) == (3, 4)
        match then:
            case "edit":
                session.edit.dropout("drop", 0.2)
                session.step(3)
            case "undo":
                session.undo()
                session.step(3)
            case "go back":
                session.undo()
                session.step(1)
                session.rewind(4, "main")
        text = assert_repeats(session, tmp_path)
    assert ("learning_rate.assign" in text or "learning rate: 0.01" in text) is (then != "undo")
    assert ("rate = 0.2" in text) is (then == "edit")


@pytest.mark.parametrize("undoes", [False, True])
def test_what_was_changed_by_hand_before_a_refused_step_is_repeated_on_the_branch_that_changes_it(
    undoes: bool, tmp_path: Path
) -> None:
    with session_of() as session:
        session.step(3)
        if undoes:
            session.edit.weights("hidden", 0.0, neuron=0)
        session.model.get_layer("out").bias.assign([0.5, -0.5])
        session.run(until="l2(hidden.gradients) >= 0")
        session.wait()
        assert session.step_index == 3
        session.undo() if undoes else session.edit.learning_rate(0.1)
        session.step(1)
        assert_repeats(session, tmp_path)


@pytest.mark.parametrize("after_an_edit", [False, True])
def test_what_was_changed_by_hand_and_no_step_has_seen_is_not_left_out_in_silence(
    after_an_edit: bool, tmp_path: Path
) -> None:
    with session_of() as session:
        session.step(3)
        if after_an_edit:
            session.edit.weights("hidden", 0.0, neuron=0)
        session.model.get_layer("out").bias.assign([0.5, -0.5])
        with pytest.raises(ScriptNotPossible, match=r"changed by hand since step 3.*session.step\(\) first"):
            session.journal.to_script(tmp_path / "repeat.py")
        assert not list(tmp_path.iterdir())
        session.step()
        assert_repeats(session, tmp_path)
        session.model.get_layer("out").bias.assign([0.5, -0.5])
        session.rewind(4)
        assert_repeats(session, tmp_path)


def test_what_feeds_the_data_is_repeated(tmp_path: Path) -> None:
    with session_of() as session:
        session.step(3)
        session.edit.batch_size(10)
        session.step(7)
        session.edit.class_weight({0: 0.5, 1: 2.0})
        session.step(8)
        assert (session.epoch, session.step_index) == (3, 18)
        assert_repeats(session, tmp_path)


@pytest.mark.parametrize("every", [None, 1], ids=["stored after the end", "stored before it, too"])
def test_a_training_that_has_ended_is_repeated_with_its_end(every: int | None, tmp_path: Path) -> None:
    model = network()
    optimizer = keras.optimizers.SGD(0.1, use_ema=True)
    model.compile(optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    snapshots = Snapshots(every=every)
    with Session(model, X, Y, batch_size=16, epochs=2, verbose=0, shuffle=False, snapshots=snapshots) as session:
        session.step(2)
        session.edit.learning_rate(0.2)
        session.run()
        session.wait()
        assert_repeats(session, tmp_path)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras' own, of its variables
def test_callbacks_of_keras_are_given_again(tmp_path: Path) -> None:
    plateau = keras.callbacks.ReduceLROnPlateau("loss", patience=0, factor=0.5)
    with session_of(callbacks=[plateau], epochs=6) as session:
        session.step(7)
        session.edit.learning_rate(2.0)
        session.step(21)
        text = assert_repeats(session, tmp_path, "plateau")
    assert "ReduceLROnPlateau" in text.partition("import json")[0]


def test_a_data_set_is_given_to_the_script(tmp_path: Path) -> None:
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(8)
    with Session(network(), data, epochs=3, shuffle=False, verbose=0) as session:
        session.step(3)
        session.edit.learning_rate(0.1)
        session.step(7)
        expected = now(session)
        session.journal.to_script(tmp_path / "of_a_data_set.py")
        with pytest.raises(ScriptNotPossible, match="must be arrays"):
            session.journal.to_script(tmp_path / "of_a_data_set.py", data=True)
    spec = importlib.util.spec_from_file_location("of_a_data_set", tmp_path / "of_a_data_set.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    model = script.train(script.make_model(), data, verbose=0)
    for one, other in zip(expected, script.variables(model), strict=True):
        np.testing.assert_array_equal(one, other.numpy())


def test_with_its_data_it_runs_by_itself(tmp_path: Path) -> None:
    with session_of() as session:
        session.step(4)
        session.journal.to_script(tmp_path / "alone.py", data=True)
        loss = session.logs["loss"]
    done = subprocess.run(
        [sys.executable, str(tmp_path / "alone.py")], capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert float(done.stdout.split("loss:")[-1]) == loss


@pytest.mark.parametrize(
    ("do", "words"),
    [
        (lambda session: session.journal.to_script("a.txt"), r"end with \.py"),
        (lambda session: (session.close(), session.journal.to_script("a.py")), "is closed"),
    ],
    ids=["no script", "closed"],
)
def test_what_cannot_be_written_is_refused(
    do: Callable[[Session], Any], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with session_of() as session:
        session.step(1)
        with pytest.raises((InvalidArgumentError, ScriptNotPossible), match=words):
            do(session)
    assert list(tmp_path.iterdir()) == []


def test_a_change_that_no_lines_can_repeat_is_told(tmp_path: Path) -> None:
    with session_of() as session:
        session.step(1)
        session.model.get_layer("hidden").trainable = False
        session.step(1)
        with pytest.raises(ScriptNotPossible, match="was changed"):
            session.journal.to_script(tmp_path / "a.py")


def test_a_model_of_ones_own_is_asked_for(tmp_path: Path) -> None:
    class Own(keras.layers.Layer):  # type: ignore[misc]
        def call(self, inputs: Any) -> Any:
            return 2 * inputs

    model = keras.Sequential([keras.Input((6,)), Own(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    with Session(model, X, Y, verbose=0) as session:
        session.step(1)
        where = session.journal.to_script(tmp_path / "folder" / "a.py", data=True)
    assert where == tmp_path / "folder" / "a.py"
    assert "NotImplementedError" in where.read_text()


def test_a_loss_of_ones_own_is_asked_for_also_where_keras_has_one_of_its_name(tmp_path: Path) -> None:
    def mean_squared_error(y: Any, outputs: Any) -> Any:
        return keras.ops.mean(keras.ops.square(outputs - y)) * 3.0

    for loss, is_asked_for in ((mean_squared_error, True), (keras.losses.mean_squared_error, False)):
        model = keras.Sequential([keras.Input((6,)), keras.layers.Dense(1)])
        model.compile("sgd", loss)
        with Session(model, X, Y, verbose=0) as session:
            session.step(1)
            where = session.journal.to_script(tmp_path / "a.py", data=True)
        assert ("NotImplementedError" in where.read_text()) is is_asked_for
