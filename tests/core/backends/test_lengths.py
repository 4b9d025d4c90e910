"""Arrays of different lengths are refused where they are given, as `fit` refuses them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from nnviz_widgets.core.session import Session
from nnviz_widgets.errors import InvalidArgumentError
from tests.core import networks
from tests.core.networks import N_SAMPLES, features

if TYPE_CHECKING:
    from collections.abc import Callable


def of_two_inputs(**changed: Any) -> dict[str, Any]:
    """Return data for `networks.two_inputs`, some of it changed."""
    x = {"left": features(), "right": features(width=3)} | changed
    return {"x": x, "y": {"big": features(width=2), "small": features(width=1)}}


WRONG: dict[str, tuple[Callable[[], Any], Callable[[], dict[str, Any]], str]] = {
    "y": (
        networks.line,
        lambda: {"x": features(), "y": features(20, 2)},
        "`x` of shape (22, 5), `y` of shape (20, 2)",
    ),
    "sample_weight": (
        networks.line,
        lambda: {"x": features(), "y": features(width=2), "sample_weight": np.ones(21)},
        "`sample_weight` of shape (21,)",
    ),
    "one of a dict": (networks.two_inputs, lambda: of_two_inputs(right=features(9, 3)), "`x['right']` of shape (9, 3)"),
    "one of a list": (
        networks.line,
        lambda: {"x": [features()], "y": [features(width=2)[:5]]},
        "`x[0]` of shape (22, 5), `y[0]` of shape (5, 2)",
    ),
    "validation_data": (
        networks.line,
        lambda: {"x": features(), "y": features(width=2), "validation_data": (features(6), features(7, 2))},
        "`validation_data[0]` of shape (6, 5), `validation_data[1]` of shape (7, 2)",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_arrays_of_different_lengths_are_refused_as_in_fit(name: str) -> None:
    make, data, message = WRONG[name]
    network = make()
    with pytest.raises(InvalidArgumentError, match=re.escape(message)):
        Session(network.model, **data(), verbose=0)
    assert Session.of(network.model) is None
    with pytest.raises(ValueError, match="cardinality"):
        network.model.fit(**data(), verbose=0)


def series() -> Any:
    import pandas as pd

    return pd.DataFrame(features()), pd.DataFrame(features(width=2))


def tensors() -> Any:
    import tensorflow as tf

    return tf.constant(features()), tf.constant(features(width=2))


def dataset() -> Any:
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices((features(), features(width=2))).batch(8), None


@pytest.mark.filterwarnings("ignore:`shuffle=True` was passed, but will be ignored")
@pytest.mark.parametrize("make", [series, tensors, dataset])
def test_what_fits_is_taken(make: Callable[[], Any]) -> None:
    x, y = make()
    with Session(networks.line().model, x, y, batch_size=8 if y is not None else None, verbose=0) as session:
        session.step(3)
        assert session.total_steps == -(-N_SAMPLES // 8)


def test_a_list_of_numbers_is_told_of_in_few_words() -> None:
    network = networks.mlp()
    x, y = networks.features(), list(networks.classes())
    with pytest.raises(InvalidArgumentError, match=r"and \d+ more\. Give one array instead of a list") as caught:
        Session(network.model, x, y)
    assert len(str(caught.value)) < 500
