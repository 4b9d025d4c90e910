"""Numbers with which `fit` would fail late are refused at once; those that it takes are taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nnviz_widgets.core.fit_arguments import FitArguments
from nnviz_widgets.core.session import Session
from nnviz_widgets.errors import InvalidArgumentError
from tests.core import networks
from tests.waiting import LIMIT_S

COUNTS = ["batch_size", "validation_batch_size", "steps_per_epoch", "validation_steps"]


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("wrong", [-1, 8.0, 2.5, "8", [8]])
def test_count_that_is_none_is_refused(name: str, wrong: Any) -> None:
    with pytest.raises(
        InvalidArgumentError, match=rf"^`{name}` must be a whole number .* at least 1.* None for "
    ) as it:
        FitArguments(**{name: wrong})
    assert f"Received: {name}={wrong!r}" in str(it.value)


@pytest.mark.parametrize("name", ["epochs", "initial_epoch"])
@pytest.mark.parametrize("wrong", [2.0, 2.5, "3", None])
def test_epochs_that_are_no_number_are_refused(name: str, wrong: Any) -> None:
    with pytest.raises(InvalidArgumentError, match=f"^`{name}` must be a whole number"):
        FitArguments(**{name: wrong})


def test_what_fit_takes_is_kept_as_it_is() -> None:
    for name in COUNTS:
        for value in (None, 0, 1, np.int64(3)):
            assert getattr(FitArguments(**{name: value}), name) is value
    assert FitArguments(epochs=np.int32(3), initial_epoch=2).epochs == 3


def test_refused_session_leaves_its_model_free() -> None:
    network = networks.line()
    with pytest.raises(InvalidArgumentError, match="batch_size=-1"):
        network.session(batch_size=-1)
    assert Session.of(network.model) is None


@pytest.mark.parametrize("name", COUNTS)
def test_zero_means_what_it_means_in_fit(name: str) -> None:
    arguments = {name: 0, "epochs": 1, "validation_data": (networks.features(6), networks.features(6, 2))}
    expected = networks.line().fit(**arguments).history
    with networks.line().session(**arguments) as session:
        session.run()
        session.wait(LIMIT_S)
        assert session.history == expected


@pytest.mark.parametrize("arguments", [{"epochs": 0}, {"epochs": -2}, {"epochs": 3, "initial_epoch": 3}])
def test_no_epoch_is_taken_as_in_fit_and_said(arguments: dict[str, int]) -> None:
    network = networks.line()
    with pytest.warns(
        UserWarning, match=rf"^`epochs` must be more.* Use epochs={arguments.get('initial_epoch', 0) + 1} "
    ):
        session = network.session(**arguments)
    with session:
        session.run()
        assert session.wait(LIMIT_S)
        assert (session.state, session.step_index, session.history) == ("finished", 0, {})
    assert network.fit(**arguments).history == {}
