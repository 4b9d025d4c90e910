"""One model belongs to one session, which gives it back as it was."""

from __future__ import annotations

import gc
import traceback
from typing import Any

import numpy as np
import pytest

from nnviz_widgets.core.probe import Probe
from nnviz_widgets.core.session import Session
from nnviz_widgets.errors import (
    InvalidArgumentError,
    LayerNotFound,
    ModelAttached,
)
from tests.core import networks
from tests.waiting import LIMIT_S


def test_K22_second_session_on_a_model_is_refused_with_the_name_of_the_first() -> None:
    network = networks.line()
    first = network.session(name="the first")
    with pytest.raises(ModelAttached, match="'the first'"):
        network.session()
    first.close()
    with network.session() as second:
        second.step()


def test_K22_refusal_shows_the_users_line_and_the_reason() -> None:
    """IPython and pytest leave out, and say that they do, the frames that are marked as hidden."""
    network = networks.line()
    with network.session(), pytest.raises(ModelAttached) as refused:
        network.session()
    frames = [frame for frame, _ in traceback.walk_tb(refused.value.__traceback__)]
    ours = [frame for frame in frames if frame.f_globals["__name__"].startswith("nnviz_widgets")]
    assert [frame.f_code.co_name for frame in ours if not frame.f_locals.get("__tracebackhide__")] == ["attach"]
    assert ours[-1] is frames[-1]


def test_K22_forgotten_session_that_never_ran_frees_its_model() -> None:
    network = networks.line()
    session = network.session()
    del session
    gc.collect()
    network.session().close()


def test_K22_error_says_how_the_first_session_is_reached_and_closed() -> None:
    """Its variable may be lost while a display or the history of a notebook holds it."""
    network = networks.line()
    first = network.session(name="the first")
    first.step()
    with pytest.raises(ModelAttached, match=r"\(paused, step 1\).*nnviz\.TrainingSession\.of\(model\)\.close\(\)$"):
        network.session()
    assert Session.of(network.model) is first
    Session.of(network.model).close()
    assert Session.of(network.model) is None
    with network.session() as second:
        assert Session.of(network.model) is second


def test_K22_finished_session_keeps_its_model_until_it_is_closed() -> None:
    network = networks.line()
    first = network.session(name="the first")
    first.stop()
    with pytest.raises(ModelAttached, match=r"'the first' \(finished, step 0\)"):
        network.session()
    first.close()
    network.session().close()


def test_K22_forgotten_session_in_a_cycle_of_references_frees_its_model() -> None:
    network = networks.line()
    session = network.session()
    session._itself = session
    gc.disable()
    try:
        del session
        network.session().close()
    finally:
        gc.enable()


def test_model_that_no_session_had_is_attached_to_none() -> None:
    assert Session.of(networks.line().model) is None


def test_K07_fit_outside_the_session_works_and_is_noticed() -> None:
    network = networks.line()
    with network.session(probe=Probe(every=1)) as session:
        session.step(2)
        history = network.fit(epochs=1).history
        assert len(history["loss"]) == 1
        assert session.recording.steps.tolist() == [1, 2]
        with pytest.warns(UserWarning, match=r"trained outside the session since the pause at step 2\."):
            assert session.step().step == 3
        assert session.step().step == 4, "said once"
        assert [text for _, name, text in session.recording.events if name == "notice"] == [
            "the model was trained outside the session; those steps are not recorded"
        ]


def test_K07_fit_before_the_first_step_belongs_to_the_state_before_any() -> None:
    network = networks.line()
    with network.session(probe=Probe(every=1)) as session:
        network.fit(epochs=1)
        weights = network.model.get_weights()[0]
        session.step()
        assert session.recording.events == ()
        np.testing.assert_array_equal(session.recording.tensor("d", "weights", step=0), weights)


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


def test_layers_of_a_model_that_builds_itself_are_known_after_a_first_step() -> None:
    import keras

    model = keras.Sequential([keras.layers.Dense(2, name="d")])
    model.compile("sgd", "mse")
    with Session(model, networks.features(), networks.features(width=2), verbose=0) as session:
        with pytest.raises(LayerNotFound, match=r"session\.step\(\)"):
            session.recording.tensor("d", "weights")
        session.step()
        assert session.recording.tensor("d", "weights").shape == (5, 2)


def test_probe_of_another_type_is_refused() -> None:
    network = networks.line()
    with pytest.raises(InvalidArgumentError, match="probe"):
        network.session(probe="all")
    network.session().close()


def test_probe_that_names_no_layer_fails_with_the_nearest_names() -> None:
    network = networks.line()
    with pytest.raises(LayerNotFound, match="'d'"):
        network.session(probe=Probe(layers=["dd"]))
    with network.session(probe=Probe(layers=["d"])) as session:  # the model is free for another one
        session.step()


@pytest.mark.parametrize("model", ["line", None, 3])
def test_what_is_no_model_is_named(model):
    with pytest.raises(InvalidArgumentError, match="must be a Keras model"):
        Session.of(model)
