"""`Inspection`: one batch as a recording of step 0."""

from __future__ import annotations

import numpy as np
import pytest

from nnviz_widgets.core.inspection import Inspection
from nnviz_widgets.errors import InvalidArgumentError, SessionBusy, UnknownAttribute
from tests.core.networks import line, mlp

pytest.importorskip("tensorflow")


@pytest.fixture(scope="module")
def inspection() -> Inspection:
    network = mlp()
    return Inspection(network.model, network.x, network.y)


def test_everything_is_under_step_0(inspection: Inspection) -> None:
    recording = inspection.recording
    for kind in ("weights", "activations", "gradients", "activation_gradients"):
        assert recording.tensor_steps("hidden", kind).tolist() == [0]
    assert recording.steps.tolist() == []
    assert recording.events == ()


def test_all_rows_of_the_batch_are_kept(inspection: Inspection) -> None:
    network = mlp()
    assert inspection.n_samples == 22
    assert inspection.recording.tensor("hidden", "activations").shape == (22, 8)
    assert inspection.recording.labels(0) == tuple(str(label) for label in network.y)


def test_arrays_cannot_be_written_to(inspection: Inspection) -> None:
    for kind in ("weights", "activations", "gradients"):
        with pytest.raises(ValueError, match="read-only"):
            inspection.recording.tensor("hidden", kind)[...] = 0


def test_loss_is_that_of_the_whole_batch(inspection: Inspection) -> None:
    network = mlp()
    assert inspection.loss == pytest.approx(network.model.evaluate(network.x, network.y, verbose=0)[0], rel=1e-5)


def test_sample_weight_weighs_the_loss() -> None:
    network = line()
    weight = np.zeros(22, "float32")
    assert Inspection(network.model, network.x, network.y, sample_weight=weight).loss == 0
    assert (
        not Inspection(network.model, network.x, network.y, sample_weight=weight)
        .recording.tensor("d", "gradients")
        .any()
    )


def test_a_loss_may_be_given() -> None:
    network = line()
    given = Inspection(network.model, network.x, network.y, loss="mae")
    errors = given.recording.tensor("d", "activations") - network.y
    assert given.loss == pytest.approx(float(np.abs(errors).mean()), rel=1e-5)
    signs = np.sign(errors) / errors.size
    np.testing.assert_allclose(given.recording.tensor("d", "activation_gradients"), signs, rtol=1e-5)


def test_names() -> None:
    network = line()
    assert Inspection(network.model, network.x).name == "line"
    named = Inspection(network.model, network.x, name="before")
    assert named.name == named.recording.name == "before"
    assert repr(named) == "<Inspection of 'before': 1 layers, 22 samples>"


def test_no_batch_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="one batch"):
        Inspection(line().model, None)


def test_no_model_is_refused() -> None:
    with pytest.raises(InvalidArgumentError, match="Keras model"):
        Inspection("model", np.zeros((1, 2)))


def test_a_misspelt_attribute_is_refused(inspection: Inspection) -> None:
    with pytest.raises(UnknownAttribute):
        inspection.los = 1.0


def test_a_model_in_training_is_refused_and_a_paused_one_is_not() -> None:
    network = line()
    with network.session(epochs=10_000) as session:
        session.speed = 50
        session.run()
        with pytest.raises(SessionBusy, match="pause"):
            Inspection(network.model, network.x)
        session.pause()
        kernel = Inspection(network.model, network.x).recording.tensor("d", "weights")
        np.testing.assert_array_equal(kernel, session.recording.tensor("d", "weights"))
