"""Looking closer at a session that stands still, after which it trains on as if nobody had looked."""

from __future__ import annotations

import io
import itertools
import pdb
import subprocess
import sys
import textwrap
import threading
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnviz_widgets.core.backends.tensorflow import random_streams
from nnviz_widgets.core.session import Session
from nnviz_widgets.core.snapshots import Snapshots
from nnviz_widgets.errors import InvalidArgumentError, LayerNotFound, SessionBusy, SessionClosed
from tests.core import networks
from tests.core.backends import structures
from tests.core.networks import Network, weights_of
from tests.core.sessions import assert_same, endless, everything
from tests.waiting import ended, until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import FrameType


@networks.seeded
def nested() -> Network:
    """A model in a model, a layer that is called twice, and a layer of one's own with layers in it."""
    import keras
    from keras import layers

    class Block(layers.Layer):
        def __init__(self) -> None:
            super().__init__(name="block")
            self.first, self.second = layers.Dense(4, name="first"), layers.Dropout(0.5, name="second")

        def build(self, shape: Any) -> None:
            self.first.build(shape)

        def call(self, x: Any, training: bool = False) -> Any:
            return self.second(self.first(x), training=training)

    inner = keras.Sequential(
        [keras.Input((4,)), layers.Dense(4, name="one"), layers.Dense(4, name="two")], name="inner"
    )
    inputs, shared = keras.Input((5,)), layers.Dense(4, name="shared")
    x = shared(layers.Dense(4, name="in")(inputs))
    x = shared(inner(x))
    model = keras.Model(inputs, layers.Dense(1, name="out")(Block()(x)))
    model.compile("adam", "mse")
    return Network(model, networks.features(), networks.features(width=1))


@networks.seeded
def in_half_precision() -> Network:
    """A model in mixed precision with a loss scale."""
    import keras
    from keras import layers

    model = keras.Sequential(
        [
            keras.Input((5,)),
            layers.Dense(8, dtype="mixed_float16", name="half"),
            layers.BatchNormalization(dtype="mixed_float16", name="norm"),
            layers.Dense(1, name="out"),
        ]
    )
    model.compile(keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam()), "mse", metrics=["mae"])
    return Network(model, networks.features(), networks.features(width=1))


NETWORKS: dict[str, Callable[[], Network]] = {
    "mlp": networks.mlp,
    "cnn": networks.cnn,
    "lstm": networks.lstm,
    "own step": networks.own_step,
    "noise": networks.noise,
    "stateful": networks.stateful,
    "nested": nested,
    "half": in_half_precision,
    "two inputs": networks.two_inputs,
    "ragged": structures.ragged_layers,
    "masked": structures.masked,
    "without targets": structures.without_targets,
}


def look(session: Session) -> None:
    """Look in every way there is."""
    session.variables()
    trace = session.trace()
    with np.errstate(all="ignore"):
        session.step_into(trace.calls[-1].path, debugger=lambda frame: None)


@pytest.mark.filterwarnings("ignore:The next batch cannot be looked at")
@pytest.mark.parametrize("name", NETWORKS)
def test_training_goes_on_bit_by_bit_as_if_nobody_had_looked(name: str) -> None:
    def trained(looks: bool) -> tuple[dict[str, Any], list[float]]:
        with NETWORKS[name]().session(epochs=2) as session:
            session.step(2)
            if looks:
                before, streams = everything(session), random_streams.capture()
                digest, logs = session._training.digest(), session.logs
                look(session)
                assert session._training.digest() == digest
                assert_same(everything(session), before)
                assert random_streams.capture() == streams
                assert (session.state, session.step_index, session.logs) == ("paused", 2, logs)
            session.run()
            session.wait()
            return everything(session), session.recording.metrics["batch_loss"].tolist()

    (state, losses), (looked_state, looked_losses) = trained(False), trained(True)
    assert losses == looked_losses
    assert_same(state, looked_state)


def test_looking_between_epochs_and_after_going_back_changes_nothing() -> None:
    def trained(looks: bool) -> dict[str, Any]:
        with networks.mlp().session(snapshots=Snapshots(every=2)) as session:
            for step in (3, 7, 4):
                session.run(until=step) if step > session.step_index else session.rewind(step)
                session.wait()
                if looks:
                    look(session)
            session.run()
            session.wait()
            return everything(session)

    assert_same(trained(True), trained(False))


def test_attributes_that_the_users_code_sets_are_put_back() -> None:
    import keras

    class Counting(keras.layers.Layer):
        n_calls, last = 0, None

        def call(self, x: Any) -> Any:
            self.n_calls += 1
            self.last = x
            self.add_loss(keras.ops.sum(x))
            return x

    counting = Counting()
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2), counting])
    model.compile("adam", "mse")
    with Network(model, networks.features(), networks.features(width=2)).session() as session:
        session.step()
        n_calls, last, losses = counting.n_calls, counting.last, list(counting._losses)
        look(session)
        assert (counting.n_calls, counting._losses) == (n_calls, losses)
        assert counting.last is last


def test_random_streams_of_the_process_are_put_back() -> None:
    import random

    import keras
    import tensorflow as tf

    class Drawing(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            random.random()
            np.random.random()
            return x + tf.random.uniform(()) + keras.random.uniform(())

    keras.utils.set_random_seed(3)
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2), Drawing()])
    model.compile("adam", "mse")
    with Network(model, networks.features(), networks.features(width=2)).session() as session:
        session.step()
        streams, state = random_streams.capture(), everything(session)
        look(session)
        assert random_streams.capture() == streams
        assert_same(everything(session), state)
        assert any(name.startswith("random/keras") for name in state)


def test_keras_is_on_the_looking_thread_as_on_the_one_that_trains() -> None:
    import keras

    seen: list[tuple[str, str]] = []

    class Asking(keras.layers.Layer):
        def call(self, x: Any) -> Any:
            seen.append((keras.config.dtype_policy().name, keras.layers.Dense(1).name))
            return x

    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2), Asking()])
    model.compile("adam", "mse")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        session = Network(model, networks.features(), networks.features(width=2)).session()
    finally:
        keras.config.set_dtype_policy(before)
    with session:
        session.step()
        name = keras.layers.Dense(1).name
        seen.clear()
        session.trace()
        assert {policy for policy, _ in seen} == {"mixed_bfloat16"}
        assert keras.config.dtype_policy().name == "float32"
        assert int(keras.layers.Dense(1).name.rpartition("_")[2]) == int(name.rpartition("_")[2]) + 1


# --- variables ---


def test_variables_are_a_table_with_the_optimizers_slots() -> None:
    with networks.cnn().session() as session:
        session.step(2)
        table = session.variables().set_index(["path", "variable"])
        kernel = session.model.get_layer("conv").kernel.numpy()
        row = table.loc[("conv", "kernel")]
        assert (row["shape"], row["dtype"], row["trainable"], row["slots"]) == (
            (3, 3, 2, 3),
            "float32",
            True,
            "momentum",
        )
        assert row["mean"] == pytest.approx(kernel.mean(), rel=1e-5)
        assert row["std"] == pytest.approx(kernel.std(), rel=1e-5)
        assert row["norm"] == pytest.approx(np.linalg.norm(kernel), rel=1e-5)
        momentum = session.model.optimizer.momentums[0].numpy()
        assert row["momentum_norm"] == pytest.approx(np.linalg.norm(momentum), rel=1e-5)
        assert not table.loc[("norm", "moving_mean"), "trainable"]
        assert table.loc[("optimizer", "iterations"), "mean"] == 2
        assert table.loc[("optimizer", "learning_rate"), "mean"] == pytest.approx(0.05)


def test_variables_count_what_is_not_finite_and_leave_it_out() -> None:
    with networks.line().session() as session:
        session.step()
        session.model.get_layer("d").bias.assign([np.nan, 3.0])
        session.model.get_layer("d").trainable = False
        bias = session.variables().set_index("variable").loc["bias"]
        assert (bias["n_nonfinite"], bias["mean"], bias["std"], bias["norm"]) == (1, 3.0, 0.0, 3.0)
        assert not bias["trainable"]
        session.model.get_layer("d").bias.assign([np.nan, -np.inf])
        bias = session.variables().set_index("variable").loc["bias"]
        assert bias["n_nonfinite"] == 2
        assert np.isnan([bias["mean"], bias["std"], bias["norm"]]).all()


def test_K09_variables_of_two_optimizers_are_told_apart() -> None:
    with networks.own_step().session() as session:
        session.step(3)
        table = session.variables().set_index(["path", "variable"])
        assert table.loc[("optimizer", "iterations"), "mean"] == 3
        assert table.loc[("head_optimizer", "learning_rate"), "mean"] == pytest.approx(0.1)
        assert set(table["slots"]) == {""}


def test_K11_variables_of_a_loss_scale_are_listed() -> None:
    with in_half_precision().session() as session:
        session.step()
        table = session.variables().set_index(["path", "variable"])
        assert table.loc[("half", "kernel"), "slots"] == "momentum, velocity"
        assert table.loc[("optimizer", "dynamic_scale"), "mean"] == 2.0**15
        assert table.loc[("optimizer/inner_optimizer", "iterations"), "mean"] == 1


def test_variables_are_there_before_the_first_step_of_a_model_that_is_built() -> None:
    with networks.line().session() as session:
        assert session.variables()["variable"].tolist()[:2] == ["kernel", "bias"]


# --- trace ---


def test_a_trace_tells_the_calls_in_their_order_as_they_nest() -> None:
    with nested().session() as session:
        session.step()
        trace = session.trace()
        assert [(call.path, call.depth) for call in trace.calls] == [
            ("in", 0),
            ("shared", 0),
            ("inner", 0),
            ("inner/one", 1),
            ("inner/two", 1),
            ("shared#1", 0),
            ("block", 0),
            ("block/first", 1),
            ("block/second", 1),
            ("out", 0),
        ]
        table = trace.table.set_index("layer")
        assert table.loc["block/second", ["inputs", "outputs", "training"]].tolist() == [
            "(8,4) float32",
            "(8,4) float32",
            True,
        ]
        assert (table["ms"] > 0).all()
        block = table.loc["block"]
        assert block["own_ms"] == pytest.approx(block["ms"] - table.loc[["block/first", "block/second"], "ms"].sum())
        assert trace.what == "batch of step 1"


def test_a_trace_is_drawn_as_text_and_as_html() -> None:
    with nested().session() as session:
        session.step()
        trace = session.trace()
    lines = repr(trace).splitlines()
    assert lines[0].startswith("10 calls of layers, ")
    assert lines[1].split() == ["layer", "class", "inputs", "outputs", "mode", "ms"]
    assert lines[5].startswith("  inner/one ")
    assert len({line.index("Dense") for line in lines if "Dense" in line}) == 1, "aligned"
    html = trace._repr_html_()
    assert html.count("<tr>") == 11
    assert "  inner/one<" in html


def test_K11_a_trace_tells_the_dtypes_of_mixed_precision() -> None:
    with in_half_precision().session() as session:
        session.step()
        forms = {call.path: str(call.outputs[0]) for call in session.trace().calls}
    assert forms == {"half": "(8,8) float16", "norm": "(8,8) float16", "out": "(8,1) float32"}


def test_K09_a_trace_is_of_the_users_own_train_step() -> None:
    with networks.own_step().session() as session:
        session.step()
        assert [call.path for call in session.trace().calls] == ["body", "drop", "head"]


def test_a_layer_whose_call_is_a_tf_function_is_traced_with_what_it_calls() -> None:
    import keras
    import tensorflow as tf

    class Outer(keras.layers.Layer):
        def __init__(self) -> None:
            super().__init__(name="outer")
            self.inside = keras.layers.Dense(2, name="inside")

        def build(self, shape: Any) -> None:
            self.inside.build(shape)

        @tf.function
        def call(self, x: Any) -> Any:
            return self.inside(x)

    model = keras.Sequential([keras.Input((5,)), Outer()])
    model.compile("sgd", "mse")
    with Network(model, networks.features(), networks.features(width=2)).session() as session:
        session.step()
        assert [call.path for call in session.trace().calls] == ["outer", "outer/inside"]


def test_at_a_guard_it_is_the_batch_that_is_still_to_be_taken() -> None:
    network = networks.line()
    network.x[9] = np.nan
    with network.session() as session:
        session.breakpoints.add("nan")
        session.run()
        session.wait()
        assert session.paused_by is not None
        assert session.trace().what == f"batch of step {session.step_index + 1}, which is still to be taken"
        seen: list[Any] = []
        session.step_into("d", debugger=lambda frame: seen.append(frame.f_locals["inputs"].numpy()))
        assert np.isnan(seen[0]).any()


def test_what_the_step_raises_is_raised_and_all_is_put_back() -> None:
    import keras

    class Moody(keras.layers.Layer):
        bad = False

        def call(self, x: Any) -> Any:
            if self.bad:
                raise ValueError("moody")
            return x

    moody = Moody()
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2), keras.layers.BatchNormalization(), moody])
    model.compile("adam", "mse")
    with Network(model, networks.features(), networks.features(width=2)).session() as session:
        session.step()
        before = everything(session)
        moody.bad = True
        with pytest.raises(ValueError, match="moody"):
            session.trace()
        moody.bad = False
        assert_same(everything(session), before)
        assert "call" not in vars(moody)
        assert "compute_loss" not in vars(model)
        session.step()


# --- step into ---


def test_the_debugger_stops_at_the_layer_with_its_inputs_in_scope() -> None:
    with networks.mlp().session() as session:
        session.step()
        seen: dict[str, Any] = {}

        def debugger(frame: FrameType) -> None:
            seen.update(frame.f_locals, weights=session.model.get_layer("hidden").kernel.numpy())

        session.step_into("out", debugger=debugger)
        assert seen["layer"] is session.model.get_layer("out")
        assert tuple(seen["inputs"].shape) == (8, 8)
        assert seen["kwargs"] == {"training": True}
        np.testing.assert_array_equal(seen["weights"], session.model.get_layer("hidden").kernel.numpy())


def test_the_next_batch_is_the_one_that_comes_next() -> None:
    for seed in (None, 5):
        with networks.line().session(seed=seed, epochs=2) as session:
            session.step()
            for _ in range(4):
                seen: list[Any] = []
                session.step_into("d", debugger=lambda frame, seen=seen: seen.append(frame.f_locals["inputs"].numpy()))
                session.step()
                assert session.batch is not None
                np.testing.assert_array_equal(seen[0], session.batch[0])


def test_the_second_call_of_a_shared_layer_has_a_name() -> None:
    with nested().session() as session:
        session.step()
        seen: list[Any] = []
        session.step_into("shared#1", debugger=lambda frame: seen.append(frame.f_locals["inputs"]))
        session.step_into(session.recording.layers[1], debugger=lambda frame: seen.append(frame.f_locals["layer"].name))
        assert len(seen) == 2
        assert seen[1] == "shared"
        with pytest.raises(LayerNotFound, match=r"Received: 'shared#2', which was not called. .*`shared`, `shared#1`"):
            session.step_into("shared#2", debugger=seen.append)
        with pytest.raises(LayerNotFound, match=r"nearest are `shared`"):
            session.step_into("shard", debugger=seen.append)
        assert len(seen) == 2


def test_K04_a_cell_in_a_loop_is_refused_with_the_layer_that_has_it() -> None:
    with networks.lstm().session() as session:
        session.step()
        with pytest.raises(LayerNotFound, match="which is part of layer `lstm`"):
            session.step_into("lstm/lstm_cell", debugger=lambda frame: None)


@pytest.mark.filterwarnings("ignore:`shuffle=True` was passed, but will be ignored")
def test_where_the_data_come_once_it_is_the_last_batch_and_that_is_said() -> None:
    network = networks.line()

    def batches() -> Any:
        while True:
            yield networks.features(4), networks.features(4, width=2)

    with Network(network.model, batches(), None, {"steps_per_epoch": 3}).session() as session:
        session.step()
        seen: list[Any] = []
        with pytest.warns(UserWarning, match="it is the batch of step 1"):
            session.step_into("d", debugger=lambda frame: seen.append(frame.f_locals["inputs"].numpy()))
        assert session.batch is not None
        np.testing.assert_array_equal(seen[0], session.batch[0])
        assert session.step().step == 2


@pytest.mark.filterwarnings("ignore:`shuffle=True` was passed, but will be ignored")
def test_what_came_once_and_comes_again_after_going_back_is_the_next_batch() -> None:
    x = networks.features(4)

    def batches() -> Any:
        for n in itertools.count():
            yield x + n, networks.features(4, width=2)

    with Network(networks.line().model, batches(), None, {"steps_per_epoch": 5}).session() as session:
        session.step(4)
        session.rewind(1)
        for n in (1, 2):
            seen: list[Any] = []
            session.step_into("d", debugger=lambda frame, seen=seen: seen.append(frame.f_locals["inputs"].numpy()))
            np.testing.assert_array_equal(seen[0], x + n)
            session.step()
            assert session.batch is not None
            np.testing.assert_array_equal(session.batch[0], x + n)


def test_pdb_itself_stops_there_and_leads_into_the_layer() -> None:
    said = io.StringIO()
    commands = "p inputs.shape\np layer.name\nn\np outputs.shape\nc\n"
    real = pdb.Pdb(stdin=io.StringIO(commands), stdout=said, nosigint=True, readrc=False)
    tracer = sys.gettrace()
    with networks.mlp().session() as session:
        session.step()
        before = everything(session)
        session.step_into("out", debugger=real.set_trace)
        assert_same(everything(session), before)
        session.step()
    assert "TensorShape([8, 8])" in said.getvalue()
    assert "'out'" in said.getvalue()
    assert "TensorShape([8, 3])" in said.getvalue()
    assert sys.gettrace() is tracer


def test_a_person_at_a_terminal_looks_and_quits(tmp_path: Path) -> None:
    """`q` leaves the step, not the program, and what the person assigned is put back."""
    script = tmp_path / "look.py"
    script.write_text(
        textwrap.dedent("""
        import numpy as np, keras
        import nnviz_widgets as nnviz
        model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2, name="d")])
        model.compile("sgd", "mse")
        session = nnviz.TrainingSession(model, np.ones((8, 5), "float32"), np.ones((8, 2), "float32"), batch_size=4)
        session.step()
        kernel = layer_kernel = model.get_layer("d").kernel.numpy()
        session.step_into("d")
        print("equal", bool((model.get_layer("d").kernel.numpy() == kernel).all()), session.step().step)
        session.close()
        """)
    )
    asked = "p inputs.shape\nlayer.kernel.assign(layer.kernel * 0)\nq\n"
    done = subprocess.run(
        [sys.executable, str(script)], input=asked, capture_output=True, text=True, timeout=200, check=False
    )
    assert "TensorShape([4, 5])" in done.stdout, done.stderr
    assert "equal True 2" in done.stdout, done.stderr


def test_what_the_debugger_raises_is_raised_and_all_is_put_back() -> None:
    with networks.mlp().session() as session:
        session.step()
        before = everything(session)

        def debugger(frame: FrameType) -> None:
            frame.f_locals["layer"].kernel.assign(np.zeros((5, 8)))
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            session.step_into("hidden", debugger=debugger)
        assert_same(everything(session), before)
        session.step()


# --- what is refused ---

WAYS: dict[str, Callable[[Session], Any]] = {
    "trace": lambda session: session.trace(),
    "step into": lambda session: session.step_into("d", debugger=lambda frame: None),
    "variables": lambda session: session.variables(),
    "post mortem": lambda session: session.post_mortem(),
}


@pytest.mark.parametrize("way", WAYS)
def test_R01_looking_is_refused_while_running_and_once_closed(way: str) -> None:
    session = endless()
    session.run()
    until(lambda: session.step_index > 2)
    with pytest.raises(SessionBusy, match=r"pause\(\)"):
        WAYS[way](session)
    session.pause()
    session.close()
    with pytest.raises(SessionClosed, match="which is closed"):
        WAYS[way](session)


@pytest.mark.parametrize("way", ["trace", "step into"])
def test_R01_looking_at_a_step_is_refused_before_any(way: str, session: Session) -> None:
    with pytest.raises(SessionBusy, match=r"has taken none. Call session.step\(\)"):
        WAYS[way](session)


def test_R01_training_waits_while_somebody_looks(session: Session) -> None:
    session.step()
    inside, leave = threading.Event(), threading.Event()

    def debugger(frame: FrameType) -> None:
        inside.set()
        assert leave.wait(60)

    thread = threading.Thread(target=session.step_into, args=("d",), kwargs={"debugger": debugger})
    thread.start()
    assert inside.wait(60)
    with pytest.raises(SessionBusy, match="being inspected"):
        session.step()
    leave.set()
    ended(thread)
    assert session.step().step == 2


def test_what_cannot_be_called_is_no_debugger(session: Session) -> None:
    session.step()
    with pytest.raises(InvalidArgumentError, match="`debugger` must be a function"):
        session.step_into("d", debugger="pdb")  # type: ignore[arg-type]


def test_K01_a_model_that_its_first_step_builds_has_no_variables_yet() -> None:
    import keras

    model = keras.Sequential([keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    with Network(model, networks.features(), networks.features(width=2)).session() as session:
        with pytest.raises(SessionBusy, match="must be built"):
            session.variables()
        session.step()
        assert len(session.variables()) == 4


def test_a_fit_with_the_callback_can_be_looked_at_while_it_waits(no_fit_left_behind: None) -> None:
    from nnviz_widgets.widgets.callback import InspectCallback

    looked: list[Any] = []
    network = networks.line()
    callback = InspectCallback()

    def look_from_elsewhere() -> None:
        until(lambda: callback.session is not None and callback.session.step_index > 1)
        callback.session.pause()
        looked.append([call.path for call in callback.session.trace().calls])
        looked.append(weights_of(network.model))
        at = callback.session.step_index
        callback.session.run()
        until(lambda: callback.session.step_index > at)
        callback.session.stop()

    thread = threading.Thread(target=look_from_elsewhere)
    thread.start()
    network.fit(callbacks=[callback], epochs=10**9)
    ended(thread)
    assert looked[0] == ["d"]
