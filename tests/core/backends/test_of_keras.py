"""What is Keras' own, so that a script or a capsule can name it where the user's code is missing."""

from __future__ import annotations

from typing import Any

import keras
import pytest

from nnviz_widgets.core.backends.tensorflow.of_keras import names_of_others, own_functions


@keras.saving.register_keras_serializable("mine")
class Registered(keras.layers.Layer):  # type: ignore[misc]
    """A layer that Keras can make again, but only where this code is."""

    def call(self, inputs: Any) -> Any:
        return inputs


class Unregistered(keras.layers.Layer):  # type: ignore[misc]
    """A layer of which Keras knows nothing."""


@keras.saving.register_keras_serializable("mine")
def registered_loss(y: Any, outputs: Any) -> Any:
    return keras.ops.mean(outputs - y)


def own_loss(y: Any, outputs: Any) -> Any:
    return keras.ops.mean(outputs - y)


def mean_absolute_error(y: Any, outputs: Any) -> Any:
    """Have the name of one of Keras' own."""
    return keras.ops.mean(outputs - y)


class OwnLoss(keras.losses.Loss):  # type: ignore[misc]
    def call(self, y: Any, outputs: Any) -> Any:
        return keras.ops.mean(outputs - y)


def names(thing: Any) -> list[str]:
    return list(names_of_others(keras.saving.serialize_keras_object(thing)))


@pytest.mark.parametrize(
    "thing",
    [
        keras.layers.Dense(2, activation="relu", kernel_initializer=keras.initializers.HeNormal(seed=1)),
        keras.layers.Dense(2, activation=keras.activations.relu),
        keras.losses.mean_squared_error,
        keras.losses.MeanSquaredError(),
        keras.metrics.MeanSquaredError(),
        keras.activations.relu,
        keras.DTypePolicy("float32"),
        "mse",
        None,
        [1.5, "mae", {"a": keras.losses.mean_absolute_error}],
    ],
)
def test_what_keras_has_itself_is_named_by_nobody(thing: Any) -> None:
    assert names(thing) == []


@pytest.mark.parametrize(
    ("thing", "found"),
    [
        (Registered(), "Registered"),
        (Unregistered(), "Unregistered"),
        (registered_loss, "mine>registered_loss()"),
        (own_loss, "own_loss()"),
        (OwnLoss(), "OwnLoss"),
        (keras.layers.Lambda(own_loss, output_shape=(1,)), "a Lambda layer"),
        ({"loss": [own_loss]}, "own_loss()"),
    ],
)
def test_what_is_the_users_is_named(thing: Any, found: str) -> None:
    assert names(thing) == [found]


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`:UserWarning")
def test_a_lambda_is_named_as_such() -> None:
    assert names(lambda y, outputs: y) == ["a lambda"]
    assert names(keras.layers.Lambda(lambda x: x)) == ["a Lambda layer"]


def test_a_model_is_made_of_its_parts() -> None:
    assert names(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])) == []
    inputs = keras.Input((3,))
    model = keras.Model(inputs, Registered()(keras.layers.Dense(2)(inputs)))
    assert names(model) == ["Registered"]


def compiled(**arguments: Any) -> Any:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", **arguments)
    return model


def test_a_function_with_the_name_of_one_of_keras_is_the_users() -> None:
    assert own_functions(compiled(loss=mean_absolute_error)) == [mean_absolute_error]
    wrapped = keras.metrics.MeanMetricWrapper(mean_absolute_error, name="a")
    assert own_functions(compiled(loss="mse", metrics=["mae", wrapped])) == [mean_absolute_error]
    assert own_functions(compiled(loss="mse", weighted_metrics=[mean_absolute_error])) == [mean_absolute_error]


def test_keras_own_losses_and_metrics_are_no_functions_of_the_users() -> None:
    metrics = ["mae", keras.metrics.mean_squared_error, keras.metrics.MeanSquaredError()]
    assert own_functions(compiled(loss=keras.losses.mean_squared_error, metrics=metrics)) == []
    assert own_functions(compiled(loss=keras.losses.MeanSquaredError())) == []
    assert own_functions(keras.Sequential([keras.layers.Dense(2)])) == [], "a model that is not compiled"
