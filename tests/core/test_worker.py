"""What the training thread notices: sick networks, our own mistakes, and commands in any order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from nnviz_widgets.core.backends.tensorflow import taps
from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.session import Session
from tests.core import networks
from tests.core.networks import STEPS_PER_EPOCH, assert_same_weights, weights_of

LIMIT_S = 60

# Commands in any order meet the end of training.
pytestmark = pytest.mark.filterwarnings("ignore:`session.(run|step)` ")


def notices(session: Session) -> list[str]:
    return [text for _, name, text in session.recording.events if name == "notice"]


# --- a network that goes non-finite ---


def sick_at(step: int, **arguments: Any) -> Session:
    """Return a session whose batch at that step has an Inf in its first row."""
    network = networks.mlp()
    network.x = np.array(network.x)
    network.x[(step - 1) * networks.BATCH_SIZE, 0] = np.inf
    return network.session(shuffle=False, epochs=1, **arguments)


@pytest.mark.parametrize(("probe", "step"), [(Probe(every=1), 2), (Probe(budget=0), 3)])
def test_K16_first_step_and_tensor_that_are_not_finite_are_named(probe: Probe, step: int) -> None:
    """Where vitals were read at the very step, they tell where it began; else those of the next one are the best.

    By then all weights are NaN. On some processors a ReLU turns those into 0, and the first layer looks healthy.
    """
    with sick_at(2, probe=probe) as session:
        session.run()
        session.wait(LIMIT_S)
        first, fed, where = sorted(notices(session), key=lambda text: ("not finite (" not in text, "fir" in text))
        sick = [name for name in ("hidden", "out") if not finite(session, name, step)]
    assert first.startswith("step 2: not finite (loss ")
    assert fed == "step 2: its batch is not finite already: x of sample 0 (1 value, infinite; sample 8 of the data)"
    assert where.startswith(f"step {step}: the first tensor that is not finite is activations of '{sick[0]}'")


def frames(network: networks.Network) -> None:
    import pandas as pd

    network.x, network.y = pd.DataFrame(network.x), pd.Series(network.y)


def as_data_set(network: networks.Network) -> None:
    import tensorflow as tf

    network.x, network.y = tf.data.Dataset.from_tensor_slices((network.x, network.y)).batch(8), None


@pytest.mark.parametrize("seed", [None, 3], ids=["own order", "seeded"])
@pytest.mark.parametrize("change", [None, frames, as_data_set], ids=["arrays", "pandas", "a data set"])
def test_K16_a_sample_that_is_not_finite_is_named_by_its_index_in_the_data(seed: int | None, change: Any) -> None:
    network = networks.mlp()
    network.x = np.array(network.x, np.float64)
    network.x[13, 2] = np.nan
    if change is not None:
        change(network)
    more = {"shuffle": False} if change is as_data_set else {"validation_split": 0.1}
    with network.session(seed=seed, epochs=1, **more) as session:
        session.run()
        session.wait(LIMIT_S)
        (fed,) = [text for text in notices(session) if "its batch is not finite" in text]
    assert ("sample 13 of the data" in fed) is (change is not as_data_set), fed


def finite(session: Session, layer: str, step: int) -> bool:
    return bool(np.isfinite(session.recording.tensor(layer, "activations", step)).all())


def test_K16_healthy_network_has_no_notice() -> None:
    with networks.mlp().session(probe=Probe(every=2)) as session:
        session.run()
        session.wait(LIMIT_S)
        assert notices(session) == []


def test_K16_training_pauses_when_it_is_asked_to() -> None:
    with sick_at(1, probe=Probe(budget=0)) as session:
        session.pause_when_non_finite = True
        session.run()
        assert session.wait(LIMIT_S)
        assert session.state == "paused"
        assert session.step_index == 2
        assert np.isnan(session.recording.tensor("hidden", "weights")).any()
        assert "the first tensor that is not finite is" in notices(session)[-1]
        session.run()
        assert session.wait(LIMIT_S)
        assert session.state == "finished"


# --- no update, averages ---


def test_K12_steps_that_only_accumulate_gradients_are_marked() -> None:
    import keras

    network = networks.line(optimizer=keras.optimizers.SGD(0.1, gradient_accumulation_steps=2))
    with network.session(probe=Probe(every=1)) as session:
        updates = [session.step().updates for _ in range(4)]
        assert updates == [0, 2, 0, 2]
        assert [step for step, name, _ in session.recording.events if name == "no_update"] == [1, 3]
        ratios = session.recording.vitals("d", "weights")["update_ratio"]
        assert (ratios > 0).tolist() == [False, True, False, True]


def test_K12_averaging_of_the_weights_at_the_end_is_an_event_and_no_step() -> None:
    import keras

    network = networks.line(optimizer=keras.optimizers.SGD(0.1, use_ema=True))
    with network.session() as session:
        session.run()
        session.wait(LIMIT_S)
        assert session.step_index == 9
        assert [step for step, name, _ in session.recording.events if name == "weights_averaged"] == [9]


@pytest.mark.filterwarnings("ignore:.*float16.*")
def test_K11_step_that_overflows_updates_nothing_and_is_marked() -> None:
    import keras

    keras.config.set_dtype_policy("mixed_float16")
    try:
        network = networks.line()
        network.y = network.y.copy()
        network.y[networks.BATCH_SIZE] = 1e4
        with network.session(shuffle=False, probe=Probe(every=1), epochs=1) as session:
            updates = [session.step().updates for _ in range(3)]
            assert updates == [2, 0, 2]
            assert [event for event in session.recording.events if event[1] == "no_update"] == [
                (2, "no_update", "step 2 skipped: non-finite gradients, loss scale 32768 -> 16384")
            ]
            np.testing.assert_array_equal(
                session.recording.tensor("d", "weights", 1), session.recording.tensor("d", "weights", 2)
            )
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.filterwarnings("ignore:.*float16.*")
def test_K11_steps_in_a_row_that_overflow_are_told_each() -> None:
    import keras

    keras.config.set_dtype_policy("mixed_float16")
    try:
        network = networks.line()
        network.y = network.y.copy()
        network.y[networks.BATCH_SIZE :] = 1e4
        with network.session(shuffle=False, probe=Probe(every=1), epochs=1) as session:
            assert [session.step().updates for _ in range(3)] == [2, 0, 0]
            assert [event for event in session.recording.events if event[1] == "no_update"] == [
                (2, "no_update", "step 2 skipped: non-finite gradients, loss scale 32768 -> 16384"),
                (3, "no_update", "step 3 skipped: non-finite gradients, loss scale 16384 -> 8192"),
            ]
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.filterwarnings("ignore:.*float16.*")
def test_K11_K12_accumulating_under_a_loss_scale_is_no_overflow() -> None:
    import keras

    keras.config.set_dtype_policy("mixed_float16")
    try:
        network = networks.line(optimizer=keras.optimizers.SGD(0.1, gradient_accumulation_steps=2))
        with network.session(probe=Probe(every=1)) as session:
            assert [session.step().updates for _ in range(4)] == [0, 2, 0, 2]
            texts = [text for _, name, text in session.recording.events if name == "no_update"]
        assert texts == ["step 1 updated no variable", "step 3 updated no variable"]
    finally:
        keras.config.set_dtype_policy("float32")


# --- mistakes of our own ---


def _fail(*args: Any, **kwargs: Any) -> Any:
    raise RuntimeError("a mistake of ours")


BROKEN = {
    "noting an output": (taps.Taps, "_note_call"),
    "noting a gradient": (taps, "aside"),
    "the catalogue": ("nnviz_widgets.core.backends.tensorflow.traced", "after_tracing"),
    "the statistics in the graph": ("nnviz_widgets.core.backends.tensorflow.statistics", "column_sums"),
    "the statistics outside": ("nnviz_widgets.core.backends.tensorflow.statistics", "SumsReading"),
}


@pytest.mark.parametrize("what", BROKEN)
@pytest.mark.parametrize("eager", [False, True])
def test_K24_mistake_in_our_own_code_leaves_training_alone(
    what: str, eager: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Training goes on plain and equal to `fit`, with one notice and no tap left behind."""
    import importlib

    owner, name = BROKEN[what]
    by_fit, network = networks.mlp(run_eagerly=eager), networks.mlp(run_eagerly=eager)
    history = by_fit.fit().history
    monkeypatch.setattr(importlib.import_module(owner) if isinstance(owner, str) else owner, name, _fail)
    with network.session(probe=Probe(every=1)) as session:
        session.run()
        assert session.wait(LIMIT_S)
        assert session.state == "finished"
        assert session.history == history
        assert [text for text in notices(session) if "nothing can be read" in text] == notices(session)
        assert len(notices(session)) == 1
        assert "a mistake of ours" in notices(session)[0]
    assert_same_weights(weights_of(network.model), weights_of(by_fit.model))
    assert all("call" not in vars(layer) for layer in network.model.layers)


# --- commands in any order ---


class Commands(RuleBasedStateMachine):
    """A session beside a model of it that only counts: the two must agree after every command."""

    N_STEPS = 3 * STEPS_PER_EPOCH

    @initialize(layers=st.sampled_from([(), None]))
    def make(self, layers: tuple[str, ...] | None) -> None:
        self.network = networks.line()
        self.session = self.network.session(probe=Probe(layers=layers, kinds=("weights",)))
        self.step, self.state, self.closed = 0, "idle", False

    def _go(self, target: int) -> None:
        """Change the counting model as a run to `target` changes the session."""
        if self.state in ("idle", "paused") and target > self.step:
            self.step = min(target, self.N_STEPS)
            self.state = "finished" if self.step == self.N_STEPS else "paused"

    def _settle(self) -> None:
        self.session.wait(LIMIT_S)

    @precondition(lambda self: not self.closed)
    @rule(n=st.integers(1, 4))
    def take_steps(self, n: int) -> None:
        report = self.session.step(n)
        self._go(self.step + n)
        assert (report.step if report else 0) == self.step

    @precondition(lambda self: not self.closed)
    @rule(until=st.integers(0, 12))
    def run_until_a_step(self, until: int) -> None:
        self.session.run(until=until)
        self._settle()
        self._go(until)

    @precondition(lambda self: not self.closed)
    @rule()
    def run_until_the_end_of_an_epoch(self) -> None:
        self.session.run(until="epoch")
        self._settle()
        self._go((self.step // STEPS_PER_EPOCH + 1) * STEPS_PER_EPOCH)

    @precondition(lambda self: not self.closed)
    @rule(n=st.integers(1, 4))
    def ask_for_steps(self, n: int) -> None:
        self.session.ask_steps(n)
        self._settle()
        self._go(self.step + n)

    @precondition(lambda self: not self.closed)
    @rule()
    def run_and_pause(self) -> None:
        """How far it gets is open, but it is at least one step."""
        self.session.run()
        self.session.pause()
        if self.state in ("idle", "paused"):
            assert self.step < self.session.step_index <= self.N_STEPS
            self._go(self.session.step_index)

    @rule()
    def pause(self) -> None:
        self.session.pause()

    @rule()
    def stop(self) -> None:
        self.session.stop()
        self.state = "finished"

    @rule()
    def close(self) -> None:
        self.session.close()
        self.state, self.closed = "finished", True

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "session"):
            return
        session = self.session
        assert session.state == self.state
        assert session.step_index == self.step
        assert session.recording.steps.tolist() == list(range(1, self.step + 1))
        if self.step:
            assert session.epoch == (self.step - 1) // STEPS_PER_EPOCH
            assert session.batch_index == (self.step - 1) % STEPS_PER_EPOCH
        assert len(session.history.get("loss", ())) >= self.step // STEPS_PER_EPOCH

    def teardown(self) -> None:
        if not hasattr(self, "session"):
            return
        weights = weights_of(self.network.model)
        self.session.close()
        if self.step:
            assert_same_weights(weights, _weights_by_fit(self.step))


_by_fit: dict[int, list[np.ndarray]] = {}


def _weights_by_fit(n_steps: int) -> list[np.ndarray]:
    """Return the weights that `fit` has after a number of steps."""
    import keras

    if not _by_fit:
        network = networks.line()

        def keep(batch: int, logs: Any) -> None:
            _by_fit[len(_by_fit) + 1] = weights_of(network.model)

        network.fit(callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=keep)])
    return _by_fit[n_steps]


Commands.TestCase.settings = settings(
    max_examples=12, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck)
)
TestCommandsInAnyOrder = Commands.TestCase
