"""A session trains exactly as `fit` does: weights, losses, logs and history are equal to the last bit."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.schedule import Variant
from tests.core import networks
from tests.core.networks import Network, assert_same_weights, weights_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from nnviz_widgets.core.session import Session


@dataclass
class Outcome:
    """What a training run leaves behind."""

    weights: list[np.ndarray] = field(default_factory=list)
    history: dict[str, list[float]] = field(default_factory=dict)
    batch_logs: list[dict[str, float]] = field(default_factory=list)


def batch_recorder(outcome: Outcome) -> Any:
    """Return a callback that keeps the logs of each batch as floats."""
    import keras

    def keep(batch: int, logs: dict[str, Any]) -> None:
        outcome.batch_logs.append({name: float(value) for name, value in logs.items()})

    return keras.callbacks.LambdaCallback(on_train_batch_end=keep)


def fitted(network: Network, **arguments: Any) -> Outcome:
    """Train with `fit`."""
    outcome = Outcome()
    callbacks = [batch_recorder(outcome), *arguments.pop("callbacks", ())]
    outcome.history = dict(network.fit(callbacks=callbacks, **arguments).history)
    outcome.weights = weights_of(network.model)
    return outcome


def watched(network: Network, probe: Probe | None = None, **arguments: Any) -> Outcome:
    """Train with a session, with as many callbacks as `fit` got."""
    outcome = Outcome()
    callbacks = [batch_recorder(outcome), *arguments.pop("callbacks", ())]
    with network.session(probe=probe, callbacks=callbacks, **arguments) as session:
        trained_to_the_end(session)
        outcome.history = session.history
        outcome.weights = weights_of(network.model)
    return outcome


def trained_to_the_end(session: Session) -> None:
    session.run()
    assert session.wait(timeout=120)
    assert session.state == "finished"


def assert_same(outcome: Outcome, expected: Outcome) -> None:
    """Fail unless two runs left the same behind."""
    assert outcome.history == expected.history
    assert outcome.batch_logs == expected.batch_logs
    assert outcome.batch_logs
    assert_same_weights(outcome.weights, expected.weights)


@functools.cache
def fitted_once(name: str) -> Outcome:
    """Train one of the four networks of the proof with `fit`, once for all tests."""
    return fitted(getattr(networks, name)())


NETWORKS = ("mlp", "cnn", "lstm", "own_step", "noise")
PROBES = {
    "unwatched": lambda: Probe(layers=()),
    "vitals": lambda: Probe(kinds=(), every=1),
    "full": lambda: Probe(every=1),
    "default": lambda: None,
}


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("probe", PROBES)
def test_training_is_bit_equal_to_fit(name: str, probe: str) -> None:
    """Three epochs, shuffled, the last batch smaller."""
    assert_same(watched(getattr(networks, name)(), PROBES[probe]()), fitted_once(name))


def test_a_batch_of_the_probes_own_leaves_states_alone() -> None:
    """A recurrent state and a random stream that move at inference too."""
    probe = Probe(every=1, data=networks.features(2))
    assert_same(watched(networks.stateful(), probe), fitted(networks.stateful()))


@pytest.mark.parametrize("name", NETWORKS)
def test_variants_mixed_at_random_are_bit_equal_to_fit(name: str) -> None:
    """Each step in a form drawn at random, all four of them among them."""
    network = getattr(networks, name)()
    outcome = Outcome()
    drawn = np.random.default_rng(3).permutation([*list(Variant) * 2, Variant.PLAIN]).tolist()
    with network.session(callbacks=[batch_recorder(outcome)]) as session:
        session._worker.schedule._variant = lambda step: Variant(drawn[step - 1])
        trained_to_the_end(session)
        outcome.history, outcome.weights = session.history, weights_of(network.model)
    assert_same(outcome, fitted_once(name))


def test_metrics_of_the_recording_are_the_logs_of_the_batches() -> None:
    """The recording holds what a callback sees, and the loss of each batch alone."""
    network = networks.mlp()
    with network.session(probe=Probe(layers=())) as session:
        trained_to_the_end(session)
        metrics = session.recording.metrics
    logs = fitted_once("mlp").batch_logs
    assert metrics["loss"].tolist() == [log["loss"] for log in logs]
    assert metrics["accuracy"].tolist() == [log["accuracy"] for log in logs]
    sizes = np.array([8, 8, 6] * 3)
    running = [
        np.average(metrics["batch_loss"][i // 3 * 3 : i + 1], weights=sizes[i // 3 * 3 : i + 1]) for i in range(9)
    ]
    np.testing.assert_allclose(metrics["loss"], running, rtol=1e-6)


COMPILED = {
    "mlp under XLA": lambda: networks.mlp(jit_compile=True),
    "mlp run eagerly": lambda: networks.mlp(run_eagerly=True),
    "mlp with clipped gradients": lambda: networks.mlp(optimizer=_sgd(clipnorm=0.01)),
    "mlp that accumulates gradients": lambda: networks.mlp(optimizer=_sgd(gradient_accumulation_steps=2)),
    "mlp with weights overwritten by their averages": lambda: networks.mlp(
        optimizer=_sgd(use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=2)
    ),
    "mlp with averaged weights": lambda: networks.mlp(optimizer=_sgd(use_ema=True, ema_momentum=0.9)),
    "two inputs and outputs, in dicts": lambda: networks.two_inputs(),
}


def _sgd(**arguments: Any) -> Any:
    import keras

    return keras.optimizers.SGD(0.1, **arguments)


@pytest.mark.parametrize("made", COMPILED)
def test_K10_K12_K13_compile_options_are_bit_equal_to_fit(made: str) -> None:
    """The full probe changes nothing, however the model is compiled."""
    make = COMPILED[made]
    assert_same(watched(make(), Probe(every=2)), fitted(make()))


def test_K10_cnn_under_xla_is_bit_equal_to_fit_until_its_layers_are_read() -> None:
    """XLA fuses a convolution with what follows unless somebody reads it, which then may round otherwise."""

    def make() -> Network:
        return networks.cnn(jit_compile=True)

    by_fit = fitted(make())
    assert_same(watched(make(), Probe(every=100, layers=["out"])), by_fit)
    read = watched(make(), Probe(every=1))
    for one, other in zip(read.weights, by_fit.weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.filterwarnings("ignore:.*float16.*")
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
@pytest.mark.parametrize("accumulated", [None, 2])
def test_K11_K12_mixed_precision_is_bit_equal_to_fit(policy: str, accumulated: int | None) -> None:
    """A model of 16-bit layers, its loss scaled for float16, alone and with accumulated gradients."""
    import keras

    keras.config.set_dtype_policy(policy)
    try:

        def make() -> Network:
            return networks.mlp(optimizer=_sgd(gradient_accumulation_steps=accumulated))

        assert_same(watched(make(), Probe(every=2)), fitted(make()))
    finally:
        keras.config.set_dtype_policy("float32")


def test_K12_several_steps_an_execution_are_taken_one_by_one() -> None:
    """Weights and history are `fit`'s; callbacks see every batch, and a notice says so."""
    network, by_fit = networks.mlp(steps_per_execution=8), networks.mlp(steps_per_execution=8)
    history = by_fit.fit().history
    with network.session(probe=Probe(every=1)) as session:
        trained_to_the_end(session)
        assert session.history == history
        assert_same_weights(weights_of(network.model), weights_of(by_fit.model))
        assert session.step_index == 9
        texts = [text for _, name, text in session.recording.events if name == "notice"]
    assert any("steps_per_execution=8 is 1 here" in text for text in texts)


def _validation() -> tuple[np.ndarray, np.ndarray]:
    return networks.features(10) + 1, networks.classes(10)


ARGUMENTS: dict[str, Callable[[], dict[str, Any]]] = {
    "class_weight": lambda: {"class_weight": {0: 1.0, 1: 3.0, 2: 0.5}},
    "sample_weight": lambda: {"sample_weight": np.linspace(0, 2, networks.N_SAMPLES).astype("float32")},
    "validation_data": lambda: {"validation_data": _validation(), "validation_batch_size": 3},
    "validation_freq": lambda: {"validation_data": _validation(), "validation_freq": 2, "validation_steps": 1},
    "validation_split": lambda: {"validation_split": 0.3},
    "not shuffled": lambda: {"shuffle": False},
    "initial_epoch": lambda: {"initial_epoch": 1},
    "steps_per_epoch": lambda: {"steps_per_epoch": 3},
    "one batch of everything": lambda: {"batch_size": 64},
    "batches of 1": lambda: {"batch_size": 1, "epochs": 1},
}


def quick_mlp(**compile_arguments: Any) -> Network:
    """An MLP with the optimizer that is traced in half the time, where another would prove nothing more."""
    return networks.mlp(optimizer=_sgd(), **compile_arguments)


@pytest.mark.parametrize("name", ARGUMENTS)
def test_arguments_of_fit_mean_what_they_mean_in_fit(name: str) -> None:
    """Each argument alone, with everything read."""
    make = ARGUMENTS[name]
    assert_same(watched(quick_mlp(), Probe(every=1), **make()), fitted(quick_mlp(), **make()))


def test_probe_on_a_batch_of_its_own_leaves_training_alone() -> None:
    """The fixed batch goes through the model in inference mode: no dropout, no statistics, no loss of it."""
    import keras

    def make() -> Network:
        network = networks.cnn()
        network.model.layers[0].activity_regularizer = keras.regularizers.L2(0.1)
        return network

    fixed = np.full((3, 6, 6, 2), 5, np.float32)
    assert_same(watched(make(), Probe(every=1, data=fixed)), fitted(make()))
