"""A run of `fit` as a session makes it: what it refuses, what it leaves behind, and strange numbers on the way."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.session import Session
from nnviz_widgets.errors import InvalidArgumentError
from tests.core import networks
from tests.core.backends.test_twin import assert_vitals_equal
from tests.core.networks import Network
from tests.waiting import until


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_model_on_several_replicas_is_refused_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    network = networks.line()
    strategy = type("Strategy", (), {"num_replicas_in_sync": 2})()
    monkeypatch.setattr(type(network.model), "distribute_strategy", strategy)
    with pytest.raises(InvalidArgumentError, match="2 replicas"):
        network.session()


def test_labels_of_the_samples_are_recorded_with_their_activations() -> None:
    network = networks.mlp()
    with network.session(shuffle=False, probe=Probe(samples=4)) as session:
        session.step()
        assert session.recording.labels(1) == tuple(str(label) for label in network.y[:4])


def test_several_targets_have_no_labels() -> None:
    with networks.two_inputs().session() as session:
        session.step()
        assert session.recording.labels(1) == ()
        x, y, weight = session.batch
        assert set(x) == {"left", "right"}
        assert set(y) == {"big", "small"}
        assert weight is None


def test_activity_says_what_takes_long() -> None:
    seen: list[str] = []

    class Looker:
        def wanted(self) -> frozenset[Any]:
            return frozenset()

        def notify(self) -> None:
            if session.activity is not None:
                seen.append(session.activity)

    validation = (networks.features(4), networks.features(4, 2))
    with networks.line().session(epochs=1, validation_data=validation) as session:
        session.add_viewer(Looker())
        session.run()
        session.wait(60)
        assert session.activity is None
    assert list(dict.fromkeys(seen)) == ["preparing the data", "building the training step", "validating"]


@pytest.mark.parametrize("ending", ["stop", "close"])
def test_threads_that_load_data_end_with_the_session(ending: str) -> None:
    """Also in the middle of an epoch, where `fit` would have gone on."""
    import keras

    class Batches(keras.utils.PyDataset):
        def __len__(self) -> int:
            return 50

        def __getitem__(self, index: int) -> Any:
            return networks.features(4), networks.features(4, 2)

    before = set(threading.enumerate())
    network = Network(networks.line().model, Batches(workers=2))
    session = network.session(shuffle=False)
    session.step()
    getattr(session, ending)()
    session.close()
    until(lambda: not [thread for thread in set(threading.enumerate()) - before if thread.is_alive()])


NAN, INF = float("nan"), float("inf")
WEIGHTS = {
    "NaN": NAN,
    "Inf": INF,
    "constant": 0.25,
    "zero": 0.0,
    "huge": 1e30,
    "tiny": 1e-30,
}


@pytest.mark.filterwarnings("ignore:.*(invalid value|overflow).*:RuntimeWarning")
@pytest.mark.parametrize("name", WEIGHTS)
def test_N01_N02_N03_statistics_of_strange_weights_are_those_of_the_whole_tensors(name: str) -> None:
    """At every step: weights, what they make of the activations, and the gradients."""
    import keras

    network = networks.line(optimizer=keras.optimizers.SGD(0.0))
    kernel = network.model.layers[0].kernel
    kernel.assign(np.full(kernel.shape, WEIGHTS[name], np.float32))
    with network.session(probe=Probe(every=1), epochs=1) as session:
        session.run()
        session.wait(60)
        assert_vitals_equal(session.recording)
        counts = session.recording.vitals("d", "weights")
        sick = name in ("NaN", "Inf")
        assert (counts["nan"] == (10 if sick else 0)).all(), "an Inf makes a NaN of the gradient, and that of all"


def test_bits_of_training_do_not_depend_on_who_looks() -> None:
    """A viewer that comes and goes at random steps changes nothing."""
    by_fit, network = networks.mlp(), networks.mlp()
    history = by_fit.fit().history
    draw = np.random.default_rng(8)

    class Looker:
        keys: frozenset[Any] = frozenset()

        def wanted(self) -> frozenset[Any]:
            return self.keys if draw.random() < 0.5 else frozenset()

        def notify(self) -> None:
            if isinstance(session, Session) and session.step_index:
                self.keys = frozenset({session.recording.resolve("hidden", "activations")})

    with network.session(probe=Probe(budget=0)) as session:
        session.add_viewer(Looker())
        session.run()
        session.wait(60)
        assert session.history == history
    networks.assert_same_weights(networks.weights_of(network.model), networks.weights_of(by_fit.model))
